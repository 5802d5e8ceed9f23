// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TextBinder} from "../feeds/TextBinder.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IRiskDelay} from "../interfaces/IRiskDelay.sol";
import {IVoteHistory} from "../interfaces/IVoteHistory.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ProposalInputs} from "./ProposalInputs.sol";

/// @title Publishes how risky a proposal is, by a proved reading of its text and calls.
/// @notice The whole input is derived on chain. Outputs are three scores between 0 and 1 (1e-18): harmless, doubtful,
/// harmful. The effect is what is published, whoever the governor listens to, and where it listens to this contract one
/// longer vote for a proposal from the threshold on: it can block nothing.
contract ProposalAdvisor is ProposalInputs {
    /// @notice `risk`: 0 to 100. `class`: 0 harmless, 1 doubtful, 2 harmful; ties to the worse. `confidence`: the first
    /// score's distance from the second, 1e-18. `time`: seconds.
    struct Opinion {
        uint8 risk;
        uint8 class;
        uint64 confidence;
        uint64 time;
    }

    event Rated(uint256 indexed proposalId, uint8 risk, uint8 class, uint64 confidence, bytes32 indexed decision);
    /// @notice The governor refused to make the vote longer. `delay` may be tried again.
    event NotDelayed(uint256 indexed proposalId);
    event ThresholdSet(uint8 threshold);

    /// @notice The proposal is not rated as risky as the threshold, or the advisor does not delay.
    error NotRisky(uint256 proposalId, uint8 risk);
    /// @notice Too little gas is left to ask the governor for a delay. In gas.
    error NotEnoughGas(uint256 needed, uint256 left);

    /// @notice Gas that the governor has for a delay: several times of what `GovernorRiskDelay` takes.
    uint256 public constant DELAY_GAS = 300_000;
    /// @dev What the call itself takes, with an account that was not touched before.
    uint256 private constant CALL_GAS = 10_000;
    int256 private constant UNIT = 1e18;

    /// @notice From which risk on a vote is made longer; above 100: never.
    uint8 public threshold;
    mapping(uint256 proposalId => Opinion) private _opinions;

    constructor(
        address authority,
        IDecisionGateway gateway,
        IGovernor governor_,
        IVoteHistory token_,
        address treasury_,
        TextBinder texts_,
        uint8 threshold_
    ) ConsumerBase(authority, gateway) ProposalInputs(governor_, token_, treasury_, texts_) {
        _setThreshold(threshold_);
    }

    /// @notice Changes the threshold. By governance.
    function setThreshold(uint8 threshold_) external restricted {
        _setThreshold(threshold_);
    }

    /// @notice What was decided about a proposal; `time` 0: nothing yet.
    function opinionOf(uint256 proposalId) external view returns (Opinion memory) {
        return _opinions[proposalId];
    }

    /// @notice Makes the vote on a risky proposal longer, where the governor refused that when it was rated. Anyone
    /// may, while decisions are not paused; reverts as the governor does.
    function delay(uint256 proposalId) external {
        if (paused) revert Paused();
        Opinion memory opinion = _opinions[proposalId];
        if (opinion.time == 0 || opinion.risk < threshold) revert NotRisky(proposalId, opinion.risk);
        IRiskDelay(address(governor)).delayForRisk(proposalId);
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        from[0] = _opinions[uint256(decision.subject)].risk;
        to[0] = _opinionFrom(decision).risk;
    }

    function _decide(Decision calldata decision) internal override {
        uint256 proposalId = uint256(decision.subject);
        if (_opinions[proposalId].time != 0) revert DoneBefore(proposalId);
        Opinion memory opinion = _opinionFrom(decision);
        _opinions[proposalId] = opinion;
        emit Rated(proposalId, opinion.risk, opinion.class, opinion.confidence, decision.id);
        if (opinion.risk >= threshold) _tryToDelay(proposalId);
    }

    /// @dev A refusal (another advisor, delayed before, voted already, a governor without delays) keeps nothing from
    /// being published. The governor has the same gas whoever submits, so that nobody has a rating recorded and its
    /// delay left out by leaving too little: a call is given at most 63/64 of what there is, which is checked before.
    function _tryToDelay(uint256 proposalId) private {
        uint256 needed = DELAY_GAS * 64 / 63 + CALL_GAS;
        if (gasleft() < needed) revert NotEnoughGas(needed, gasleft());
        // Without the data of a revert, which could be long.
        try IRiskDelay(address(governor)).delayForRisk{gas: DELAY_GAS}(proposalId) {}
        catch {
            emit NotDelayed(proposalId);
        }
    }

    function _opinionFrom(Decision calldata decision) private view returns (Opinion memory opinion) {
        _requireOutputs(3, decision.outputs.length);
        (int256 first, int256 second, int256 sum) = (-1, -1, 0);
        for (uint256 i = 0; i < 3; ++i) {
            int256 score = decision.outputs[i];
            if (score < 0 || score > UNIT) revert UnusableOutput(i, score);
            sum += score;
            if (score >= first) {
                (second, first) = (first, score);
                opinion.class = uint8(i);
            } else if (score > second) {
                second = score;
            }
        }
        if (sum == 0) revert UnusableOutput(0, 0);
        // All of them are between 0 and 1e18.
        // forge-lint: disable-next-line(unsafe-typecast)
        opinion.confidence = uint64(uint256(first - second));
        // forge-lint: disable-next-line(unsafe-typecast)
        opinion.risk = uint8(uint256((100 * decision.outputs[2] + 50 * decision.outputs[1]) / sum));
        opinion.time = uint64(block.timestamp);
    }

    function _checkPorts(bytes32 subject, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(3, ports.length - inputs);
        super._checkPorts(subject, ports, inputs);
    }

    function _setThreshold(uint8 threshold_) private {
        threshold = threshold_;
        emit ThresholdSet(threshold_);
    }
}
