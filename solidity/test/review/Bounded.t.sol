// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BoundedConsumer} from "../../contracts/consumers/BoundedConsumer.sol";
import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {FeedSet, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Bound, Bounds, Live} from "../../contracts/libraries/Bounds.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";

/// @notice A test that passes shows an attack that works.
contract ReviewBounded is FedWorld {
    ProvenRiskOracle private _oracle;
    bytes32 private _subject;
    Policy private _policy;

    function setUp() external {
        buildFed();
        _oracle = new ProvenRiskOracle(address(manager), gateway);
        _subject = _oracle.subjectOf("Cap", address(0x3a));
        guard(address(_oracle), BoundedConsumer.veto.selector);
        guard(address(_oracle), BoundedConsumer.restore.selector);
        _policy = fedPolicy(1, 1 << 40, false);
        _oracle.setPolicy(_subject, _policy, ports);
        Bound[] memory bounds = new Bound[](1);
        bounds[0] = Bound(1, 100_000, 5_000, 5_000, 24 hours, 0, 36 hours, Bounds.SAFE_DOWN | Bounds.RELATIVE);
        uint48[] memory values = new uint48[](1);
        values[0] = 1000;
        _oracle.configure(_subject, bounds, values);
        VM.warp(block.timestamp + 3 days);
    }

    function _decide(int256 value) private {
        warpToNextPeriod(int192(PRICE));
        decide(address(_oracle), _subject, ints(value << 20));
    }

    function _live() private view returns (Live memory) {
        (Live[] memory live,) = _oracle.parametersOf(_subject);
        return live[0];
    }

    /// @dev A bad raise is executed; before the guardian's `restore` somebody submits a decision that lowers by one.
    function test_aSmallSafeMoveBeforeRestoreMakesItRestoreTheBadValue() external {
        _decide(5_000);
        VM.warp(block.timestamp + 24 hours);
        _oracle.execute(_subject);
        eq(_live().value, 1500, "the bad raise");
        // In front of the guardian's transaction:
        _decide(1_499);
        eq(_live().value, 1499, "a safe move");
        VM.prank(GUARDIAN);
        yes(_oracle.restore(_subject), "the guardian thinks it is done");
        eq(_live().value, 1500, "it raised");
        VM.prank(GUARDIAN);
        yes(!_oracle.restore(_subject), "and cannot do it again");
        eq(_live().value, 1500, "the bad value stays");
    }

    /// @dev What waits from a disabled model keeps the next model's equal or larger wish from waiting.
    function test_whatADisabledModelLeftBlocksTheNextModel() external {
        _decide(1_100);
        registryDisable(_policy.model);
        _policy = fedPolicy(1, 1 << 40, false);
        _oracle.setPolicy(_subject, _policy, ports);
        _decide(1_400);
        VM.warp(block.timestamp + 25 hours);
        VM.expectPartialRevert(IModelRegistry.DisabledModel.selector);
        _oracle.execute(_subject);
        _decide(1_400);
        VM.expectPartialRevert(IModelRegistry.DisabledModel.selector);
        _oracle.execute(_subject);
        eq(_live().value, 1000, "nothing moves until it expires or a guardian vetoes it");
    }

    function registryDisable(bytes32 model) private {
        VM.prank(GUARDIAN);
        registry.disable(model);
    }

    /// @dev A safe move by one starts the cooldown of raises anew and drops the raise that waits: a parameter that
    /// wavers, or whose lower times somebody picks, only falls.
    function test_safeMovesByOneKeepEveryRaiseOut() external {
        int256 value = 1000;
        for (uint256 i = 0; i < 20; ++i) {
            _decide(5_000);
            yes(_live().value == uint256(value), "no raise");
            VM.warp(block.timestamp + 22 hours);
            _decide(--value);
            eq(_live().value, uint256(value), "one less at once");
            eq(_live().eta, 0, "nothing waits");
        }
        // More than 19 days, in each of which five times as much was asked for.
        yes(_live().value == 980, "it only fell");
    }

    /// @dev The day in which a guardian could veto passes while nobody can send anything; the first transaction after it
    /// executes. Decisions and openings ask the sequencer, `execute` does not.
    function test_whatWaitsIsExecutedWhileTheSequencerIsDown() external {
        MockFeed sequencer = new MockFeed(0);
        sequencer.push(0, block.timestamp - 1 days);
        Source[] memory sources = new Source[](1);
        sources[0] = source(address(feed));
        _policy.feedSet = binder.defineSet(
            FeedSet(sources, repeated(inputPort(), 1), PERIOD, address(sequencer), 1 hours)
        );
        _oracle.setPolicy(_subject, _policy, ports);
        _decide(1_500);
        sequencer.push(1, block.timestamp);
        VM.warp(block.timestamp + 24 hours);
        yes(_oracle.execute(_subject), "while it is down");
        eq(_live().value, 1500, "raised without a minute in which a veto could have come");
    }
}
