// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Batch, BatchRequest, IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {IFeedBinder, FeedSet, Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Model, Registration} from "../../contracts/interfaces/IModelRegistry.sol";
import {MockConsumer} from "../support/MockConsumer.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {StubVerifier} from "../support/StubVerifier.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {BatchWorld} from "../support/BatchWorld.sol";


contract Proxy {
    address public target;

    constructor(address target_) {
        target = target_;
    }

    function set(address target_) external {
        target = target_;
    }

    fallback() external {
        (bool success, bytes memory data) = target.delegatecall(msg.data);
        assembly {
            if success { return(add(data, 0x20), mload(data)) }
            revert(add(data, 0x20), mload(data))
        }
    }
}

contract YesMan {
    function verifyProof(address, bytes32, bytes calldata, uint256[] calldata) external pure returns (bool) {
        return true;
    }
}

/// @notice A test that passes shows an attack that works.
contract ReviewCore is BatchWorld {
    Policy private _policy;

    /// @dev A phase in the middle without a first round: its own last round and the phase's before are both taken.
    function test_twoRoundsOfOneTimeAreBoundAroundAPhaseWithoutAFirstRound() external {
        buildFed();
        uint64 time = uint64((block.timestamp / PERIOD + 1) * PERIOD);
        // The old source goes on, as a proxy's source does that was left.
        uint80 old = feed.pushTo(1, 1_900e8, time - 100);
        feed.pushTo(1, 1_900e8, time + 50);
        feed.setForgetsFirst(true);
        feed.newPhase();
        feed.push(1, time - 3000);
        uint80 right = feed.push(2_000e8, time - 90);
        feed.push(2_000e8, time + 60);
        VM.warp(time + 100);
        VM.expectPartialRevert(IFeedBinder.MissingRound.selector);
        binder.bind(set, time, ids(old));
        eqInt(binder.bind(set, time, ids(right))[0], 200_000, "one while the phase is the last");
        feed.newPhase();
        feed.push(1, time + 70);
        feed.push(1, time + 80);
        // The third phase has a first round: only the second has none.
        feed.setForgetsFirst(false);
        VM.mockCallRevert(
            address(feed), abi.encodeCall(MockFeed.getRoundData, ((uint80(2) << 64) | 1)), "No data present"
        );
        eqInt(binder.bind(set, time, ids(right))[0], 200_000, "the right one");
        eqInt(binder.bind(set, time, ids(old))[0], 190_000, "and the old one: who proves chooses");
    }

    /// @dev The pinned code hash of a proxy does not change when what it points to does.
    function test_aProxyIsPinnedAndAnswersOtherwiseLater() external {
        build();
        StubVerifier stub = verifier;
        Proxy proxy = new Proxy(address(stub));
        Port[] memory all = repeated(port(0, 100, 1), 2);
        address key = newKey(all, 4);
        Registration memory made =
            Registration(address(proxy), address(proxy).codehash, key, key.codehash, 1, 0, 0, "");
        bytes32 model = registry.register(made, all);
        proxy.set(address(new YesMan()));
        Model memory entry = registry.live(model);
        yes(StubVerifier(entry.verifier).verifyProof(key, 0, "", new uint256[](0)), "live, and says yes to everything");
    }

    /// @dev Registered before the ceremony is pinned, a model is unsafe for ever, and its digest is taken.
    function test_aModelRegisteredBeforeItsCeremonyIsUnsafeForEver() external {
        build();
        Port[] memory all = repeated(port(0, 100, 1), 2);
        Registration memory made = registration(newKey(all, 4), 1);
        bytes32 model = registry.register(made, all);
        registry.pinCeremony(registry.srsOf(made.key));
        registry.register(made, all);
        yes(registry.live(model).unsafeSrs, "still");
    }

    /// @dev `maxAge` of a View is of its oldest record: below two periods no median ever comes of it.
    function test_aSetThatNeverWarmsUpIsTaken() external {
        build();
        ViewTarget target = new ViewTarget();
        Source[] memory sources = new Source[](1);
        sources[0] = Source(Kind.View, address(target), ViewTarget.value.selector, 0, 2, 0, 2 * PERIOD - 1, 0, 0, 100);
        bytes32 id = feedSet(sources, repeated(port(0, 1 << 60, 1000), 1));
        for (uint256 i = 0; i < 20; ++i) {
            VM.warp(block.timestamp + PERIOD);
            VM.prank(KEEPER, KEEPER);
            eq(binder.snapshot(id, new uint80[](0)), 0, "never");
        }
    }
}

contract ViewTarget {
    function value(bytes32) external pure returns (int256) {
        return 1;
    }
}
