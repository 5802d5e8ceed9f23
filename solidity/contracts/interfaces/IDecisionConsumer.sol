// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @notice What a consumer demands of the next decision about a subject.
/// @dev `model`: key digest. `feedSet`: set of the binder that gives the first inputs, 0 for none. `inputsHash`: hash
/// (`InputHash.ofAll`) of the last `ownInputs` inputs, which the consumer computes by itself. `maxAge`: seconds from
/// the observation to the latest deadline. `minInterval`: seconds between the observations of two decisions.
/// `snapshots`: inputs of the set are taken from its snapshots and not from rounds that the submitter names. A subject
/// of a cohort should have no policy of its own: an opening takes the nonce that a finished proof was made for.
struct Policy {
    bytes32 model;
    bytes32 feedSet;
    bytes32 inputsHash;
    uint32 maxAge;
    uint32 minInterval;
    uint16 ownInputs;
    bool snapshots;
}

/// @notice A decision whose proof was verified.
/// @dev `feedSet`: the set of the gateway's binder that gave the first inputs, 0 for none. `observedAt`, `deadline` in
/// seconds. `inputs` in steps of their ports. `outputs` in 1e-18, rounded down: the
/// gateway decodes them, so that no consumer reads a field element or forgets a scale.
struct Decision {
    bytes32 id;
    bytes32 model;
    bytes32 feedSet;
    bytes32 subject;
    uint64 nonce;
    uint64 observedAt;
    uint64 deadline;
    int256[] inputs;
    int256[] outputs;
}

/// @title What acts on decisions.
interface IDecisionConsumer {
    /// @notice What the next decision about a subject must be made of. The consumer says so, never who submits.
    function policy(bytes32 subject) external view returns (Policy memory);

    /// @notice Acts on a decision. Only from the gateway.
    /// @return This function's selector: anything else is a refusal.
    function onDecision(Decision calldata decision) external returns (bytes4);

    /// @notice Acts on decisions of one batch; their `inputs` are empty. Only from the gateway.
    /// @return This function's selector.
    function onDecisions(Decision[] calldata decisions) external returns (bytes4);

    /// @notice What a decision would change now: for each parameter its value, the new one, and when (seconds; 0: at
    /// once).
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta);
}
