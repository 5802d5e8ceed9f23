// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IHalo2Verifier} from "../contracts/verifiers/IHalo2Verifier.sol";
import {PublicValues} from "../contracts/verifiers/PublicValues.sol";
import {Meaning, RevertData} from "../contracts/verifiers/RevertData.sol";
import {ScoreGate} from "./ScoreGate.sol";
import {VM} from "./Vm.sol";
import {Checks} from "./support/Checks.sol";

/// @notice A gate whose context is the fixture's.
contract FixedContextGate is ScoreGate {
    constructor(IHalo2Verifier verifier_, address key_, bytes32 hash, int256 threshold_)
        ScoreGate(verifier_, key_, hash, threshold_)
    {}

    function contextOf(bytes32) public pure override returns (bytes32) {
        return bytes32(0xa7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7);
    }
}

/// @notice What a revert means, and a consumer that acts on a genuine proof.
contract RevertDataTest is Checks {
    IHalo2Verifier private verifier;
    address private key;
    bytes32 private keyCodeHash;
    bytes private proof;
    uint256[] private instances;

    function setUp() external {
        string memory json = VM.readFile("test/fixtures/lean.json");
        proof = VM.parseJsonBytes(json, ".proof");
        keyCodeHash = VM.parseJsonBytes32(json, ".key_code_hash");
        bytes32[] memory words = VM.parseJsonBytes32Array(json, ".instances");
        for (uint256 i = 0; i < words.length; ++i) {
            instances.push(uint256(words[i]));
        }
        key = newContract(VM.parseJsonBytes(json, ".key_creation_code"));
        verifier = IHalo2Verifier(newContract(codeIn("artifacts/Halo2VerifierLean.hex")));
    }

    function inputs() private view returns (int256[] memory values) {
        values = new int256[](instances.length - 3);
        for (uint256 i = 0; i < values.length; ++i) {
            values[i] = PublicValues.toInt256(instances[i + 2]);
        }
    }

    function output() private view returns (uint256) {
        return instances[instances.length - 1];
    }

    function gate(int256 threshold) private returns (ScoreGate) {
        return new FixedContextGate(verifier, key, keyCodeHash, threshold);
    }

    function test_theGateTakesAGenuineProofOnce() external {
        ScoreGate scores = gate(PublicValues.toInt256(output()));
        scores.pass("subject", inputs(), output(), proof);
        VM.expectRevert(abi.encodeWithSelector(ScoreGate.Used.selector, scores.contextOf("subject")));
        scores.pass("subject", inputs(), output(), proof);
    }

    function test_theGateComparesNumbers() external {
        int256 score = PublicValues.toInt256(output());
        ScoreGate scores = gate(score + 1);
        VM.expectRevert(abi.encodeWithSelector(ScoreGate.ScoreTooLow.selector, score, score + 1));
        scores.pass("subject", inputs(), output(), proof);
    }

    function test_theGateTellsAFalseProofFromTooLittleGas() external {
        ScoreGate scores = gate(type(int128).min);
        VM.expectRevert(ScoreGate.ProofIsFalse.selector);
        scores.pass("subject", inputs(), output() + 1, proof);
        bytes memory call = abi.encodeCall(ScoreGate.pass, (bytes32("subject"), inputs(), output(), proof));
        uint256 accepted = 0;
        for (uint256 gas_ = 20_000; gas_ < 400_000; gas_ += 4_999) {
            (bool success, bytes memory data) = address(scores).call{gas: gas_}(call);
            if (success) {
                ++accepted;
                break;
            }
            require(bytes4(data) != ScoreGate.ProofIsFalse.selector, "a valid proof, taken for a false one");
        }
        require(accepted == 1, "never accepted");
    }

    /// @dev Whatever the gas of the call: a valid proof is accepted, or nothing is said of it.
    function test_tooLittleGasIsNoRejection() external view {
        bytes memory call = abi.encodeCall(IHalo2Verifier.verifyProof, (key, keyCodeHash, proof, instances));
        for (uint256 gas_ = 0; gas_ < 320_000; gas_ += 997) {
            (bool success, bytes memory data) = address(verifier).staticcall{gas: gas_}(call);
            if (!success) {
                require(RevertData.meaningOf(data) == Meaning.TryAgain, "taken for an answer");
                require(data.length == 0 || bytes4(data) == IHalo2Verifier.InsufficientGas.selector, "another error");
            }
        }
    }

    function test_eachErrorMeansOneThing() external pure {
        bytes4[8] memory rejected = [
            IHalo2Verifier.WrongProofLength.selector,
            IHalo2Verifier.InstanceNotCanonical.selector,
            IHalo2Verifier.ScalarNotCanonical.selector,
            IHalo2Verifier.CoordinateNotCanonical.selector,
            IHalo2Verifier.PointAtInfinity.selector,
            IHalo2Verifier.PointNotOnCurve.selector,
            IHalo2Verifier.DegenerateChallenge.selector,
            IHalo2Verifier.ProofRejected.selector
        ];
        uint256[8] memory arguments = [uint256(2), 1, 1, 1, 1, 1, 0, 0];
        for (uint256 i = 0; i < 8; ++i) {
            only(rejected[i], arguments[i], Meaning.Rejected);
        }
        only(IHalo2Verifier.NonCanonicalEncoding.selector, 0, Meaning.WrongCall);
        only(IHalo2Verifier.WrongInstanceCount.selector, 2, Meaning.WrongCall);
        only(IHalo2Verifier.WrongKeyCodeHash.selector, 2, Meaning.WrongCall);
        only(IHalo2Verifier.WrongKeyShape.selector, 2, Meaning.WrongCall);
        only(IHalo2Verifier.InsufficientGas.selector, 2, Meaning.TryAgain);
        only(IHalo2Verifier.PrecompileFailed.selector, 0, Meaning.TryAgain);
        only(bytes4(0x08c379a0), 2, Meaning.TryAgain);
        only(bytes4(0x4e487b71), 1, Meaning.TryAgain);
        require(RevertData.meaningOf("") == Meaning.TryAgain, "no data");
        require(RevertData.meaningOf(hex"c3b0d8") == Meaning.TryAgain, "three bytes");
    }

    /// @dev The meaning with exactly that many arguments; with fewer, more or half a word, none.
    function only(bytes4 selector, uint256 arguments, Meaning expected) private pure {
        for (uint256 length = 4; length <= 132; length += 16) {
            bytes memory data = new bytes(length);
            assembly {
                mstore(add(data, 0x20), selector)
            }
            Meaning meaning = RevertData.meaningOf(data);
            require(meaning == (length == 4 + 32 * arguments ? expected : Meaning.TryAgain), "another meaning");
            require(RevertData.isRejection(data) == (meaning == Meaning.Rejected), "rejection");
        }
    }

    function testFuzz_unknownDataIsNoRejection(bytes calldata data) external pure {
        // By chance no four bytes are a selector of the interface.
        require(!RevertData.isRejection(data), "a rejection");
    }
}
