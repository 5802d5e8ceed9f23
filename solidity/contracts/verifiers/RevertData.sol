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
        bytes4 selector;
        // The first word behind the length: its high four bytes are data, which has at least four.
        assembly {
            selector := and(mload(add(data, 0x20)), shl(224, 0xffffffff))
        }
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
