// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Decision, IDecisionConsumer, Policy} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {Port} from "../verifiers/PublicValues.sol";

/// @title What every consumer has: a gateway, a policy for each subject, a pause.
/// @notice Who may change them is `AccessManager`'s matter. Roles as they are meant: governance (`setPolicy`,
/// `setGateway`) with a delay of 48 hours or more, guardian (`pause`, and the vetoes of the contracts below) without. A
/// policy that is changed does not move the cursor at the gateway: what was decided before cannot be decided again.
abstract contract ConsumerBase is IDecisionConsumer, AccessManaged {
    event GatewaySet(IDecisionGateway gateway);
    event PolicySet(bytes32 indexed subject, Policy policy);
    event PauseSet(bool paused);

    /// @notice Only the gateway hands over decisions.
    error NotGateway(address caller);
    /// @notice Decisions are paused.
    error Paused();
    /// @notice A policy that the model or the feeds do not fit: its ports are not the model's, its set gives other
    /// inputs, its age would let a submitter choose among more than two times, or its interval is longer than the
    /// feeds' period.
    error BadPolicy();
    /// @notice Another number of outputs than this contract reads.
    error WrongOutputs(uint256 expected, uint256 got);
    /// @notice An output outside of what this contract acts on. In 1e-18.
    error UnusableOutput(uint256 index, int256 got);

    /// @notice Where models are looked up; a gateway that is set must use the same.
    IModelRegistry public immutable registry;
    /// @notice Who hands over decisions.
    IDecisionGateway public gateway;
    /// @notice Whether decisions are refused.
    bool public paused;

    /// @dev Without the hash of a consumer's own inputs, which is another one for each subject.
    struct Kept {
        bytes32 model;
        bytes32 feedSet;
        uint32 maxAge;
        uint32 minInterval;
        uint16 ownInputs;
        bool snapshots;
    }

    mapping(bytes32 subject => Kept) private _policies;

    constructor(address authority, IDecisionGateway gateway_) AccessManaged(authority) {
        registry = gateway_.registry();
        gateway = gateway_;
        emit GatewaySet(gateway_);
    }

    /// @notice Changes the gateway. By governance. Proofs for the old one are worth nothing at the new one.
    function setGateway(IDecisionGateway gateway_) external restricted {
        if (address(gateway_.registry()) != address(registry)) revert BadPolicy();
        gateway = gateway_;
        emit GatewaySet(gateway_);
    }

    /// @notice Stops decisions, and starts them again. By the guardian.
    function pause(bool paused_) external restricted {
        paused = paused_;
        emit PauseSet(paused_);
    }

    /// @notice Sets what decisions about a subject must be made of. By governance.
    /// A hash of own inputs is not kept: it is the consumer's to compute.
    /// @param ports All of the model's: compared with the hash in its key, and their first with those of the feed set.
    function setPolicy(bytes32 subject, Policy calldata policy_, Port[] calldata ports) external restricted {
        (bytes32 portsHash, uint256 inputs) = registry.portsOf(policy_.model);
        if (keccak256(abi.encode(ports)) != portsHash || policy_.ownInputs > inputs) revert BadPolicy();
        _checkFeeds(policy_, keccak256(abi.encode(ports[:inputs - policy_.ownInputs])), inputs);
        _checkPorts(subject, ports, inputs);
        _policies[subject] = Kept(
            policy_.model, policy_.feedSet, policy_.maxAge, policy_.minInterval, policy_.ownInputs, policy_.snapshots
        );
        emit PolicySet(subject, policy_);
    }

    /// @inheritdoc IDecisionConsumer
    /// @dev A consumer with inputs of its own overrides this and adds their hash.
    function policy(bytes32 subject) public view virtual returns (Policy memory policy_) {
        Kept storage kept = _policies[subject];
        policy_.model = kept.model;
        policy_.feedSet = kept.feedSet;
        policy_.maxAge = kept.maxAge;
        policy_.minInterval = kept.minInterval;
        policy_.ownInputs = kept.ownInputs;
        policy_.snapshots = kept.snapshots;
    }

    /// @inheritdoc IDecisionConsumer
    function onDecision(Decision calldata decision) external returns (bytes4) {
        _requireGateway();
        _decide(decision);
        return IDecisionConsumer.onDecision.selector;
    }

    /// @inheritdoc IDecisionConsumer
    function onDecisions(Decision[] calldata decisions) external returns (bytes4) {
        _requireGateway();
        for (uint256 i = 0; i < decisions.length; ++i) {
            _decide(decisions[i]);
        }
        return IDecisionConsumer.onDecisions.selector;
    }

    /// @dev Acts on a decision from the gateway.
    function _decide(Decision calldata decision) internal virtual;

    /// @dev Refuses a model whose public values this contract does not read as they are meant; may keep what it needs
    /// of them.
    /// @param ports Of all inputs, then all outputs; `inputs` says how many are inputs.
    function _checkPorts(bytes32 subject, Port[] calldata ports, uint256 inputs) internal virtual;

    /// @dev Refuses another number of outputs.
    function _requireOutputs(uint256 expected, uint256 got) internal pure {
        if (got != expected) revert WrongOutputs(expected, got);
    }

    function _checkFeeds(Policy calldata policy_, bytes32 portsHash, uint256 inputs) private view {
        if (policy_.maxAge == 0) revert BadPolicy();
        if (policy_.feedSet == 0) {
            if (policy_.ownInputs != inputs || policy_.snapshots) revert BadPolicy();
            return;
        }
        (bytes32 fedPorts, uint256 fed, uint32 period, bool views) = gateway.binder().shapeOf(policy_.feedSet);
        bool fits = fed + policy_.ownInputs == inputs && fedPorts == portsHash && (policy_.snapshots || !views);
        // At most two times are young enough, so that waiting for a better one gains little; and the older one, handed
        // in first, keeps the newer one out for no time at all. Slower paces are the bounds' matter.
        if (!fits || policy_.maxAge > 2 * uint256(period) || policy_.minInterval > period) revert BadPolicy();
    }

    function _requireGateway() private view {
        if (msg.sender != address(gateway)) revert NotGateway(msg.sender);
        if (paused) revert Paused();
    }
}
