// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, IDecisionGateway, Opening, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {LeafTree} from "../../contracts/libraries/LeafTree.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {FeedSet, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {Sequencer} from "../../contracts/libraries/Sequencer.sol";
import {VM} from "../Vm.sol";
import {BatchWorld} from "../support/BatchWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";
import {Tree} from "../support/Tree.sol";

/// @notice Batches of decisions and their openings, with the stub for the verifier.
contract BatchesTest is BatchWorld {
    Policy private _policy;

    function setUp() external {
        _policy = buildBatch(11, 2);
    }

    function _open(Batch memory batch, Opening memory opening, bytes memory refusal) private {
        VM.expectRevert(refusal);
        gateway.open(batch, opening);
    }

    function test_keepsTheRootOfItsDecisions() external {
        Batch memory batch = submitBatch();
        yes(batch.root == Tree.root(leavesOf(batch.id)), "root");
        eq(batch.observedAt, lastTime(), "time");
        eq(batch.outputsEach, 2, "outputs of each");
    }

    function testFuzz_theTreeIsTheSame(bytes32[] memory leaves) external pure {
        if (leaves.length == 0) return;
        bytes32[] memory copy = new bytes32[](2 * leaves.length - 1);
        for (uint256 i = 0; i < leaves.length; ++i) {
            copy[i] = leaves[i];
        }
        yes(LeafTree.root(copy) == Tree.root(leaves), "root");
    }

    function testFuzz_opensAnyLeaves(uint16 mask) external {
        Batch memory batch = submitBatch();
        uint256[] memory indexes = new uint256[](11);
        uint256 count;
        for (uint256 i = 0; i < 11; ++i) {
            if (mask & (1 << i) != 0) indexes[count++] = i;
        }
        if (count == 0) return;
        assembly {
            mstore(indexes, count)
        }
        eq(gateway.open(batch, openingOf(batch.id, indexes)), count, "applied");
        uint256 last = indexes[count - 1];
        yes(consumer.lastSubject() == bytes32(uint256(uint160(subjectAt(last)))), "subject");
        eqInt(consumer.lastOutputs(1), outputAt(2 * last + 1) * 1e18 / (1 << 20), "output in 1e-18");
        eq(gateway.open(batch, openingOf(batch.id, indexes)), 0, "a repeat applies nothing");
        eq(consumer.count(), count, "once each");
    }

    function contains(
        bytes32[] memory nodes,
        uint256 count,
        bytes32[] calldata proof,
        bool[] calldata flags,
        bytes32 root
    ) external pure returns (bool) {
        return LeafTree.contains(nodes, count, proof, flags, root);
    }

    function oracle(bytes32[] calldata leaves, bytes32[] calldata proof, bool[] calldata flags, bytes32 root)
        external
        pure
        returns (bool)
    {
        return MerkleProof.multiProofVerifyCalldata(proof, flags, root, leaves);
    }

    /// @dev Of eleven leaves: some, opened, and a change of one thing. OpenZeppelin's verifier says the same, or reverts.
    function testFuzz_multiproofsAreOpenZeppelins(uint16 mask, uint8 change, uint8 place, bytes32 value) external view {
        bytes32[] memory all = new bytes32[](11);
        for (uint256 i = 0; i < 11; ++i) {
            all[i] = keccak256(abi.encode(value, i));
        }
        uint256[] memory indexes = new uint256[](11);
        uint256 count;
        for (uint256 i = 0; i < 11; ++i) {
            if (mask & (1 << i) != 0) indexes[count++] = i;
        }
        if (count == 0) return;
        assembly {
            mstore(indexes, count)
        }
        (bytes32[] memory proof, bool[] memory flags) = Tree.open(all, indexes);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = all[indexes[i]];
        }
        yes(_same(leaves, proof, flags, Tree.root(all)), "a genuine proof");
        if (change % 6 == 0) leaves[place % count] = value;
        if (change % 6 == 1 && proof.length == 0) return;
        if (change % 6 == 1) proof[place % proof.length] = value;
        if (change % 6 == 2) flags[place % flags.length] = !flags[place % flags.length];
        if (change % 6 == 3) proof = new bytes32[](proof.length + 1);
        if (change % 6 == 4) flags = new bool[](flags.length + 1);
        bool accepted = _same(leaves, proof, flags, change % 6 == 5 ? value : Tree.root(all));
        yes(!accepted, "anything else is refused");
    }

    function _same(bytes32[] memory leaves, bytes32[] memory proof, bool[] memory flags, bytes32 root)
        private
        view
        returns (bool accepted)
    {
        bytes32[] memory nodes = new bytes32[](leaves.length + flags.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            nodes[i] = leaves[i];
        }
        accepted = this.contains(nodes, leaves.length, proof, flags, root);
        try this.oracle(leaves, proof, flags, root) returns (bool expected) {
            yes(accepted == expected, "as OpenZeppelin's");
        } catch {
            yes(!accepted, "a proof that fits no tree");
        }
    }

    /// @dev What was not made yet is not taken for a node, and no word but 1 is a flag.
    function test_multiproofsThatTakeWhatIsNotThere() external view {
        bytes32 leaf = keccak256("leaf");
        bytes32[] memory nodes = new bytes32[](2);
        nodes[0] = leaf;
        bool[] memory flags = new bool[](1);
        flags[0] = true;
        bytes32[] memory none = new bytes32[](0);
        bytes32 zeroed = keccak256(abi.encode(bytes32(0), leaf));
        yes(!this.contains(nodes, 1, none, flags, zeroed), "an empty place");
        yes(!this.contains(nodes, 0, none, flags, zeroed), "no leaf");
        yes(!this.contains(nodes, 2, none, flags, zeroed), "more leaves than there is room for");
        yes(!this.contains(nodes, 1, none, new bool[](0), leaf), "another number of flags");
        bytes32[] memory one = new bytes32[](1);
        one[0] = leaf;
        yes(this.contains(one, 1, none, new bool[](0), leaf), "a tree of one");
        bytes memory call = abi.encodeCall(this.contains, (nodes, 1, one, new bool[](1), zeroed));
        // The flag is the last word.
        call[call.length - 1] = 0x02;
        (, bytes memory answer) = address(this).staticcall(call);
        yes(!abi.decode(answer, (bool)), "no flag");
    }

    function test_forgedOpenings() external {
        Batch memory batch = submitBatch();
        bytes memory bad = abi.encodeWithSelector(IDecisionGateway.BadOpening.selector);
        Opening memory opening = openingOf(batch.id, some(3, 4, 2));
        opening.outputs[1] += 1;
        _open(batch, opening, bad);
        opening = openingOf(batch.id, some(3, 4, 2));
        opening.subjects[0] = bytes32(uint256(uint160(KEEPER)));
        _open(batch, opening, bad);
        opening = openingOf(batch.id, some(3, 4, 2));
        opening.indexes[0] = 2;
        _open(batch, opening, bad);
        opening = openingOf(batch.id, some(3, 4, 2));
        opening.multiproof[0] ^= bytes32(uint256(1));
        _open(batch, opening, bad);
        // No leaves at all, which a multiproof of the root alone would prove.
        Opening memory none;
        none.multiproof = new bytes32[](1);
        none.multiproof[0] = batch.root;
        _open(batch, none, bad);
        opening = openingOf(batch.id, some(3, 4, 2));
        opening.subjects = new bytes32[](1);
        _open(batch, opening, bad);
    }

    function test_aRecordThatIsNotTheOneKept() external {
        Batch memory batch = submitBatch();
        Opening memory opening = openingOf(batch.id, some(0, 1, 1));
        bytes memory unknown = abi.encodeWithSelector(IDecisionGateway.UnknownBatch.selector, batch.id);
        batch.deadline += 1;
        _open(batch, opening, unknown);
        batch.deadline -= 1;
        batch.outputsEach = 1;
        _open(batch, opening, unknown);
    }

    function test_aBatchDiesAtItsDeadline() external {
        Batch memory batch = submitBatch();
        VM.warp(batch.deadline);
        _open(
            batch,
            openingOf(batch.id, some(0, 1, 1)),
            abi.encodeWithSelector(IDecisionGateway.Expired.selector, batch.deadline)
        );
    }

    function test_aBatchDiesWithItsModelAndWithAnotherPolicy() external {
        Batch memory batch = submitBatch();
        Opening memory opening = openingOf(batch.id, some(0, 1, 1));
        Policy memory other = fedPolicy(22, 1 << 20, true);
        consumer.set(other);
        _open(batch, opening, abi.encodeWithSelector(IDecisionGateway.PolicyChanged.selector, other.model));
        other = _policy;
        other.feedSet = _setWithSequencer(new MockFeed(0));
        consumer.set(other);
        _open(batch, opening, abi.encodeWithSelector(IDecisionGateway.PolicyChanged.selector, other.model));
        consumer.set(_policy);
        VM.prank(GUARDIAN);
        registry.disable(_policy.model);
        _open(batch, opening, abi.encodeWithSelector(IModelRegistry.DisabledModel.selector, _policy.model));
    }

    function _setWithSequencer(MockFeed sequencer) private returns (bytes32) {
        Source[] memory sources = new Source[](1);
        sources[0] = source(address(feed));
        return binder.defineSet(FeedSet(sources, repeated(inputPort(), 1), PERIOD, address(sequencer), 600));
    }

    function test_nothingIsOpenedWhileTheSequencerIsDown() external {
        MockFeed sequencer = new MockFeed(0);
        sequencer.push(0, block.timestamp - 1 days);
        (_policy.feedSet, set) = (_setWithSequencer(sequencer), _setWithSequencer(sequencer));
        consumer.set(_policy);
        Batch memory batch = submitBatch();
        Opening memory opening = openingOf(batch.id, some(0, 1, 1));
        sequencer.push(1, block.timestamp);
        bytes memory down = abi.encodeWithSelector(Sequencer.SequencerDown.selector, block.timestamp, 600);
        _open(batch, opening, down);
        sequencer.push(0, block.timestamp);
        _open(batch, opening, down);
        VM.warp(block.timestamp + 600);
        eq(gateway.open(batch, opening), 1, "up for the grace time");
    }

    function test_anOlderBatchIsNotOpenedAfterANewerOne() external {
        VM.warp(block.timestamp + 50 minutes);
        Batch memory older = submitBatch();
        warpToNextPeriod(int192(PRICE));
        Batch memory newer = submitBatch();
        eq(gateway.open(newer, openingOf(newer.id, some(2, 1, 1))), 1, "opened");
        eq(gateway.open(older, openingOf(older.id, some(0, 1, 4))), 3, "all but the one with a newer decision");
        VM.warp(block.timestamp + 10 minutes);
        eq(gateway.open(newer, openingOf(newer.id, some(0, 1, 4))), 3, "the others go on, an interval later");
    }

    /// @dev An interval keeps a leaf from being opened again too: this is for who has none.
    function test_withoutAnIntervalALeafIsOpenedOnce() external {
        _policy.minInterval = 0;
        consumer.set(_policy);
        VM.warp(block.timestamp + 50 minutes);
        Batch memory older = submitBatch();
        eq(gateway.open(older, openingOf(older.id, some(0, 1, 2))), 2, "opened");
        eq(gateway.open(older, openingOf(older.id, some(0, 1, 3))), 1, "the one that was not");
        warpToNextPeriod(int192(PRICE));
        Batch memory newer = submitBatch();
        gateway.open(newer, openingOf(newer.id, some(4, 1, 1)));
        eq(gateway.open(older, openingOf(older.id, some(4, 1, 1))), 0, "older than what it has");
    }

    function test_aSubjectMovesNoOftenerThanItsPolicyAdmits() external {
        Batch memory older = submitBatch();
        gateway.open(older, openingOf(older.id, some(0, 1, 1)));
        warpToNextPeriod(int192(PRICE));
        VM.warp(block.timestamp + 10);
        Batch memory newer = submitBatch();
        // Now, since the batches themselves are as far apart.
        Policy memory policy = consumer.policy(0);
        policy.minInterval = PERIOD + 1;
        consumer.set(policy);
        eq(gateway.open(newer, openingOf(newer.id, some(0, 1, 2))), 1, "the other one alone");
        warpToNextPeriod(int192(PRICE));
        VM.warp(block.timestamp + 20);
        policy.minInterval = 2 * PERIOD;
        consumer.set(_policy);
        newer = submitBatch();
        consumer.set(policy);
        eq(gateway.open(newer, openingOf(newer.id, some(0, 1, 1))), 1, "an interval after what it moved to");
    }

    /// @dev Intervals count between what was observed: an old leaf that is opened late keeps no newer one out.
    function test_aLateOpeningKeepsNoNewerBatchOut() external {
        VM.warp(block.timestamp + 50 minutes);
        Batch memory older = submitBatch();
        VM.warp(block.timestamp + 9 minutes);
        gateway.open(older, openingOf(older.id, some(0, 1, 1)));
        warpToNextPeriod(int192(PRICE));
        Batch memory newer = submitBatch();
        eq(gateway.open(newer, openingOf(newer.id, some(0, 1, 2))), 2, "both");
    }

    function test_replays() external {
        (BatchRequest memory request_, bytes memory proof) = batchRequest();
        gateway.submitBatch(request_, proof);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.NonceUsed.selector, 1, 0));
        gateway.submitBatch(request_, proof);
    }

    function test_aSingleDecisionsProofIsNoBatchs() external {
        (BatchRequest memory request_,) = batchRequest();
        int256[] memory outputs = new int256[](22);
        for (uint256 i = 0; i < 22; ++i) {
            outputs[i] = outputAt(i);
        }
        (uint256 low, uint256 high) =
            gateway.contextOf(address(consumer), _policy.model, batchSubject(), request_.nonce, request_.deadline);
        bytes memory proof = proofOf(_policy.model, low, high, request_.inputs, outputs);
        VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
        gateway.submitBatch(request_, proof);
    }

    function test_packedOutputsOfAnotherLength() external {
        (BatchRequest memory request_, bytes memory proof) = batchRequest();
        bytes memory packed = request_.packedOutputs;
        request_.packedOutputs = bytes.concat(packed, hex"00");
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, packed.length + 1));
        gateway.submitBatch(request_, proof);
        request_.packedOutputs = "";
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, 0));
        gateway.submitBatch(request_, proof);
        request_.packedOutputs = new bytes(17 * 22);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, 17));
        gateway.submitBatch(request_, proof);
    }

    function test_cohorts() external {
        (BatchRequest memory request_, bytes memory proof) = batchRequest();
        request_.cohort = KEEPER;
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadCohort.selector, 0));
        gateway.submitBatch(request_, proof);
        VM.etch(KEEPER, new bytes(22));
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadCohort.selector, 22));
        gateway.submitBatch(request_, proof);
        VM.etch(KEEPER, new bytes(61));
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.WrongLength.selector, 22, 3));
        gateway.submitBatch(request_, proof);
    }

    function test_aConsumerThatRefuses() external {
        Batch memory batch = submitBatch();
        consumer.setMood(MockConsumer.Mood.WrongAnswer);
        _open(
            batch, openingOf(batch.id, some(0, 1, 1)), abi.encodeWithSelector(IDecisionGateway.CallbackRefused.selector)
        );
    }

    /// @dev An opening takes the nonce of a single decision about its subject, and nothing but the nonce: one that was
    /// observed later is taken after a leaf of the period before.
    function test_aLateOpeningKeepsNoYoungerDecisionOut() external {
        bytes32 subject = bytes32(uint256(uint160(subjectAt(0))));
        Policy memory single = fedPolicy(1, (1 << 23) - 1, true);
        (_policy.minInterval, single.minInterval) = (PERIOD, PERIOD);
        consumer.set(_policy);
        VM.warp(block.timestamp + 50 minutes);
        Batch memory older = submitBatch();
        warpToNextPeriod(int192(PRICE));
        uint64 index = binder.snapshot(set, ids(feed.latestRound()));
        consumer.set(single);
        Request memory made = nextRequest(address(consumer), subject, index, new uint80[](0), ints(200_000), ints(0));
        bytes memory proof = prove(made);
        consumer.set(_policy);
        eq(gateway.open(older, openingOf(older.id, some(0, 1, 1))), 1, "opened");
        consumer.set(single);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.NonceUsed.selector, 1, 0));
        gateway.submit(made, proof);
        made.nonce = 1;
        gateway.submit(made, prove(made));
        eq(consumer.count(), 2, "both");
    }
}
