// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Port} from "../verifiers/PublicValues.sol";

/// @notice Where a value comes from.
enum Kind {
    /// A round of an `IPriceFeed`: the last one at a time.
    Round,
    /// A view of a contract, recorded in snapshots and bound as the median of three.
    View,
    /// A report that m of n signers made for a time (`AttestedValues`).
    Attested
}

/// @notice One input's source.
/// @dev `target`: feed, contract or `AttestedValues`. `selector`: of a View, called with `arg` alone. `decimals`:
/// places of the value; a feed that changes its own is refused. `lag`: periods back. `maxAge`: seconds between the
/// value's time and the time that is bound; of a View between its oldest record and that time. `maxMoveBps`: largest
/// move since one period before, in 1e-4 of the older value, 0 for none; Rounds only. `lo`, `hi`: band of the raw
/// value, ends included.
struct Source {
    Kind kind;
    address target;
    bytes4 selector;
    bytes32 arg;
    uint8 decimals;
    uint16 lag;
    uint32 maxAge;
    uint16 maxMoveBps;
    int192 lo;
    int192 hi;
}

/// @notice A set: sources, the ports that their values become, and when they are bound.
/// @dev `period`: seconds; times that are bound are multiples of it. `sequencerFeed`: of an L2, 0 for none; answer 0 is
/// up. `grace`: seconds that it must have been up.
struct FeedSet {
    Source[] sources;
    Port[] ports;
    uint32 period;
    address sequencerFeed;
    uint32 grace;
}

/// @title Rebuilds a model's inputs from feeds.
/// @notice Which round is bound follows from the time alone: nobody who proves can choose the friendliest one.
interface IFeedBinder {
    event SetDefined(bytes32 indexed setId, address data);
    /// @notice A View's values were recorded, but fewer than three records are young enough for a median.
    event WarmingUp(bytes32 indexed setId, uint64 observedAt);
    event Snapshot(bytes32 indexed setId, uint64 indexed index, uint64 observedAt, int256[] inputs);

    /// @notice No such set.
    error UnknownSet(bytes32 setId);
    /// @notice A set that could never be bound: no sources, another number of ports, no period, a Round without a feed,
    /// a Round with `lag` times period beyond any feed, a View with a move limit or with an age that lets no three
    /// records count (less than two periods), a band that is empty.
    error BadSet();
    /// @notice As BadSet, of one source.
    error BadSource(uint256 index);
    /// @notice A time that is no multiple of the period, or not yet past. Both in seconds.
    error BadTime(uint64 time, uint64 now_);
    /// @notice A set with Views is bound from snapshots only.
    error SnapshotsOnly(uint256 index);
    /// @notice Another number of rounds than sources (and older rounds, where moves are limited) need.
    error WrongRoundCount(uint256 expected, uint256 got);
    /// @notice The feed has no such round, or answered with another one.
    error MissingRound(address feed, uint80 roundId);
    /// @notice The round is from after the time that is bound. Both in seconds.
    error FutureRound(address feed, uint256 updatedAt, uint256 time);
    /// @notice Another round is the last one at that time.
    error SupersededRound(address feed, uint80 roundId, uint256 time);
    /// @notice More phases lie between the round and the latest one than are searched.
    error TooManyPhases(address feed, uint256 phases);
    /// @notice Older than its source admits. Both in seconds.
    error StaleValue(uint256 index, uint256 age, uint256 maxAge);
    /// @notice The feed has other decimals than the set.
    error DecimalsChanged(address feed, uint8 expected, uint8 got);
    /// @notice Outside of the source's band; raw values.
    error OutOfBand(uint256 index, int256 value, int256 lo, int256 hi);
    /// @notice Moved more since one period before than the source admits; raw values.
    error MovedTooFar(uint256 index, int256 before, int256 value, uint256 maxMoveBps);
    /// @notice A View that reverts, or answers with other than one word.
    error ViewFailed(uint256 index);
    /// @notice Sets with Views are recorded for an account without code that calls directly, not through a contract.
    error DirectCallsOnly(address caller);
    /// @notice Records of Views are half a period apart at least. In seconds.
    error TooSoon(uint256 next);
    /// @notice There is no such snapshot (any more), or it has other inputs.
    error SnapshotMismatch(bytes32 setId, uint64 index);

    /// @notice Stores a set, or returns the id of one that is known. Anyone may.
    /// @return setId `keccak256(abi.encode(set))`.
    function defineSet(FeedSet calldata set) external returns (bytes32 setId);

    /// @notice The set.
    function setOf(bytes32 setId) external view returns (FeedSet memory);

    /// @notice What a consumer compares when it takes a set.
    /// @return portsHash `keccak256(abi.encode(ports))` of the set's ports.
    /// @return inputs How many there are.
    /// @return period In seconds.
    /// @return views Whether a source is a View, so that the set is bound from snapshots only.
    function shapeOf(bytes32 setId) external view returns (bytes32 portsHash, uint256 inputs, uint32 period, bool views);

    /// @notice The integers at a time, from rounds that are the last ones at it. Sets without Views.
    /// @param time Seconds, a multiple of the period, in the past.
    /// @param rounds For each Round in order its round, and where moves are limited the one of a period before.
    /// @return inputs In steps of their ports.
    function bind(bytes32 setId, uint64 time, uint80[] calldata rounds) external view returns (int256[] memory inputs);

    /// @notice Binds the current period's values and keeps their hash. Anyone may; a repeat within the period returns
    /// the same index. 0: recorded, but too few records of a View for a median.
    function snapshot(bytes32 setId, uint80[] calldata rounds) external returns (uint64 index);

    /// @notice Reverts with `Sequencer.SequencerDown` where the set names a sequencer's feed and it is down, or up for
    /// less than the grace time. `bind`, `snapshot` and `bound` ask too.
    function requireSequencer(bytes32 setId) external view;

    /// @notice The time of a snapshot whose inputs have this hash (`InputHash`); reverts with SnapshotMismatch else.
    function bound(bytes32 setId, uint64 index, bytes32 inputsHash) external view returns (uint64 observedAt);
}
