// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {FeedBinder} from "../../contracts/feeds/FeedBinder.sol";
import {DecisionGateway} from "../../contracts/gateway/DecisionGateway.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {FeedSet, Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Registration} from "../../contracts/interfaces/IModelRegistry.sol";
import {DataCode} from "../../contracts/libraries/DataCode.sol";
import {ModelRegistry} from "../../contracts/registry/ModelRegistry.sol";
import {Port, PublicValues} from "../../contracts/verifiers/PublicValues.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {VM} from "../Vm.sol";
import {Checks} from "./Checks.sol";
import {StubVerifier} from "./StubVerifier.sol";

/// @notice The shared pieces on one chain, with a stub for the verifier. This contract governs; `GUARDIAN` guards.
abstract contract World is Checks {
    uint64 internal constant GUARDIAN_ROLE = 7;
    uint64 internal constant START = 1_800_000_000;
    uint32 internal constant PERIOD = 1 hours;
    address internal constant GUARDIAN = address(0x6a);
    address internal constant KEEPER = address(0x4ee);

    AccessManager internal manager;
    ModelRegistry internal registry;
    FeedBinder internal binder;
    DecisionGateway internal gateway;
    StubVerifier internal verifier;
    uint256 private _keys;

    function build() internal {
        VM.warp(START);
        manager = new AccessManager(address(this));
        manager.grantRole(GUARDIAN_ROLE, GUARDIAN, 0);
        registry = new ModelRegistry(address(manager));
        binder = new FeedBinder();
        gateway = new DecisionGateway(registry, binder, true);
        verifier = new StubVerifier();
        guard(address(registry), ModelRegistry.disable.selector);
    }

    /// @dev Leaves a function to the guardian; all others are governance's.
    function guard(address target, bytes4 selector) internal {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, GUARDIAN_ROLE);
    }

    function port(int128 lo, int128 hi, uint128 num) internal pure returns (Port memory) {
        return Port({name: "x", lo: lo, hi: hi, num: num, den: 1, zero: 0});
    }

    function repeated(Port memory one, uint256 count) internal pure returns (Port[] memory ports) {
        ports = new Port[](count);
        for (uint256 i = 0; i < count; ++i) {
            ports[i] = one;
        }
    }

    function joined(Port[] memory a, Port[] memory b) internal pure returns (Port[] memory ports) {
        ports = new Port[](a.length + b.length);
        for (uint256 i = 0; i < ports.length; ++i) {
            ports[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    /// @dev A key's data as far as the registry reads it; what is between is filled up.
    function newKey(Port[] memory ports, uint256 instances) internal returns (address) {
        bytes32 digest = keccak256(abi.encode("key", ++_keys));
        bytes memory head =
            abi.encode(verifier.SHAPE_DIGEST(), digest, PublicValues.hashPorts(ports), uint256(7), instances);
        return DataCode.write(bytes.concat(head, new bytes(32 * 30), abi.encode("srs", bytes32(0), new bytes(192))));
    }

    function registration(address key, uint256 inputs) internal view returns (Registration memory) {
        return Registration(address(verifier), address(verifier).codehash, key, key.codehash, uint16(inputs), 0, 0, "");
    }

    function register(Port[] memory ports, uint256 inputs) internal returns (bytes32) {
        return registry.register(registration(newKey(ports, ports.length + 2), inputs), ports);
    }

    function source(address feed) internal pure returns (Source memory) {
        return Source(Kind.Round, feed, 0, 0, 8, 0, 2 hours, 0, 1, 1e20);
    }

    function feedSet(Source[] memory sources, Port[] memory ports) internal returns (bytes32) {
        return binder.defineSet(FeedSet(sources, ports, PERIOD, address(0), 0));
    }

    /// @dev The last time that can be bound.
    function lastTime() internal view returns (uint64) {
        return uint64((block.timestamp - 1) / PERIOD * PERIOD);
    }

    /// @dev What the stub takes for a proof of a decision.
    function prove(Request memory request) internal view returns (bytes memory) {
        Policy memory policy = ConsumerBase(request.consumer).policy(request.subject);
        (uint256 low, uint256 high) =
            gateway.contextOf(request.consumer, policy.model, request.subject, request.nonce, request.deadline);
        return proofOf(policy.model, low, high, request.inputs, request.outputs);
    }

    function proofOf(bytes32 model, uint256 low, uint256 high, int256[] memory inputs, int256[] memory outputs)
        internal
        view
        returns (bytes memory)
    {
        uint256[] memory instances = new uint256[](2 + inputs.length + outputs.length);
        (instances[0], instances[1]) = (low, high);
        for (uint256 i = 0; i < inputs.length; ++i) {
            instances[2 + i] = PublicValues.fromInt256(inputs[i]);
        }
        for (uint256 i = 0; i < outputs.length; ++i) {
            instances[2 + inputs.length + i] = PublicValues.fromInt256(outputs[i]);
        }
        return abi.encode(keccak256(abi.encode(registry.live(model).keyCodeHash, instances)));
    }

    /// @dev The next decision about a subject, by snapshot or round of the last period, as an honest keeper makes it.
    function nextRequest(
        address consumer,
        bytes32 subject,
        uint64 observed,
        uint80[] memory rounds,
        int256[] memory inputs,
        int256[] memory outputs
    ) internal view returns (Request memory) {
        (uint64 nonce,,) = gateway.cursor(consumer, subject);
        uint64 deadline = uint64(block.timestamp + 10 minutes);
        return Request(consumer, subject, nonce, deadline, observed, rounds, inputs, outputs);
    }

    function ints(int256 a) internal pure returns (int256[] memory list) {
        list = new int256[](1);
        list[0] = a;
    }

    function ids(uint80 a) internal pure returns (uint80[] memory list) {
        list = new uint80[](1);
        list[0] = a;
    }
}
