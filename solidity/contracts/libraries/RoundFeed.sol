// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IFeedBinder} from "../interfaces/IFeedBinder.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";

/// @title The last round of a feed at a time.
/// @notice At a time `t`, exactly one round of a feed is accepted: the last one with `updatedAt <= t` in the highest
/// phase that has such a round. A phase that began later, and a source that goes on after a proxy has left it, change
/// nothing. Numbers within a phase are taken to follow each other. A phase whose first round is unknown may have begun
/// before `t`: no round of an older phase is taken behind it, not even where it was really empty. Nobody can tell the
/// two apart, and the next phase's own rounds end that: all times from its first round on have one.
library RoundFeed {
    /// @notice Phases that are looked into behind a round's own. More have to pass before `t` is out of reach.
    uint256 internal constant MAX_PHASES = 4;

    /// @notice The answer of a round that is the last one at `time`; reverts for every other round.
    /// @param time Seconds, in the past: a round of the current second may still be followed by another.
    /// @return answer Raw, with the feed's decimals.
    /// @return updatedAt Seconds, at most `time`.
    function lastAt(IPriceFeed feed, uint80 roundId, uint256 time)
        internal
        view
        returns (int256 answer, uint256 updatedAt)
    {
        (uint80 latest, int256 latestAnswer,, uint256 latestAt,) = feed.latestRoundData();
        if (latest == roundId) {
            // No phase is higher, no round later.
            if (latestAt == 0) revert IFeedBinder.MissingRound(address(feed), roundId);
            if (latestAt > time) revert IFeedBinder.FutureRound(address(feed), latestAt, time);
            return (latestAnswer, latestAt);
        }

        bool known;
        (known, answer, updatedAt) = _round(feed, roundId);
        if (!known) revert IFeedBinder.MissingRound(address(feed), roundId);
        if (updatedAt > time) revert IFeedBinder.FutureRound(address(feed), updatedAt, time);

        _requireLast(feed, roundId, latest, latestAt, time);
    }

    /// @dev Neither the next round nor a later phase has begun at `time`.
    function _requireLast(IPriceFeed feed, uint80 roundId, uint80 latest, uint256 latestAt, uint256 time) private view {
        uint256 phase = roundId >> 64;
        uint256 lastPhase = latest >> 64;
        if (phase > lastPhase) revert IFeedBinder.MissingRound(address(feed), roundId);
        // The latest round is known already.
        (bool followed, uint256 nextAt) = (latestAt != 0, latestAt);
        if (latest != roundId + 1) (followed,, nextAt) = _round(feed, roundId + 1);
        // Within the current phase a round that is not the latest has a successor, or its number is made up.
        if (!followed && phase == lastPhase) revert IFeedBinder.MissingRound(address(feed), roundId + 1);
        if (followed && nextAt <= time) revert IFeedBinder.SupersededRound(address(feed), roundId, time);
        if (lastPhase - phase > MAX_PHASES) revert IFeedBinder.TooManyPhases(address(feed), lastPhase - phase);
        for (uint256 later = phase + 1; later <= lastPhase; ++later) {
            // A phase has 16 bits, so that this fits in 80.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint80 first = uint80((later << 64) | 1);
            (followed,, nextAt) = _round(feed, first);
            if (followed && nextAt <= time) revert IFeedBinder.SupersededRound(address(feed), roundId, time);
            // Nobody can tell since when a phase has rounds whose first one is unknown. The one in use tells where it
            // has none.
            bool isEmpty = later == lastPhase && uint64(latest) == 0;
            if (!followed && !isEmpty) revert IFeedBinder.MissingRound(address(feed), first);
        }
    }

    /// @dev Some feeds revert for a round that they do not have, others answer with zeros, and proxies have been seen
    /// to ignore a number's upper bits. A caller that leaves too little gas for the feed cannot make a round look
    /// unknown: a 64th of what the feed was given does not pay for what follows.
    function _round(IPriceFeed feed, uint80 roundId)
        private
        view
        returns (bool known, int256 answer, uint256 updatedAt)
    {
        try feed.getRoundData(roundId) returns (uint80 id, int256 value, uint256, uint256 time_, uint80) {
            return (id == roundId && time_ != 0, value, time_);
        } catch {
            return (false, 0, 0);
        }
    }
}
