// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Halo2VerifierLean} from "../contracts/verifiers/Halo2VerifierLean.sol";
import {Halo2VerifierWide} from "../contracts/verifiers/Halo2VerifierWide.sol";
import {IHalo2Verifier} from "../contracts/verifiers/IHalo2Verifier.sol";
import {Port, PublicValues} from "../contracts/verifiers/PublicValues.sol";
import {Halo2VerifierLadder} from "./verifiers/Halo2VerifierLadder.sol";
import {VM} from "./Vm.sol";

/// @notice Every shape's compiled verifier against a genuine proof and what becomes of it.
abstract contract Halo2VerifierTest {
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 internal constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    IHalo2Verifier internal verifier;
    address internal key;
    bytes32 internal keyCodeHash;
    bytes internal proof;
    uint256[] internal instances;

    /// @return The name of the shape and of its fixture.
    function shape() internal pure virtual returns (string memory);

    /// @return The verifier of the shape.
    function deploy() internal virtual returns (IHalo2Verifier);

    /// @return Position of the first evaluation among the proof's elements, all before it being points.
    function firstScalar() internal pure virtual returns (uint256);

    function setUp() external {
        string memory json = VM.readFile(string.concat("test/fixtures/", shape(), ".json"));
        proof = VM.parseJsonBytes(json, ".proof");
        keyCodeHash = VM.parseJsonBytes32(json, ".key_code_hash");
        bytes32[] memory words = VM.parseJsonBytes32Array(json, ".instances");
        for (uint256 i = 0; i < words.length; ++i) {
            instances.push(uint256(words[i]));
        }
        key = create(VM.parseJsonBytes(json, ".key_creation_code"));
        verifier = deploy();
    }

    function create(bytes memory code) internal returns (address created) {
        assembly {
            created := create(0, add(code, 0x20), mload(code))
        }
        require(created != address(0), "not created");
    }

    /// @dev What a registry compares: the ports that it is handed, against the third word of the key's data.
    function test_theKeysDataCarriesItsDigestAndTheHashOfItsPorts() external view {
        string memory json = VM.readFile(string.concat("test/fixtures/", shape(), ".json"));
        Port[] memory ports = abi.decode(VM.parseJsonBytes(json, ".ports"), (Port[]));
        bytes32 portsHash = PublicValues.hashPorts(ports);
        require(portsHash == VM.parseJsonBytes32(json, ".ports_hash"), "Rust hashes other ports");
        bytes32[2] memory carried;
        address data = key;
        assembly {
            extcodecopy(data, carried, 0x21, 0x40)
        }
        require(carried[0] == VM.parseJsonBytes32(json, ".key_digest"), "another digest");
        require(carried[1] == portsHash, "another hash");
    }

    function verify(bytes memory proof_, uint256[] memory instances_) internal view returns (bool) {
        return verifier.verifyProof(key, keyCodeHash, proof_, instances_);
    }

    /// @dev The word of the proof at a byte offset, replaced.
    function withWord(uint256 offset, uint256 word) internal view returns (bytes memory changed) {
        changed = proof;
        assembly {
            mstore(add(add(changed, 0x20), offset), word)
        }
    }

    function wordAt(uint256 offset) internal view returns (uint256 word) {
        bytes memory bytes_ = proof;
        assembly {
            word := mload(add(add(bytes_, 0x20), offset))
        }
    }

    function test_acceptsAGenuineProof() external {
        bool accepted = verify(proof, instances);
        VM.snapshotGasLastCall("verifyProof", shape());
        require(accepted, "not accepted");
    }

    function test_keyHasThePinnedCode() external view {
        require(key.codehash == keyCodeHash, "another hash");
    }

    function test_refusesAPointAtInfinity() external {
        for (uint256 index = 0; index < firstScalar(); ++index) {
            bytes memory changed = withWord(64 * index, 0);
            assembly {
                mstore(add(add(changed, 0x40), mul(64, index)), 0)
            }
            VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.PointAtInfinity.selector, index));
            verify(changed, instances);
        }
    }

    function test_refusesACoordinateThatIsNotCanonical() external {
        for (uint256 index = 0; index < firstScalar(); ++index) {
            for (uint256 half = 0; half < 2; ++half) {
                uint256 offset = 64 * index + 32 * half;
                uint256 alias_ = wordAt(offset) + P;
                VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.CoordinateNotCanonical.selector, index));
                verify(withWord(offset, alias_), instances);
            }
        }
    }

    function test_refusesAPointOffTheCurve() external {
        for (uint256 index = 0; index < firstScalar(); ++index) {
            // y + 1 instead of y, or 0 where that is p: neither is a root of x^3 + 3.
            uint256 other = addmod(wordAt(64 * index + 32), 1, P);
            VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.PointNotOnCurve.selector, index));
            verify(withWord(64 * index + 32, other), instances);
        }
    }

    /// @dev (p - y) is on the curve: only the pairing can tell.
    function test_refusesANegatedPoint() external {
        for (uint256 index = 0; index < firstScalar(); ++index) {
            uint256 negated = P - wordAt(64 * index + 32);
            VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
            verify(withWord(64 * index + 32, negated), instances);
        }
    }

    function test_refusesAScalarThatIsNotCanonical() external {
        uint256 first = 64 * firstScalar();
        uint256 count = (proof.length - first - 128) / 32;
        for (uint256 i = 0; i < count; ++i) {
            uint256 alias_ = wordAt(first + 32 * i) + R;
            VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.ScalarNotCanonical.selector, firstScalar() + i));
            verify(withWord(first + 32 * i, alias_), instances);
        }
    }

    function test_refusesAnotherEvaluation() external {
        uint256 first = 64 * firstScalar();
        uint256 count = (proof.length - first - 128) / 32;
        for (uint256 i = 0; i < count; ++i) {
            uint256 other = addmod(wordAt(first + 32 * i), 1, R);
            VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
            verify(withWord(first + 32 * i, other), instances);
        }
    }

    function test_refusesAnInstanceThatIsNotCanonical() external {
        for (uint256 i = 0; i < instances.length; ++i) {
            uint256[] memory changed = instances;
            changed[i] += R;
            VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.InstanceNotCanonical.selector, i));
            verify(proof, changed);
        }
    }

    function test_refusesAnotherNumberOfInstances() external {
        uint256 expected = instances.length;
        uint256[] memory more = new uint256[](expected + 1);
        uint256[] memory none = new uint256[](0);
        VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.WrongInstanceCount.selector, expected, expected + 1));
        verify(proof, more);
        VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.WrongInstanceCount.selector, expected, 0));
        verify(proof, none);
    }

    function test_refusesAnotherLength() external {
        bytes memory longer = bytes.concat(proof, bytes32(0));
        VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.WrongProofLength.selector, proof.length, longer.length));
        verify(longer, instances);
        VM.expectRevert(abi.encodeWithSelector(IHalo2Verifier.WrongProofLength.selector, proof.length, 0));
        verify("", instances);
    }

    function test_refusesAnotherKey() external {
        VM.expectRevert(
            abi.encodeWithSelector(IHalo2Verifier.WrongKeyCodeHash.selector, bytes32(uint256(1)), keyCodeHash)
        );
        verifier.verifyProof(key, bytes32(uint256(1)), proof, instances);
        VM.expectRevert(
            abi.encodeWithSelector(
                IHalo2Verifier.WrongKeyShape.selector, verifier.SHAPE_DIGEST(), bytes32(verifierCodeWord())
            )
        );
        verifier.verifyProof(address(verifier), address(verifier).codehash, proof, instances);
    }

    /// @dev What the verifier takes for the digest in its own code: the word behind its first byte.
    function verifierCodeWord() internal view returns (uint256 word) {
        bytes memory code = address(verifier).code;
        assembly {
            word := mload(add(code, 0x21))
        }
    }

    function testFuzz_refusesAnyFlippedBit(uint256 position, uint8 bit) external view {
        position %= proof.length;
        bytes memory changed = proof;
        changed[position] ^= bytes1(uint8(1 << (bit % 8)));
        assertRefused(changed, instances);
    }

    function testFuzz_refusesAnyOtherInstance(uint256 index, uint256 value) external view {
        index %= instances.length;
        uint256[] memory changed = instances;
        if (changed[index] == value) {
            return;
        }
        changed[index] = value;
        assertRefused(proof, changed);
    }

    function testFuzz_refusesBytesBehindTheCalldata(bytes calldata tail) external {
        if (tail.length == 0) {
            return;
        }
        bytes memory call = abi.encodeCall(IHalo2Verifier.verifyProof, (key, keyCodeHash, proof, instances));
        (bool success, bytes memory data) = address(verifier).call(bytes.concat(call, tail));
        require(!success && bytes4(data) == IHalo2Verifier.NonCanonicalEncoding.selector, "not refused");
    }

    /// @dev Whatever the head says, calldata with one byte changed is not accepted.
    function testFuzz_refusesAnyOtherHead(uint256 position, uint8 bit) external {
        bytes memory call = abi.encodeCall(IHalo2Verifier.verifyProof, (key, keyCodeHash, proof, instances));
        // Behind the selector: key, hash, two offsets, the proof's length.
        position = 4 + position % 160;
        call[position] ^= bytes1(uint8(1 << (bit % 8)));
        (bool success,) = address(verifier).call(call);
        require(!success, "not refused");
    }

    /// @dev Refused with one of the interface's errors that depend on what was handed in.
    function assertRefused(bytes memory proof_, uint256[] memory instances_) internal view {
        try verifier.verifyProof(key, keyCodeHash, proof_, instances_) returns (bool) {
            revert("not refused");
        } catch (bytes memory data) {
            bytes4 selector = bytes4(data);
            require(
                selector == IHalo2Verifier.ProofRejected.selector || selector == IHalo2Verifier.PointNotOnCurve.selector
                    || selector == IHalo2Verifier.CoordinateNotCanonical.selector
                    || selector == IHalo2Verifier.ScalarNotCanonical.selector
                    || selector == IHalo2Verifier.InstanceNotCanonical.selector,
                "refused without a name"
            );
        }
    }
}

contract Halo2VerifierLeanTest is Halo2VerifierTest {
    function shape() internal pure override returns (string memory) {
        return "lean";
    }

    function deploy() internal override returns (IHalo2Verifier) {
        return new Halo2VerifierLean();
    }

    /// @dev u, v, acc, m; sum; product, random; four pieces of the quotient.
    function firstScalar() internal pure override returns (uint256) {
        return 11;
    }
}

contract Halo2VerifierWideTest is Halo2VerifierTest {
    function shape() internal pure override returns (string memory) {
        return "wide";
    }

    function deploy() internal override returns (IHalo2Verifier) {
        return new Halo2VerifierWide();
    }

    /// @dev Eight lanes, acc, m; three h, sum; three products, random; four pieces of the quotient.
    function firstScalar() internal pure override returns (uint256) {
        return 22;
    }
}

contract Halo2VerifierLadderTest is Halo2VerifierTest {
    function shape() internal pure override returns (string memory) {
        return "ladder";
    }

    function deploy() internal override returns (IHalo2Verifier) {
        return new Halo2VerifierLadder();
    }

    /// @dev a, b, d; acc, phi; three products, random; four pieces of the quotient.
    function firstScalar() internal pure override returns (uint256) {
        return 13;
    }
}
