// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, IDecisionGateway, Opening, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Bound, Bounds} from "../../contracts/libraries/Bounds.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {BatchWorld} from "../support/BatchWorld.sol";
import {MockAggregator, MockProxy} from "../support/MockAggregator.sol";

/// @notice Figures of gas beside those of `GenuineProof.t.sol`: what the contracts use on top of the verification. The stub
/// stands for the verifier, and what it uses itself is taken off.
contract GasTest is BatchWorld {
    uint256 private constant ROUNDS = 3;
    uint256 private constant SHARED = 16;

    MockAggregator[] private _aggregators;
    MockProxy[] private _proxies;
    ProvenRiskOracle private _oracle;

    function setUp() external {
        Policy memory policy = buildBatch(256, 1);
        // As on a chain in use: else each use of a model asks again whether its ceremony was pinned.
        registry.pinCeremony(registry.srsOf(registry.live(policy.model).key));
        shared = SHARED;
        Source[] memory sources = new Source[](SHARED);
        for (uint256 i = 0; i < SHARED; ++i) {
            sources[i] = source(address(feed));
        }
        set = feedSet(sources, repeated(inputPort(), SHARED));
        Port[] memory all = joined(repeated(inputPort(), SHARED), repeated(port(-(1 << 23), 1 << 23, 1 << 20), 256));
        policy.model = register(all, SHARED);
        policy.feedSet = set;
        consumer.set(policy);
    }

    function _dataGas(bytes memory data) private pure returns (uint256 gas_) {
        for (uint256 i = 0; i < data.length; ++i) {
            gas_ += data[i] == 0 ? 4 : 16;
        }
    }

    /// @dev What the stub uses for so many instances.
    function _stub(bytes memory proof, bytes32 model, uint256[] memory instances) private view returns (uint256) {
        try verifier.verifyProof(registry.live(model).key, registry.live(model).keyCodeHash, proof, instances) {}
            catch {}
        return VM.lastCallGas().gasTotalUsed;
    }

    function _push(uint256 time) private {
        for (uint256 i = 0; i < ROUNDS; ++i) {
            _aggregators[i].push(2_000e8, uint64(time));
        }
    }

    function test_threeRounds() external {
        Source[] memory sources = new Source[](ROUNDS);
        for (uint256 i = 0; i < ROUNDS; ++i) {
            _aggregators.push(new MockAggregator());
            _proxies.push(new MockProxy(_aggregators[i]));
            sources[i] = source(address(_proxies[i]));
        }
        Port[] memory all = joined(repeated(inputPort(), ROUNDS), repeated(port(0, 1 << 40, 1 << 20), 1));
        bytes32 three = feedSet(sources, repeated(inputPort(), ROUNDS));
        _oracle = new ProvenRiskOracle(address(manager), gateway);
        bytes32 model = register(all, ROUNDS);
        _oracle.setPolicy("s", Policy(model, three, 0, 2 hours, 1, 0, false), all);
        _push(block.timestamp - 100);
        _configure();
        _decideByRounds("first decision by three rounds");
        VM.warp(block.timestamp + PERIOD);
        _push(block.timestamp - 100);
        // Half of the time a round follows the one that is bound, which is then asked for.
        _push(block.timestamp);
        _configure();
        _decideByRounds("later decision by three rounds");
    }

    function _configure() private {
        Bound[] memory bounds = new Bound[](1);
        bounds[0] = Bound(0, 100, 100, 100, 0, 0, 0, Bounds.SAFE_DOWN);
        uint48[] memory values = new uint48[](1);
        values[0] = 10;
        _oracle.configure("s", bounds, values);
    }

    function _decideByRounds(string memory name) private {
        int256[] memory inputs = new int256[](ROUNDS);
        uint80[] memory rounds = new uint80[](ROUNDS);
        for (uint256 i = 0; i < ROUNDS; ++i) {
            (uint80 round,,, uint256 updatedAt,) = _proxies[i].latestRoundData();
            rounds[i] = updatedAt == block.timestamp ? round - 1 : round;
            inputs[i] = 200_000;
        }
        Request memory made = nextRequest(address(_oracle), "s", lastTime(), rounds, inputs, ints(3 << 20));
        bytes memory proof = prove(made);
        gateway.submit(made, proof);
        uint256 whole = VM.lastCallGas().gasTotalUsed;
        uint256 stub = _stub(proof, _oracle.policy("s").model, new uint256[](6));
        uint256 data = _dataGas(abi.encodeCall(IDecisionGateway.submit, (made, proof)));
        VM.snapshotValue("decision", string.concat(name, ", on top of the verifier"), whole - 21_000 - data - stub);
    }

    function test_batchOf256() external {
        _batch("first batch of 256");
        warpToNextPeriod(int192(PRICE));
        Batch memory batch = _batch("later batch of 256");
        _open(batch, some(7, 1, 1), "one leaf, first time");
        _open(batch, some(16, 13, 8), "8 leaves, first time");
        warpToNextPeriod(int192(PRICE));
        batch = _batch("later batch of 256");
        _open(batch, some(7, 1, 1), "one leaf");
        _open(batch, some(16, 13, 8), "8 leaves");
    }

    function _batch(string memory name) private returns (Batch memory batch) {
        (BatchRequest memory request_, bytes memory proof) = batchRequest();
        VM.recordLogs();
        gateway.submitBatch(request_, proof);
        uint256 whole = VM.lastCallGas().gasTotalUsed;
        batch = abi.decode(VM.getRecordedLogs()[0].data, (Batch));
        uint256 stub = _stub(proof, batch.model, new uint256[](2 + SHARED + 256));
        uint256 data = _dataGas(abi.encodeCall(IDecisionGateway.submitBatch, (request_, proof)));
        uint256 top = whole - 21_000 - data - stub;
        VM.snapshotValue("batch", string.concat(name, ", on top of the verifier"), top);
        // With a proof of the length and the bytes that a genuine one has.
        bytes memory genuine = VM.parseJsonBytes(VM.readFile("test/fixtures/lean.json"), ".proof");
        data = _dataGas(abi.encodeCall(IDecisionGateway.submitBatch, (request_, genuine)));
        uint256 verified = _verification(genuine, 2 + SHARED + 256);
        VM.snapshotValue("batch", "verification of 274 public values, executed", verified);
        uint256 sum = 21_000 + data + verified + top;
        VM.snapshotValue("batch", string.concat(name, ", whole transaction for each decision"), sum / 256);
    }

    /// @dev What the compiled verifier uses for a key with so many public values: the fixture's with that number written in.
    /// The proof is false then, which is found out by the last comparison: what a true one costs more is some ten gas.
    function _verification(bytes memory proof, uint256 count) private returns (uint256) {
        bytes memory data = VM.parseJsonBytes(VM.readFile("test/fixtures/lean.json"), ".key_creation_code");
        address genuine = newContract(data);
        data = genuine.code;
        assembly {
            // Behind the INVALID byte and four words.
            mstore(add(data, 0xa1), count)
        }
        address key = newContract(bytes.concat(hex"61", bytes2(uint16(data.length)), hex"80600a3d393df3", data));
        address halo2 = newContract(codeIn("artifacts/Halo2VerifierLean.hex"));
        data = abi.encodeCall(IHalo2Verifier.verifyProof, (key, key.codehash, proof, new uint256[](count)));
        (bool success, bytes memory reason) = halo2.call(data);
        yes(!success && bytes4(reason) == IHalo2Verifier.ProofRejected.selector, "looked at to the end");
        return VM.lastCallGas().gasTotalUsed - 21_000 - _dataGas(data);
    }

    function _open(Batch memory batch, uint256[] memory indexes, string memory name) private {
        Opening memory opening = openingOf(batch.id, indexes);
        eq(gateway.open(batch, opening), indexes.length, "opened");
        uint256 whole = VM.lastCallGas().gasTotalUsed;
        VM.snapshotValue("batch", string.concat("opening ", name, ", for each"), whole / indexes.length);
    }
}
