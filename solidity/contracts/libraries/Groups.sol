// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Bound, Bounds, Live} from "./Bounds.sol";

/// @title Groups of parameters: what holds, what waits, what can be taken back.
/// @notice The state machine of `BoundedConsumer`, deployed once and called with the consumer's storage, so that each
/// consumer's code is small. It emits the consumer's events. Who may call what is the consumer's matter.
library Groups {
    /// @notice Which decision a change comes from; `observedAt` in seconds.
    struct Origin {
        bytes32 decision;
        bytes32 model;
        uint64 observedAt;
    }

    struct Parameter {
        Live live;
        Bound bound;
    }

    struct State {
        mapping(bytes32 group => Parameter[]) parameters;
        mapping(bytes32 group => Origin) origins;
    }

    /// @dev Where the parameters of a group go: `wanted` and `waiting` count where a parameter does not move at once.
    struct Wish {
        uint48[] wanted;
        uint48[] waiting;
        uint256 eta;
        uint256 delay;
    }

    event Configured(bytes32 indexed group, Bound[] bounds);
    event Clamped(bytes32 indexed group, uint256 index, uint256 asked, uint256 got);
    event Queued(bytes32 indexed group, uint256 index, uint256 from, uint256 to, uint256 eta, bytes32 indexed decision);
    event Applied(bytes32 indexed group, uint256 index, uint256 from, uint256 to, bytes32 indexed decision);
    event Vetoed(bytes32 indexed group, bytes32 indexed decision);
    event Restored(bytes32 indexed group, uint256 index, uint256 from, uint256 to);

    /// @notice Bounds of another number, an empty range, a value outside of it, or values for a group that has some.
    error BadBounds();
    /// @notice The group was not configured.
    error UnknownGroup(bytes32 group);
    /// @notice The change waits until `eta`, in seconds.
    error NotDue(uint256 eta);

    /// @notice Seconds after its time within which a change can be executed.
    uint256 internal constant GRACE = 24 hours;
    /// @notice Seconds after a change within which it can be taken back.
    uint256 internal constant RESTORE_WINDOW = 24 hours;

    /// @notice Sets bounds, and values where some are given: the first time they must be. What waits is dropped.
    function configure(State storage self, bytes32 group, Bound[] calldata bounds, uint48[] calldata values) external {
        Parameter[] storage parameters = self.parameters[group];
        bool isNew = parameters.length == 0;
        uint256 count = isNew ? bounds.length : parameters.length;
        if (count == 0 || bounds.length != count) revert BadBounds();
        if (values.length != count && (isNew || values.length != 0)) revert BadBounds();
        for (uint256 i = 0; i < count; ++i) {
            if (bounds[i].lo > bounds[i].hi) revert BadBounds();
            if (isNew) parameters.push();
            parameters[i].bound = bounds[i];
            parameters[i].live.eta = 0;
            if (values.length == 0) continue;
            if (values[i] < bounds[i].lo || values[i] > bounds[i].hi) revert BadBounds();
            // The count goes on: readers take what is not newer for known.
            uint32 seq = parameters[i].live.seq;
            parameters[i].live = Live(values[i], values[i], values[i], 0, uint40(block.timestamp), seq);
        }
        emit Configured(group, bounds);
    }

    /// @notice Moves a group to where a decision wants it, as far and as soon as its bounds admit.
    /// @return live The parameters; `changed`: whether one moved at once.
    function move(State storage self, bytes32 group, uint256[] memory targets, Origin memory origin)
        external
        returns (Live[] memory live, bool changed)
    {
        Bound[] memory bounds;
        (live, bounds) = _load(self, group);
        Bounds.Plan memory plan = Bounds.plan(live, bounds, targets, block.timestamp);
        Wish memory wish = Wish(new uint48[](live.length), new uint48[](live.length), _etaOf(live), plan.delay);
        if (block.timestamp > wish.eta + GRACE) wish.eta = 0;
        bool waits;
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 next = plan.next[i];
            if (next != targets[i]) emit Clamped(group, i, targets[i], next);
            bool moves = next != live[i].value;
            if (moves && plan.atOnce[i]) {
                _set(group, live[i], i, next, origin.decision);
                wish.waiting[i] = next;
                changed = true;
            } else {
                wish.waiting[i] = wish.eta == 0 || live[i].eta == 0 ? live[i].value : live[i].pending;
                waits = waits || moves;
            }
            wish.wanted[i] = next;
        }
        if (waits) _queue(self, group, live, origin, wish);
        else _drop(live);
        _store(self, group, live);
    }

    /// @notice Applies what waits, once its time has come.
    /// @return live The parameters; `origin`: which decision they come from; `done`: false where nothing waits, or it
    /// waited too long.
    function execute(State storage self, bytes32 group)
        external
        returns (Live[] memory live, Origin memory origin, bool done)
    {
        (live,) = _load(self, group);
        uint256 eta = _etaOf(live);
        if (eta == 0 || block.timestamp > eta + GRACE) return (live, origin, false);
        if (block.timestamp < eta) revert NotDue(eta);
        origin = self.origins[group];
        for (uint256 i = 0; i < live.length; ++i) {
            if (live[i].eta != 0) _set(group, live[i], i, live[i].pending, origin.decision);
        }
        _drop(live);
        _store(self, group, live);
        return (live, origin, true);
    }

    /// @notice Drops what waits.
    /// @return Whether something did.
    function veto(State storage self, bytes32 group) external returns (bool) {
        (Live[] memory live,) = _load(self, group);
        if (_etaOf(live) == 0) return false;
        _drop(live);
        _store(self, group, live);
        emit Vetoed(group, self.origins[group].decision);
        return true;
    }

    /// @notice Puts back what the group's last change moved, within `RESTORE_WINDOW`, once. What waits is dropped.
    /// @return live The parameters; `done`: whether something was put back.
    function restore(State storage self, bytes32 group) external returns (Live[] memory live, bool done) {
        Bound[] memory bounds;
        (live, bounds) = _load(self, group);
        uint256 last;
        for (uint256 i = 0; i < live.length; ++i) {
            if (live[i].changedAt > last) last = live[i].changedAt;
        }
        if (block.timestamp > last + RESTORE_WINDOW) return (live, false);
        _drop(live);
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 from = live[i].value;
            // Bounds may have been set anew since: no value leaves them.
            uint48 to = Bounds.clamp(live[i].previous, bounds[i]);
            if (live[i].changedAt != last || live[i].previous == from || to == from) continue;
            _set(group, live[i], i, to, 0);
            // Once: a second time there is nothing to put back.
            live[i].previous = live[i].value;
            emit Restored(group, i, from, live[i].value);
            done = true;
        }
        if (done) _store(self, group, live);
    }

    /// @notice Values and bounds of a group.
    function parametersOf(State storage self, bytes32 group)
        external
        view
        returns (Live[] memory live, Bound[] memory bounds)
    {
        return _load(self, group);
    }

    /// @notice What a decision would change now. `eta` in seconds, 0 for at once or not at all.
    function preview(State storage self, bytes32 group, uint256[] memory targets)
        external
        view
        returns (uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (Live[] memory live, Bound[] memory bounds) = _load(self, group);
        Bounds.Plan memory plan = Bounds.plan(live, bounds, targets, block.timestamp);
        (from, to, eta) = (new uint256[](live.length), new uint256[](live.length), new uint48[](live.length));
        for (uint256 i = 0; i < live.length; ++i) {
            (from[i], to[i]) = (live[i].value, plan.next[i]);
            if (!plan.atOnce[i] && plan.next[i] != live[i].value) eta[i] = uint48(block.timestamp + plan.delay);
        }
    }

    /// @dev Merges what a decision wants with what waits already: a move that goes no further keeps its time, so that
    /// decisions that come often do not put it off for ever; one that goes further, or elsewhere, starts to wait anew.
    function _queue(State storage self, bytes32 group, Live[] memory live, Origin memory origin, Wish memory wish)
        private
    {
        bool some;
        for (uint256 i = 0; i < live.length; ++i) {
            some = some || wish.waiting[i] != live[i].value;
        }
        if (some && Bounds.isWithin(live, wish.waiting, wish.wanted)) {
            // What waits goes no further than what is wanted now: it stays, and with it its origin.
            wish.wanted = wish.waiting;
        } else {
            if (!some || !Bounds.isWithin(live, wish.wanted, wish.waiting)) wish.eta = block.timestamp + wish.delay;
            self.origins[group] = origin;
        }
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 to = wish.wanted[i];
            bool waits = to != live[i].value;
            if (waits && (live[i].eta != wish.eta || live[i].pending != to)) {
                emit Queued(group, i, live[i].value, to, wish.eta, origin.decision);
            }
            live[i].pending = to;
            // A time in seconds has 40 bits for the next 30,000 years.
            // forge-lint: disable-next-line(unsafe-typecast)
            live[i].eta = waits ? uint40(wish.eta) : 0;
        }
    }

    function _set(bytes32 group, Live memory live, uint256 i, uint48 value, bytes32 decision) private {
        emit Applied(group, i, live.value, value, decision);
        (live.previous, live.value) = (live.value, value);
        live.changedAt = uint40(block.timestamp);
        unchecked {
            // A count for readers: it may wrap.
            ++live.seq;
        }
    }

    function _drop(Live[] memory live) private pure {
        for (uint256 i = 0; i < live.length; ++i) {
            live[i].eta = 0;
        }
    }

    function _load(State storage self, bytes32 group) private view returns (Live[] memory live, Bound[] memory bounds) {
        Parameter[] storage parameters = self.parameters[group];
        uint256 count = parameters.length;
        if (count == 0) revert UnknownGroup(group);
        live = new Live[](count);
        bounds = new Bound[](count);
        for (uint256 i = 0; i < count; ++i) {
            live[i] = parameters[i].live;
            bounds[i] = parameters[i].bound;
        }
    }

    function _store(State storage self, bytes32 group, Live[] memory live) private {
        Parameter[] storage parameters = self.parameters[group];
        for (uint256 i = 0; i < live.length; ++i) {
            parameters[i].live = live[i];
        }
    }

    function _etaOf(Live[] memory live) private pure returns (uint256 eta) {
        for (uint256 i = 0; i < live.length; ++i) {
            if (live[i].eta > eta) eta = live[i].eta;
        }
    }
}
