// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Openings of a batch's tree, as whoever opens leaves makes them. A second implementation of its shape.
library Tree {
    /// @notice All nodes: the leaves, then each two of what is there already.
    function nodesOf(bytes32[] memory leaves) internal pure returns (bytes32[] memory nodes) {
        uint256 n = leaves.length;
        nodes = new bytes32[](2 * n - 1);
        for (uint256 i = 0; i < n; ++i) {
            nodes[i] = leaves[i];
        }
        for (uint256 i = 0; i + 1 < n; ++i) {
            (bytes32 a, bytes32 b) = (nodes[2 * i], nodes[2 * i + 1]);
            nodes[n + i] = a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
        }
    }

    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return nodesOf(leaves)[2 * leaves.length - 2];
    }

    /// @notice The proof of some leaves, named in ascending order.
    function open(bytes32[] memory leaves, uint256[] memory indexes)
        internal
        pure
        returns (bytes32[] memory proof, bool[] memory flags)
    {
        uint256 n = leaves.length;
        bytes32[] memory nodes = nodesOf(leaves);
        uint256[] memory queue = new uint256[](indexes.length + 2 * n);
        (uint256 head, uint256 tail, uint256 proofs, uint256 steps) = (0, indexes.length, 0, 0);
        for (uint256 i = 0; i < tail; ++i) {
            queue[i] = indexes[i];
        }
        (proof, flags) = (new bytes32[](2 * n), new bool[](2 * n));
        while (queue[head] != 2 * n - 2) {
            uint256 position = queue[head++];
            bool pair = head < tail && queue[head] == position ^ 1;
            flags[steps++] = pair;
            if (pair) ++head;
            else proof[proofs++] = nodes[position ^ 1];
            queue[tail++] = n + position / 2;
        }
        assembly {
            mstore(proof, proofs)
            mstore(flags, steps)
        }
    }
}
