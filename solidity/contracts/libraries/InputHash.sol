// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title Hashes of a part of a model's inputs.
/// @notice `keccak256` of the integers' words, 32 bytes each, without a length: whoever compares it knows how many there are.
library InputHash {
    /// @notice The hash of `inputs[from .. from + count]`. Reverts (Panic) where that leaves the array.
    /// @param inputs Integers of the circuit, in steps of their ports.
    function ofRange(int256[] memory inputs, uint256 from, uint256 count) internal pure returns (bytes32 hash) {
        if (from + count > inputs.length) revert RangeOutside(inputs.length, from + count);
        assembly ("memory-safe") {
            hash := keccak256(add(add(inputs, 0x20), mul(from, 0x20)), mul(count, 0x20))
        }
    }

    /// @notice The hash of all of them.
    function ofAll(int256[] memory inputs) internal pure returns (bytes32) {
        return ofRange(inputs, 0, inputs.length);
    }

    /// @notice A range that ends behind the array. Both count inputs.
    error RangeOutside(uint256 length, uint256 end);
}
