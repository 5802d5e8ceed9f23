// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Port, PublicValues, Rounding} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title A price feed with rounds, whose answers are proved from several sources.
/// @notice Outputs, in 1e-18: price and confidence (0 to 1). An answer lies between the lowest and the highest of its
/// own sources and within a step of the last one; a decision with too little confidence, or outside, writes no round,
/// so that readers see the feed grow stale rather than wrong. The step grows with the time since the last answer's
/// observation: a jump that lasts is followed late, and stops the feed for no longer than that.
/// @dev The first `sources` inputs of the model are the prices. Readers need no gateway. A round's `startedAt` is when
/// its inputs were observed, its `updatedAt` when it was written, so that a round that is the last one at a time stays
/// so. Who checks the age of an answer adds the largest age of the policy, or looks at `startedAt`.
contract ProvenFeed is ConsumerBase, IPriceFeed {
    /// @dev `observedAt`, `updatedAt`: seconds.
    struct Round {
        int160 answer;
        uint48 observedAt;
        uint48 updatedAt;
    }

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt, bytes32 decision);
    event AnswerKept(bytes32 indexed decision, int256 price, int256 confidence);

    /// @notice No such round.
    error NoRound(uint80 roundId);

    int256 private constant UNIT = 1e18;
    uint256 private constant BPS = 1e4;

    /// @notice The only subject.
    bytes32 public constant SUBJECT = "price";
    /// @inheritdoc IPriceFeed
    uint8 public immutable decimals;
    /// @notice How many of the inputs are prices.
    uint8 public immutable sources;
    /// @notice Seconds for which one step is admitted.
    uint256 public constant STEP_TIME = 1 hours;
    /// @notice Largest change, in 1e-4 of the last answer, for each `STEP_TIME` since its observation; for one of them
    /// where it is less.
    uint16 public immutable maxStepBps;
    /// @notice Least confidence of a round, in 1e-18.
    int256 public immutable minConfidence;
    /// @inheritdoc IPriceFeed
    uint256 public constant version = 1;

    /// @inheritdoc IPriceFeed
    string public description;
    Round[] private _rounds;
    /// @dev How each price stands for a number.
    Port private _port;

    constructor(
        address authority,
        IDecisionGateway gateway_,
        string memory description_,
        uint8 decimals_,
        uint8 sources_,
        uint16 maxStepBps_,
        int256 minConfidence_
    ) ConsumerBase(authority, gateway_) {
        if (decimals_ > 18 || sources_ == 0 || maxStepBps_ == 0) revert BadPolicy();
        (description, decimals, sources) = (description_, decimals_, sources_);
        (maxStepBps, minConfidence) = (maxStepBps_, minConfidence_);
    }

    /// @inheritdoc IPriceFeed
    function getRoundData(uint80 roundId) public view returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId == 0 || roundId > _rounds.length) revert NoRound(roundId);
        Round memory round = _rounds[roundId - 1];
        return (roundId, round.answer, round.observedAt, round.updatedAt, roundId);
    }

    /// @inheritdoc IPriceFeed
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        // A round an hour would fill 80 bits never.
        // forge-lint: disable-next-line(unsafe-typecast)
        return getRoundData(uint80(_rounds.length));
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = SUBJECT;
        Round memory last = _lastRound();
        (bool kept, int256 answer) = _answerFrom(decision, last);
        // Answers are positive.
        (from[0], to[0]) = (uint256(int256(last.answer)), uint256(kept ? last.answer : answer));
    }

    function _decide(Decision calldata decision) internal override {
        (bool kept, int256 answer) = _answerFrom(decision, _lastRound());
        if (kept) {
            emit AnswerKept(decision.id, decision.outputs[0], decision.outputs[1]);
            return;
        }
        // forge-lint: disable-next-line(unsafe-typecast)
        _rounds.push(Round(int160(answer), uint48(decision.observedAt), uint48(block.timestamp)));
        emit AnswerUpdated(answer, _rounds.length, block.timestamp, decision.id);
    }

    /// @dev All zero where there is none.
    function _lastRound() private view returns (Round memory last) {
        if (_rounds.length != 0) last = _rounds[_rounds.length - 1];
    }

    /// @dev In units of `decimals`; `kept`: the last answer stays.
    function _answerFrom(Decision calldata decision, Round memory last)
        private
        view
        returns (bool kept, int256 answer)
    {
        _requireOutputs(2, decision.outputs.length);
        if (decision.subject != SUBJECT) revert UnusableOutput(0, 0);
        int256 price = decision.outputs[0];
        (int256 low, int256 high) = _spread(decision);
        if (price < low || price > high || price <= 0 || decision.outputs[1] < minConfidence) return (true, 0);
        answer = price / int256(10 ** uint256(18 - decimals));
        if (answer == 0 || answer > type(int160).max) return (true, 0);
        return (last.answer != 0 && !_admits(last, answer, decision.observedAt), answer);
    }

    /// @dev `|answer - last| <= last * maxStepBps * max(1, time / STEP_TIME)`
    function _admits(Round memory last, int256 answer, uint256 observedAt) private view returns (bool) {
        int256 move = answer > last.answer ? answer - last.answer : last.answer - answer;
        uint256 time = Math.max(Math.saturatingSub(observedAt, last.observedAt), STEP_TIME);
        // Positive, with 160 and 64 and 16 bits: products fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint256(move) * BPS * STEP_TIME <= uint256(int256(last.answer)) * maxStepBps * time;
    }

    /// @dev Lowest and highest source, in 1e-18, rounded away from each other so that no step of a port is lost.
    function _spread(Decision calldata decision) private view returns (int256 low, int256 high) {
        Port memory port = _port;
        (low, high) = (type(int256).max, type(int256).min);
        for (uint256 i = 0; i < sources; ++i) {
            int256 value = decision.inputs[i];
            int256 down = PublicValues.toNumber(value, port, uint256(UNIT), Rounding.Down);
            int256 up = PublicValues.toNumber(value, port, uint256(UNIT), Rounding.Up);
            if (down < low) low = down;
            if (up > high) high = up;
        }
    }

    /// @dev All prices are read alike, and kept as they are.
    function _checkPorts(bytes32 subject, Port[] calldata ports, uint256 inputs) internal override {
        _requireOutputs(2, ports.length - inputs);
        if (subject != SUBJECT || inputs < sources) revert BadPolicy();
        for (uint256 i = 1; i < sources; ++i) {
            bool same = ports[i].num == ports[0].num && ports[i].den == ports[0].den && ports[i].zero == ports[0].zero;
            if (!same) revert BadPolicy();
        }
        _port = ports[0];
    }
}
