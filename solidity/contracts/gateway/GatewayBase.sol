// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IFeedBinder} from "../interfaces/IFeedBinder.sol";
import {IModelRegistry, Model} from "../interfaces/IModelRegistry.sol";
import {Contexts} from "../libraries/Contexts.sol";
import {InputHash} from "../libraries/InputHash.sol";
import {RegistryCall} from "../libraries/RegistryCall.sol";
import {VerifierCall} from "../libraries/VerifierCall.sol";
import {PublicValues} from "../verifiers/PublicValues.sol";

/// @title What single decisions and batches share: order, freshness, inputs, the call of the verifier.
abstract contract GatewayBase is IDecisionGateway {
    struct Cursor {
        uint64 nextNonce;
        uint64 observedAt;
        uint64 acceptedAt;
    }

    /// @notice The unit of outputs that consumers are handed.
    uint256 internal constant UNIT = 1e18;

    /// @inheritdoc IDecisionGateway
    IModelRegistry public immutable registry;
    /// @inheritdoc IDecisionGateway
    IFeedBinder public immutable binder;
    /// @notice Whether models of a reference string without a ceremony are taken: on test chains only.
    bool public immutable takesUnsafeModels;

    mapping(address consumer => mapping(bytes32 subject => Cursor)) internal _cursors;

    constructor(IModelRegistry registry_, IFeedBinder binder_, bool takesUnsafeModels_) {
        (registry, binder, takesUnsafeModels) = (registry_, binder_, takesUnsafeModels_);
    }

    /// @inheritdoc IDecisionGateway
    function cursor(address consumer, bytes32 subject)
        external
        view
        returns (uint64 nextNonce, uint64 observedAt, uint64 acceptedAt)
    {
        Cursor memory last = _cursors[consumer][subject];
        return (last.nextNonce, last.observedAt, last.acceptedAt);
    }

    /// @inheritdoc IDecisionGateway
    function contextOf(address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
        external
        view
        returns (uint256 low, uint256 high)
    {
        return PublicValues.contextOf(_contextOf(Contexts.DECISION, consumer, model, subject, nonce, deadline));
    }

    /// @inheritdoc IDecisionGateway
    function batchContextOf(address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
        external
        view
        returns (uint256 low, uint256 high)
    {
        return PublicValues.contextOf(_contextOf(Contexts.BATCH, consumer, model, subject, nonce, deadline));
    }

    function _contextOf(bytes32 kind, address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
        internal
        view
        virtual
        returns (bytes32)
    {
        return Contexts.hash(kind, address(this), consumer, model, subject, nonce, deadline);
    }

    function _policyOf(address consumer, bytes32 subject) internal view returns (Policy memory) {
        return IDecisionConsumer(consumer).policy(subject);
    }

    /// @dev The next nonce of a subject, and what the next decision must be newer than.
    function _advanceTo(Cursor storage last, uint64 nonce, uint64 observedAt) internal {
        (last.nextNonce, last.observedAt, last.acceptedAt) = (nonce + 1, observedAt, uint64(block.timestamp));
    }

    function _live(bytes32 id) internal view returns (Model memory model) {
        model = RegistryCall.live(registry, id);
        if (model.unsafeSrs && !takesUnsafeModels) revert UnsafeModel(id);
    }

    /// @dev Compares all inputs with the chain's and gives their time. Without a feed set the consumer's own inputs are
    /// those of this block.
    function _observed(
        Policy memory policy,
        Model memory model,
        uint64 observed,
        uint80[] memory rounds,
        int256[] memory inputs
    ) internal view returns (uint64 observedAt) {
        if (inputs.length != model.inputs) revert WrongLength(model.inputs, inputs.length);
        if (policy.ownInputs > inputs.length) revert InputMismatch();
        uint256 fed = inputs.length - policy.ownInputs;

        if (policy.feedSet == 0) {
            if (observed != 0 || rounds.length != 0) revert UnusedField();
            // Nobody vouches for an input that is neither fed nor the consumer's own.
            if (fed != 0) revert InputMismatch();
            observedAt = uint64(block.timestamp);
        } else if (policy.snapshots) {
            if (rounds.length != 0) revert UnusedField();
            observedAt = binder.bound(policy.feedSet, observed, InputHash.ofRange(inputs, 0, fed));
        } else {
            int256[] memory read = binder.bind(policy.feedSet, observed, rounds);
            if (read.length != fed || InputHash.ofAll(read) != InputHash.ofRange(inputs, 0, fed)) {
                revert InputMismatch();
            }
            observedAt = observed;
        }
        if (policy.ownInputs != 0 && InputHash.ofRange(inputs, fed, policy.ownInputs) != policy.inputsHash) {
            revert InputMismatch();
        }
    }

    /// @dev Refuses what is out of order or too early. Intervals are between observations: whoever hands in an older
    /// one late keeps no younger one out. Without a feed set an observation is of the block that it is accepted in.
    function _requireNext(Cursor memory last, uint64 nonce, uint64 observedAt, uint32 minInterval) internal pure {
        if (nonce != last.nextNonce) revert NonceUsed(last.nextNonce, nonce);
        if (last.acceptedAt == 0) return;
        if (observedAt <= last.observedAt) revert NotNewer(last.observedAt, observedAt);
        uint256 next = uint256(last.observedAt) + minInterval;
        // `minInterval` has 32 bits: the sum fits in 64.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (observedAt < next) revert TooEarly(uint64(next));
    }

    function _requireFresh(uint64 deadline, uint64 observedAt, uint32 maxAge) internal view {
        if (deadline <= block.timestamp) revert Expired(deadline);
        uint256 latest = uint256(observedAt) + maxAge;
        // forge-lint: disable-next-line(unsafe-typecast)
        if (deadline > latest) revert DeadlineTooFar(uint64(latest), deadline);
    }

    /// @dev Builds every public value and verifies; reverts with the verifier's own error, which returns nothing but
    /// `true`.
    /// @return id Of a decision or a batch: hash of context, inputs and outputs.
    function _prove(
        bytes32 context,
        Model memory model,
        int256[] memory inputs,
        int256[] memory outputs,
        bytes calldata proof
    ) internal view returns (bytes32 id) {
        VerifierCall.verify(model, context, inputs, outputs, proof);
        return keccak256(abi.encode(context, InputHash.ofAll(inputs), InputHash.ofAll(outputs)));
    }
}
