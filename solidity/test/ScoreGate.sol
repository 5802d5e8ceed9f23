// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.4;

import {IHalo2Verifier} from "../contracts/verifiers/IHalo2Verifier.sol";
import {PublicValues} from "../contracts/verifiers/PublicValues.sol";
import {Meaning, RevertData} from "../contracts/verifiers/RevertData.sol";

/// @notice The smallest contract that may act on a proof: it pins the key, computes context and inputs, decodes the output
/// and takes a proof once. What it is for, and whether the inputs are true, is not shown here.
contract ScoreGate {
    error ScoreTooLow(int256 score, int256 threshold);
    error ProofIsFalse();
    error CallFailed(bytes data);
    error Used(bytes32 context);

    IHalo2Verifier public immutable verifier;
    address public immutable key;
    bytes32 public immutable keyCodeHash;
    /// @notice Smallest score that passes, in steps of the output.
    int256 public immutable threshold;
    mapping(bytes32 => bool) public used;

    constructor(IHalo2Verifier verifier_, address key_, bytes32 keyCodeHash_, int256 threshold_) {
        (verifier, key, keyCodeHash, threshold) = (verifier_, key_, keyCodeHash_, threshold_);
    }

    /// @dev In earnest a hash of everything that makes the decision this one: chain, this contract, subject, nonce, deadline.
    function contextOf(bytes32 subject) public view virtual returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), subject));
    }

    /// @dev In earnest from the contract's own state or from feeds; all in steps of their ports.
    /// @param output The last instance, as the prover claims it.
    function pass(bytes32 subject, int256[] calldata inputs, uint256 output, bytes calldata proof) external {
        bytes32 context = contextOf(subject);
        if (used[context]) revert Used(context);
        used[context] = true;

        uint256[] memory instances = new uint256[](inputs.length + 3);
        (instances[0], instances[1]) = PublicValues.contextOf(context);
        for (uint256 i = 0; i < inputs.length; ++i) {
            instances[i + 2] = PublicValues.fromInt256(inputs[i]);
        }
        instances[inputs.length + 2] = output;

        try verifier.verifyProof(key, keyCodeHash, proof, instances) returns (bool) {}
        catch (bytes memory data) {
            // Too little gas must not look like a false proof.
            if (RevertData.meaningOf(data) == Meaning.Rejected) revert ProofIsFalse();
            revert CallFailed(data);
        }
        // `output >= uint256(threshold)` would let every negative score pass.
        int256 score = PublicValues.toInt256(output);
        if (score < threshold) revert ScoreTooLow(score, threshold);
    }
}
