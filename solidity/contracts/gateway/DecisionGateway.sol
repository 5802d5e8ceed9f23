// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Decision, IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../interfaces/IDecisionGateway.sol";
import {IFeedBinder} from "../interfaces/IFeedBinder.sol";
import {IModelRegistry, Model} from "../interfaces/IModelRegistry.sol";
import {Contexts} from "../libraries/Contexts.sol";
import {DecisionCall} from "../libraries/DecisionCall.sol";
import {Outputs} from "../libraries/Outputs.sol";
import {PackedRequest} from "../libraries/PackedRequest.sol";
import {Words} from "../libraries/Words.sol";
import {BatchGateway} from "./BatchGateway.sol";
import {GatewayBase} from "./GatewayBase.sol";

/// @title Single decisions, spelled by the ABI or packed; batches are in `BatchGateway`.
/// @notice A decision whose consumer reverts reverts as a whole: no nonce is burnt, and the same proof can be submitted
/// again until its deadline.
contract DecisionGateway is BatchGateway {
    constructor(IModelRegistry registry, IFeedBinder binder, bool takesUnsafeModels)
        GatewayBase(registry, binder, takesUnsafeModels)
    {}

    /// @inheritdoc IDecisionGateway
    function submit(Request calldata request, bytes calldata proof) external nonReentrant returns (bytes32 id) {
        return _submit(_loaded(request), proof);
    }

    /// @inheritdoc IDecisionGateway
    function submitPacked(bytes calldata packed) external nonReentrant returns (bytes32 id) {
        (Request memory request, bytes calldata proof) = PackedRequest.decode(packed);
        return _submit(request, proof);
    }

    /// @dev The request in memory, as `submitPacked` has it too.
    function _loaded(Request calldata request) private pure returns (Request memory loaded) {
        loaded.consumer = request.consumer;
        loaded.subject = request.subject;
        loaded.nonce = request.nonce;
        loaded.deadline = request.deadline;
        loaded.observed = request.observed;
        loaded.rounds = request.rounds;
        loaded.inputs = Words.load(request.inputs);
        loaded.outputs = Words.load(request.outputs);
    }

    function _submit(Request memory request, bytes calldata proof) private returns (bytes32) {
        (Decision memory decision, Model memory model) = _checked(request);
        if (request.outputs.length != model.outputs) revert WrongLength(model.outputs, request.outputs.length);
        bytes32 context = _contextOf(
            Contexts.DECISION, request.consumer, decision.model, request.subject, request.nonce, request.deadline
        );
        decision.id = _prove(context, model, request.inputs, request.outputs, proof);
        decision.outputs = Outputs.toNumbers(request.outputs, 0, model.outputs, 0, model.runs, UNIT);
        _accept(request, decision);
        return decision.id;
    }

    /// @dev All that is refused without looking at the proof.
    function _checked(Request memory request) private view returns (Decision memory decision, Model memory model) {
        Policy memory policy = _policyOf(request.consumer, request.subject);
        model = _live(policy.model);
        decision.observedAt = _observed(policy, model, request.observed, request.rounds, request.inputs);
        Cursor memory last = _cursors[request.consumer][request.subject];
        _requireNext(last, request.nonce, decision.observedAt, policy.minInterval);
        _requireFresh(request.deadline, decision.observedAt, policy.maxAge);
        (decision.model, decision.feedSet) = (policy.model, policy.feedSet);
        decision.subject = request.subject;
        decision.nonce = request.nonce;
        decision.deadline = request.deadline;
        decision.inputs = request.inputs;
    }

    /// @dev Moves the cursor and calls the consumer.
    function _accept(Request memory request, Decision memory decision) private {
        _advanceTo(_cursors[request.consumer][request.subject], request.nonce, decision.observedAt);
        emit DecisionAccepted(
            decision.id,
            request.consumer,
            request.subject,
            decision.model,
            request.nonce,
            decision.observedAt,
            msg.sender,
            request.outputs
        );
        bytes32 answer = DecisionCall.handOver(request.consumer, decision);
        if (answer != bytes32(IDecisionConsumer.onDecision.selector)) revert CallbackRefused();
    }
}
