// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Accounts in the order that proved scores give.
/// @notice A subject is an account, or a cohort of them; the output is its score, higher first. Rounds begin with each
/// full hour: for ten minutes scores that were observed since then are taken, from anyone, and no others; then the list
/// stands, and can be acted on until half past. So nobody chooses accounts by submitting some scores and not all,
/// or by a score that comes between list and action. Periods of feed sets must divide an hour, or be whole hours.
/// @dev A round begins with nothing, and counts an account once: its list is no longer than there are accounts that
/// governance has set a policy for, by themselves or in a cohort, whatever anyone submits.
abstract contract AccountRanking is ConsumerBase {
    /// @notice `value`: higher first; `observedAt`: seconds, 0: none.
    struct Score {
        int192 value;
        uint64 observedAt;
    }

    /// @notice `start`: seconds; `accounts`: how many have a score in it.
    struct Round {
        uint64 start;
        uint192 accounts;
    }

    event Scored(address indexed account, int256 score, bytes32 indexed decision);

    /// @notice A score was observed before the round began, or comes when its list stands. In seconds.
    error NotCollecting(uint256 start, uint64 observedAt);
    /// @notice The round's scores are still collected. In seconds.
    error StillCollecting(uint256 until);
    /// @notice No score in this round, or one that is too old. In seconds.
    error StaleScore(address account, uint64 observedAt);
    /// @notice An account with a higher score comes later in the list, or one with the same score and a lower address.
    error WrongOrder(address account);
    /// @notice The list has not all accounts with a score in this round.
    error Incomplete(uint256 expected, uint256 got);

    /// @notice Seconds after the observation for which a score orders.
    uint256 public constant MAX_SCORE_AGE = 30 minutes;
    /// @notice Seconds from a round to the next, and from its beginning on in which scores are taken.
    uint256 public constant ROUND = 1 hours;
    uint256 public constant COLLECTING = 10 minutes;

    /// @notice An account's latest score, in whichever round, and the last round that has any.
    mapping(address account => Score) public scores;
    Round public round;

    /// @notice How many accounts have a score in the round that it is now.
    function known() public view returns (uint256) {
        return round.start == _start() ? round.accounts : 0;
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        _requireOutputs(1, decision.outputs.length);
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        // Scores are signed; as two's complement here.
        from[0] = uint256(int256(scores[_accountOf(decision.subject)].value));
        to[0] = uint256(decision.outputs[0]);
    }

    function _decide(Decision calldata decision) internal override {
        _requireOutputs(1, decision.outputs.length);
        int256 value = decision.outputs[0];
        if (value < type(int192).min || value > type(int192).max) revert UnusableOutput(0, value);
        uint256 start = _start();
        if (decision.observedAt < start || block.timestamp >= start + COLLECTING) {
            revert NotCollecting(start, decision.observedAt);
        }
        address account = _accountOf(decision.subject);
        if (round.start != start) round = Round(uint64(start), 0);
        if (scores[account].observedAt < start) ++round.accounts;
        // forge-lint: disable-next-line(unsafe-typecast)
        scores[account] = Score(int192(value), decision.observedAt);
        emit Scored(account, value, decision.id);
    }

    /// @dev A policy for a cohort has one output a subject, one for an account has one.
    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        if (ports.length == inputs) revert WrongOutputs(1, 0);
    }

    /// @dev All accounts with a score in this round, once each, in the one order that their scores and addresses give.
    function _requireRanking(address[] calldata ranking) internal view {
        uint256 start = _start();
        if (block.timestamp < start + COLLECTING) revert StillCollecting(start + COLLECTING);
        int256 last = type(int256).max;
        for (uint256 i = 0; i < ranking.length; ++i) {
            Score memory score = scores[ranking[i]];
            if (score.observedAt < start || block.timestamp > score.observedAt + MAX_SCORE_AGE) {
                revert StaleScore(ranking[i], score.observedAt);
            }
            bool falls = score.value < last || (score.value == last && ranking[i] > ranking[i - 1]);
            if (!falls) revert WrongOrder(ranking[i]);
            last = score.value;
        }
        if (ranking.length != known()) revert Incomplete(known(), ranking.length);
    }

    /// @dev Of the round that it is now.
    function _start() private view returns (uint256) {
        return block.timestamp / ROUND * ROUND;
    }

    function _accountOf(bytes32 subject) private pure returns (address) {
        return address(uint160(uint256(subject)));
    }
}
