// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IModelRegistry, Model} from "../interfaces/IModelRegistry.sol";
import {VerifierCall} from "../libraries/VerifierCall.sol";

/// @title Verifies one inference of a registered model, and keeps nothing.
/// @notice In the shape of ERC-7992 (a draft): a model's id, inputs, outputs, proof. **It protects from no replay**:
/// whoever acts on the answer must compute the context itself, or use the gateway. It returns true or reverts. As a
/// gateway it says when it is made whether it takes models whose reference string comes from no ceremony: whoever made
/// such a string can prove anything.
contract InferenceVerifier {
    /// @notice Another number of inputs or outputs than the model has.
    error WrongLength(uint256 expected, uint256 got);

    /// @notice Where models are looked up.
    IModelRegistry public immutable registry;
    /// @notice Whether models without a ceremony are taken: for test chains.
    bool public immutable takesUnsafeModels;

    constructor(IModelRegistry registry_, bool takesUnsafeModels_) {
        (registry, takesUnsafeModels) = (registry_, takesUnsafeModels_);
    }

    /// @notice Whether a model gives these outputs for these inputs; reverts with the verifier's error where not, and
    /// with `IDecisionGateway.UnsafeModel` where the model is not taken.
    /// @param model Its key digest.
    /// @param context What the proof is bound to.
    /// @param inputs In steps of their ports.
    /// @param outputs In steps of their ports.
    /// @return Always true.
    function verifyInference(
        bytes32 model,
        bytes32 context,
        int256[] calldata inputs,
        int256[] calldata outputs,
        bytes calldata proof
    ) external view returns (bool) {
        Model memory entry = registry.live(model);
        if (entry.unsafeSrs && !takesUnsafeModels) revert IDecisionGateway.UnsafeModel(model);
        if (inputs.length != entry.inputs) revert WrongLength(entry.inputs, inputs.length);
        if (outputs.length != entry.outputs) revert WrongLength(entry.outputs, outputs.length);
        VerifierCall.verify(entry, context, inputs, outputs, proof);
        return true;
    }
}
