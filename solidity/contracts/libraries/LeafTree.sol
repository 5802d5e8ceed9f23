// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title The tree of a batch's decisions.
/// @notice Inner nodes hash their children in ascending order, as OpenZeppelin's `MerkleProof` expects. A node without a
/// sibling moves up as it is.
library LeafTree {
    /// @notice A leaf: `keccak256(keccak256(batch . index . subject . outputs))`, each 32 bytes; hashed twice, so that no
    /// inner node is a leaf.
    /// @param outputs Of all subjects that are at hand, in steps.
    /// @param from Position of this subject's first output in them.
    /// @param count How many it has.
    function leaf(bytes32 batch, uint256 index, bytes32 subject, int256[] memory outputs, uint256 from, uint256 count)
        internal
        pure
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, batch)
            mstore(add(free, 0x20), index)
            mstore(add(free, 0x40), subject)
            mcopy(add(free, 0x60), add(add(outputs, 0x20), mul(from, 0x20)), mul(count, 0x20))
            mstore(0, keccak256(free, add(0x60, mul(count, 0x20))))
            hash := keccak256(0, 0x20)
        }
    }

    /// @notice The root; overwrites the leaves.
    function root(bytes32[] memory leaves) internal pure returns (bytes32 top) {
        assembly ("memory-safe") {
            let base := add(leaves, 0x20)
            for { let n := mload(leaves) } gt(n, 1) { n := shr(1, add(n, 1)) } {
                let write := base
                let end := add(base, mul(0x20, and(n, not(1))))
                for { let read := base } lt(read, end) { read := add(read, 0x40) } {
                    let a := mload(read)
                    let b := mload(add(read, 0x20))
                    switch lt(a, b)
                    case 0 {
                        mstore(0, b)
                        mstore(0x20, a)
                    }
                    default {
                        mstore(0, a)
                        mstore(0x20, b)
                    }
                    mstore(write, keccak256(0, 0x40))
                    write := add(write, 0x20)
                }
                if and(n, 1) { mstore(write, mload(end)) }
            }
            top := mload(base)
        }
    }
}
