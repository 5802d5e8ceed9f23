// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";

/// @notice A verifier for which the hash of a statement is its proof: any other public value is refused as a real one
/// refuses it. Tests of flows use it, because proofs for their contexts cannot be made here.
contract StubVerifier {
    bytes32 public constant SHAPE_DIGEST = keccak256("stub");
    /// @dev As `World.newKey` makes them.
    uint256 public constant KEY_BYTES = 1504;

    function verifyProof(address key, bytes32 keyCodeHash, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bool)
    {
        if (key.codehash != keyCodeHash) revert IHalo2Verifier.WrongKeyCodeHash(keyCodeHash, key.codehash);
        if (keccak256(proof) != keccak256(abi.encode(keccak256(abi.encode(keyCodeHash, instances))))) {
            revert IHalo2Verifier.ProofRejected();
        }
        return true;
    }
}
