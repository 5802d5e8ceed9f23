// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Decision, IDecisionConsumer} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IModelRegistry, Model, OutputRun} from "../../contracts/interfaces/IModelRegistry.sol";
import {DecisionCall} from "../../contracts/libraries/DecisionCall.sol";
import {Outputs} from "../../contracts/libraries/Outputs.sol";
import {RegistryCall} from "../../contracts/libraries/RegistryCall.sol";
import {Words} from "../../contracts/libraries/Words.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {Dirt} from "../support/Dirt.sol";
import {World} from "../support/World.sol";

/// @notice Answers whatever is asked with a byte less than the shortest record has.
contract Short {
    fallback(bytes calldata) external returns (bytes memory) {
        return new bytes(383);
    }
}

/// @notice What the gateway writes and reads by itself is what the compiler's encoder writes and its decoder reads.
contract CallsTest is World {
    error Refused(uint256 why);

    enum Answer {
        Selector,
        Nothing,
        Short,
        Error
    }

    Answer private _answer;
    bytes private _got;

    fallback(bytes calldata data) external returns (bytes memory) {
        _got = data;
        if (_answer == Answer.Error) revert Refused(7);
        if (_answer == Answer.Nothing) return "";
        if (_answer == Answer.Short) return abi.encodePacked(bytes31(bytes4(data)));
        return abi.encode(bytes4(data));
    }

    function words(int256[] calldata given) external pure returns (int256[] memory, int256[] memory) {
        // What is allocated behind a copy does not lie in it.
        int256[] memory copy = Words.load(given);
        int256[] memory more = new int256[](3);
        more[0] = more[2] = -1;
        return (copy, more);
    }

    function handOver(Decision memory decision) external returns (bytes32) {
        return DecisionCall.handOver(address(this), decision);
    }

    function live(bytes32 id) external view returns (Model memory) {
        return RegistryCall.live(registry, id);
    }

    /// @dev Where memory is as others left it.
    function encode(Decision memory decision) external pure returns (bytes memory data, bool left, uint256 free) {
        Dirt.fill();
        data = DecisionCall.encode(decision);
        left = Dirt.isLeft();
        assembly ("memory-safe") {
            free := sub(mload(0x40), add(data, 0x20))
        }
    }

    function testFuzz_aDecisionIsWhatTheAbiEncodes(
        bytes32[4] memory ids_,
        uint64[3] memory numbers,
        int256[] memory inputs,
        int256[] memory outputs
    ) external {
        Decision memory decision = Decision(
            ids_[0], ids_[1], ids_[2], ids_[3], numbers[0], numbers[1], numbers[2], inputs, outputs
        );
        bytes memory expected = abi.encodeCall(IDecisionConsumer.onDecision, (decision));
        VM.assume(expected.length < Dirt.BYTES - 1024);
        (bytes memory data, bool left, uint256 free) = this.encode(decision);
        yes(keccak256(data) == keccak256(expected), "encoded");
        yes(left, "nothing behind it is written");
        yes(free >= data.length, "it is kept");
        yes(this.handOver(decision) == bytes32(IDecisionConsumer.onDecision.selector), "answered");
        yes(keccak256(_got) == keccak256(expected), "handed over");
    }

    function testFuzz_anArrayIsCopiedWhole(int256[] memory given) external view {
        (int256[] memory copy,) = this.words(given);
        yes(keccak256(abi.encode(copy)) == keccak256(abi.encode(given)), "the same");
    }

    function test_aConsumersAnswers() external {
        Decision memory decision;
        _answer = Answer.Nothing;
        yes(this.handOver(decision) == 0, "no answer");
        _answer = Answer.Short;
        yes(this.handOver(decision) == 0, "31 bytes are no answer");
        yes(DecisionCall.handOver(address(0xdead), decision) == 0, "nobody there");
        _answer = Answer.Error;
        VM.expectRevert(abi.encodeWithSelector(Refused.selector, 7));
        this.handOver(decision);
    }

    function testFuzz_aModelIsWhatTheAbiDecodes(uint8 inputs, uint8[] memory kinds) external {
        build();
        VM.assume(kinds.length != 0);
        // A record is the code of a contract, in which no more than some 120 runs have place.
        Port[] memory outputs = new Port[](limit(kinds.length, 1, 40));
        for (uint256 i = 0; i < outputs.length; ++i) {
            // Neighbours are often of one kind: a run.
            uint8 kind = kinds[i % kinds.length];
            outputs[i] = port(-int128(uint128(kind % 3)), int128(1 + uint128(kind % 2)), 1 + kind % 2);
        }
        uint256 count = 1 + uint256(inputs);
        bytes32 id = register(joined(repeated(port(0, 9, 1), count), outputs), count);
        Model memory expected = registry.live(id);
        Model memory got = this.live(id);
        yes(keccak256(abi.encode(got)) == keccak256(abi.encode(expected)), "the record");
        got.runs[0].count += 1;
        yes(keccak256(abi.encode(got)) != keccak256(abi.encode(expected)), "a run is in the record");
    }

    /// @dev Each run has its own scale and its own zero, and a part of the outputs may begin in any of them.
    function test_outputsAreReadByTheirRuns() external pure {
        OutputRun[] memory runs = new OutputRun[](3);
        runs[0] = OutputRun(2, -100, 100, 1, 1, 0);
        runs[1] = OutputRun(1, -100, 100, 10, 1, 5);
        runs[2] = OutputRun(2, -100, 100, 1, 4, 0);
        int256[] memory outputs = new int256[](5);
        (outputs[0], outputs[1], outputs[2], outputs[3], outputs[4]) = (7, -7, 15, 3, -3);
        int256[] memory numbers = Outputs.toNumbers(outputs, 0, 5, 0, runs, 1e18);
        eqInt(numbers[0], 7e18, "as it is");
        eqInt(numbers[1], -7e18, "with its sign");
        eqInt(numbers[2], 1e18, "ten steps above its zero");
        eqInt(numbers[3], 12e18, "a step is four");
        eqInt(numbers[4], -12e18, "and below");
        numbers = Outputs.toNumbers(outputs, 3, 2, 3, runs, 1e18);
        eq(numbers.length, 2, "a part");
        eqInt(numbers[0], 12e18, "from the third run on");
    }

    function test_aModelThatIsNotLive() external {
        build();
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32("m")));
        this.live("m");
        registry = ModelRegistry(address(0xdead));
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32("m")));
        this.live("m");
        // Something else is there, and says a byte less than the shortest record.
        registry = ModelRegistry(address(new Short()));
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32("m")));
        this.live("m");
    }
}
