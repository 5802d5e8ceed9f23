// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title The tree of a batch's decisions.
/// @notice Inner nodes hash their children in ascending order, as OpenZeppelin's `MerkleProof` expects. Nodes are in a row,
/// leaves first, and each two make the next one behind all: with any number of leaves, any of them in ascending order
/// have a multiproof. (A tree that carries a single node up has not: the multiproof takes leaves before hashes.)
library LeafTree {
    /// @notice A leaf: `keccak256(batch . index . subject . outputs)`, each 32 bytes. That is 96 bytes or
    /// more, and what an inner node hashes is 64: none of one is the other, whatever its bytes are.
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
            hash := keccak256(free, add(0x60, mul(count, 0x20)))
        }
    }

    /// @notice Writes the leaves of a whole batch: the same as `leaf` for each, in one pass.
    /// @param nodes At least `size` of them.
    /// @param size Subjects.
    /// @param cohort The cohort's code: one byte, then `20 * size`.
    /// @param outputs `size * each` of them, in steps.
    function fill(
        bytes32[] memory nodes,
        uint256 size,
        bytes32 batch,
        bytes memory cohort,
        int256[] memory outputs,
        uint256 each
    ) internal pure {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let bytesEach := mul(each, 0x20)
            let length := add(0x60, bytesEach)
            let write := add(nodes, 0x20)
            let subject := add(cohort, 0x21)
            let read := add(outputs, 0x20)
            mstore(free, batch)
            for { let i := 0 } lt(i, size) { i := add(i, 1) } {
                mstore(add(free, 0x20), i)
                // The word's upper 20 bytes.
                mstore(add(free, 0x40), shr(96, mload(subject)))
                mcopy(add(free, 0x60), read, bytesEach)
                mstore(write, keccak256(free, length))
                write := add(write, 0x20)
                subject := add(subject, 20)
                read := add(read, bytesEach)
            }
        }
    }

    /// @notice The root. `nodes` holds the leaves and has room for the `n - 1` inner nodes behind them: node `n + i` is made
    /// of the nodes `2i` and `2i + 1`.
    /// @param nodes `2n - 1` of them; overwritten from the `n`th on.
    function root(bytes32[] memory nodes) internal pure returns (bytes32 top) {
        assembly ("memory-safe") {
            let length := mload(nodes)
            let read := add(nodes, 0x20)
            let end := add(read, mul(0x20, length))
            // The first inner node.
            for { let write := add(read, mul(0x20, shr(1, add(length, 1)))) } lt(write, end) {
                write := add(write, 0x20)
            } {
                let a := mload(read)
                let b := mload(add(read, 0x20))
                read := add(read, 0x40)
                // The lower one first.
                let place := shl(5, gt(a, b))
                mstore(place, a)
                mstore(xor(place, 0x20), b)
                mstore(write, keccak256(0, 0x40))
            }
            top := mload(sub(end, 0x20))
        }
    }

    /// @notice Whether some leaves are in a tree, by a multiproof as OpenZeppelin's `MerkleProof` takes it: the leaves and
    /// then the nodes made of them are taken in order, by twos where the flag says so, else one with the proof's next.
    /// @param nodes The leaves, and room behind them for as many nodes as there are flags; overwritten there.
    /// @param count How many leaves there are, one at least. Nothing is left over and nothing is taken that was not made.
    function contains(
        bytes32[] memory nodes,
        uint256 count,
        bytes32[] calldata proof,
        bool[] calldata flags,
        bytes32 top
    ) internal pure returns (bool valid) {
        if (count == 0 || nodes.length != count + flags.length) return false;
        assembly ("memory-safe") {
            let read := add(nodes, 0x20)
            let write := add(read, mul(0x20, count))
            let next := proof.offset
            let flag := flags.offset
            valid := 1
            for { let end := add(flag, mul(0x20, flags.length)) } lt(flag, end) { flag := add(flag, 0x20) } {
                let a := mload(read)
                let b
                read := add(read, 0x20)
                switch calldataload(flag)
                case 0 {
                    b := calldataload(next)
                    next := add(next, 0x20)
                }
                case 1 {
                    b := mload(read)
                    read := add(read, 0x20)
                }
                default { valid := 0 }
                // Only what was written was read.
                valid := and(valid, iszero(gt(read, write)))
                let place := shl(5, gt(a, b))
                mstore(place, a)
                mstore(xor(place, 0x20), b)
                mstore(write, keccak256(0, 0x40))
                write := add(write, 0x20)
            }
            // The whole proof was read, and every node but the last one, which is the root.
            let whole := eq(next, add(proof.offset, mul(0x20, proof.length)))
            valid := and(and(valid, whole), and(eq(add(read, 0x20), write), eq(mload(read), top)))
        }
    }
}
