// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Decision, IDecisionConsumer, Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {VM} from "../Vm.sol";
import {BatchWorld} from "../support/BatchWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";

/// @notice Notes in which order decisions come.
contract OrderedConsumer is IDecisionConsumer {
    struct Last {
        uint64 count;
        uint64 observedAt;
        uint64 nonce;
    }

    Policy private _policy;
    mapping(bytes32 subject => Last) public last;
    mapping(bytes32 id => bool) private _seen;
    uint256 public handed;
    bool public outOfOrder;

    function set(Policy calldata policy_) external {
        _policy = policy_;
    }

    function policy(bytes32) external view returns (Policy memory) {
        return _policy;
    }

    function onDecision(Decision calldata decision) external returns (bytes4) {
        _note(decision);
        return IDecisionConsumer.onDecision.selector;
    }

    function onDecisions(Decision[] calldata decisions) external returns (bytes4) {
        for (uint256 i = 0; i < decisions.length; ++i) {
            _note(decisions[i]);
        }
        return IDecisionConsumer.onDecisions.selector;
    }

    function preview(Decision calldata)
        external
        pure
        returns (bytes32[] memory, uint256[] memory, uint256[] memory, uint48[] memory)
    {
        revert();
    }

    function _note(Decision calldata decision) private {
        Last storage before = last[decision.subject];
        bool later = before.count == 0
            || (decision.observedAt >= before.observedAt + _policy.minInterval && decision.nonce > before.nonce);
        if (!later || decision.deadline <= block.timestamp || _seen[decision.id]) outOfOrder = true;
        _seen[decision.id] = true;
        (before.count, before.observedAt, before.nonce) = (before.count + 1, decision.observedAt, decision.nonce);
        ++handed;
    }
}

/// @notice Single decisions, batches, openings and replays of all of these about the same few subjects, in any order.
contract GatewayHandler is BatchWorld {
    uint256 private constant SUBJECTS = 4;

    OrderedConsumer public ordered;
    uint256 public accepted;
    Policy private _policy;
    Batch[] private _batches;
    Request[] private _made;
    bytes[] private _proofs;

    constructor() {
        _policy = buildBatch(SUBJECTS, 1);
        ordered = new OrderedConsumer();
        ordered.set(_policy);
        consumer = MockConsumer(address(ordered));
    }

    function subjectOf(uint256 i) public pure returns (bytes32) {
        return bytes32(uint256(uint160(subjectAt(i % SUBJECTS))));
    }

    function cursorOf(uint256 i) external view returns (uint64 nextNonce, uint64 observedAt) {
        (nextNonce, observedAt,) = gateway.cursor(address(ordered), subjectOf(i));
    }

    function wait(uint16 time) external {
        VM.warp(block.timestamp + time);
    }

    function nextPeriod() external {
        warpToNextPeriod(int192(PRICE));
    }

    /// @dev To a time that can be bound.
    function _fresh() private {
        try binder.snapshot(set, ids(feed.latestRound())) {}
        catch {
            warpToNextPeriod(int192(PRICE));
        }
    }

    function decide(uint8 subject, uint16 life) external {
        _fresh();
        uint64 index = binder.snapshot(set, ids(feed.latestRound()));
        int256[] memory outputs = new int256[](SUBJECTS);
        Request memory made =
            nextRequest(address(ordered), subjectOf(subject), index, new uint80[](0), ints(PRICE / 1e6), outputs);
        made.deadline = uint64(block.timestamp + 1 + life % 2 hours);
        _submit(made, prove(made));
    }

    function replay(uint256 which) external {
        if (_made.length == 0) return;
        which %= _made.length;
        (uint64 nonce,,) = gateway.cursor(address(ordered), _made[which].subject);
        try gateway.submit(_made[which], _proofs[which]) {
            accepted += 1;
            yes(nonce == _made[which].nonce, "in its place alone");
        } catch {}
    }

    function _submit(Request memory made, bytes memory proof) private {
        _made.push(made);
        _proofs.push(proof);
        try gateway.submit(made, proof) {
            accepted += 1;
        } catch {}
    }

    function batch() external {
        _fresh();
        (BatchRequest memory made, bytes memory proof) = batchRequest();
        VM.recordLogs();
        try gateway.submitBatch(made, proof) {
            _batches.push(abi.decode(VM.getRecordedLogs()[0].data, (Batch)));
        } catch {}
    }

    function open(uint256 which, uint8 mask) external {
        if (_batches.length == 0) return;
        Batch memory made = _batches[which % _batches.length];
        uint256[] memory indexes = new uint256[](SUBJECTS);
        uint256 count;
        for (uint256 i = 0; i < SUBJECTS; ++i) {
            if (mask & (1 << i) != 0) indexes[count++] = i;
        }
        if (count == 0) return;
        assembly ("memory-safe") {
            mstore(indexes, count)
        }
        try gateway.open(made, openingOf(made.id, indexes)) returns (uint256 applied) {
            accepted += applied;
        } catch {}
    }
}

contract GatewayInvariantsTest is BatchWorld {
    GatewayHandler private _handler;

    function setUp() external {
        _handler = new GatewayHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev Rows 36 and 58: no decision twice, none after a newer one, none after its deadline, whichever way it came.
    function invariant_decisionsComeInOrderAndOnce() external view {
        OrderedConsumer ordered = _handler.ordered();
        yes(!ordered.outOfOrder(), "in order, once, in time");
        eq(ordered.handed(), _handler.accepted(), "what was accepted was handed over");
        uint256 all;
        for (uint256 i = 0; i < 4; ++i) {
            (uint64 count, uint64 observedAt,) = ordered.last(_handler.subjectOf(i));
            (uint64 nextNonce, uint64 newest) = _handler.cursorOf(i);
            yes(nextNonce == count && newest == observedAt, "the cursor is the last decision");
            all += count;
        }
        eq(all, ordered.handed(), "about these subjects alone");
    }
}
