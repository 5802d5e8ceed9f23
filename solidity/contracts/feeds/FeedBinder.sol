// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {FeedSet, IFeedBinder, Kind, Source} from "../interfaces/IFeedBinder.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {DataCode} from "../libraries/DataCode.sol";
import {FeedSets} from "../libraries/FeedSets.sol";
import {InputHash} from "../libraries/InputHash.sol";
import {RoundFeed} from "../libraries/RoundFeed.sol";
import {Sequencer} from "../libraries/Sequencer.sol";
import {PublicValues} from "../verifiers/PublicValues.sol";
import {AttestedValues} from "./AttestedValues.sol";

/// @title Sets of feeds, bound at times that nobody chooses.
/// @notice Without an owner: a set never changes. Rounds and attested values are those of the period's beginning,
/// whoever asks and whenever. Views have no history, so that whoever asks first in a period chooses the moment; the
/// median of three periods keeps one moment's state out of a model, and the move of a whole hour in.
contract FeedBinder is IFeedBinder {
    /// @dev `lastTime`: the period of the last snapshot; `takenAt`: when it was taken. In seconds.
    struct State {
        uint40 lastTime;
        uint40 takenAt;
        uint56 current;
        uint56 next;
        uint64 records;
    }

    struct SequencerOf {
        address feed;
        uint32 grace;
    }

    /// @dev Rounds that were named, and how many of them were bound.
    struct Rounds {
        uint80[] ids;
        uint256 used;
    }

    struct Record {
        int192 value;
        uint64 time;
    }

    /// @notice Snapshots that are kept.
    uint256 public constant RING = 64;
    /// @notice Records of a View that a median is taken of.
    uint256 public constant RECORDS = 3;
    uint256 private constant MAX_DECIMALS = 36;
    uint256 private constant MAX_PERIOD = 30 days;
    uint256 private constant BPS = 10_000;
    /// @dev In an entry of the ring: so that a set without a sequencer costs no read to find that out.
    uint256 private constant SEQUENCED = 1 << 63;

    mapping(bytes32 setId => address data) private _sets;
    mapping(bytes32 setId => State) private _states;
    /// @dev Of sets that name one: asked again whenever a snapshot is used.
    mapping(bytes32 setId => SequencerOf) private _sequencers;
    /// @dev 192 bits of the inputs' hash, then whether the set names a sequencer's feed, then the time. Two vectors with
    /// one hash would take 2^96 tries and feeds that obey; another one for a given hash 2^192.
    mapping(bytes32 setId => mapping(uint256 place => uint256)) private _ring;
    mapping(bytes32 setId => mapping(uint256 source => Record[RECORDS])) private _records;

    /// @inheritdoc IFeedBinder
    function defineSet(FeedSet calldata set) external returns (bytes32 setId) {
        bytes memory encoded = abi.encode(set);
        setId = keccak256(encoded);
        if (_sets[setId] != address(0)) return setId;
        _check(set);
        address data = DataCode.write(encoded);
        _sets[setId] = data;
        if (set.sequencerFeed != address(0)) _sequencers[setId] = SequencerOf(set.sequencerFeed, set.grace);
        emit SetDefined(setId, data);
    }

    /// @inheritdoc IFeedBinder
    function setOf(bytes32 setId) external view returns (FeedSet memory) {
        return abi.decode(_kept(setId), (FeedSet));
    }

    /// @inheritdoc IFeedBinder
    function shapeOf(bytes32 setId)
        external
        view
        returns (bytes32 portsHash, uint256 inputs, uint32 period, bool views)
    {
        FeedSet memory set = abi.decode(_kept(setId), (FeedSet));
        for (uint256 i = 0; i < set.sources.length; ++i) {
            views = views || set.sources[i].kind == Kind.View;
        }
        return (keccak256(abi.encode(set.ports)), set.ports.length, set.period, views);
    }

    /// @inheritdoc IFeedBinder
    function bind(bytes32 setId, uint64 time, uint80[] calldata rounds) external view returns (int256[] memory inputs) {
        FeedSets.Head memory set = FeedSets.headOf(_kept(setId));
        if (time % set.period != 0 || time >= block.timestamp) revert BadTime(time, uint64(block.timestamp));
        Sequencer.requireUp(IPriceFeed(set.sequencerFeed), set.grace);
        inputs = new int256[](FeedSets.countOf(set));
        Rounds memory named = Rounds(rounds, 0);
        for (uint256 i = 0; i < inputs.length; ++i) {
            Source memory source = FeedSets.sourceOf(set, i);
            if (source.kind == Kind.View) revert SnapshotsOnly(i);
            inputs[i] = _quantized(set, i, _valueAt(source, i, time, set.period, named));
        }
        if (named.used != rounds.length) revert WrongRoundCount(named.used, rounds.length);
    }

    /// @inheritdoc IFeedBinder
    function snapshot(bytes32 setId, uint80[] calldata rounds) external returns (uint64 index) {
        FeedSets.Head memory set = FeedSets.headOf(_kept(setId));
        // The last multiple of the period that is past: within this second rounds may still come.
        uint64 time = uint64((block.timestamp - 1) / set.period * set.period);
        State memory state = _states[setId];
        if (state.lastTime == time) return state.current;
        Sequencer.requireUp(IPriceFeed(set.sequencerFeed), set.grace);

        int256[] memory inputs = new int256[](FeedSets.countOf(set));
        Rounds memory named = Rounds(rounds, 0);
        bool warm = true;
        for (uint256 i = 0; i < inputs.length; ++i) {
            Source memory source = FeedSets.sourceOf(set, i);
            int256 value;
            if (source.kind == Kind.View) {
                _requireDirectCall();
                // Records of two periods are not of two neighbouring blocks.
                uint256 next = state.takenAt + set.period / 2;
                if (state.takenAt != 0 && block.timestamp < next) revert TooSoon(next);
                bool enough;
                (value, enough) = _record(setId, source, i, time, state.records);
                if (!enough) {
                    warm = false;
                    continue;
                }
            } else {
                value = _valueAt(source, i, time, set.period, named);
            }
            inputs[i] = _quantized(set, i, value);
        }
        if (named.used != rounds.length) revert WrongRoundCount(named.used, rounds.length);

        ++state.records;
        // Times in seconds have 40 bits for 30,000 years, and a snapshot a second fills 56 later.
        // forge-lint: disable-next-line(unsafe-typecast)
        (state.lastTime, state.takenAt) = (uint40(time), uint40(block.timestamp));
        if (warm) {
            index = ++state.next;
            uint256 entry = (uint256(InputHash.ofAll(inputs)) << 64) | time;
            _ring[setId][index % RING] = set.sequencerFeed == address(0) ? entry : entry | SEQUENCED;
            emit Snapshot(setId, index, time, inputs);
        } else {
            emit WarmingUp(setId, time);
        }
        // forge-lint: disable-next-line(unsafe-typecast)
        state.current = uint56(index);
        _states[setId] = state;
    }

    /// @inheritdoc IFeedBinder
    function requireSequencer(bytes32 setId) public view {
        SequencerOf memory sequencer = _sequencers[setId];
        Sequencer.requireUp(IPriceFeed(sequencer.feed), sequencer.grace);
    }

    /// @inheritdoc IFeedBinder
    function bound(bytes32 setId, uint64 index, bytes32 inputsHash) external view returns (uint64 observedAt) {
        uint256 entry = _ring[setId][index % RING];
        observedAt = _timeOf(entry);
        bool same = entry >> 64 == uint256(inputsHash) & type(uint192).max;
        if (observedAt == 0 || !same) revert SnapshotMismatch(setId, index);
        if (entry & SEQUENCED != 0) requireSequencer(setId);
    }

    /// @notice The latest snapshot's index and time (seconds), zeros where there is none.
    function latest(bytes32 setId) external view returns (uint64 index, uint64 observedAt) {
        index = _states[setId].next;
        if (index != 0) observedAt = _timeOf(_ring[setId][index % RING]);
    }

    function _timeOf(uint256 entry) private pure returns (uint64) {
        return uint40(entry);
    }

    /// @dev The set as it is kept.
    function _kept(bytes32 setId) private view returns (bytes memory) {
        address data = _sets[setId];
        if (data == address(0)) revert UnknownSet(setId);
        return DataCode.read(data);
    }

    /// @dev The value of a source that has a history, `lag` periods before `time`.
    function _valueAt(Source memory source, uint256 i, uint64 time, uint256 period, Rounds memory rounds)
        private
        view
        returns (int256 value)
    {
        uint256 moment = time - uint256(source.lag) * period;
        if (source.kind == Kind.Attested) {
            // `moment` is at most `time`.
            // forge-lint: disable-next-line(unsafe-typecast)
            return _banded(source, i, AttestedValues(source.target).valueAt(source.arg, uint64(moment)));
        }
        uint8 decimals = IPriceFeed(source.target).decimals();
        if (decimals != source.decimals) revert DecimalsChanged(source.target, source.decimals, decimals);
        value = _roundAt(source, i, rounds, moment);
        if (source.maxMoveBps != 0) {
            int256 before = _roundAt(source, i, rounds, moment - period);
            if (_abs(value - before) * BPS > _abs(before) * source.maxMoveBps) {
                revert MovedTooFar(i, before, value, source.maxMoveBps);
            }
        }
    }

    /// @dev The value of the next round that was named, which must be the last one at a time.
    function _roundAt(Source memory source, uint256 i, Rounds memory rounds, uint256 moment)
        private
        view
        returns (int256 value)
    {
        if (rounds.used >= rounds.ids.length) revert WrongRoundCount(rounds.used + 1, rounds.ids.length);
        uint256 updatedAt;
        (value, updatedAt) = RoundFeed.lastAt(IPriceFeed(source.target), rounds.ids[rounds.used++], moment);
        if (moment - updatedAt > source.maxAge) revert StaleValue(i, moment - updatedAt, source.maxAge);
        return _banded(source, i, value);
    }

    /// @dev Records what a View says now, in its raw unit, and gives the median of the last three records.
    function _record(bytes32 setId, Source memory source, uint256 i, uint64 time, uint64 records)
        private
        returns (int256 median, bool enough)
    {
        (bool success, bytes memory answer) =
            source.target.staticcall(abi.encodeWithSelector(source.selector, source.arg));
        if (!success || answer.length != 32) revert ViewFailed(i);
        int256 value = _banded(source, i, abi.decode(answer, (int256)));
        Record[RECORDS] storage ring = _records[setId][i];
        // The band is of `int192`.
        // forge-lint: disable-next-line(unsafe-typecast)
        ring[records % RECORDS] = Record(int192(value), time);
        if (records + 1 < RECORDS) return (0, false);
        Record memory a = ring[0];
        Record memory b = ring[1];
        Record memory c = ring[2];
        uint64 oldest = a.time < b.time ? a.time : b.time;
        if (c.time < oldest) oldest = c.time;
        if (time - oldest > source.maxAge) return (0, false);
        return (_median(a.value, b.value, c.value), true);
    }

    function _median(int256 a, int256 b, int256 c) private pure returns (int256) {
        if (a > b) (a, b) = (b, a);
        if (b > c) b = c;
        return a > b ? a : b;
    }

    function _quantized(FeedSets.Head memory set, uint256 i, int256 value) private pure returns (int256) {
        uint256 unit = 10 ** uint256(FeedSets.sourceOf(set, i).decimals);
        return PublicValues.toInt256(PublicValues.encode(value, unit, FeedSets.portOf(set, i)));
    }

    function _banded(Source memory source, uint256 i, int256 value) private pure returns (int256) {
        if (value < source.lo || value > source.hi) revert OutOfBand(i, value, source.lo, source.hi);
        return value;
    }

    /// @dev A view is read in the state between two transactions, which no flash loan made: only an account without
    /// code that calls this contract directly has none of its own calls around it. Three transactions that a block's
    /// builder keeps together move a view and put it back with money of one's own: that is not stopped here, but two
    /// records of three, half a period apart, must be taken so.
    function _requireDirectCall() private view {
        // solhint-disable-next-line avoid-tx-origin
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert DirectCallsOnly(msg.sender);
    }

    function _check(FeedSet calldata set) private view {
        uint256 count = set.sources.length;
        if (count == 0 || count != set.ports.length || set.period == 0 || set.period > MAX_PERIOD) revert BadSet();
        for (uint256 i = 0; i < count; ++i) {
            Source calldata source = set.sources[i];
            bool view_ = source.kind == Kind.View;
            // The oldest of three records is two periods older than the newest, at the best.
            if (view_ && source.maxAge < (RECORDS - 1) * set.period) revert BadSource(i);
            if (
                source.lo > source.hi || source.decimals > MAX_DECIMALS || source.target.code.length == 0
                    || set.ports[i].num == 0 || set.ports[i].den == 0
                    || (source.maxMoveBps != 0 && source.kind != Kind.Round) || (view_ && source.lag != 0)
                    || (uint256(source.lag) + 1) * set.period >= block.timestamp
            ) revert BadSource(i);
            if (source.kind != Kind.Round) continue;
            uint8 decimals = IPriceFeed(source.target).decimals();
            if (decimals != source.decimals) revert DecimalsChanged(source.target, source.decimals, decimals);
        }
    }

    function _abs(int256 value) private pure returns (uint256) {
        return value < 0 ? uint256(-value) : uint256(value);
    }
}
