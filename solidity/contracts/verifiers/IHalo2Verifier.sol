// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.4;

/// @title A verifier of halo2 proofs (KZG on BN254, SHPLONK, Keccak transcript) for every model of one shape.
/// @notice What a proof says depends on the key it is checked against: **a caller must pin `keyCodeHash`** (take it from
/// a registry or a constant, never from whoever hands in the proof), must **compute context and inputs** itself, and must
/// **decode the outputs** that it is handed with `PublicValues`: read as a `uint256`, a negative output is a huge number. A
/// `true` for a key that the prover chose means nothing.
/// @dev What the errors mean, for callers that catch them (`RevertData` decides it on chain):
///
/// - *Rejected*: no call with this proof and these instances ever succeeds. WrongProofLength, InstanceNotCanonical,
///   ScalarNotCanonical, CoordinateNotCanonical, PointAtInfinity, PointNotOnCurve, DegenerateChallenge, ProofRejected.
/// - *Wrong call*: nothing is said about the proof; the caller asks for another key or encodes otherwise.
///   NonCanonicalEncoding, WrongInstanceCount, WrongKeyCodeHash, WrongKeyShape.
/// - *Try again*: nothing is said about the proof; the call may succeed with more gas, or on a chain with the precompiles.
///   InsufficientGas, PrecompileFailed, **and everything else**: no data, a `Panic`, an unknown error.
///
/// Only a rejection may be read as "the proof is false". Who treats every revert so can be made to refuse a valid proof:
/// by whoever sends the transaction with too little gas.
interface IHalo2Verifier {
    /// @notice Wrong call. Calldata that is not exactly what an ABI encoder writes: an offset other than the canonical
    /// one, bytes left over or missing. Heads that the ABI decoder itself cannot follow revert without data.
    error NonCanonicalEncoding();
    /// @notice Rejected. The proof has another length than every proof of this shape. Both in bytes.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice Wrong call. The key is for another number of instances.
    error WrongInstanceCount(uint256 expected, uint256 got);
    /// @notice Wrong call. The code at `key` does not have the hash that the caller pinned.
    error WrongKeyCodeHash(bytes32 expected, bytes32 got);
    /// @notice Wrong call. The key is for another shape than this contract.
    error WrongKeyShape(bytes32 expected, bytes32 got);
    /// @notice Rejected. An instance of at least `r`, which would alias another one.
    error InstanceNotCanonical(uint256 index);
    /// @notice Rejected. A scalar of the proof is at least `r`. `element` counts the proof's elements (points and scalars).
    error ScalarNotCanonical(uint256 element);
    /// @notice Rejected. A coordinate of a point of the proof is at least `p`.
    error CoordinateNotCanonical(uint256 element);
    /// @notice Rejected. The identity, which no honest prover sends.
    error PointAtInfinity(uint256 element);
    /// @notice Rejected. Coordinates that satisfy no curve equation.
    error PointNotOnCurve(uint256 element);
    /// @notice Rejected. A challenge fell on a point where the argument divides by zero; no honest proof meets this.
    error DegenerateChallenge();
    /// @notice Try again. Less gas is left than the verification may take. Both in gas, when the check is made: the call
    /// itself must be given some 5,000 more, and its caller keeps a 64th back (EIP-150).
    error InsufficientGas(uint256 needed, uint256 available);
    /// @notice Try again. A precompile failed, answered with the wrong size or with an inverse that is none: a chain without
    /// it, with another one, or where it costs more than on Ethereum.
    error PrecompileFailed();
    /// @notice In the constructor: the chain's precompiles do not compute what BN254 demands.
    error PrecompileSelfTestFailed();
    /// @notice Rejected. Well-formed, but the proof does not hold for this key and these instances.
    error ProofRejected();

    /// @notice Digest of the shape that this contract verifies proofs for; a key carries the same.
    function SHAPE_DIGEST() external view returns (bytes32);

    /// @notice Bytes of a key's data that are read, from the second byte of its code on. A key contract has one byte more and
    /// no other: what stands behind them is not part of the key, whatever it looks like.
    function KEY_BYTES() external view returns (uint256);

    /// @notice Checks a proof. Returns `true` or reverts: it never returns `false`, and it returns nothing else. An address
    /// without code returns nothing, which a high-level call refuses; a low-level `staticcall` does not.
    /// @param key Key data contract: one INVALID byte, then the words of the key. The first is the shape's digest, the second
    /// the key's digest, the third the hash of its ports (`PublicValues.hashPorts`): a registry reads them, no equation has
    /// them, so they are what the key's maker says unless `keyCodeHash` was computed from a key that somebody checked.
    /// @param keyCodeHash What `key.codehash` must be. This, not the address, is what names the model.
    /// @param proof halo2's proof: points as 64 bytes, scalars as 32 bytes, big-endian, in halo2's order.
    /// @param instances The public values, each smaller than the scalar field's modulus `r`: the lower and the upper 16
    /// bytes of the context, the inputs, the outputs. A negative integer `x` is `r - |x|`.
    /// @return Always `true`.
    function verifyProof(address key, bytes32 keyCodeHash, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool);
}
