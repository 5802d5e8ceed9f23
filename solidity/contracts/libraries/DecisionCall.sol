// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";

/// @title The call that hands a decision to its consumer.
/// @notice `abi.encodeCall(IDecisionConsumer.onDecision, (decision))`, with its two arrays copied whole: the compiler's own
/// encoder takes them integer by integer, and each of a model's inputs for 60 gas.
library DecisionCall {
    /// @dev Of a decision: nine words, of which the last two say where its arrays are.
    uint256 private constant HEAD_BYTES = 288;

    /// @notice Calls the consumer; reverts as it does.
    /// @return answer The first word that it answered, zero where there is none: a consumer that has no such function.
    function handOver(address consumer, Decision memory decision) internal returns (bytes32 answer) {
        bytes memory data = encode(decision);
        assembly ("memory-safe") {
            if iszero(call(gas(), consumer, 0, add(data, 0x20), mload(data), 0, 0x20)) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
            if gt(returndatasize(), 0x1f) { answer := mload(0) }
        }
    }

    /// @notice The call's bytes.
    function encode(Decision memory decision) internal pure returns (bytes memory data) {
        (int256[] memory inputs, int256[] memory outputs) = (decision.inputs, decision.outputs);
        bytes4 selector = IDecisionConsumer.onDecision.selector;
        assembly ("memory-safe") {
            let inputBytes := shl(5, add(mload(inputs), 1))
            let outputBytes := shl(5, add(mload(outputs), 1))
            data := mload(0x40)
            mstore(add(data, 0x20), selector)
            mstore(add(data, 0x24), 0x20)
            // A struct is in memory as the ABI has it, but for where its arrays are: addresses there, offsets here.
            let head := add(data, 0x44)
            mcopy(head, decision, HEAD_BYTES)
            mstore(add(head, 0xe0), HEAD_BYTES)
            mstore(add(head, 0x100), add(HEAD_BYTES, inputBytes))
            let place := add(head, HEAD_BYTES)
            mcopy(place, inputs, inputBytes)
            place := add(place, inputBytes)
            mcopy(place, outputs, outputBytes)
            place := add(place, outputBytes)
            mstore(data, sub(place, add(data, 0x20)))
            mstore(0x40, and(add(place, 0x1f), not(0x1f)))
        }
    }
}
