// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Registration} from "../../contracts/interfaces/IModelRegistry.sol";
import {Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Bound, Bounds} from "../../contracts/libraries/Bounds.sol";
import {IHalo2Verifier} from "../../contracts/verifiers/IHalo2Verifier.sol";
import {Port, PublicValues} from "../../contracts/verifiers/PublicValues.sol";
import {RevertData} from "../../contracts/verifiers/RevertData.sol";
import {VM} from "../Vm.sol";
import {FixtureGateway} from "../support/FixtureGateway.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {World} from "../support/World.sol";

/// @notice From feeds to a changed parameter with a **genuine proof**, the compiled verifier and the fixture's key. Only the
/// context is the fixture's own: a proof for a gateway's context is made by the prover, which forge does not run.
contract GenuineProofTest is World {
    uint256 private constant INPUTS = 16;

    bytes private _proof;
    uint256[] private _instances;
    Port[] private _ports;
    address private _key;
    bytes32 private _keyCodeHash;
    address private _halo2;
    bytes32 private _model;
    bytes32 private _set;
    uint80[] private _rounds;
    MockFeed[] private _feeds_;
    ProvenRiskOracle private _oracle;
    bytes32 private _subject;

    function setUp() external {
        build();
        gateway = new FixtureGateway(registry, binder);
        string memory json = VM.readFile("test/fixtures/lean.json");
        _proof = VM.parseJsonBytes(json, ".proof");
        _keyCodeHash = VM.parseJsonBytes32(json, ".key_code_hash");
        bytes32[] memory words = VM.parseJsonBytes32Array(json, ".instances");
        for (uint256 i = 0; i < words.length; ++i) {
            _instances.push(uint256(words[i]));
        }
        Port[] memory all = abi.decode(VM.parseJsonBytes(json, ".ports"), (Port[]));
        for (uint256 i = 0; i < all.length; ++i) {
            _ports.push(all[i]);
        }
        _key = newContract(VM.parseJsonBytes(json, ".key_creation_code"));
        VM.snapshotValue(
            "registry", "deploy the key of a further model", gasOf(VM.parseJsonBytes(json, ".key_creation_code"))
        );
        _halo2 = newContract(codeIn("artifacts/Halo2VerifierLean.hex"));
        // As on a chain in use: else each use of the model asks again whether one was pinned.
        registry.pinCeremony(registry.srsOf(_key));
        _model = registry.register(
            Registration(_halo2, _halo2.codehash, _key, _keyCodeHash, uint16(INPUTS), 0, 0, ""), _ports
        );
        VM.snapshotGasLastCall("registry", "register a further model");
        yes(_model == VM.parseJsonBytes32(json, ".key_digest"), "the model is its key's digest");
        _feeds();
        _oracle = new ProvenRiskOracle(address(manager), gateway);
        _subject = _oracle.subjectOf("SupplyCapUpdate", KEEPER);
        _oracle.setPolicy(_subject, Policy(_model, _set, 0, 2 hours, 1 hours, 0, true), _ports);
        _setValue(10);
    }

    /// @dev What the transaction that creates a contract costs: base, creation, calldata, execution is what was measured.
    function gasOf(bytes memory code) private pure returns (uint256 gas_) {
        gas_ = 53_000 + 2 * ((code.length + 31) / 32) + 200 * (code.length - 10) + dataGas(code) + 300;
    }

    function dataGas(bytes memory data) private pure returns (uint256 gas_) {
        for (uint256 i = 0; i < data.length; ++i) {
            gas_ += data[i] == 0 ? 4 : 16;
        }
    }

    /// @dev Sixteen feeds whose answers become the fixture's inputs.
    function _feeds() private {
        Source[] memory sources = new Source[](INPUTS);
        Port[] memory ports = new Port[](INPUTS);
        for (uint256 i = 0; i < INPUTS; ++i) {
            MockFeed feed = new MockFeed(8);
            _feeds_.push(feed);
            ports[i] = _ports[i];
            int256 steps = PublicValues.toInt256(_instances[2 + i]);
            int256 answer = steps * int256(uint256(ports[i].den)) * 1e8 / int256(uint256(ports[i].num));
            _rounds.push(feed.push(int192(answer), START + 1));
            sources[i] = source(address(feed));
            sources[i].lo = -1e20;
        }
        _set = feedSet(sources, ports);
        VM.warp((START / PERIOD + 1) * PERIOD + 1);
    }

    function _request() private returns (Request memory made) {
        made.consumer = address(_oracle);
        made.subject = _subject;
        made.observed = binder.snapshot(_set, _rounds);
        made.deadline = uint64(block.timestamp + 10 minutes);
        made.rounds = new uint80[](0);
        made.inputs = new int256[](INPUTS);
        for (uint256 i = 0; i < INPUTS; ++i) {
            made.inputs[i] = PublicValues.toInt256(_instances[2 + i]);
        }
        made.outputs = ints(PublicValues.toInt256(_instances[18]));
    }

    /// @dev A view is measured without the transaction around it, a call with it.
    function _submit(string memory name) private {
        Request memory made = _request();
        (made.nonce,,) = gateway.cursor(address(_oracle), _subject);
        IHalo2Verifier(_halo2).verifyProof(_key, _keyCodeHash, _proof, _instances);
        uint256 alone = VM.snapshotGasLastCall("decision", "verifyProof alone, executed");
        alone += 21_000 + dataGas(abi.encodeCall(IHalo2Verifier.verifyProof, (_key, _keyCodeHash, _proof, _instances)));
        gateway.submit(made, _proof);
        uint256 whole = VM.snapshotGasLastCall("decision", string.concat(name, ", whole transaction"));
        VM.snapshotValue("decision", string.concat(name, ", on top of the verifier"), whole - alone);
    }

    function _value() private view returns (uint256) {
        return abi.decode(_oracle.getLatestUpdateByParameterAndMarket("SupplyCapUpdate", KEEPER).newValue, (uint256));
    }

    function test_fromFeedsToAChangedParameter() external {
        _submit("first decision by snapshot");
        eq(_value(), 0, "the proved value");
        _setValue(20);
        _nextPeriod();
        _submit("later decision by snapshot");
        eq(_value(), 0, "again");
        eq(_oracle.getLatestUpdateByParameterAndMarket("SupplyCapUpdate", KEEPER).updateId, 2, "an update more");
        _nextPeriod();
        _submit("later decision by snapshot that moves nothing");
    }

    function _setValue(uint48 value) private {
        Bound[] memory bounds = new Bound[](1);
        bounds[0] = Bound(0, 100, 100, 100, 0, 0, 0, Bounds.SAFE_DOWN);
        uint48[] memory values = new uint48[](1);
        values[0] = value;
        _oracle.configure(_subject, bounds, values);
    }

    function _nextPeriod() private {
        VM.warp(block.timestamp + PERIOD);
        for (uint256 i = 0; i < INPUTS; ++i) {
            (, int256 answer,,,) = _feeds_[i].latestRoundData();
            _rounds[i] = _feeds_[i].push(int192(answer), block.timestamp - 10);
        }
    }

    function test_anyOtherStatementIsRejected() external {
        Request memory made = _request();
        made.outputs[0] += 1;
        VM.expectRevert(IHalo2Verifier.ProofRejected.selector);
        gateway.submit(made, _proof);
        made.outputs[0] -= 1;
        made.inputs[3] += 1;
        VM.expectRevert();
        gateway.submit(made, _proof);
    }

    function testFuzz_anyOtherProofIsRejected(uint256 position, uint8 bit) external {
        Request memory made = _request();
        bytes memory changed = _proof;
        changed[position % changed.length] ^= bytes1(uint8(1 << (bit % 8)));
        VM.expectRevert();
        gateway.submit(made, changed);
    }

    /// @dev On a chain without one of the precompiles a call to its address succeeds and answers nothing.
    function test_withoutPrecompilesNothingIsAccepted() external {
        Request memory made = _request();
        bytes memory code = codeIn("artifacts/Halo2VerifierLean.hex");
        for (uint160 precompile = 5; precompile <= 8; ++precompile) {
            VM.mockCall(address(precompile), "", "");
            _refusedWithout(made);
            // The constructor asks the curve's three for answers.
            if (precompile > 5) _notMadeWithout(code);
            VM.mockCallRevert(address(precompile), "", "");
            _refusedWithout(made);
            VM.clearMockedCalls();
        }
        gateway.submit(made, _proof);
    }

    function _refusedWithout(Request memory made) private {
        (bool success, bytes memory data) = _submitWith(600_000, made);
        // A precompile that is handed what a missing one left in place of its answer takes all gas.
        yes(!success && (data.length == 0 || bytes4(data) == IHalo2Verifier.PrecompileFailed.selector), "refused");
        yes(!RevertData.isRejection(data), "nothing is said about the proof");
    }

    function _submitWith(uint256 gas_, Request memory made) private returns (bool, bytes memory) {
        return address(gateway).call{gas: gas_}(abi.encodeCall(IDecisionGateway.submit, (made, _proof)));
    }

    function _notMadeWithout(bytes memory code) private {
        (bool success, bytes memory data) = address(this).call(abi.encodeCall(this.create, (code)));
        yes(!success && bytes4(data) == IHalo2Verifier.PrecompileSelfTestFailed.selector, "no verifier is made");
    }

    function create(bytes memory code) external {
        assembly {
            if iszero(create(0, add(code, 0x20), mload(code))) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    /// @dev Too little gas is never read as a false proof, and burns no nonce (row 47).
    function test_tooLittleGasLeavesTheDecisionAsItWas() external {
        Request memory made = _request();
        (bool success, bytes memory data) = _submitWith(300_000, made);
        yes(!success && (data.length == 0 || bytes4(data) == IHalo2Verifier.InsufficientGas.selector), "try again");
        (success,) = _submitWith(gasleft(), made);
        yes(success, "with enough gas");
    }
}
