// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.4;

import {IHalo2Verifier} from "./IHalo2Verifier.sol";

/// @notice What a failed call of `verifyProof` says about the proof.
/// @dev `TryAgain` is zero, so that what nobody set is not a rejection.
enum Meaning {
    /// Nothing is said: too little gas, a missing precompile, or whatever else went wrong.
    TryAgain,
    /// Nothing is said: the caller asks for another key, or its calldata is not what an encoder writes.
    WrongCall,
    /// No call with this proof and these instances ever succeeds.
    Rejected
}

/// @title Reads what `verifyProof` reverted with.
/// @notice For callers that catch: `try verifier.verifyProof(..) .. catch (bytes memory data) { RevertData.isRejection(data) }`.
library RevertData {
    /// @notice What revert data means: anything that is not one of the verifier's errors, spelled exactly, says nothing.
    /// @param data What a `catch` clause is given.
    function meaningOf(bytes memory data) internal pure returns (Meaning) {
        if (data.length < 4) return Meaning.TryAgain;
        // Byte by byte: solc before 0.8.5 converts no `bytes memory`, and assembly would keep a consumer's own code from
        // being compiled through the IR where it has many variables.
        bytes4 selector = bytes4(data[0]) | (bytes4(data[1]) >> 8) | (bytes4(data[2]) >> 16) | (bytes4(data[3]) >> 24);
        if (data.length == 4) {
            if (
                selector == IHalo2Verifier.ProofRejected.selector
                    || selector == IHalo2Verifier.DegenerateChallenge.selector
            ) return Meaning.Rejected;
            if (selector == IHalo2Verifier.NonCanonicalEncoding.selector) return Meaning.WrongCall;
        }
        if (data.length == 36) {
            if (
                selector == IHalo2Verifier.InstanceNotCanonical.selector
                    || selector == IHalo2Verifier.ScalarNotCanonical.selector
                    || selector == IHalo2Verifier.CoordinateNotCanonical.selector
                    || selector == IHalo2Verifier.PointAtInfinity.selector
                    || selector == IHalo2Verifier.PointNotOnCurve.selector
            ) return Meaning.Rejected;
        }
        if (data.length == 68) {
            if (selector == IHalo2Verifier.WrongProofLength.selector) return Meaning.Rejected;
            if (
                selector == IHalo2Verifier.WrongInstanceCount.selector
                    || selector == IHalo2Verifier.WrongKeyCodeHash.selector
                    || selector == IHalo2Verifier.WrongKeyShape.selector
            ) return Meaning.WrongCall;
        }
        return Meaning.TryAgain;
    }

    /// @notice Whether the proof is false, as opposed to a call that went wrong.
    function isRejection(bytes memory data) internal pure returns (bool) {
        return meaningOf(data) == Meaning.Rejected;
    }
}
