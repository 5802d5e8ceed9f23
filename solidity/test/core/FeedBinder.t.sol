// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FeedSet, IFeedBinder, Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {Sequencer} from "../../contracts/libraries/Sequencer.sol";
import {VM} from "../Vm.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {World} from "../support/World.sol";

/// @notice Which round is bound, and what is refused.
contract FeedBinderTest is World {
    MockFeed private _feed;
    Source private _source;
    bytes32 private _set;
    uint64 private _time;

    function setUp() external {
        build();
        _feed = new MockFeed(8);
        _source = source(address(_feed));
        _set = _define();
        _time = START + PERIOD;
        VM.warp(_time + 5);
    }

    function _define() private returns (bytes32) {
        Source[] memory sources = new Source[](1);
        sources[0] = _source;
        return feedSet(sources, repeated(port(0, 1 << 60, 100), 1));
    }

    function _bind(uint80 round) private view returns (int256) {
        return binder.bind(_set, _time, ids(round))[0];
    }

    function _refuse(uint80 round, bytes memory refusal) private {
        VM.expectRevert(refusal);
        binder.bind(_set, _time, ids(round));
    }

    function test_bindsTheLastRoundAtTheTime() external {
        _feed.push(1_000e8, _time - 100);
        uint80 last = _feed.push(1_234_56789012, _time);
        _feed.push(1_500e8, _time + 1);
        eqInt(_bind(last), 123_457, "1234.56789012 in steps of 0.01, to the nearest");
    }

    function test_bindsTheLatestRoundWhereNoneFollows() external {
        eqInt(_bind(_feed.push(2e8, _time - 100)), 200, "two");
    }

    /// @dev Who proves may not choose among rounds: an earlier one is superseded, a later one is of the future.
    function test_refusesEveryOtherRound() external {
        uint80 first = _feed.push(1_000e8, _time - 100);
        uint80 last = _feed.push(1_001e8, _time - 50);
        uint80 after_ = _feed.push(1_002e8, _time + 1);
        _refuse(first, abi.encodeWithSelector(IFeedBinder.SupersededRound.selector, _feed, first, _time));
        _refuse(after_, abi.encodeWithSelector(IFeedBinder.FutureRound.selector, _feed, _time + 1, _time));
        _refuse(last + 5, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, last + 5));
        _refuse(0, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, uint80(0)));
        _feed.setReverts(true);
        _refuse(last + 5, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, last + 5));
        eqInt(_bind(last), 100_100, "the last one is taken");
    }

    function testFuzz_exactlyOneRoundIsAccepted(uint16[8] calldata gaps, uint8 phaseAfter, bool reverts) external {
        _feed.setReverts(reverts);
        uint256 moment = _time - 4_000;
        uint80[] memory rounds = new uint80[](8);
        for (uint256 i = 0; i < 8; ++i) {
            moment += gaps[i] % 1_000;
            if (i == phaseAfter % 8) _feed.newPhase();
            rounds[i] = _feed.push(int192(int256(1e8 * (i + 1))), moment);
        }
        uint256 accepted;
        for (uint256 i = 0; i < 8; ++i) {
            try binder.bind(_set, _time, ids(rounds[i])) {
                ++accepted;
            } catch {}
        }
        eq(accepted, 1, "rounds that are accepted");
    }

    function test_aNewPhaseSupersedesTheOldOne() external {
        uint80 old = _feed.push(1_000e8, _time - 100);
        _feed.newPhase();
        uint80 first = _feed.push(1_001e8, _time - 50);
        // The old source goes on after the proxy has left it.
        uint80 late = _feed.pushTo(1, 999e8, _time - 10);
        _refuse(old, abi.encodeWithSelector(IFeedBinder.SupersededRound.selector, _feed, old, _time));
        _refuse(late, abi.encodeWithSelector(IFeedBinder.SupersededRound.selector, _feed, late, _time));
        eqInt(_bind(first), 100_100, "the new phase's");
    }

    function test_theLastRoundOfAPhaseHoldsUntilTheNextBegins() external {
        uint80 old = _feed.push(1_000e8, _time - 100);
        _feed.newPhase();
        eqInt(_bind(old), 100_000, "phase 2 is in use and empty");
        for (uint64 i = 1; i < 5; ++i) {
            _feed.push(1_001e8, _time + i);
            eqInt(_bind(old), 100_000, "all phases are later");
            _feed.newPhase();
        }
        _feed.push(1_001e8, _time + 5);
        _refuse(old, abi.encodeWithSelector(IFeedBinder.TooManyPhases.selector, _feed, 5));
    }

    /// @dev A phase that was left without a first round: it may have been empty, or its first round be unknown. No
    /// older round is taken behind it, or two would be; from the next phase's first round on, that phase's are.
    function test_aPhaseThatWasLeftWithoutAFirstRoundHidesTheOldOne() external {
        uint80 old = _feed.push(1_000e8, _time - 100);
        _feed.newPhase();
        _feed.newPhase();
        uint80 first = _feed.push(1_001e8, _time + 1);
        uint80 missing = (uint80(2) << 64) | 1;
        _refuse(old, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, missing));
        _time += PERIOD;
        VM.warp(_time + 5);
        eqInt(_bind(first), 100_100, "a period later");
    }

    function test_oneRoundIsTakenAroundAPhaseWithoutAFirstRound() external {
        // The old source goes on, as a proxy's source does that was left.
        uint80 old = _feed.pushTo(1, 1_900e8, _time - 100);
        _feed.pushTo(1, 1_900e8, _time + 1);
        _feed.newPhase();
        _feed.push(1, _time - 3_000);
        uint80 right = _feed.push(2_000e8, _time - 90);
        _feed.push(2_000e8, _time + 2);
        uint80 missing = (uint80(2) << 64) | 1;
        bytes memory refusal = abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, missing);
        VM.mockCallRevert(address(_feed), abi.encodeCall(MockFeed.getRoundData, (missing)), "No data present");
        _refuse(old, refusal);
        eqInt(_bind(right), 200_000, "while the phase is in use");
        _feed.newPhase();
        _feed.push(1, _time + 3);
        _refuse(old, refusal);
        eqInt(_bind(right), 200_000, "and when it was left");
    }

    /// @dev A proxy may take a source that counted long before, and whose first round nobody knows.
    function test_aPhaseWithoutAFirstRoundSupersedesTheOldOne() external {
        _feed.push(999e8, _time - 200);
        uint80 old = _feed.push(1_000e8, _time - 100);
        _feed.newPhase();
        _feed.push(1_001e8, _time - 90);
        uint80 second = _feed.push(1_002e8, _time - 50);
        _feed.setForgetsFirst(true);
        uint80 first = second - 1;
        _refuse(old, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, first));
        eqInt(_bind(second), 100_200, "the new phase's");
    }

    function test_aProxyThatIgnoresThePhaseIsNotBelieved() external {
        _feed.push(1_000e8, _time - 100);
        _feed.push(1_001e8, _time + 1);
        _feed.setIgnoresPhase(true);
        uint80 made = (uint80(9) << 64) | 1;
        _refuse(made, abi.encodeWithSelector(IFeedBinder.MissingRound.selector, _feed, made));
    }

    function test_refusesStaleValues() external {
        _refuse(
            _feed.push(1e8, _time - 2 hours - 1),
            abi.encodeWithSelector(IFeedBinder.StaleValue.selector, 0, 2 hours + 1, 2 hours)
        );
    }

    function test_refusesTimesThatCanStillChange() external {
        uint80 round = _feed.push(1e8, _time);
        VM.warp(_time);
        _refuse(round, abi.encodeWithSelector(IFeedBinder.BadTime.selector, _time, _time));
        VM.warp(_time + 1);
        _bind(round);
        _time += 1;
        VM.warp(_time + 9);
        _refuse(round, abi.encodeWithSelector(IFeedBinder.BadTime.selector, _time, _time + 9));
    }

    /// @dev 18 against 8 decimals (Aevo, 12 December 2025): pinned when the set is defined, and each time.
    function test_incident_aevoDecimals() external {
        uint80 round = _feed.push(1e8, _time - 1);
        _feed.setDecimals(18);
        _refuse(round, abi.encodeWithSelector(IFeedBinder.DecimalsChanged.selector, _feed, 8, 18));
        _source.maxAge = 1;
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.DecimalsChanged.selector, _feed, 8, 18));
        this.define_();
    }

    function define_() external returns (bytes32) {
        return _define();
    }

    function test_refusesNegativeAndAbsurdPrices() external {
        _refuse(
            _feed.push(-1, _time - 9),
            abi.encodeWithSelector(IFeedBinder.OutOfBand.selector, 0, -1, int256(1), int256(1e20))
        );
        _refuse(
            _feed.push(1e20 + 1, _time - 8),
            abi.encodeWithSelector(IFeedBinder.OutOfBand.selector, 0, int256(1e20 + 1), int256(1), int256(1e20))
        );
    }

    /// @dev cbETH at $1.12 instead of some $2,200 (Moonwell, 15 February 2026).
    function test_incident_moonwellPrice() external {
        _source.maxMoveBps = 2_000;
        _set = _define();
        uint80 before = _feed.push(2_200e8, _time - PERIOD - 10);
        uint80 wrong = _feed.push(1.12e8, _time - 10);
        uint80[] memory rounds = new uint80[](2);
        (rounds[0], rounds[1]) = (wrong, before);
        VM.expectRevert(
            abi.encodeWithSelector(IFeedBinder.MovedTooFar.selector, 0, int256(2_200e8), int256(1.12e8), 2_000)
        );
        binder.bind(_set, _time, rounds);
        // Without the older round there is nothing to compare with.
        _refuse(wrong, abi.encodeWithSelector(IFeedBinder.WrongRoundCount.selector, 2, 1));
        rounds[0] = _feed.push(2_000e8, _time - 9);
        eqInt(binder.bind(_set, _time, rounds)[0], 200_000, "a fall of 9 %");
    }

    function test_lagLooksBack() external {
        _source.lag = 1;
        _set = _define();
        uint80 round = _feed.push(7e8, _time - PERIOD - 10);
        _feed.push(8e8, _time - 10);
        eqInt(_bind(round), 700, "an hour before");
    }

    function test_theSequencerMustBeUpForAWhile() external {
        uint80 round = _feed.push(1e8, _time - 1);
        MockFeed sequencer = new MockFeed(0);
        Source[] memory sources = new Source[](1);
        sources[0] = _source;
        _set = binder.defineSet(FeedSet(sources, repeated(port(0, 1 << 60, 100), 1), PERIOD, address(sequencer), 600));
        uint256 up = _time - 10_000;
        sequencer.push(1, up);
        _refuse(round, abi.encodeWithSelector(Sequencer.SequencerDown.selector, up, 600));
        sequencer.push(0, _time);
        _refuse(round, abi.encodeWithSelector(Sequencer.SequencerDown.selector, _time, 600));
        VM.warp(_time + 600);
        _bind(round);
        // A snapshot that was taken before an outage is not used in it.
        VM.warp(_time + 700);
        uint64 index = binder.snapshot(_set, ids(round));
        (, int256 answer,,,) = _feed.latestRoundData();
        bytes32 inputs = InputHash.ofAll(ints(answer / 1e6));
        eq(binder.bound(_set, index, inputs), _time, "while it is up");
        sequencer.push(1, block.timestamp);
        VM.expectRevert(abi.encodeWithSelector(Sequencer.SequencerDown.selector, block.timestamp, 600));
        binder.bound(_set, index, inputs);
    }

    function test_countsRounds() external {
        uint80[] memory two = new uint80[](2);
        two[0] = two[1] = _feed.push(1e8, _time - 1);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.WrongRoundCount.selector, 1, 2));
        binder.bind(_set, _time, two);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.WrongRoundCount.selector, 1, 0));
        binder.bind(_set, _time, new uint80[](0));
    }

    function test_definingAgainReturnsTheSame() external {
        yes(_define() == _set, "the same id");
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.UnknownSet.selector, bytes32(0)));
        binder.setOf(0);
    }

    function test_refusesSetsThatCannotBeBound() external {
        Source[] memory none = new Source[](0);
        VM.expectRevert(IFeedBinder.BadSet.selector);
        binder.defineSet(FeedSet(none, repeated(port(0, 1, 1), 0), PERIOD, address(0), 0));
        (_source.lo, _source.hi) = (2, 1);
        _expectBadSource();
        (_source.lo, _source.decimals) = (1, 37);
        _expectBadSource();
        (_source.decimals, _source.target) = (8, address(0xdead));
        _expectBadSource();
        (_source.target, _source.kind, _source.lag) = (address(this), Kind.View, 1);
        _expectBadSource();
        // Three records are of three periods: no median would ever come of them.
        (_source.lag, _source.maxAge) = (0, 2 * PERIOD - 1);
        _expectBadSource();
        _source.maxAge = 2 * PERIOD;
        this.define_();
        (_source.lag, _source.maxMoveBps) = (0, 1);
        _expectBadSource();
        // A feed that says another time of its latest round by number than without one.
        (_source.target, _source.kind, _source.maxMoveBps) = (address(_feed), Kind.Round, 0);
        _feed.push(5e8, _time - 1);
        _feed.setRefreshesLatest(true);
        _expectBadSource();
        _feed.setRefreshesLatest(false);
        // Further back than time is: `bind` would subtract below zero for ever.
        (_source.target, _source.kind, _source.maxMoveBps) = (address(_feed), Kind.Round, 0);
        _source.lag = type(uint16).max;
        Source[] memory sources = new Source[](1);
        sources[0] = _source;
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.BadSource.selector, 0));
        binder.defineSet(FeedSet(sources, repeated(port(0, 1 << 60, 100), 1), 1 days, address(0), 0));
    }

    function _expectBadSource() private {
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.BadSource.selector, 0));
        this.define_();
    }

    function test_snapshotsAreTheSameWhoeverTakesThemAndWhenever() external {
        uint80 round = _feed.push(5e8, _time - 1);
        VM.prank(KEEPER);
        uint64 index = binder.snapshot(_set, ids(round));
        eq(index, 1, "the first");
        VM.warp(_time + 1800);
        _feed.push(9e8, _time + 1800);
        eq(binder.snapshot(_set, ids(0)), 1, "a repeat");
        eq(binder.bound(_set, 1, InputHash.ofAll(ints(500))), _time, "bound to the period's beginning");
        (uint64 latest, uint64 time) = binder.latest(_set);
        yes(latest == 1 && time == _time, "latest");
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.SnapshotMismatch.selector, _set, 1));
        binder.bound(_set, 1, InputHash.ofAll(ints(501)));
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.SnapshotMismatch.selector, _set, 2));
        binder.bound(_set, 2, InputHash.ofAll(ints(500)));
    }

    function test_snapshotsAreForgottenAfterARing() external {
        for (uint256 i = 0; i < 65; ++i) {
            uint256 next = (block.timestamp / PERIOD + 1) * PERIOD;
            uint80 round = _feed.push(int192(int256(1e8 * (i + 1))), next - 1);
            VM.warp(next + 1);
            eq(binder.snapshot(_set, ids(round)), i + 1, "index");
        }
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.SnapshotMismatch.selector, _set, 1));
        binder.bound(_set, 1, InputHash.ofAll(ints(100)));
    }
}
