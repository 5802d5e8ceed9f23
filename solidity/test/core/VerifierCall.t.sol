// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDecisionGateway} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Model, OutputRun} from "../../contracts/interfaces/IModelRegistry.sol";
import {VerifierCall} from "../../contracts/libraries/VerifierCall.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {PublicValues} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {Checks} from "../support/Checks.sol";
import {Dirt} from "../support/Dirt.sol";

/// @notice What a verifier is handed: every byte as the ABI encodes it, every integer as `PublicValues` does.
contract VerifierCallTest is Checks {
    enum Answer {
        True,
        False,
        Nothing,
        Other,
        Error
    }

    Answer private _answer;

    function encode(
        Model memory model,
        bytes32 context,
        int256[] memory inputs,
        int256[] memory outputs,
        bytes calldata proof
    ) public pure returns (bytes memory) {
        // Memory is as others left it.
        Dirt.fill();
        return VerifierCall.encode(model, context, inputs, outputs, proof);
    }

    function verify(Model memory model, bytes calldata proof) external view {
        VerifierCall.verify(model, 0, new int256[](0), new int256[](0), proof);
    }

    fallback(bytes calldata) external returns (bytes memory) {
        if (_answer == Answer.Error) revert IHalo2Verifier.DegenerateChallenge();
        if (_answer == Answer.Nothing) return "";
        return abi.encode(_answer == Answer.True ? 1 : _answer == Answer.False ? 0 : 2);
    }

    function _run(uint16 count, int128 lo, int128 hi) private pure returns (OutputRun memory) {
        return OutputRun(count, lo, hi, 1, 1, 0);
    }

    /// @dev Two runs: all but the last output of any integer, the last one not negative.
    function _model(uint256 outputs) private view returns (Model memory model) {
        model.verifier = address(this);
        (model.key, model.keyCodeHash) = (address(0xf00d), "hash");
        model.runs = new OutputRun[](2);
        model.runs[0] = _run(uint16(outputs - 1), type(int128).min, type(int128).max);
        model.runs[1] = _run(1, 0, type(int128).max);
    }

    function _wide(int128[] memory values) private pure returns (int256[] memory wide) {
        wide = new int256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            wide[i] = values[i];
        }
    }

    function testFuzz_isWhatTheAbiEncodes(
        bytes32 context,
        int128[] memory narrow,
        int128[] memory given,
        uint120 last,
        bytes memory proof
    ) external view {
        int256[] memory inputs = _wide(narrow);
        int256[] memory outputs = new int256[](given.length + 1);
        for (uint256 i = 0; i < given.length; ++i) {
            outputs[i] = given[i];
        }
        outputs[given.length] = int256(uint256(last));
        uint256[] memory instances = new uint256[](2 + inputs.length + outputs.length);
        (instances[0], instances[1]) = PublicValues.contextOf(context);
        for (uint256 i = 0; i < instances.length - 2; ++i) {
            int256 value = i < inputs.length ? inputs[i] : outputs[i - inputs.length];
            instances[2 + i] = PublicValues.fromInt256(value);
        }
        Model memory model = _model(outputs.length);
        bytes memory expected =
            abi.encodeCall(IHalo2Verifier.verifyProof, (model.key, model.keyCodeHash, proof, instances));
        yes(keccak256(this.encode(model, context, inputs, outputs, proof)) == keccak256(expected), "the same bytes");
    }

    /// @dev Rows 30 and 35: no integer becomes an element that stands for another one.
    function testFuzz_anInputBeyondAnIntegerIsRefused(int256 value, uint8 place) external {
        VM.assume(value != int128(value));
        int256[] memory inputs = new int256[](8);
        inputs[place % 8] = value;
        VM.expectRevert(
            abi.encodeWithSelector(PublicValues.OutOfRange.selector, value, type(int128).min, type(int128).max)
        );
        this.encode(_model(1), 0, inputs, new int256[](1), "");
    }

    /// @dev The first output outside of its range is named, with its run's range.
    function testFuzz_anOutputBeyondItsRangeIsRefused(int256 value, uint8 place) external {
        int256[] memory outputs = new int256[](8);
        uint256 spot = place % 8;
        outputs[spot] = value;
        outputs[7] = spot == 7 ? value : -1;
        bool wide = value == int128(value);
        if (spot == 7) VM.assume(!wide || value < 0);
        (uint256 named, int256 lo) = wide ? (7, int256(0)) : (spot, spot == 7 ? int256(0) : type(int128).min);
        VM.expectRevert(
            abi.encodeWithSelector(
                IDecisionGateway.OutputOutOfRange.selector, named, lo, type(int128).max, outputs[named]
            )
        );
        this.encode(_model(8), 0, new int256[](0), outputs, "");
    }

    function test_runsOfAnotherNumberOfOutputs() external {
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.WrongLength.selector, 3, 2));
        this.encode(_model(3), 0, new int256[](0), new int256[](2), "");
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.WrongLength.selector, 3, 4));
        this.encode(_model(3), 0, new int256[](0), new int256[](4), "");
    }

    /// @dev Rows 33 and 34: nothing but the word 1 is an acceptance, and the verifier's own error comes through.
    function test_onlyTrueIsAnAcceptance() external {
        Model memory model = _model(1);
        model.runs = new OutputRun[](0);
        this.verify(model, "");
        _answer = Answer.False;
        VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
        this.verify(model, "");
        _answer = Answer.Error;
        VM.expectRevert(IHalo2Verifier.DegenerateChallenge.selector);
        this.verify(model, "");
        _answer = Answer.Nothing;
        VM.expectRevert(bytes(""));
        this.verify(model, "");
        _answer = Answer.Other;
        VM.expectRevert(bytes(""));
        this.verify(model, "");
        model.verifier = address(0xdead);
        VM.expectRevert(bytes(""));
        this.verify(model, "");
    }
}
