// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Decision, IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, IDecisionGateway, Opening} from "../interfaces/IDecisionGateway.sol";
import {Model} from "../interfaces/IModelRegistry.sol";
import {Contexts} from "../libraries/Contexts.sol";
import {LeafTree} from "../libraries/LeafTree.sol";
import {Outputs} from "../libraries/Outputs.sol";
import {PackedInts} from "../libraries/PackedInts.sol";
import {Words} from "../libraries/Words.sol";
import {GatewayBase} from "./GatewayBase.sol";

/// @title Decisions about many subjects in one proof.
/// @notice The gateway builds the tree of the decisions and keeps the hash of the batch's record; whoever opens leaves
/// hands in the record. A leaf moves its subject's cursor to the batch's time, so that none is applied twice, and none
/// after a newer decision. A batch dies at its deadline, when its model is disabled, and when the consumer names
/// another model or another set of feeds.
abstract contract BatchGateway is GatewayBase, ReentrancyGuardTransient {
    /// @notice Batches of a consumer and cohort that are kept.
    uint256 public constant RING = 16;
    uint256 private constant SUBJECT_BYTES = 20;

    /// @dev Hashes of records. Overwritten in a ring, because new slots are dear.
    mapping(address consumer => mapping(bytes32 subject => mapping(uint256 place => bytes32))) private _batches;

    /// @inheritdoc IDecisionGateway
    function submitBatch(BatchRequest calldata request, bytes calldata proof) external nonReentrant returns (bytes32) {
        uint256 size = _sizeOf(request.cohort);
        Batch memory batch;
        batch.consumer = request.consumer;
        batch.nonce = request.nonce;
        batch.deadline = request.deadline;
        batch.subject = keccak256(abi.encode(request.cohort.codehash, size));
        Policy memory policy = _policyOf(batch.consumer, batch.subject);
        Model memory model = _live(policy.model);
        (batch.model, batch.feedSet) = (policy.model, policy.feedSet);
        int256[] memory inputs = Words.load(request.inputs);
        batch.observedAt = _observed(policy, model, request.observed, new uint80[](0), inputs);
        _requireNext(_cursors[batch.consumer][batch.subject], batch.nonce, batch.observedAt, policy.minInterval);
        _requireFresh(batch.deadline, batch.observedAt, policy.maxAge);

        int256[] memory outputs = _unpacked(request.packedOutputs, model.outputs);
        if (outputs.length % size != 0) revert WrongLength(outputs.length, size);
        // The registry keeps 16 bits of the number of outputs.
        // forge-lint: disable-next-line(unsafe-typecast)
        batch.outputsEach = uint32(outputs.length / size);
        bytes32 context =
            _contextOf(Contexts.BATCH, batch.consumer, batch.model, batch.subject, batch.nonce, batch.deadline);
        batch.id = _prove(context, model, inputs, outputs, proof);
        batch.root = _rootOf(batch, request.cohort, outputs);

        _batches[batch.consumer][batch.subject][batch.nonce % RING] = keccak256(abi.encode(batch));
        _advanceTo(_cursors[batch.consumer][batch.subject], batch.nonce, batch.observedAt);
        emit BatchAccepted(batch.id, batch.consumer, request.cohort, batch);
        return batch.id;
    }

    /// @inheritdoc IDecisionGateway
    function open(Batch memory batch, Opening calldata opening) external nonReentrant returns (uint256) {
        if (_batches[batch.consumer][batch.subject][batch.nonce % RING] != keccak256(abi.encode(batch))) {
            revert UnknownBatch(batch.id);
        }
        if (batch.deadline <= block.timestamp) revert Expired(batch.deadline);
        uint256 count = opening.indexes.length;
        uint256 each = batch.outputsEach;
        if (count == 0 || opening.subjects.length != count || opening.outputs.length != count * each) {
            revert BadOpening();
        }
        int256[] memory outputs = Words.load(opening.outputs);
        bytes32[] memory nodes = new bytes32[](count + opening.flags.length);
        _fillLeaves(nodes, batch.id, opening.indexes, opening.subjects, outputs, each);
        if (!LeafTree.contains(nodes, count, opening.multiproof, opening.flags, batch.root)) revert BadOpening();
        return _hand(batch, opening, outputs);
    }

    function _fillLeaves(
        bytes32[] memory nodes,
        bytes32 batch,
        uint256[] calldata indexes,
        bytes32[] calldata subjects,
        int256[] memory outputs,
        uint256 each
    ) private pure {
        for (uint256 i = 0; i < indexes.length; ++i) {
            nodes[i] = LeafTree.leaf(batch, indexes[i], subjects[i], outputs, i * each, each);
        }
    }

    /// @dev Moves the cursors of subjects that have nothing newer and calls the consumer for these.
    function _hand(Batch memory batch, Opening calldata opening, int256[] memory outputs)
        private
        returns (uint256 applied)
    {
        Policy memory policy = _policyOf(batch.consumer, batch.subject);
        if (policy.model != batch.model || policy.feedSet != batch.feedSet) revert PolicyChanged(policy.model);
        // As for a decision of its own: nothing is applied while the sequencer is down, or has been up for too short a
        // time.
        binder.requireSequencer(batch.feedSet);
        Model memory model = _live(batch.model);
        mapping(bytes32 subject => Cursor) storage cursors = _cursors[batch.consumer];
        Decision[] memory decisions = _places(opening.indexes.length);
        uint256 each = batch.outputsEach;
        for (uint256 i = 0; i < decisions.length; ++i) {
            (uint256 index, bytes32 subject) = (opening.indexes[i], opening.subjects[i]);
            (bool next, uint64 nonce) = _advance(cursors[subject], batch.observedAt, policy.minInterval);
            if (!next) continue;
            Decision memory decision = _decision(batch, index, subject, nonce);
            decision.outputs = Outputs.toNumbers(outputs, i * each, each, index * each, model.runs, UNIT);
            decisions[applied++] = decision;
            emit LeafOpened(batch.id, index, subject);
        }
        if (applied == 0) return 0;
        assembly ("memory-safe") {
            mstore(decisions, applied)
        }
        if (IDecisionConsumer(batch.consumer).onDecisions(decisions) != IDecisionConsumer.onDecisions.selector) {
            revert CallbackRefused();
        }
    }

    /// @dev Moves a subject's cursor to the batch's time, unless it is there or further, or of a time too near: a
    /// subject that is in two cohorts, or has decisions of its own, moves no oftener for it.
    function _advance(Cursor storage last, uint64 observedAt, uint32 minInterval)
        private
        returns (bool next, uint64 nonce)
    {
        Cursor memory before = last;
        if (before.acceptedAt != 0) {
            if (before.observedAt >= observedAt) return (false, 0);
            // By what was observed: whoever opens an old leaf late keeps no newer batch from being applied.
            if (observedAt < uint256(before.observedAt) + minInterval) return (false, 0);
        }
        _advanceTo(last, before.nextNonce, observedAt);
        return (true, before.nextNonce);
    }

    /// @dev An array for as many decisions: `new Decision[]` would make each of them as well.
    function _places(uint256 count) private pure returns (Decision[] memory decisions) {
        bytes32[] memory places = new bytes32[](count);
        assembly ("memory-safe") {
            decisions := places
        }
    }

    function _decision(Batch memory batch, uint256 index, bytes32 subject, uint64 nonce)
        private
        pure
        returns (Decision memory decision)
    {
        decision.id = Hashes.efficientKeccak256(batch.id, bytes32(index));
        (decision.model, decision.feedSet) = (batch.model, batch.feedSet);
        decision.subject = subject;
        decision.nonce = nonce;
        decision.observedAt = batch.observedAt;
        decision.deadline = batch.deadline;
    }

    function _rootOf(Batch memory batch, address cohort, int256[] memory outputs) private view returns (bytes32) {
        uint256 each = batch.outputsEach;
        uint256 size = outputs.length / each;
        bytes32[] memory nodes = new bytes32[](2 * size - 1);
        LeafTree.fill(nodes, size, batch.id, cohort.code, outputs, each);
        return LeafTree.root(nodes);
    }

    /// @dev As many outputs as the model has; their width follows from the length.
    function _unpacked(bytes calldata packed, uint256 count) private pure returns (int256[] memory) {
        if (packed.length % count != 0) revert BadWidth(packed.length);
        return PackedInts.unpack(packed, packed.length / count);
    }

    function _sizeOf(address cohort) private view returns (uint256) {
        uint256 length = cohort.code.length;
        if (length < 1 + SUBJECT_BYTES || (length - 1) % SUBJECT_BYTES != 0) revert BadCohort(length);
        return (length - 1) / SUBJECT_BYTES;
    }
}
