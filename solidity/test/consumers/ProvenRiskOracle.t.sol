// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {BoundedConsumer} from "../../contracts/consumers/BoundedConsumer.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {ProvenRiskOracle} from "../../contracts/consumers/ProvenRiskOracle.sol";
import {Decision, IDecisionConsumer, Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IRiskOracle} from "../../contracts/interfaces/IRiskOracle.sol";
import {FeedSet, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Bound, Bounds, Live} from "../../contracts/libraries/Bounds.sol";
import {Groups} from "../../contracts/libraries/Groups.sol";
import {Sequencer} from "../../contracts/libraries/Sequencer.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";

/// @notice The risk oracle, and with it what every bounded consumer does.
contract ProvenRiskOracleTest is FedWorld {
    address private constant MARKET = address(0x3a);
    string private constant TYPE = "SupplyCapUpdate_Core";

    ProvenRiskOracle private _oracle;
    bytes32 private _subject;
    Policy private _policy;

    function setUp() external {
        buildFed();
        _oracle = new ProvenRiskOracle(address(manager), gateway);
        _subject = _oracle.subjectOf(TYPE, MARKET);
        guard(address(_oracle), ConsumerBase.pause.selector);
        guard(address(_oracle), BoundedConsumer.veto.selector);
        guard(address(_oracle), BoundedConsumer.restore.selector);
        _policy = fedPolicy(1, 1 << 40, false);
        _oracle.setPolicy(_subject, _policy, ports);
        _oracle.configure(_subject, _bounds(0), _values(1000));
    }

    /// @dev 1 to 100,000; up by half after 24 h and 36 h apart, down by half at once.
    function _bounds(uint24 delayDown) private pure returns (Bound[] memory bounds) {
        bounds = new Bound[](1);
        bounds[0] = Bound(1, 100_000, 5_000, 5_000, 24 hours, delayDown, 36 hours, Bounds.SAFE_DOWN | Bounds.RELATIVE);
    }

    function _values(uint48 value) private pure returns (uint48[] memory values) {
        values = new uint48[](1);
        values[0] = value;
    }

    function _decide(int256 value) private returns (bytes32) {
        warpToNextPeriod(int192(PRICE));
        return decide(address(_oracle), _subject, ints(value << 20));
    }

    function _live() private view returns (Live memory) {
        (Live[] memory live,) = _oracle.parametersOf(_subject);
        return live[0];
    }

    function _latest() private view returns (IRiskOracle.RiskParameterUpdate memory) {
        return _oracle.getLatestUpdateByParameterAndMarket(TYPE, MARKET);
    }

    function test_reachesItsReaderInTheFormItKnows() external {
        VM.expectRevert(abi.encodeWithSelector(ProvenRiskOracle.NoUpdate.selector, TYPE, MARKET));
        _latest();
        bytes32 id = _decide(700);
        IRiskOracle.RiskParameterUpdate memory update = _latest();
        eq(abi.decode(update.newValue, (uint256)), 700, "value");
        eq(abi.decode(update.previousValue, (uint256)), 1000, "previous");
        eq(update.timestamp, block.timestamp, "since when it holds");
        eq(update.updateId, 1, "id");
        yes(update.market == MARKET && keccak256(bytes(update.updateType)) == keccak256(bytes(TYPE)), "names");
        yes(bytes32(VM.parseBytes(update.referenceId)) == id, "the decision");
        _decide(600);
        eq(_latest().updateId, 2, "ids rise");
    }

    /// @dev What governance sets is what the reader has: shown, of no decision, and no update more.
    function test_aValueThatGovernanceSetIsOfNoDecision() external {
        _decide(700);
        VM.warp(block.timestamp + 1);
        _oracle.configure(_subject, _bounds(0), _values(900));
        IRiskOracle.RiskParameterUpdate memory update = _latest();
        eq(abi.decode(update.newValue, (uint256)), 900, "what holds");
        eq(update.updateId, 1, "no update more");
        eq(update.timestamp, block.timestamp, "since then");
        yes(bytes32(VM.parseBytes(update.referenceId)) == 0, "of no decision");
        _decide(800);
        eq(_latest().updateId, 2, "the next one counts");
        _oracle.configure(_subject, _bounds(0), new uint48[](0));
        yes(bytes32(VM.parseBytes(_latest().referenceId)) != 0, "bounds alone change no value");
    }

    /// A reader that lets updates expire must not take an old one for new.
    function test_aValueThatGovernanceSaysAgainStaysAsOldAsItIs() external {
        _decide(700);
        IRiskOracle.RiskParameterUpdate memory before = _latest();
        VM.warp(block.timestamp + 30 days);
        _oracle.configure(_subject, _bounds(0), _values(700));
        IRiskOracle.RiskParameterUpdate memory update = _latest();
        eq(update.timestamp, before.timestamp, "since then");
        eq(update.updateId, before.updateId, "the same update");
        yes(keccak256(bytes(update.referenceId)) == keccak256(bytes(before.referenceId)), "of its decision");
    }

    function test_safeMovesAreClampedAndAtOnce() external {
        _decide(1);
        eq(_live().value, 500, "half, at once");
        _decide(1);
        eq(_live().value, 250, "and again, without cooling down");
    }

    function test_unsafeMovesWaitAndCanBeExecutedByAnyone() external {
        warpToNextPeriod(int192(PRICE));
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        eq(_live().value, 1000, "nothing yet");
        eq(_live().pending, 1500, "half more waits");
        uint256 eta = _live().eta;
        eq(eta, block.timestamp + 24 hours, "for a day");
        VM.expectRevert(abi.encodeWithSelector(Groups.NotDue.selector, eta));
        _oracle.execute(_subject);
        VM.warp(eta);
        VM.prank(KEEPER);
        yes(_oracle.execute(_subject), "executed");
        eq(_live().value, 1500, "applied");
        eq(_latest().timestamp, eta, "and as new as its readers expect");
        yes(!_oracle.execute(_subject), "nothing waits any more");
    }

    function test_whatWaitsExpires() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        VM.warp(_live().eta + 24 hours + 1);
        yes(!_oracle.execute(_subject), "too late");
        eq(_live().value, 1000, "unchanged");
    }

    function test_decisionsThatComeOftenDoNotPutItOff() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        uint256 eta = _live().eta;
        _decide(6000);
        eq(_live().eta, eta, "as far: its time stays");
        _decide(1200);
        eq(_live().pending, 1200, "less far");
        eq(_live().eta, eta, "and no later");
        _decide(1300);
        eq(_live().pending, 1200, "what waits goes no further than asked: it stays");
        _decide(1000);
        eq(_live().eta, 0, "no longer asked for: dropped");
        _decide(1300);
        yes(_live().eta > eta, "asked for anew: waits anew");
    }

    function test_aMoveTheOtherWayDropsWhatWaits() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        _decide(900);
        eq(_live().value, 900, "down at once");
        eq(_live().eta, 0, "up is off");
    }

    function test_coolsDown() external {
        _decide(5000);
        eq(_live().eta, 0, "36 hours from when it was configured");
        _raise();
        uint256 raised = block.timestamp;
        _decide(5000);
        eq(_live().eta, 0, "and from the last raise");
        VM.warp(raised + 36 hours - PERIOD);
        _decide(1499);
        eq(_live().value, 1499, "lower at once");
        _decide(5000);
        yes(_live().eta != 0, "which is no reason to cool down anew");
    }

    function _raise() private {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        VM.warp(_live().eta);
        _oracle.execute(_subject);
        eq(_live().value, 1500, "raised");
    }

    function _restore() private returns (bool done) {
        VM.prank(GUARDIAN);
        return _oracle.restore(_subject);
    }

    /// @dev A parameter that wavers is raised as well, where all decisions of a day ask for it.
    function test_safeMovesByOneKeepNoRaiseOut() external {
        VM.warp(block.timestamp + 36 hours);
        for (int256 value = 999; value > 994; --value) {
            _decide(value);
            _decide(5000);
            yes(_live().eta != 0, "a raise waits");
        }
        VM.warp(_live().eta);
        yes(_oracle.execute(_subject), "and comes");
    }

    /// @dev Somebody lowers by one in front of the guardian, as often as there are periods.
    function test_smallSafeMovesDoNotHideABadOne() external {
        _raise();
        _decide(1_499);
        _decide(1_498);
        eq(_oracle.restorable(_subject)[0], 1000, "what a guardian would put back");
        yes(_restore(), "restored");
        eq(_live().value, 1000, "the value before the raise");
        yes(!_restore(), "once");
        eq(_oracle.restorable(_subject)[0], 1000, "nothing more");
        // A bad cut in steps: all of the day's.
        _decide(700);
        _decide(350);
        _decide(349);
        yes(_restore(), "restored");
        eq(_live().value, 1000, "the value before the day's cuts");
    }

    /// @dev A guardian has a whole day for a raise, however old the safe move is that something is kept of.
    function test_aRaiseIsTakenBackForADayWhateverFollows() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(990);
        _decide(5000);
        VM.warp(_live().eta);
        _oracle.execute(_subject);
        uint256 raised = block.timestamp;
        eq(_live().value, 1485, "raised");
        for (int256 i = 1; i < 22; ++i) {
            _decide(1485 - i);
        }
        VM.warp(raised + 24 hours);
        yes(_restore(), "restored");
        eq(_live().value, 990, "the value before");
    }

    function test_whereNothingIsPutBackWhatWaitsStays() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        uint256 eta = _live().eta;
        yes(!_restore(), "nothing to put back");
        eq(_live().eta, eta, "it waits");
        _decide(900);
        _decide(5000);
        yes(_live().eta != 0, "it waits");
        yes(_restore(), "the cut is put back");
        eq(_live().eta, 0, "and nothing waits");
        eq(_live().value, 1000, "the value before");
        _decide(5000);
        eq(_live().eta, 0, "what a guardian put back cools down");
    }

    /// @dev What waits from a model that was disabled neither executes nor keeps the next model's from waiting.
    function test_whatADisabledModelLeftBlocksNobody() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(1_100);
        VM.prank(GUARDIAN);
        registry.disable(_policy.model);
        _policy = fedPolicy(1, 1 << 40, false);
        _oracle.setPolicy(_subject, _policy, ports);
        _decide(1_400);
        eq(_live().pending, 1_400, "the next model's alone");
        eq(_live().eta, block.timestamp + 24 hours, "from now on");
        yes(_oracle.originOf(_subject).model == _policy.model, "its origin");
        VM.warp(_live().eta);
        yes(_oracle.execute(_subject), "executed");
        eq(_live().value, 1_400, "applied");
    }

    /// @dev The day in which a guardian could veto passes while nobody can send anything.
    function test_nothingIsExecutedWhileTheSequencerIsDown() external {
        MockFeed sequencer = new MockFeed(0);
        sequencer.push(0, block.timestamp - 1 days);
        Source[] memory sources = new Source[](1);
        sources[0] = source(address(feed));
        _policy.feedSet =
            binder.defineSet(FeedSet(sources, repeated(inputPort(), 1), PERIOD, address(sequencer), 1 hours));
        _oracle.setPolicy(_subject, _policy, ports);
        VM.warp(block.timestamp + 36 hours);
        _decide(1_500);
        yes(_oracle.originOf(_subject).feedSet == _policy.feedSet, "the set is kept");
        sequencer.push(1, block.timestamp);
        VM.warp(_live().eta);
        VM.expectPartialRevert(Sequencer.SequencerDown.selector);
        _oracle.execute(_subject);
        sequencer.push(0, block.timestamp);
        // Neither another set for the decisions to come nor a gateway that is dead changes that.
        _policy.feedSet = set;
        _oracle.setPolicy(_subject, _policy, ports);
        VM.etch(address(gateway), hex"fe");
        VM.warp(block.timestamp + 1 hours - 1);
        VM.expectPartialRevert(Sequencer.SequencerDown.selector);
        _oracle.execute(_subject);
        VM.warp(block.timestamp + 1);
        yes(_oracle.execute(_subject), "after an hour in which a veto could have come");
    }

    function test_aGuardianVetoesAndRestores() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        uint256 eta = _live().eta;
        VM.startPrank(GUARDIAN);
        yes(_oracle.veto(_subject), "vetoed");
        yes(!_oracle.veto(_subject), "nothing waits");
        VM.stopPrank();
        VM.warp(eta);
        yes(!_oracle.execute(_subject), "nothing to execute");

        _decide(600);
        VM.startPrank(GUARDIAN);
        yes(_oracle.restore(_subject), "restored");
        eq(_live().value, 1000, "the value before");
        eq(abi.decode(_latest().newValue, (uint256)), 1000, "its reader sees it");
        yes(!_oracle.restore(_subject), "once");
        VM.stopPrank();
        _decide(600);
        VM.warp(block.timestamp + 24 hours + 1);
        VM.prank(GUARDIAN);
        yes(!_oracle.restore(_subject), "within a day");
    }

    function test_restoredValuesAreWithinTheBoundsOfToday() external {
        _decide(600);
        Bound[] memory bounds = _bounds(0);
        bounds[0].hi = 800;
        _oracle.configure(_subject, bounds, new uint48[](0));
        VM.prank(GUARDIAN);
        yes(_oracle.restore(_subject), "restored");
        eq(_live().value, 800, "as far as it may");
    }

    function test_aDisabledModelChangesNothingNotEvenWhatWaits() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        yes(_oracle.originOf(_subject).model == _policy.model, "the origin is kept");
        VM.warp(_live().eta);
        VM.prank(GUARDIAN);
        registry.disable(_policy.model);
        VM.expectRevert(abi.encodeWithSelector(IModelRegistry.DisabledModel.selector, _policy.model));
        _oracle.execute(_subject);
        eq(_live().value, 1000, "unchanged");
    }

    function test_pausedNothingMoves() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        VM.warp(_live().eta);
        VM.prank(GUARDIAN);
        _oracle.pause(true);
        VM.expectRevert(ConsumerBase.Paused.selector);
        _oracle.execute(_subject);
        VM.expectRevert(ConsumerBase.Paused.selector);
        this.decideLater(600);
    }

    function decideLater(int256 value) external {
        _decide(value);
    }

    function test_survivesADeadGateway() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        VM.etch(address(gateway), hex"fe");
        VM.prank(GUARDIAN);
        _oracle.veto(_subject);
        VM.etch(address(gateway), "");
        eq(_live().value, 1000, "readable");
        _oracle.configure(_subject, _bounds(0), _values(900));
        eq(_live().value, 900, "governance sets it");
        VM.prank(GUARDIAN);
        _oracle.pause(true);
    }

    function test_whatWaitsIsExecutedWithADeadGateway() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        VM.etch(address(gateway), hex"fe");
        VM.warp(_live().eta);
        yes(_oracle.execute(_subject), "the registry is enough");
    }

    function test_negativeOutputsAreRefused() external {
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.UnusableOutput.selector, 0, -1e18));
        this.decideLater(-1);
    }

    function test_onlyTheGatewayDecidesAndOnlyRolesRule() external {
        Decision memory decision;
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.NotGateway.selector, address(this)));
        _oracle.onDecision(decision);
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.NotGateway.selector, address(this)));
        _oracle.onDecisions(new Decision[](0));
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, KEEPER);
        VM.startPrank(KEEPER);
        VM.expectRevert(refused);
        _oracle.configure(_subject, _bounds(0), _values(1));
        VM.expectRevert(refused);
        _oracle.setPolicy(_subject, _policy, ports);
        VM.expectRevert(refused);
        _oracle.setGateway(gateway);
        VM.expectRevert(refused);
        _oracle.pause(true);
        VM.expectRevert(refused);
        _oracle.veto(_subject);
        VM.expectRevert(refused);
        _oracle.restore(_subject);
        VM.stopPrank();
        // A guardian never sets a value.
        VM.prank(GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, GUARDIAN));
        _oracle.configure(_subject, _bounds(0), _values(1));
    }

    /// @dev A batch's decisions, as the gateway hands them over together.
    function test_decisionsOfABatchCountEachInTurn() external {
        Decision[] memory decisions = new Decision[](2);
        for (uint256 i = 0; i < 2; ++i) {
            decisions[i].subject = _subject;
            decisions[i].outputs = ints(i == 0 ? int256(900e18) : int256(800e18));
        }
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.NotGateway.selector, address(this)));
        _oracle.onDecisions(decisions);
        VM.prank(address(gateway));
        yes(_oracle.onDecisions(decisions) == IDecisionConsumer.onDecisions.selector, "taken");
        eq(_live().value, 800, "the last one");
        eq(_live().previous, 900, "after the first one");
    }

    function test_previewIsWhatHappens() external {
        VM.warp(block.timestamp + 36 hours);
        Decision memory decision;
        decision.subject = _subject;
        decision.outputs = ints(5000e18);
        (bytes32[] memory names, uint256[] memory from, uint256[] memory to, uint48[] memory eta) =
            _oracle.preview(decision);
        yes(names[0] == keccak256(abi.encode(_subject, 0)), "name");
        yes(from[0] == 1000 && to[0] == 1500 && eta[0] == block.timestamp + 24 hours, "up, after a day");
        decision.outputs = ints(800e18);
        (,, to, eta) = _oracle.preview(decision);
        yes(to[0] == 800 && eta[0] == 0, "down, at once");
    }

    function test_policiesThatDoNotFitAreRefused() external {
        Policy memory policy = _policy;
        policy.maxAge = 2 * PERIOD + 1;
        _expectBadPolicy(policy);
        policy.maxAge = 0;
        _expectBadPolicy(policy);
        policy = _policy;
        // Whoever hands in the older of two times last would keep the newer out for longer than it is young.
        policy.minInterval = PERIOD + 1;
        _expectBadPolicy(policy);
        policy = _policy;
        policy.ownInputs = 1;
        _expectBadPolicy(policy);
        policy = _policy;
        policy.feedSet = 0;
        _expectBadPolicy(policy);
        policy = _policy;
        // The same integers under another scale (row 45).
        ports[0].num = 10;
        _expectBadPolicy(policy);
        policy.model = register(ports, 1);
        _expectBadPolicy(policy);
        ports[0].num = 100;
        ports.push(ports[1]);
        policy.model = register(ports, 1);
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.WrongOutputs.selector, 1, 2));
        _oracle.setPolicy(_subject, policy, ports);
    }

    function _expectBadPolicy(Policy memory policy) private {
        VM.expectRevert(ConsumerBase.BadPolicy.selector);
        _oracle.setPolicy(_subject, policy, ports);
    }

    function test_badBounds() external {
        VM.expectRevert(Groups.BadBounds.selector);
        _oracle.configure("new", _bounds(0), new uint48[](0));
        VM.expectRevert(Groups.BadBounds.selector);
        _oracle.configure("new", _bounds(0), _values(0));
        VM.expectRevert(Groups.BadBounds.selector);
        _oracle.configure(_subject, new Bound[](2), new uint48[](0));
        Bound[] memory bounds = _bounds(0);
        bounds[0].lo = 100_001;
        VM.expectRevert(Groups.BadBounds.selector);
        _oracle.configure(_subject, bounds, new uint48[](0));
        VM.expectRevert(abi.encodeWithSelector(Groups.UnknownGroup.selector, bytes32("new")));
        _oracle.parametersOf("new");
    }

    function test_newBoundsDropWhatWaits() external {
        VM.warp(block.timestamp + 36 hours);
        _decide(5000);
        _oracle.configure(_subject, _bounds(0), new uint48[](0));
        eq(_live().eta, 0, "dropped");
        eq(_live().value, 1000, "kept");
        _decide(700);
        uint32 seq = _live().seq;
        _oracle.configure(_subject, _bounds(0), _values(900));
        eq(_live().seq, seq, "readers take no newer value for known");
    }
}
