// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Decision, IDecisionConsumer, Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";

/// @notice A consumer that misbehaves as it is told.
contract MockConsumer is IDecisionConsumer {
    enum Mood {
        Good,
        Reverts,
        EatsGas,
        WrongAnswer,
        Reenters
    }

    error Refused();

    Policy private _policy;
    Mood public mood;
    uint256 public count;
    bytes32 public lastId;
    bytes32 public lastSubject;
    int256[] public lastOutputs;
    bytes private _again;

    function set(Policy calldata policy_) external {
        _policy = policy_;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    /// @dev What to call while a decision is handed over.
    function setAgain(bytes calldata call) external {
        _again = call;
    }

    function policy(bytes32) external view returns (Policy memory) {
        return _policy;
    }

    function onDecision(Decision calldata decision) external returns (bytes4) {
        if (mood == Mood.Reverts) revert Refused();
        if (mood == Mood.WrongAnswer) return 0;
        if (mood == Mood.EatsGas) {
            while (true) {
                ++count;
            }
        }
        if (mood == Mood.Reenters) {
            (bool success, bytes memory data) = msg.sender.call(_again);
            if (!success) {
                assembly {
                    revert(add(data, 0x20), mload(data))
                }
            }
        }
        _note(decision);
        return IDecisionConsumer.onDecision.selector;
    }

    function onDecisions(Decision[] calldata decisions) external returns (bytes4) {
        if (mood == Mood.WrongAnswer) return 0;
        for (uint256 i = 0; i < decisions.length; ++i) {
            _note(decisions[i]);
        }
        return IDecisionConsumer.onDecisions.selector;
    }

    function preview(Decision calldata)
        external
        pure
        returns (bytes32[] memory, uint256[] memory, uint256[] memory, uint48[] memory)
    {
        revert Refused();
    }

    function _note(Decision calldata decision) private {
        ++count;
        (lastId, lastSubject, lastOutputs) = (decision.id, decision.subject, decision.outputs);
    }
}
