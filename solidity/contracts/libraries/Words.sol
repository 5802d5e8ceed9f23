// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title Arrays of integers, copied whole.
library Words {
    /// @notice The same integers in memory. Every word is an `int256`, so that there is nothing to look at one by one.
    function load(int256[] calldata words) internal pure returns (int256[] memory copy) {
        assembly ("memory-safe") {
            let length := shl(5, words.length)
            copy := mload(0x40)
            mstore(copy, words.length)
            calldatacopy(add(copy, 0x20), words.offset, length)
            mstore(0x40, add(add(copy, 0x20), length))
        }
    }
}
