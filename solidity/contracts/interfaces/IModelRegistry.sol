// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Port} from "../verifiers/PublicValues.sol";

/// @notice How neighbouring outputs stand for numbers: as a `Port` without its name, `count` times.
/// @dev `q = round(x * num / den) + zero`, `lo <= q <= hi`, all but `count` in steps.
struct OutputRun {
    uint16 count;
    int128 lo;
    int128 hi;
    uint128 num;
    uint128 den;
    int64 zero;
}

/// @notice What the registry knows of a model; all but `verifier` and its code hash, `key`, `inputs` and `addedAt` is
/// read from the key's data.
/// @dev `unsafeSrs`: the key's reference string is none that is pinned. `addedAt` in seconds.
struct Model {
    address verifier;
    bytes32 verifierCodeHash;
    address key;
    bytes32 keyCodeHash;
    bytes32 portsHash;
    uint16 inputs;
    uint16 outputs;
    bool unsafeSrs;
    uint64 addedAt;
    OutputRun[] runs;
}

/// @notice What a registrar says. `verifierCodeHash`: that of the published verifier, from its publisher and not from
/// the chain: the hash of a proxy in its place would do as well. `inputs`: how many of the ports are inputs, the one
/// thing that no hash in the key's data tells. Digests and `uri` are for readers of the event.
struct Registration {
    address verifier;
    bytes32 verifierCodeHash;
    address key;
    bytes32 keyCodeHash;
    uint16 inputs;
    bytes32 programDigest;
    bytes32 reportDigest;
    string uri;
}

/// @title Which models exist, and what their public values mean.
/// @notice Append-only: a record never changes, and a disabled model stays so.
interface IModelRegistry {
    event ModelRegistered(
        bytes32 indexed model,
        address indexed verifier,
        bytes32 indexed programDigest,
        bytes32 keyCodeHash,
        bytes32 reportDigest,
        bool unsafeSrs,
        string uri
    );
    event ModelDisabled(bytes32 indexed model, address indexed by);
    event CeremonyPinned(bytes32 indexed srs);

    /// @notice No such model was registered.
    error UnknownModel(bytes32 model);
    /// @notice A guardian has disabled the model, for ever.
    error DisabledModel(bytes32 model);
    /// @notice The code at the key's address is not what was registered.
    error KeyMissing(bytes32 model);
    /// @notice The code at the verifier's address is not what was registered.
    error VerifierMissing(bytes32 model);
    /// @notice The code at `key` has another hash than the registrar expects.
    error WrongKeyCode(bytes32 expected, bytes32 got);
    /// @notice The code at `verifier` has another hash than the registrar expects.
    error WrongVerifierCode(bytes32 expected, bytes32 got);
    /// @notice The key's code is longer or shorter than what the verifier reads of it. In bytes.
    error WrongKeyLength(uint256 verifier, uint256 key);
    /// @notice The key is for another shape than the verifier.
    error WrongShape(bytes32 verifier, bytes32 key);
    /// @notice The ports are not those of the key. Both are `keccak256(abi.encode(ports))`.
    error WrongPorts(bytes32 key, bytes32 got);
    /// @notice The key is for another number of public values (context, inputs and outputs).
    error WrongInstanceCount(uint256 key, uint256 got);
    /// @notice A model has at least one input and one output.
    error NoInputsOrOutputs();
    /// @notice A port whose range is empty or whose scale is zero. `index` counts inputs, then outputs.
    error BadPort(uint256 index);
    /// @notice Another key with the same digest is registered: one of the two lies about its digest.
    error ModelConflict(bytes32 model);

    /// @notice Registers a model, or returns the id of one that is known already. By the registrar's role.
    /// @return model The digest of its key.
    function register(Registration calldata registration, Port[] calldata ports) external returns (bytes32 model);

    /// @notice Disables a model. By the guardian's role; there is no way back. Nothing happens where it is disabled
    /// already.
    function disable(bytes32 model) external;

    /// @notice Says that a reference string comes from a ceremony, for all models of it, those that are registered
    /// included.
    /// @param srs As `srsOf` computes it.
    function pinCeremony(bytes32 srs) external;

    /// @notice The record of a model that may be used; reverts with UnknownModel, DisabledModel, KeyMissing or
    /// VerifierMissing.
    function live(bytes32 model) external view returns (Model memory);

    /// @notice What a consumer compares when it takes a model: reverts as `live` does.
    /// @return portsHash `keccak256(abi.encode(ports))`.
    /// @return inputs How many of the ports are inputs.
    function portsOf(bytes32 model) external view returns (bytes32 portsHash, uint16 inputs);

    /// @notice `keccak256` of the last ten words of a key's data: `[1]_1`, `[1]_2` and `-[s]_2` of its reference
    /// string, of a key of the length that its verifier reads: `register` checks that.
    function srsOf(address key) external view returns (bytes32);
}
