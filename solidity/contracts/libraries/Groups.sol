// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {Bound, Bounds, Live, Undo} from "./Bounds.sol";

/// @title Groups of parameters: what holds, what waits, what can be taken back.
/// @notice The state machine of `BoundedConsumer`, deployed once and called with the consumer's storage, so that each
/// consumer's code is small. It emits the consumer's events. Who may call what is the consumer's matter.
library Groups {
    /// @notice Which decision a change comes from; `observedAt` in seconds. `binder`, `feedSet`: where its inputs come
    /// from.
    struct Origin {
        bytes32 decision;
        bytes32 model;
        bytes32 feedSet;
        address binder;
        uint64 observedAt;
    }

    struct Parameter {
        Live live;
        Bound bound;
        Undo undo;
    }

    struct State {
        mapping(bytes32 group => mapping(uint256 index => Parameter)) parameters;
        mapping(bytes32 group => Origin) origins;
    }

    /// @dev All parameters of a group, read once.
    struct Loaded {
        Live[] live;
        Bound[] bounds;
        Undo[] undo;
    }

    /// @dev Where the parameters of a group go, by a decision and by what waits already: both count where a parameter
    /// does not move at once. `eta` of what waits, 0 where nothing does.
    struct Wish {
        Bounds.Plan plan;
        uint48[] waiting;
        uint256 eta;
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
    /// @notice Seconds after a parameter's last change within which it can be taken back, and with it those of as many
    /// seconds before, as far as the last one that was not safe.
    uint256 internal constant RESTORE_WINDOW = 24 hours;

    /// @notice Sets bounds, and values where some are given: the first time they must be. What waits is dropped.
    function configure(State storage self, bytes32 group, Bound[] calldata bounds, uint48[] calldata values) external {
        mapping(uint256 index => Parameter) storage parameters = self.parameters[group];
        uint256 count = parameters[0].undo.count;
        bool isNew = count == 0;
        if (isNew) count = bounds.length;
        if (count == 0 || count > type(uint8).max || bounds.length != count) revert BadBounds();
        if (values.length != count && (isNew || values.length != 0)) revert BadBounds();
        for (uint256 i = 0; i < count; ++i) {
            if (bounds[i].lo > bounds[i].hi) revert BadBounds();
            parameters[i].bound = bounds[i];
            parameters[i].live.eta = 0;
            if (values.length == 0) continue;
            if (values[i] < bounds[i].lo || values[i] > bounds[i].hi) revert BadBounds();
            // The count goes on: readers take what is not newer for known.
            uint32 seq = parameters[i].live.seq;
            parameters[i].live = Live(values[i], values[i], values[i], 0, uint40(block.timestamp), seq);
            parameters[i].undo = _undoFrom(values[i], count);
        }
        emit Configured(group, bounds);
    }

    /// @notice Moves a group to where a decision wants it, as far and as soon as its bounds admit.
    /// @param origin Where it comes from; `binder` is left to this function.
    /// @param gateway Asked for its binder where something waits: what moves at once needs none.
    /// @return live The parameters; `changed`: whether one moved at once.
    function move(
        State storage self,
        bytes32 group,
        uint256[] memory targets,
        Origin memory origin,
        IDecisionGateway gateway
    ) external returns (Live[] memory live, bool changed) {
        Loaded memory loaded = _load(self, group);
        live = loaded.live;
        Wish memory wish;
        wish.plan = Bounds.plan(live, loaded.bounds, targets, _cools(loaded));
        (wish.waiting, wish.eta) = (new uint48[](live.length), _etaOf(live));
        // What waits from another model counts for nothing: it may have been disabled.
        if (block.timestamp > wish.eta + GRACE || !_isOf(self, group, wish.eta, origin.model)) wish.eta = 0;
        bool waits;
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 next = wish.plan.next[i];
            if (next != targets[i]) emit Clamped(group, i, targets[i], next);
            if (_movesAtOnce(self, group, i, loaded, wish, origin.decision)) changed = true;
            else waits = waits || next != live[i].value;
        }
        if (waits) {
            origin.binder = address(gateway.binder());
            _queue(self, group, live, origin, wish);
        } else {
            _drop(live);
        }
        _store(self, group, live);
    }

    /// @notice Applies what waits, once its time has come.
    /// @return live The parameters; `origin`: which decision they come from; `done`: false where nothing waits, or it
    /// waited too long.
    function execute(State storage self, bytes32 group)
        external
        returns (Live[] memory live, Origin memory origin, bool done)
    {
        Loaded memory loaded = _load(self, group);
        live = loaded.live;
        uint256 eta = _etaOf(live);
        if (eta == 0 || block.timestamp > eta + GRACE) return (live, origin, false);
        if (block.timestamp < eta) revert NotDue(eta);
        origin = self.origins[group];
        for (uint256 i = 0; i < live.length; ++i) {
            if (live[i].eta == 0) continue;
            // Whatever waited is not safe by itself.
            _keep(self.parameters[group][i], loaded.undo[i], live[i].value, false);
            _set(group, live[i], i, live[i].pending, origin.decision);
        }
        _drop(live);
        _store(self, group, live);
        return (live, origin, true);
    }

    /// @notice Drops what waits.
    /// @return Whether something did.
    function veto(State storage self, bytes32 group) external returns (bool) {
        Live[] memory live = _load(self, group).live;
        if (_etaOf(live) == 0) return false;
        _drop(live);
        _store(self, group, live);
        emit Vetoed(group, self.origins[group].decision);
        return true;
    }

    /// @notice Puts back what each parameter was before its last move that was not safe, and before the safe ones of
    /// the day where there was none; within `RESTORE_WINDOW` of its last change, once. What waits is dropped where
    /// something is put back, and stays where nothing is: `veto` drops it alone.
    /// @return live The parameters; `done`: whether something was put back.
    function restore(State storage self, bytes32 group) external returns (Live[] memory live, bool done) {
        Loaded memory loaded = _load(self, group);
        live = loaded.live;
        uint48[] memory to = _restorable(loaded);
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 from = live[i].value;
            if (to[i] == from) continue;
            _set(group, live[i], i, to[i], 0);
            // Once: a second time there is nothing to put back.
            live[i].previous = to[i];
            self.parameters[group][i].undo = _undoFrom(to[i], live.length);
            emit Restored(group, i, from, to[i]);
            done = true;
        }
        if (!done) return (live, false);
        _drop(live);
        _store(self, group, live);
    }

    /// @notice What `restore` would put back now: each parameter's own value where nothing.
    function restorable(State storage self, bytes32 group) external view returns (uint48[] memory values) {
        return _restorable(_load(self, group));
    }

    /// @notice Values and bounds of a group.
    function parametersOf(State storage self, bytes32 group)
        external
        view
        returns (Live[] memory live, Bound[] memory bounds)
    {
        Loaded memory loaded = _load(self, group);
        return (loaded.live, loaded.bounds);
    }

    /// @notice What a decision would change now. `eta` in seconds, 0 for at once or not at all.
    function preview(State storage self, bytes32 group, uint256[] memory targets)
        external
        view
        returns (uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        Loaded memory loaded = _load(self, group);
        Live[] memory live = loaded.live;
        Bounds.Plan memory plan = Bounds.plan(live, loaded.bounds, targets, _cools(loaded));
        (from, to, eta) = (new uint256[](live.length), new uint256[](live.length), new uint48[](live.length));
        for (uint256 i = 0; i < live.length; ++i) {
            (from[i], to[i]) = (live[i].value, plan.next[i]);
            if (!plan.atOnce[i] && plan.next[i] != live[i].value) eta[i] = uint48(block.timestamp + plan.delay);
        }
    }

    /// @dev Moves a parameter whose move takes effect at once; of the others, notes what waits.
    function _movesAtOnce(
        State storage self,
        bytes32 group,
        uint256 i,
        Loaded memory loaded,
        Wish memory wish,
        bytes32 decision
    ) private returns (bool) {
        Live memory live = loaded.live[i];
        uint48 next = wish.plan.next[i];
        if (next == live.value || !wish.plan.atOnce[i]) {
            wish.waiting[i] = wish.eta == 0 || live.eta == 0 ? live.value : live.pending;
            return false;
        }
        bool safe = Bounds.isSafe(loaded.bounds[i], next > live.value);
        _keep(self.parameters[group][i], loaded.undo[i], live.value, safe);
        _set(group, live, i, next, decision);
        wish.waiting[i] = next;
        return true;
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
        if (some && Bounds.isWithin(live, wish.waiting, wish.plan.next)) {
            // What waits goes no further than what is wanted now: it stays, and with it its origin.
            wish.plan.next = wish.waiting;
        } else {
            if (!some || !Bounds.isWithin(live, wish.plan.next, wish.waiting)) {
                wish.eta = block.timestamp + wish.plan.delay;
            }
            self.origins[group] = origin;
        }
        for (uint256 i = 0; i < live.length; ++i) {
            uint48 to = wish.plan.next[i];
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

    /// @dev Whether what waits comes from a model. Where nothing waits there is nothing to read.
    function _isOf(State storage self, bytes32 group, uint256 eta, bytes32 model) private view returns (bool) {
        return eta != 0 && self.origins[group].model == model;
    }

    /// @dev Keeps what a parameter was before a move, for `restore`.
    function _keep(Parameter storage parameter, Undo memory undo, uint48 before, bool safe) private {
        if (safe && block.timestamp <= undo.since + RESTORE_WINDOW) return;
        (undo.value, undo.since) = (before, uint40(block.timestamp));
        if (!safe) undo.unsafeAt = uint40(block.timestamp);
        parameter.undo = undo;
    }

    /// @dev What `restore` has of a value that is set from outside: nothing to put back, and a raise cools down.
    function _undoFrom(uint48 value, uint256 count) private view returns (Undo memory) {
        // `configure` admits no more.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Undo(value, uint40(block.timestamp), uint40(block.timestamp), uint8(count));
    }

    /// @dev Where `restore` takes each parameter.
    function _restorable(Loaded memory loaded) private view returns (uint48[] memory to) {
        Live[] memory live = loaded.live;
        to = new uint48[](live.length);
        for (uint256 i = 0; i < live.length; ++i) {
            to[i] = live[i].value;
            uint48 before = loaded.undo[i].value;
            if (before == to[i] || block.timestamp > live[i].changedAt + RESTORE_WINDOW) continue;
            // Bounds may have been set anew since: no value leaves them.
            to[i] = Bounds.clamp(before, loaded.bounds[i]);
        }
    }

    function _cools(Loaded memory loaded) private view returns (bool[] memory cools) {
        cools = new bool[](loaded.bounds.length);
        for (uint256 i = 0; i < cools.length; ++i) {
            cools[i] = block.timestamp < uint256(loaded.undo[i].unsafeAt) + loaded.bounds[i].cooldown;
        }
    }

    function _drop(Live[] memory live) private pure {
        for (uint256 i = 0; i < live.length; ++i) {
            live[i].eta = 0;
        }
    }

    function _load(State storage self, bytes32 group) private view returns (Loaded memory loaded) {
        mapping(uint256 index => Parameter) storage parameters = self.parameters[group];
        uint256 count = parameters[0].undo.count;
        if (count == 0) revert UnknownGroup(group);
        loaded.live = new Live[](count);
        loaded.bounds = new Bound[](count);
        loaded.undo = new Undo[](count);
        for (uint256 i = 0; i < count; ++i) {
            Parameter storage parameter = parameters[i];
            loaded.live[i] = parameter.live;
            loaded.bounds[i] = parameter.bound;
            loaded.undo[i] = parameter.undo;
        }
    }

    function _store(State storage self, bytes32 group, Live[] memory live) private {
        mapping(uint256 index => Parameter) storage parameters = self.parameters[group];
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
