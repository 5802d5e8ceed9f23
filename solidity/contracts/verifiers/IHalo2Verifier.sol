// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A verifier of halo2 proofs (KZG on BN254, SHPLONK, Keccak transcript) for every model of one shape.
/// @notice What a proof says depends on the key it is checked against: **a caller must pin `keyCodeHash`** (take it from
/// a registry or a constant, never from whoever hands in the proof) and must compute the instances itself. A `true` for
/// a key that the prover chose means nothing.
interface IHalo2Verifier {
    /// @notice Calldata that is not exactly what an ABI encoder writes: an offset other than the canonical one, bytes
    /// left over or missing. Heads that the ABI decoder itself cannot follow revert without data.
    error NonCanonicalEncoding();
    /// @notice The proof has another length than every proof of this shape. Both in bytes.
    error WrongProofLength(uint256 expected, uint256 got);
    /// @notice The key is for another number of instances.
    error WrongInstanceCount(uint256 expected, uint256 got);
    /// @notice The code at `key` does not have the hash that the caller pinned.
    error WrongKeyCodeHash(bytes32 expected, bytes32 got);
    /// @notice The key is for another shape than this contract.
    error WrongKeyShape(bytes32 expected, bytes32 got);
    /// @notice An instance of at least `r`, which would alias another one.
    error InstanceNotCanonical(uint256 index);
    /// @notice A scalar of the proof is at least `r`. `element` counts the proof's elements (points and scalars).
    error ScalarNotCanonical(uint256 element);
    /// @notice A coordinate of a point of the proof is at least `p`.
    error CoordinateNotCanonical(uint256 element);
    /// @notice The identity, which no honest prover sends.
    error PointAtInfinity(uint256 element);
    /// @notice Coordinates that satisfy no curve equation.
    error PointNotOnCurve(uint256 element);
    /// @notice A challenge fell on a point where the argument divides by zero; no honest proof meets this.
    error DegenerateChallenge();
    /// @notice A precompile failed or answered with the wrong size: too little gas, or a chain without it.
    error PrecompileFailed();
    /// @notice In the constructor: the chain's precompiles do not compute what BN254 demands.
    error PrecompileSelfTestFailed();
    /// @notice Well-formed, but the proof does not hold for this key and these instances.
    error ProofRejected();

    /// @notice Digest of the shape that this contract verifies proofs for; a key carries the same.
    function SHAPE_DIGEST() external view returns (bytes32);

    /// @notice Checks a proof. Returns `true` or reverts with one of the errors above: it never returns `false`.
    /// @param key Key data contract: one INVALID byte, then the words of the key.
    /// @param keyCodeHash What `key.codehash` must be. This, not the address, is what names the model.
    /// @param proof halo2's proof: points as 64 bytes, scalars as 32 bytes, big-endian, in halo2's order.
    /// @param instances The public values, each smaller than the scalar field's modulus `r`.
    /// @return Always `true`.
    function verifyProof(address key, bytes32 keyCodeHash, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool);
}
