// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title What binds a proof to its use: the context, which its first two public values carry.
library Contexts {
    /// @notice Type of a single decision's context.
    bytes32 internal constant DECISION = keccak256(
        "ApodictDecision(uint256 chainId,address gateway,address consumer,bytes32 model,bytes32 subject,uint64 nonce,uint64 deadline)"
    );
    /// @notice Type of a batch's context.
    bytes32 internal constant BATCH = keccak256(
        "ApodictBatch(uint256 chainId,address gateway,address consumer,bytes32 model,bytes32 subject,uint64 nonce,uint64 deadline)"
    );

    /// @notice The context for this chain.
    /// @param kind `DECISION` or `BATCH`.
    /// @param deadline Seconds.
    function hash(
        bytes32 kind,
        address gateway,
        address consumer,
        bytes32 model,
        bytes32 subject,
        uint64 nonce,
        uint64 deadline
    ) internal view returns (bytes32) {
        return keccak256(abi.encode(kind, block.chainid, gateway, consumer, model, subject, nonce, deadline));
    }
}
