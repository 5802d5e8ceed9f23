// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IFeedBinder} from "./IFeedBinder.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @notice What a submitter says about a decision; the proof is beside it.
/// @dev `observed`: by rounds, the time in seconds; by snapshot, its index; without feeds, 0. `rounds`: as
/// `IFeedBinder.bind` takes them, none by snapshot. `inputs`, `outputs`: integers in steps of their ports.
struct Request {
    address consumer;
    bytes32 subject;
    uint64 nonce;
    uint64 deadline;
    uint64 observed;
    uint80[] rounds;
    int256[] inputs;
    int256[] outputs;
}

/// @notice A batch as it is kept: by its hash, so that whoever opens it hands in the rest.
/// @dev `subject`: `keccak256(abi.encode(cohort.codehash, size))`. `root`: of the leaves `keccak256(id . index .
/// subject . outputs)`, 32 bytes each, outputs in steps. `observedAt`, `deadline` in seconds.
struct Batch {
    bytes32 id;
    address consumer;
    bytes32 subject;
    bytes32 model;
    bytes32 feedSet;
    bytes32 root;
    uint64 nonce;
    uint64 observedAt;
    uint64 deadline;
    uint32 outputsEach;
}

/// @notice What a submitter says about a batch.
/// @dev `cohort`: a data contract: INVALID, then 20 bytes a subject. `observed`: as in `Request`, but never rounds.
/// `inputs`: in steps, the same for all subjects. `packedOutputs`: in steps, each in the same number of bytes, two's
/// complement, subject by subject.
struct BatchRequest {
    address consumer;
    address cohort;
    uint64 nonce;
    uint64 deadline;
    uint64 observed;
    int256[] inputs;
    bytes packedOutputs;
}

/// @notice Leaves of a batch. `indexes`: positions in the cohort. `outputs`: those of all named subjects, in steps.
/// @dev `multiproof`, `flags`: as OpenZeppelin's `MerkleProof.multiProofVerify` takes them.
struct Opening {
    uint256[] indexes;
    bytes32[] subjects;
    int256[] outputs;
    bytes32[] multiproof;
    bool[] flags;
}

/// @title Takes proved decisions to their consumers.
/// @notice Without an owner, holds nothing. It computes every public value itself: context and inputs from the chain,
/// outputs from the integers that it is handed, each within the range that the model's key promises.
interface IDecisionGateway {
    event DecisionAccepted(
        bytes32 indexed id,
        address indexed consumer,
        bytes32 indexed subject,
        bytes32 model,
        uint64 nonce,
        uint64 observedAt,
        address submitter,
        int256[] outputs
    );
    event BatchAccepted(bytes32 indexed id, address indexed consumer, address indexed cohort, Batch batch);
    event LeafOpened(bytes32 indexed batch, uint256 index, bytes32 indexed subject);

    /// @notice The decision was made for another place in the subject's order: the same one again, or one too early.
    error NonceUsed(uint64 expected, uint64 got);
    /// @notice The deadline has passed. In seconds.
    error Expired(uint64 deadline);
    /// @notice The deadline is further from the observation than the consumer admits. Both in seconds.
    error DeadlineTooFar(uint64 latest, uint64 deadline);
    /// @notice The consumer wants no decision that was observed before `next`, in seconds: the last one's observation
    /// and the policy's interval. When the last one was accepted counts for nothing.
    error TooEarly(uint64 next);
    /// @notice Observed no later than the subject's last decision. Both in seconds.
    error NotNewer(uint64 last, uint64 got);
    /// @notice An output outside of the range of its port. In steps.
    error OutputOutOfRange(uint256 index, int256 lo, int256 hi, int256 got);
    /// @notice Another number of inputs or outputs than the model has.
    error WrongLength(uint256 expected, uint256 got);
    /// @notice The inputs are not what the chain says: of the feeds, or the consumer's own.
    error InputMismatch();
    /// @notice `observed` or `rounds` where the consumer's policy has no use for them.
    error UnusedField();
    /// @notice The model's reference string comes from no ceremony, and this gateway takes no such model.
    error UnsafeModel(bytes32 model);
    /// @notice The consumer did not answer with its function's selector.
    error CallbackRefused();
    /// @notice Packed bytes of another length than their head announces. Both in bytes.
    error WrongPackedLength(uint256 expected, uint256 got);
    /// @notice A width that no integer has, or that does not divide what is packed. In bytes.
    error BadWidth(uint256 width);
    /// @notice A cohort without subjects, or one whose code is no list of addresses. In bytes.
    error BadCohort(uint256 codeLength);
    /// @notice The batch is not (any more) kept, or differs from what was accepted.
    error UnknownBatch(bytes32 id);
    /// @notice The consumer's policy names another model, or another set of feeds, since.
    error PolicyChanged(bytes32 model);
    /// @notice The leaves are not in the batch.
    error BadOpening();

    /// @notice Verifies a decision and hands it to its consumer. Anyone may.
    /// @return id `keccak256(abi.encode(context, InputHash.ofAll(inputs), InputHash.ofAll(outputs)))`.
    function submit(Request calldata request, bytes calldata proof) external returns (bytes32 id);

    /// @notice As `submit`, in fewer bytes: `PackedRequest` says how.
    function submitPacked(bytes calldata packed) external returns (bytes32 id);

    /// @notice Verifies decisions about all subjects of a cohort in one proof and keeps the root of their tree.
    function submitBatch(BatchRequest calldata request, bytes calldata proof) external returns (bytes32 id);

    /// @notice Hands decisions of a batch to their consumer. A subject that has a decision from the same time or a
    /// later one, or one observed within the policy's interval before, is passed over. Each takes its subject's next
    /// nonce, so that a proof of a single decision that was made for it is worth nothing any more: subjects of cohorts
    /// should have none.
    /// @return applied How many were handed over.
    function open(Batch calldata batch, Opening calldata opening) external returns (uint256 applied);

    /// @notice Where a subject's order stands. Times in seconds.
    function cursor(address consumer, bytes32 subject)
        external
        view
        returns (uint64 nextNonce, uint64 observedAt, uint64 acceptedAt);

    /// @notice The first two public values of a single decision's proof.
    function contextOf(address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
        external
        view
        returns (uint256 low, uint256 high);

    /// @notice The first two public values of a batch's proof.
    function batchContextOf(address consumer, bytes32 model, bytes32 subject, uint64 nonce, uint64 deadline)
        external
        view
        returns (uint256 low, uint256 high);

    /// @notice Where models are looked up.
    function registry() external view returns (IModelRegistry);

    /// @notice Where inputs are bound.
    function binder() external view returns (IFeedBinder);
}
