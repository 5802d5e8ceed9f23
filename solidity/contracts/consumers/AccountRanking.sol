// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title Accounts in the order that proved scores give.
/// @notice A subject is an account, or a cohort of them; the output is its score, higher first. Scores that are not
/// submitted yet count for nothing: anyone may submit them.
abstract contract AccountRanking is ConsumerBase {
    /// @dev `observedAt`: seconds; 0: none.
    struct Score {
        int192 value;
        uint64 observedAt;
    }

    event Scored(address indexed account, int256 score, bytes32 indexed decision);
    event Forgotten(address indexed account);

    /// @notice No score, or one that is too old. In seconds.
    error StaleScore(address account, uint64 observedAt);
    /// @notice An account with a higher score comes later in the list, or one with the same score and a lower address.
    error WrongOrder(address account);
    /// @notice The list has not all accounts with a score.
    error Incomplete(uint256 expected, uint256 got);

    /// @notice Seconds after the observation for which a score orders.
    uint256 public constant MAX_SCORE_AGE = 30 minutes;

    /// @notice An account's latest score, and how many accounts have one.
    mapping(address account => Score) public scores;
    uint256 public known;

    /// @notice Drops scores that are too old to order, so that `liquidate` goes on without them; others stay. Anyone
    /// may.
    function forget(address[] calldata accounts) external {
        for (uint256 i = 0; i < accounts.length; ++i) {
            uint64 observedAt = scores[accounts[i]].observedAt;
            if (observedAt == 0 || !_isStale(observedAt)) continue;
            delete scores[accounts[i]];
            --known;
            emit Forgotten(accounts[i]);
        }
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
        address account = _accountOf(decision.subject);
        if (scores[account].observedAt == 0) ++known;
        // forge-lint: disable-next-line(unsafe-typecast)
        scores[account] = Score(int192(value), decision.observedAt);
        emit Scored(account, value, decision.id);
    }

    /// @dev A policy for a cohort has one output a subject, one for an account has one.
    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        if (ports.length == inputs) revert WrongOutputs(1, 0);
    }

    /// @dev All accounts with a score, once each, in the one order that their scores and addresses give.
    function _requireRanking(address[] calldata ranking) internal view {
        int256 last = type(int256).max;
        for (uint256 i = 0; i < ranking.length; ++i) {
            Score memory score = scores[ranking[i]];
            if (_isStale(score.observedAt)) revert StaleScore(ranking[i], score.observedAt);
            bool falls = score.value < last || (score.value == last && ranking[i] > ranking[i - 1]);
            if (!falls) revert WrongOrder(ranking[i]);
            last = score.value;
        }
        if (ranking.length != known) revert Incomplete(known, ranking.length);
    }

    function _isStale(uint64 observedAt) private view returns (bool) {
        return block.timestamp > observedAt + MAX_SCORE_AGE;
    }

    function _accountOf(bytes32 subject) private pure returns (address) {
        return address(uint160(uint256(subject)));
    }
}
