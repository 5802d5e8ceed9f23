// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {IFeedBinder} from "../../contracts/interfaces/IFeedBinder.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {DecisionGateway} from "../../contracts/gateway/DecisionGateway.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";

/// @notice What the gateway takes and refuses, with the stub for the verifier.
contract DecisionGatewayTest is FedWorld {
    MockConsumer private _consumer;
    Policy private _policy;

    function setUp() external {
        buildFed();
        _consumer = new MockConsumer();
        _policy = fedPolicy(1, 1 << 40, false);
        _consumer.set(_policy);
    }

    function _request() private view returns (Request memory) {
        return request(address(_consumer), "subject", ints(-3 << 19));
    }

    function _refuse(Request memory made, bytes memory refusal) private {
        bytes memory proof = prove(made);
        VM.expectRevert(refusal);
        gateway.submit(made, proof);
    }

    function test_handsOverADecision() external {
        Request memory made = _request();
        VM.prank(KEEPER);
        bytes32 id = gateway.submit(made, prove(made));
        yes(_consumer.lastId() == id && _consumer.lastSubject() == "subject", "the decision");
        eqInt(_consumer.lastOutputs(0), -1.5e18, "a negative output is a negative number, in 1e-18 (rows 45, 46)");
        (uint64 nonce, uint64 observed, uint64 accepted) = gateway.cursor(address(_consumer), "subject");
        yes(nonce == 1 && observed == lastTime() && accepted == block.timestamp, "cursor");
    }

    /// @dev Every field of the context, every input and every output is in what the verifier is asked about.
    function test_aProofForAnythingElseIsRejected() external {
        Request memory made = _request();
        bytes memory proof = prove(made);
        bytes memory rejected = abi.encodeWithSelector(IHalo2Verifier.ProofRejected.selector);
        Request memory other = _request();
        other.subject = "another subject";
        _expect(other, proof, rejected);
        other = _request();
        other.deadline += 1;
        _expect(other, proof, rejected);
        other = _request();
        other.outputs = ints(3 << 19);
        _expect(other, proof, rejected);
        MockConsumer twin = new MockConsumer();
        twin.set(_policy);
        other = _request();
        other.consumer = address(twin);
        _expect(other, proof, rejected);
        _expect(made, bytes.concat(proof, hex"00"), rejected);
        _expect(made, "", rejected);
    }

    function _expect(Request memory made, bytes memory proof, bytes memory refusal) private {
        VM.expectRevert(refusal);
        gateway.submit(made, proof);
    }

    /// @dev Replays (row 36): twice, at another gateway, on another chain, after its deadline.
    function test_aProofServesOnceAndHereOnly() external {
        Request memory made = _request();
        bytes memory proof = prove(made);
        gateway.submit(made, proof);
        _expect(made, proof, abi.encodeWithSelector(IDecisionGateway.NonceUsed.selector, 1, 0));

        DecisionGateway other = new DecisionGateway(registry, binder, true);
        VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
        other.submit(made, proof);
    }

    function test_aProofForAnotherChainIsRejected() external {
        Request memory made = _request();
        bytes memory proof = prove(made);
        VM.chainId(77);
        _expect(made, proof, abi.encodeWithSelector(IHalo2Verifier.ProofRejected.selector));
    }

    function test_deadlines() external {
        Request memory made = _request();
        made.deadline = uint64(block.timestamp);
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.Expired.selector, made.deadline));
        made.deadline = lastTime() + 2 hours + 1;
        _refuse(
            made, abi.encodeWithSelector(IDecisionGateway.DeadlineTooFar.selector, made.deadline - 1, made.deadline)
        );
        made.deadline -= 1;
        gateway.submit(made, prove(made));
    }

    function test_order() external {
        decide(address(_consumer), "subject", ints(0));
        Request memory made = _request();
        made.nonce = 2;
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.NonceUsed.selector, 1, 2));
        // Two submissions in a block, or on the same observation.
        _refuse(_request(), abi.encodeWithSelector(IDecisionGateway.NotNewer.selector, lastTime(), lastTime()));
        _policy.minInterval = 90 minutes;
        _consumer.set(_policy);
        uint64 next = lastTime() + 90 minutes;
        warpToNextPeriod(int192(PRICE));
        VM.warp(lastTime() + 59 minutes);
        _refuse(_request(), abi.encodeWithSelector(IDecisionGateway.TooEarly.selector, next));
        warpToNextPeriod(int192(PRICE));
        decide(address(_consumer), "subject", ints(0));
    }

    /// @dev With the largest interval that consumers admit, whoever hands in the older of two candidates in each period
    /// puts off nothing: the younger one is taken in the same block.
    function test_anOlderCandidateKeepsNoYoungerOneOut() external {
        _policy.minInterval = PERIOD;
        _consumer.set(_policy);
        for (uint256 i = 0; i < 3; ++i) {
            (uint80 older, uint64 olderTime) = (feed.latestRound(), lastTime());
            warpToNextPeriod(int192(PRICE));
            VM.warp(block.timestamp + 1);
            Request memory old =
                nextRequest(address(_consumer), "subject", olderTime, ids(older), ints(200_000), ints(0));
            gateway.submit(old, prove(old));
            decide(address(_consumer), "subject", ints(0));
            (, uint64 observed,) = gateway.cursor(address(_consumer), "subject");
            eq(observed, lastTime(), "this period's");
            warpToNextPeriod(int192(PRICE));
        }
    }

    /// @dev Without feeds an observation is of its block, and so the interval is between acceptances.
    function test_withoutFeedsTheIntervalIsBetweenBlocks() external {
        (_policy.feedSet, _policy.ownInputs, _policy.minInterval) = (0, 1, 10 minutes);
        _policy.inputsHash = InputHash.ofAll(ints(5));
        _consumer.set(_policy);
        Request memory made = nextRequest(address(_consumer), "s", 0, new uint80[](0), ints(5), ints(1));
        gateway.submit(made, prove(made));
        uint64 next = uint64(block.timestamp + 10 minutes);
        VM.warp(next - 1);
        made = nextRequest(address(_consumer), "s", 0, new uint80[](0), ints(5), ints(1));
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.TooEarly.selector, next));
        VM.warp(next);
        gateway.submit(made, prove(made));
    }

    function test_anOlderObservationIsRefused() external {
        uint64 old = lastTime();
        uint80 oldRound = feed.latestRound();
        warpToNextPeriod(int192(PRICE));
        decide(address(_consumer), "subject", ints(0));
        Request memory made = nextRequest(address(_consumer), "subject", old, ids(oldRound), ints(200_000), ints(0));
        VM.warp(block.timestamp + 20 minutes);
        made.deadline = old + 2 hours;
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.NotNewer.selector, old + PERIOD, old));
    }

    /// @dev Outputs outside of their port's range, and any that would alias another in the field (rows 30, 35).
    function testFuzz_outputsOutsideOfTheirRange(int256 output) external {
        if (output >= -(1 << 40) && output <= 1 << 40) return;
        Request memory made = _request();
        made.outputs = ints(output);
        _expect(
            made, "", abi.encodeWithSelector(IDecisionGateway.OutputOutOfRange.selector, 0, -(1 << 40), 1 << 40, output)
        );
    }

    function test_lengths() external {
        Request memory made = _request();
        made.outputs = new int256[](2);
        _expect(made, "", abi.encodeWithSelector(IDecisionGateway.WrongLength.selector, 1, 2));
        made.inputs = new int256[](0);
        _expect(made, "", abi.encodeWithSelector(IDecisionGateway.WrongLength.selector, 1, 0));
    }

    function test_inputsAreTheFeedsAlone() external {
        Request memory made = _request();
        made.inputs = ints(200_001);
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.InputMismatch.selector));
    }

    function test_staleFutureMissingAndSupersededRounds() external {
        Request memory made = _request();
        uint80 latest = feed.latestRound();
        made.rounds = ids(latest - 1);
        _expect(made, "", abi.encodeWithSelector(IFeedBinder.SupersededRound.selector, feed, latest - 1, lastTime()));
        made.rounds = ids(latest + 1);
        _expect(made, "", abi.encodeWithSelector(IFeedBinder.MissingRound.selector, feed, latest + 1));
        made.rounds = ids(feed.push(1e8, block.timestamp));
        _expect(made, "", abi.encodeWithSelector(IFeedBinder.FutureRound.selector, feed, block.timestamp, lastTime()));
        VM.warp(block.timestamp + 5 * PERIOD);
        made.observed = lastTime();
        uint256 age = lastTime() - (block.timestamp - 5 * PERIOD);
        _expect(made, "", abi.encodeWithSelector(IFeedBinder.StaleValue.selector, 0, age, 2 hours));
    }

    function test_snapshotsInsteadOfRounds() external {
        _policy.snapshots = true;
        _consumer.set(_policy);
        uint64 index = binder.snapshot(set, ids(feed.latestRound()));
        Request memory made = _request();
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.UnusedField.selector));
        made.rounds = new uint80[](0);
        made.observed = index + 1;
        _refuse(made, abi.encodeWithSelector(IFeedBinder.SnapshotMismatch.selector, set, index + 1));
        made.observed = index;
        gateway.submit(made, prove(made));
    }

    function test_ownInputsAreTheConsumersAlone() external {
        _policy.feedSet = 0;
        _policy.ownInputs = 1;
        _policy.inputsHash = InputHash.ofAll(ints(5));
        _consumer.set(_policy);
        Request memory made = nextRequest(address(_consumer), "s", 0, new uint80[](0), ints(6), ints(1));
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.InputMismatch.selector));
        made.inputs = ints(5);
        made.observed = 1;
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.UnusedField.selector));
        made.observed = 0;
        gateway.submit(made, prove(made));
        // An input that neither feeds nor the consumer vouch for.
        _policy.ownInputs = 0;
        _consumer.set(_policy);
        VM.warp(block.timestamp + 1 hours);
        made = nextRequest(address(_consumer), "s", 0, new uint80[](0), ints(5), ints(1));
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.InputMismatch.selector));
        _policy.ownInputs = 2;
        _consumer.set(_policy);
        _refuse(made, abi.encodeWithSelector(IDecisionGateway.InputMismatch.selector));
    }

    function test_disabledAndUnknownModels() external {
        Request memory made = _request();
        bytes memory proof = prove(made);
        VM.prank(GUARDIAN);
        registry.disable(_policy.model);
        _expect(made, proof, abi.encodeWithSelector(IModelRegistry.DisabledModel.selector, _policy.model));
        _policy.model = "unknown";
        _consumer.set(_policy);
        _expect(made, proof, abi.encodeWithSelector(IModelRegistry.UnknownModel.selector, bytes32("unknown")));
    }

    function test_aPolicyThatChangesInBetweenVoidsTheProof() external {
        Request memory made = _request();
        bytes memory proof = prove(made);
        Policy memory other = fedPolicy(1, 1 << 40, false);
        _consumer.set(other);
        _expect(made, proof, abi.encodeWithSelector(IHalo2Verifier.ProofRejected.selector));
    }

    function test_anUnsafeStringIsForTestChains() external {
        DecisionGateway strict = new DecisionGateway(registry, binder, false);
        Request memory made = _request();
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.UnsafeModel.selector, _policy.model));
        strict.submit(made, "");
    }

    function test_aConsumerThatRevertsBurnsNoNonce() external {
        _consumer.setMood(MockConsumer.Mood.Reverts);
        _refuse(_request(), abi.encodeWithSelector(MockConsumer.Refused.selector));
        _consumer.setMood(MockConsumer.Mood.WrongAnswer);
        _refuse(_request(), abi.encodeWithSelector(IDecisionGateway.CallbackRefused.selector));
        _consumer.setMood(MockConsumer.Mood.Good);
        Request memory made = _request();
        gateway.submit(made, prove(made));
    }

    function test_aConsumerThatEatsAllGasHurtsItsSubmitterAlone() external {
        _consumer.setMood(MockConsumer.Mood.EatsGas);
        Request memory made = _request();
        bytes memory proof = prove(made);
        (bool success,) = address(gateway).call{gas: 3_000_000}(abi.encodeCall(IDecisionGateway.submit, (made, proof)));
        yes(!success, "fails");
        MockConsumer other = new MockConsumer();
        other.set(_policy);
        decide(address(other), "subject", ints(0));
        eq(other.count(), 1, "another consumer is served");
    }

    function test_reentrancyThroughAConsumer() external {
        _consumer.setMood(MockConsumer.Mood.Reenters);
        Request memory inner = request(address(_consumer), "inner", ints(0));
        bytes memory call = abi.encodeCall(IDecisionGateway.submit, (inner, prove(inner)));
        _consumer.setAgain(call);
        _refuse(_request(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
    }

    function test_aConsumerWithoutCode() external {
        Request memory made = _request();
        made.consumer = address(0xdead);
        VM.expectRevert();
        gateway.submit(made, "");
    }

    function test_verifiersErrorsComeThrough() external {
        Request memory made = _request();
        bytes memory failing = abi.encodeWithSelector(IHalo2Verifier.InsufficientGas.selector, 1, 2);
        VM.mockCallRevert(
            address(verifier), bytes.concat(IHalo2Verifier.verifyProof.selector), bytes.concat(bytes4(failing))
        );
        // A shortage of gas is not read as a false proof (row 47).
        VM.expectRevert(bytes.concat(bytes4(failing)));
        gateway.submit(made, "");
    }

    function test_contextsAreTheVectors() external {
        string memory json = VM.readFile("test/fixtures/contexts.json");
        VM.chainId(VM.parseJsonUint(json, ".chain_id"));
        address consumer = VM.parseJsonAddress(json, ".consumer");
        address at_ = VM.parseJsonAddress(json, ".gateway");
        VM.etch(at_, address(gateway).code);
        bytes32 model = VM.parseJsonBytes32(json, ".model");
        bytes32 subject = VM.parseJsonBytes32(json, ".subject");
        uint64 nonce = uint64(VM.parseJsonUint(json, ".nonce"));
        uint64 deadline = uint64(VM.parseJsonUint(json, ".deadline"));
        (uint256 low, uint256 high) = IDecisionGateway(at_).contextOf(consumer, model, subject, nonce, deadline);
        yes(bytes32((high << 128) | low) == VM.parseJsonBytes32(json, ".decision"), "decision");
        (low, high) = IDecisionGateway(at_).batchContextOf(consumer, model, subject, nonce, deadline);
        yes(bytes32((high << 128) | low) == VM.parseJsonBytes32(json, ".batch"), "batch");
    }
}
