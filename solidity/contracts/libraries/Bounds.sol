// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @notice A parameter's value. `value`, `pending`, `previous` in its own unit; `eta`, `changedAt` in seconds.
/// @dev `pending` counts where `eta` is not zero. `previous`: before the last change, `value` itself where it was set or
/// put back by other than a decision. `seq`: number of changes.
struct Live {
    uint48 value;
    uint48 pending;
    uint48 previous;
    uint40 eta;
    uint40 changedAt;
    uint32 seq;
}

/// @notice What can be taken back of a parameter. `value`: what it was before the move at `since`, and `restore` puts
/// back. `unsafeAt`: the last move that was not safe, from which raises cool down. Times in seconds. `count`: how many
/// parameters the group has, beside what is read with it anyway.
/// @dev A move that is not safe always begins anew, a safe one only where `since` is older than a day: nobody hides a
/// bad move behind a small safe one.
struct Undo {
    uint48 value;
    uint40 since;
    uint40 unsafeAt;
    uint8 count;
}

/// @notice How a parameter may move. `lo`, `hi`: its range. `stepUp`, `stepDown`: largest move of one decision, in its
/// own unit or, with the flag RELATIVE, in 1e-4 of the value. Delays and `cooldown` in seconds.
struct Bound {
    uint48 lo;
    uint48 hi;
    uint32 stepUp;
    uint32 stepDown;
    uint24 delayUp;
    uint24 delayDown;
    uint24 cooldown;
    uint8 flags;
}

/// @title How far and when parameters move that one decision moves.
/// @notice A move in a *safe* direction (flags) is clamped to its step by itself and takes effect at once. All other
/// moves of one decision are *coupled*: `new = old + (target - old) * f` with one `f` for all, so that none is held
/// back while another is not. They wait for the longest of their delays, and none moves while one cools down:
/// `cooldown` is from a parameter's last move that was not safe, so that small safe ones keep no other out.
library Bounds {
    /// @notice A lower value is safe: at once, and without cooling down first.
    uint8 internal constant SAFE_DOWN = 1;
    /// @notice A higher value is safe.
    uint8 internal constant SAFE_UP = 2;
    /// @notice Steps are in 1e-4 of the value.
    uint8 internal constant RELATIVE = 4;
    uint256 private constant BPS = 10_000;

    /// @notice Lengths differ.
    error BoundsLength(uint256 expected, uint256 got);

    /// @notice Where parameters go.
    /// @param next The new values, of those that wait as well.
    /// @param atOnce Whether each takes effect at once; else it waits, or does not move.
    /// @param delay Seconds that those wait that wait.
    struct Plan {
        uint48[] next;
        bool[] atOnce;
        uint256 delay;
    }

    /// @notice The plan of one decision.
    /// @param targets What the decision asks for, in the parameters' units; any number.
    /// @param cools Whether each cools down: it moves in a safe direction only.
    function plan(Live[] memory live, Bound[] memory bounds, uint256[] memory targets, bool[] memory cools)
        internal
        pure
        returns (Plan memory result)
    {
        uint256 count = live.length;
        if (bounds.length != count) revert BoundsLength(count, bounds.length);
        if (targets.length != count) revert BoundsLength(count, targets.length);
        if (cools.length != count) revert BoundsLength(count, cools.length);
        result.next = new uint48[](count);
        result.atOnce = new bool[](count);

        // `f = num / den` of the coupled moves: the smallest `room / distance`, at most 1.
        (uint256 num, uint256 den) = (1, 1);
        for (uint256 i = 0; i < count; ++i) {
            // No value has more than 48 bits; products of what has 128 and of what has 48 do not overflow.
            if (targets[i] > type(uint128).max) targets[i] = type(uint128).max;
            uint256 distance = _distance(live[i].value, targets[i]);
            if (distance == 0) continue;
            bool up = targets[i] > live[i].value;
            uint256 room = roomOf(live[i].value, bounds[i], up);
            if (isSafe(bounds[i], up)) {
                result.next[i] = _moved(live[i].value, up, distance < room ? distance : room);
                result.atOnce[i] = true;
                continue;
            }
            if (cools[i]) room = 0;
            if (room < distance && room * den < num * distance) (num, den) = (room, distance);
            uint256 delay = up ? bounds[i].delayUp : bounds[i].delayDown;
            if (delay > result.delay) result.delay = delay;
        }
        for (uint256 i = 0; i < count; ++i) {
            if (result.atOnce[i]) continue;
            uint256 distance = _distance(live[i].value, targets[i]);
            // Rounded towards the old value; at most the room, since `num / den <= room / distance`.
            result.next[i] = _moved(live[i].value, targets[i] > live[i].value, distance * num / den);
            result.atOnce[i] = result.delay == 0;
        }
    }

    /// @notice How far a value may move in one decision, in its own unit.
    function roomOf(uint256 value, Bound memory bound, bool up) internal pure returns (uint256 room) {
        uint256 end = up ? bound.hi : bound.lo;
        if (up ? end <= value : end >= value) return 0;
        room = up ? bound.stepUp : bound.stepDown;
        if (bound.flags & RELATIVE != 0) room = value * room / BPS;
        uint256 left = up ? end - value : value - end;
        if (left < room) room = left;
    }

    /// @notice The value in the bound's range that is nearest.
    function clamp(uint48 value, Bound memory bound) internal pure returns (uint48) {
        if (value < bound.lo) return bound.lo;
        return value > bound.hi ? bound.hi : value;
    }

    /// @notice Whether a move takes effect at once.
    function isSafe(Bound memory bound, bool up) internal pure returns (bool) {
        return bound.flags & (up ? SAFE_UP : SAFE_DOWN) != 0;
    }

    /// @notice Whether one vector of moves goes the same way as another and, in each parameter, no further.
    /// @dev Both from the values in `live`.
    function isWithin(Live[] memory live, uint48[] memory inner, uint48[] memory outer) internal pure returns (bool) {
        for (uint256 i = 0; i < live.length; ++i) {
            (uint256 value, uint256 a, uint256 b) = (live[i].value, inner[i], outer[i]);
            if (a < value ? b > a : (a > value ? b < a : false)) return false;
            // One that does not move is within every move of its parameter.
        }
        return true;
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev `step` is at most the room to a bound of 48 bits, so that the sum fits, and the difference is not negative.
    function _moved(uint256 value, bool up, uint256 step) private pure returns (uint48) {
        uint256 moved = up ? value + step : value - step;
        assert(moved <= type(uint48).max);
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint48(moved);
    }
}
