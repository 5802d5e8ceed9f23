// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {Model, OutputRun} from "../interfaces/IModelRegistry.sol";
import {IHalo2Verifier} from "../verifiers/IHalo2Verifier.sol";
import {PublicValues} from "../verifiers/PublicValues.sol";

/// @title The call of a verifier, in the one spelling that it takes.
/// @notice `abi.encodeCall(IHalo2Verifier.verifyProof, (key, keyCodeHash, proof, instances))`, with the instances written
/// where the call has them: an array of them would be written, and copied, beside it. What an instance is, is
/// `PublicValues`' matter; here each integer is compared with its range and written.
library VerifierCall {
    /// @notice Public values that a context takes.
    uint256 internal constant CONTEXT_VALUES = 2;

    /// @notice Verifies; reverts with the verifier's own error, or as `encode` does.
    /// @param model As `IModelRegistry.live` gives it: there is code at the verifier's address, and which is known.
    function verify(
        Model memory model,
        bytes32 context,
        int256[] memory inputs,
        int256[] memory outputs,
        bytes calldata proof
    ) internal view {
        (bool success, bytes memory answer) = model.verifier.staticcall(encode(model, context, inputs, outputs, proof));
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        // An answer that is no `bool`, or none, reverts here, without data.
        if (!abi.decode(answer, (bool))) revert IHalo2Verifier.ProofRejected();
    }

    /// @notice The call's bytes.
    /// @param inputs In steps, each in the range of `int128`; reverts with `PublicValues.OutOfRange` else.
    /// @param outputs In steps, as many as the model's runs hold, each in its run's range; reverts with `WrongLength` or
    /// `OutputOutOfRange` else.
    function encode(
        Model memory model,
        bytes32 context,
        int256[] memory inputs,
        int256[] memory outputs,
        bytes calldata proof
    ) internal pure returns (bytes memory data) {
        uint256 place;
        (data, place) = _framed(model, proof, CONTEXT_VALUES + inputs.length + outputs.length);
        (uint256 low, uint256 high) = PublicValues.contextOf(context);
        assembly ("memory-safe") {
            mstore(place, low)
            mstore(add(place, 0x20), high)
        }
        place = _writeInputs(inputs, place + 32 * CONTEXT_VALUES);
        _writeOutputs(outputs, model.runs, place);
    }

    /// @dev The call but for the instances, which begin at `place`, `count` words to the end of the call.
    function _framed(Model memory model, bytes calldata proof, uint256 count)
        private
        pure
        returns (bytes memory data, uint256 place)
    {
        uint256 proofBytes = (proof.length + 31) / 32 * 32;
        // Selector; key, hash and the offsets of two arrays; their lengths and contents. Every word is written below.
        uint256 length = 4 + 32 * 4 + 32 + proofBytes + 32 + 32 * count;
        bytes4 selector = IHalo2Verifier.verifyProof.selector;
        (address key, bytes32 keyCodeHash) = (model.key, model.keyCodeHash);
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, length)
            mstore(0x40, add(data, and(add(length, 0x3f), not(0x1f))))
            mstore(add(data, 0x20), selector)
            let head := add(data, 0x24)
            mstore(head, key)
            mstore(add(head, 0x20), keyCodeHash)
            mstore(add(head, 0x40), 0x80)
            mstore(add(head, 0x60), add(0xa0, proofBytes))
            mstore(add(head, 0x80), proof.length)
            place := add(add(head, 0xa0), proofBytes)
            // The proof's last word, of which it may not have all bytes. In front of an empty one is its length: zero too.
            mstore(sub(place, 0x20), 0)
            calldatacopy(add(head, 0xa0), proof.offset, proof.length)
            mstore(place, count)
            place := add(place, 0x20)
        }
    }

    /// @return end Behind the last instance.
    function _writeInputs(int256[] memory inputs, uint256 place) private pure returns (uint256 end) {
        uint256 from;
        assembly ("memory-safe") {
            from := add(inputs, 0x20)
        }
        bool inRange;
        (inRange, end) = _write(from, place, inputs.length, type(int128).min, type(int128).max);
        if (inRange) return end;
        for (uint256 i = 0; i < inputs.length; ++i) {
            PublicValues.requireInRange(inputs[i], type(int128).min, type(int128).max);
        }
    }

    function _writeOutputs(int256[] memory outputs, OutputRun[] memory runs, uint256 place) private pure {
        uint256 from;
        assembly ("memory-safe") {
            from := add(outputs, 0x20)
        }
        uint256 next;
        for (uint256 r = 0; r < runs.length; ++r) {
            (uint256 first, int256 lo, int256 hi) = (next, runs[r].lo, runs[r].hi);
            next += runs[r].count;
            if (next > outputs.length) break;
            bool inRange;
            (inRange, place) = _write(from + 32 * first, place, next - first, lo, hi);
            if (inRange) continue;
            for (uint256 i = first; i < next; ++i) {
                if (outputs[i] < lo || outputs[i] > hi) {
                    revert IDecisionGateway.OutputOutOfRange(i, lo, hi, outputs[i]);
                }
            }
        }
        // A registry's runs hold as many outputs as the model has.
        if (next != outputs.length) revert IDecisionGateway.WrongLength(next, outputs.length);
    }

    /// @dev Writes `count` integers as instances: a negative `x` as `R - |x|`. Both ranges of memory must be the caller's.
    /// @return inRange Whether all are in `[lo, hi]`, which lies in that of `int128`; else what was written is worth nothing.
    /// @return end Behind the last instance.
    function _write(uint256 from, uint256 to, uint256 count, int256 lo, int256 hi)
        private
        pure
        returns (bool inRange, uint256 end)
    {
        uint256 r = PublicValues.R;
        assembly ("memory-safe") {
            // In the range is who is no further above `lo` than `hi` is, which holds for what wraps around below it too.
            let span := sub(hi, lo)
            let outside := 0
            end := add(to, mul(count, 0x20))
            for {} lt(to, end) { to := add(to, 0x20) } {
                let value := mload(from)
                outside := or(outside, gt(sub(value, lo), span))
                mstore(to, add(value, mul(r, slt(value, 0))))
                from := add(from, 0x20)
            }
            inRange := iszero(outside)
        }
    }
}
