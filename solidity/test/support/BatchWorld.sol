// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, Opening} from "../../contracts/interfaces/IDecisionGateway.sol";
import {DataCode} from "../../contracts/libraries/DataCode.sol";
import {Log, VM} from "../Vm.sol";
import {FedWorld} from "./FedWorld.sol";
import {MockConsumer} from "./MockConsumer.sol";
import {Tree} from "./Tree.sol";

/// @notice Batches about a cohort, and openings of them.
abstract contract BatchWorld is FedWorld {
    MockConsumer internal consumer;
    address internal cohort;
    uint256 internal size;
    uint256 internal each;
    /// @dev Inputs of a batch: the same feed, as often as this.
    uint256 internal shared = 1;

    /// @dev Outputs between -2^23 and 2^23, in steps of 2^-20, so that three bytes hold one.
    function buildBatch(uint256 size_, uint256 each_) internal returns (Policy memory policy) {
        buildFed();
        (size, each) = (size_, each_);
        bytes memory list;
        for (uint256 i = 0; i < size; ++i) {
            list = abi.encodePacked(list, subjectAt(i));
        }
        cohort = DataCode.write(list);
        consumer = new MockConsumer();
        policy = fedPolicy(size * each, (1 << 23) - 1, true);
        consumer.set(policy);
    }

    function subjectAt(uint256 i) internal pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    function outputAt(uint256 i) internal pure returns (int256) {
        return (int256(i) - 3) << 12;
    }

    function batchSubject() internal view returns (bytes32) {
        return keccak256(abi.encode(cohort.codehash, size));
    }

    function batchRequest() internal returns (BatchRequest memory request_, bytes memory proof) {
        (uint64 nonce,,) = gateway.cursor(address(consumer), batchSubject());
        (uint64 index, int256[] memory inputs) = _sharedInputs();
        int256[] memory outputs = new int256[](size * each);
        bytes memory packed;
        for (uint256 i = 0; i < outputs.length; ++i) {
            outputs[i] = outputAt(i);
            packed = abi.encodePacked(packed, int24(outputs[i]));
        }
        uint64 deadline = uint64(block.timestamp + 30 minutes);
        request_ = BatchRequest(address(consumer), cohort, nonce, deadline, index, inputs, packed);
        bytes32 model = consumer.policy(0).model;
        (uint256 low, uint256 high) = gateway.batchContextOf(address(consumer), model, batchSubject(), nonce, deadline);
        proof = proofOf(model, low, high, request_.inputs, outputs);
    }

    function _sharedInputs() private returns (uint64 index, int256[] memory inputs) {
        uint80[] memory rounds = new uint80[](shared);
        inputs = new int256[](shared);
        (, int256 answer,,,) = feed.latestRoundData();
        for (uint256 i = 0; i < shared; ++i) {
            (rounds[i], inputs[i]) = (feed.latestRound(), answer / 1e6);
        }
        index = binder.snapshot(set, rounds);
    }

    function submitBatch() internal returns (Batch memory batch) {
        (BatchRequest memory request_, bytes memory proof) = batchRequest();
        VM.recordLogs();
        gateway.submitBatch(request_, proof);
        Log[] memory logs = VM.getRecordedLogs();
        batch = abi.decode(logs[logs.length - 1].data, (Batch));
    }

    function leavesOf(bytes32 id) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            bytes memory data = abi.encode(id, i, bytes32(uint256(uint160(subjectAt(i)))));
            for (uint256 j = 0; j < each; ++j) {
                data = bytes.concat(data, abi.encode(outputAt(i * each + j)));
            }
            leaves[i] = keccak256(data);
        }
    }

    function openingOf(bytes32 id, uint256[] memory indexes) internal view returns (Opening memory opening) {
        opening.indexes = indexes;
        opening.subjects = new bytes32[](indexes.length);
        opening.outputs = new int256[](indexes.length * each);
        for (uint256 i = 0; i < indexes.length; ++i) {
            opening.subjects[i] = bytes32(uint256(uint160(subjectAt(indexes[i]))));
            for (uint256 j = 0; j < each; ++j) {
                opening.outputs[i * each + j] = outputAt(indexes[i] * each + j);
            }
        }
        (opening.multiproof, opening.flags) = Tree.open(leavesOf(id), indexes);
    }

    function some(uint256 from, uint256 step, uint256 count) internal pure returns (uint256[] memory indexes) {
        indexes = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            indexes[i] = from + i * step;
        }
    }
}
