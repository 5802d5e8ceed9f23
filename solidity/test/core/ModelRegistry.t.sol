// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IModelRegistry, Model, Registration} from "../../contracts/interfaces/IModelRegistry.sol";
import {DataCode} from "../../contracts/libraries/DataCode.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {World} from "../support/World.sol";

contract ModelRegistryTest is World {
    Port[] private _ports;

    function setUp() external {
        build();
        _ports.push(port(-100, 100, 16));
        _ports.push(port(0, 1000, 4));
        _ports.push(port(-5, 5, 1));
        _ports.push(port(-5, 5, 1));
        _ports.push(port(0, 1, 1));
    }

    function test_keepsWhatTheKeySays() external {
        bytes32 id = register(_ports, 2);
        Model memory model = registry.live(id);
        eq(model.inputs, 2, "inputs");
        eq(model.outputs, 3, "outputs");
        eq(model.runs.length, 2, "neighbours that are read alike are one run");
        eq(model.runs[0].count, 2, "of two outputs");
        eqInt(model.runs[1].hi, 1, "the second run's range");
        yes(model.unsafeSrs, "no ceremony was pinned");
        (bytes32 portsHash, uint16 inputs) = registry.portsOf(id);
        yes(portsHash == keccak256(abi.encode(_ports)) && inputs == 2, "what consumers compare");
    }

    function test_aPinnedCeremonyMakesModelsSafe() external {
        address key = newKey(_ports, 7);
        registry.pinCeremony(registry.srsOf(key));
        registry.pinCeremony(registry.srsOf(key));
        yes(!registry.live(registry.register(registration(key, 2), _ports)).unsafeSrs, "safe");
    }

    function test_aCeremonyThatIsPinnedLaterMakesModelsSafe() external {
        Registration memory made = registration(newKey(_ports, 7), 2);
        bytes32 id = registry.register(made, _ports);
        yes(registry.live(id).unsafeSrs, "not yet");
        registry.pinCeremony(keccak256("another string"));
        yes(registry.live(id).unsafeSrs, "another one's");
        registry.pinCeremony(registry.srsOf(made.key));
        yes(!registry.live(id).unsafeSrs, "safe");
    }

    function test_registeringAgainReturnsTheSame() external {
        Registration memory again = registration(newKey(_ports, 7), 2);
        bytes32 id = registry.register(again, _ports);
        VM.warp(block.timestamp + 1 days);
        yes(registry.register(again, _ports) == id, "the same id");
        eq(registry.live(id).addedAt, START, "nothing was written");
    }

    /// @dev Two keys that claim one digest: whoever is second is refused (row 32 of the list of known attacks).
    function test_anotherKeyWithAKnownDigestIsRefused() external {
        address key = newKey(_ports, 7);
        bytes32 id = registry.register(registration(key, 2), _ports);
        bytes memory data = DataCode.read(key);
        data[data.length - 1] = 0x01;
        address forged = DataCode.write(data);
        Registration memory other = registration(forged, 2);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelConflict.selector, id));
        registry.register(other, _ports);
        other = registration(key, 3);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelConflict.selector, id));
        registry.register(other, _ports);
    }

    /// @dev The same hash of circuit and another scale of an output (row 45).
    function test_otherPortsThanTheKeysAreRefused() external {
        Registration memory entry = registration(newKey(_ports, 7), 2);
        bytes32 expected = keccak256(abi.encode(_ports));
        _ports[4].num = 16;
        VM.expectRevert(
            abi.encodeWithSelector(IModelRegistry.WrongPorts.selector, expected, keccak256(abi.encode(_ports)))
        );
        registry.register(entry, _ports);
    }

    function test_refusesWhatDoesNotFit() external {
        address key = newKey(_ports, 7);
        Registration memory entry = registration(key, 2);
        entry.keyCodeHash = bytes32(uint256(1));
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.WrongKeyCode.selector, bytes32(uint256(1)), key.codehash));
        registry.register(entry, _ports);

        entry = registration(newKey(_ports, 8), 2);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.WrongInstanceCount.selector, 8, 7));
        registry.register(entry, _ports);

        entry = registration(key, 0);
        VM.expectRevert(IModelRegistry.NoInputsOrOutputs.selector);
        registry.register(entry, _ports);
        entry = registration(key, 5);
        VM.expectRevert(IModelRegistry.NoInputsOrOutputs.selector);
        registry.register(entry, _ports);

        entry = registration(address(registry), 2);
        VM.expectRevert();
        registry.register(entry, _ports);
        entry = registration(address(0xdead), 2);
        VM.expectRevert(abi.encodeWithSelector(DataCode.NoData.selector, address(0xdead)));
        registry.register(entry, _ports);
    }

    /// @dev The verifier reads from the key's front and the registry the reference string from its end: whoever appends
    /// the words of a ceremony to a key of his own string has a model that looks safe.
    function test_aKeyWithAppendedWordsIsRefused() external {
        address genuine = newKey(_ports, 7);
        registry.pinCeremony(registry.srsOf(genuine));
        bytes memory data = DataCode.read(newKey(_ports, 7));
        data[data.length - 1] = 0x01;
        bytes memory ceremony = new bytes(320);
        bytes memory whole = DataCode.read(genuine);
        for (uint256 i = 0; i < 320; ++i) {
            ceremony[i] = whole[whole.length - 320 + i];
        }
        Registration memory entry = registration(DataCode.write(bytes.concat(data, ceremony)), 2);
        uint256 length = 1 + verifier.KEY_BYTES();
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.WrongKeyLength.selector, length, length + 320));
        registry.register(entry, _ports);
    }

    function test_aKeyThatIsCutIsRefused() external {
        bytes memory data = DataCode.read(newKey(_ports, 7));
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 32))
        }
        Registration memory entry = registration(DataCode.write(data), 2);
        uint256 length = 1 + verifier.KEY_BYTES();
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.WrongKeyLength.selector, length, length - 32));
        registry.register(entry, _ports);
    }

    /// @dev A proxy in the verifier's place could be another contract tomorrow.
    function test_anotherVerifiersCodeIsRefused() external {
        Registration memory entry = registration(newKey(_ports, 7), 2);
        bytes32 genuine = entry.verifierCodeHash;
        entry.verifierCodeHash = bytes32(uint256(1));
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.WrongVerifierCode.selector, bytes32(uint256(1)), genuine));
        registry.register(entry, _ports);
    }

    function test_aVerifierThatChangedIsNotLive() external {
        bytes32 id = register(_ports, 2);
        VM.etch(address(verifier), bytes.concat(address(verifier).code, hex"00"));
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierMissing.selector, id));
        registry.live(id);
    }

    function test_refusesAKeyOfAnotherShape() external {
        bytes memory data = DataCode.read(newKey(_ports, 7));
        data[0] ^= 0xff;
        Registration memory entry = registration(DataCode.write(data), 2);
        bytes32 shape = verifier.SHAPE_DIGEST();
        VM.expectRevert(
            abi.encodeWithSelector(IModelRegistry.WrongShape.selector, shape, shape ^ bytes32(uint256(0xff) << 248))
        );
        registry.register(entry, _ports);
    }

    function test_refusesPortsThatMeanNothing() external {
        _ports[1].den = 0;
        _expectBadPort(1);
        _ports[1].den = 1;
        _ports[3].num = 0;
        _expectBadPort(3);
        _ports[3].num = 1;
        _ports[0].lo = 101;
        _expectBadPort(0);
        // An output whose largest integer is no number of 256 bits in 1e-18.
        _ports[0].lo = 0;
        _ports[4] = Port("x", 0, type(int128).max, 1, type(uint128).max, 0);
        Registration memory entry = registration(newKey(_ports, 7), 2);
        VM.expectRevert();
        registry.register(entry, _ports);
    }

    function test_disablingIsForEver() external {
        bytes32 id = register(_ports, 2);
        VM.prank(GUARDIAN);
        registry.disable(id);
        VM.prank(GUARDIAN);
        registry.disable(id);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.DisabledModel.selector, id));
        registry.live(id);
        yes(registry.statusOf(id) == ModelRegistry.Status.Disabled, "disabled");
    }

    function test_unknownModels() external {
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(0)));
        registry.live(0);
        VM.prank(GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32(0)));
        registry.disable(0);
    }

    function test_aKeyWhoseCodeIsGoneIsMissed() external {
        address key = newKey(_ports, 7);
        bytes32 id = registry.register(registration(key, 2), _ports);
        VM.etch(key, hex"fe00");
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.KeyMissing.selector, id));
        registry.live(id);
    }

    /// @dev A registry open to anyone accepts a trivial circuit (row 32).
    function test_onlyRolesMayWrite() external {
        bytes32 id = register(_ports, 2);
        Registration memory entry = registration(newKey(_ports, 7), 2);
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, KEEPER);
        VM.startPrank(KEEPER);
        VM.expectRevert(refused);
        registry.register(entry, _ports);
        VM.expectRevert(refused);
        registry.disable(id);
        VM.expectRevert(refused);
        registry.pinCeremony(0);
        VM.stopPrank();
        // A guardian disables, and adds nothing.
        VM.prank(GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, GUARDIAN));
        registry.register(entry, _ports);
    }

    function test_dataThatIsTooLongIsRefused() external {
        VM.expectRevert(abi.encodeWithSelector(DataCode.DataTooLarge.selector, 24_575, 24_576));
        this.write(new bytes(24_576));
    }

    function test_rangesOfInputsEndWithinThem() external {
        VM.expectRevert(abi.encodeWithSelector(InputHash.RangeOutside.selector, 1, 2));
        this.hashOf(ints(5), 1, 1);
    }

    function hashOf(int256[] calldata inputs, uint256 from, uint256 count) external pure returns (bytes32) {
        return InputHash.ofRange(inputs, from, count);
    }

    function write(bytes calldata data) external returns (address) {
        return DataCode.write(data);
    }

    function _expectBadPort(uint256 index) private {
        Registration memory entry = registration(newKey(_ports, 7), 2);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.BadPort.selector, index));
        registry.register(entry, _ports);
    }
}
