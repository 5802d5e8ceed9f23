// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IModelRegistry, Model, OutputRun, Registration} from "../interfaces/IModelRegistry.sol";
import {DataCode} from "../libraries/DataCode.sol";
import {IHalo2Verifier} from "../verifiers/IHalo2Verifier.sol";
import {Port, PublicValues, Rounding} from "../verifiers/PublicValues.sol";

/// @title Append-only records of models.
/// @notice A registrar names a verifier and a key; shape, digest, number of public values, ports and reference string
/// are read from the key's data and compared. What no hash there tells apart, and a registrar must therefore check:
/// that the verifier's code hash is the published one (a proxy's own does not change when what it points to does, and
/// no contract can tell), that the key's digest is the one that its maker publishes, and how many ports are inputs.
/// @dev A record is stored as code, so that `live` costs the same whatever the model. Roles: registrar (`register`,
/// `pinCeremony`) with a delay, guardian (`disable`) without.
contract ModelRegistry is IModelRegistry, AccessManaged {
    /// @notice 0 unknown, 1 live, 2 disabled.
    enum Status {
        Unknown,
        Live,
        Disabled
    }

    struct Record {
        address data;
        Status status;
    }

    /// @dev Words of a key's data in front of the roots of unity (`key_layout.rs` has the same order).
    struct KeyHead {
        bytes32 shapeDigest;
        bytes32 keyDigest;
        bytes32 portsHash;
        uint256 logRows;
        uint256 instances;
    }

    /// @dev Words of a kept record: `abi.encode(Model)` as far as its runs, which follow.
    struct EntryHead {
        uint256 structAt;
        address verifier;
        bytes32 verifierCodeHash;
        address key;
        bytes32 keyCodeHash;
        bytes32 portsHash;
        uint16 inputs;
        uint16 outputs;
        bool unsafeSrs;
        uint64 addedAt;
    }

    /// @notice `[1]_1`, `[1]_2` and `-[s]_2`, at the end of a key's data.
    uint256 private constant SRS_BYTES = 10 * 32;
    /// @notice Public values that a context takes.
    uint256 private constant CONTEXT_VALUES = 2;

    mapping(bytes32 model => Record) private _records;
    /// @notice Reference strings that come from a ceremony.
    mapping(bytes32 srs => bool) public isCeremony;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IModelRegistry
    function register(Registration calldata registration, Port[] calldata ports)
        external
        restricted
        returns (bytes32 model)
    {
        bytes32 codeHash = registration.key.codehash;
        if (codeHash != registration.keyCodeHash) revert WrongKeyCode(registration.keyCodeHash, codeHash);
        bytes32 verifierHash = registration.verifier.codehash;
        if (verifierHash != registration.verifierCodeHash) {
            revert WrongVerifierCode(registration.verifierCodeHash, verifierHash);
        }
        KeyHead memory head = _headOf(registration.key);
        model = head.keyDigest;

        Record storage record = _records[model];
        if (record.status != Status.Unknown) {
            Model memory known = abi.decode(DataCode.read(record.data), (Model));
            bool same = known.keyCodeHash == codeHash && known.verifier == registration.verifier
                && known.verifierCodeHash == verifierHash && known.inputs == registration.inputs;
            if (!same) revert ModelConflict(model);
            return model;
        }

        Model memory entry = _checked(registration, ports, head);
        record.data = DataCode.write(abi.encode(entry));
        record.status = Status.Live;
        emit ModelRegistered(
            model,
            registration.verifier,
            registration.programDigest,
            codeHash,
            registration.reportDigest,
            entry.unsafeSrs,
            registration.uri
        );
    }

    /// @inheritdoc IModelRegistry
    function disable(bytes32 model) external restricted {
        Record storage record = _records[model];
        if (record.status == Status.Unknown) revert UnknownModel(model);
        if (record.status == Status.Disabled) return;
        record.status = Status.Disabled;
        emit ModelDisabled(model, msg.sender);
    }

    /// @inheritdoc IModelRegistry
    function pinCeremony(bytes32 srs) external restricted {
        if (isCeremony[srs]) return;
        isCeremony[srs] = true;
        emit CeremonyPinned(srs);
    }

    /// @inheritdoc IModelRegistry
    function live(bytes32 model) external view returns (Model memory) {
        (bytes memory entry,) = _usable(model);
        // It is kept as the ABI encodes it: handed on as it is, it costs no decoding.
        assembly ("memory-safe") {
            return(add(entry, 0x20), mload(entry))
        }
    }

    /// @inheritdoc IModelRegistry
    function portsOf(bytes32 model) external view returns (bytes32 portsHash, uint16 inputs) {
        (, EntryHead memory head) = _usable(model);
        return (head.portsHash, head.inputs);
    }

    /// @notice 0 unknown, 1 live, 2 disabled.
    function statusOf(bytes32 model) external view returns (Status) {
        return _records[model].status;
    }

    /// @inheritdoc IModelRegistry
    function srsOf(address key) public view returns (bytes32 srs) {
        uint256 size = key.code.length;
        if (size <= SRS_BYTES) revert DataCode.NoData(key);
        bytes memory points = new bytes(SRS_BYTES);
        assembly ("memory-safe") {
            extcodecopy(key, add(points, 0x20), sub(size, SRS_BYTES), SRS_BYTES)
        }
        return keccak256(points);
    }

    /// @dev The record of a model that may be used, and its head in place.
    function _usable(bytes32 model) private view returns (bytes memory entry, EntryHead memory head) {
        Record memory record = _records[model];
        if (record.status == Status.Unknown) revert UnknownModel(model);
        if (record.status == Status.Disabled) revert DisabledModel(model);
        entry = DataCode.read(record.data);
        assembly ("memory-safe") {
            head := add(entry, 0x20)
        }
        if (head.key.codehash != head.keyCodeHash) revert KeyMissing(model);
        if (head.verifier.codehash != head.verifierCodeHash) revert VerifierMissing(model);
        // A ceremony may have been pinned since. None is ever taken back.
        if (head.unsafeSrs) head.unsafeSrs = !isCeremony[srsOf(head.key)];
    }

    /// @dev The record, once everything that the key's data tells was compared.
    function _checked(Registration calldata registration, Port[] calldata ports, KeyHead memory head)
        private
        view
        returns (Model memory entry)
    {
        bytes32 shape = IHalo2Verifier(registration.verifier).SHAPE_DIGEST();
        if (shape != head.shapeDigest) revert WrongShape(shape, head.shapeDigest);
        // The verifier reads from the front, `srsOf` from the end: they must mean the same bytes.
        uint256 length = 1 + IHalo2Verifier(registration.verifier).KEY_BYTES();
        if (registration.key.code.length != length) revert WrongKeyLength(length, registration.key.code.length);
        entry.portsHash = keccak256(abi.encode(ports));
        if (entry.portsHash != head.portsHash) revert WrongPorts(head.portsHash, entry.portsHash);
        uint256 instances = ports.length + CONTEXT_VALUES;
        if (instances != head.instances) revert WrongInstanceCount(head.instances, instances);
        if (registration.inputs == 0 || registration.inputs >= ports.length) revert NoInputsOrOutputs();
        if (ports.length > type(uint16).max) revert WrongInstanceCount(type(uint16).max, instances);
        entry.verifier = registration.verifier;
        entry.verifierCodeHash = registration.verifierCodeHash;
        entry.key = registration.key;
        entry.keyCodeHash = registration.keyCodeHash;
        entry.inputs = registration.inputs;
        // forge-lint: disable-next-line(unsafe-typecast)
        entry.outputs = uint16(ports.length - registration.inputs);
        entry.unsafeSrs = !isCeremony[srsOf(registration.key)];
        entry.addedAt = uint64(block.timestamp);
        entry.runs = _runs(ports, registration.inputs);
    }

    function _headOf(address key) private view returns (KeyHead memory head) {
        if (key.code.length <= 160) revert DataCode.NoData(key);
        assembly ("memory-safe") {
            extcodecopy(key, head, 1, 160)
        }
    }

    /// @dev Neighbouring outputs that are read alike, as one. That their largest and smallest integers are numbers of
    /// 256 bits in 1e-18 is tried here, so that no decision fails for it later.
    function _runs(Port[] calldata ports, uint256 inputs) private pure returns (OutputRun[] memory runs) {
        runs = new OutputRun[](ports.length - inputs);
        uint256 count;
        for (uint256 i = 0; i < ports.length; ++i) {
            Port calldata port = ports[i];
            if (port.lo > port.hi || port.num == 0 || port.den == 0) revert BadPort(i);
            if (i < inputs) continue;
            PublicValues.toNumber(port.lo, port, 1e18, Rounding.Down);
            PublicValues.toNumber(port.hi, port, 1e18, Rounding.Down);
            if (count != 0) {
                OutputRun memory last = runs[count - 1];
                if (
                    last.lo == port.lo && last.hi == port.hi && last.num == port.num && last.den == port.den
                        && last.zero == port.zero
                ) {
                    ++last.count;
                    continue;
                }
            }
            runs[count] = OutputRun(1, port.lo, port.hi, port.num, port.den, port.zero);
            ++count;
        }
        assembly ("memory-safe") {
            mstore(runs, count)
        }
    }
}
