// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bound, Bounds, Live} from "../contracts/libraries/Bounds.sol";

/// @notice What holds of `Bounds` for **all** values, each by an SMT solver: `cargo xtask contracts prove` runs halmos
/// on the functions whose names begin with `check_`. Those with random values are in `test/core/Bounds.t.sol`.
/// @dev Products of two unknown numbers are out of a solver's reach: that one factor is shared is left to random values.
contract BoundsProof {
    function _assume(uint48 value, Bound memory bound) private pure returns (bool) {
        return bound.lo <= value && value <= bound.hi;
    }

    function _one(uint48 value, Bound memory bound, uint256 target, bool cools)
        private
        pure
        returns (uint256 next, bool atOnce, uint256 delay)
    {
        (Live[] memory live, Bound[] memory bounds) = (new Live[](1), new Bound[](1));
        (uint256[] memory targets, bool[] memory all) = (new uint256[](1), new bool[](1));
        live[0].value = value;
        (bounds[0], targets[0], all[0]) = (bound, target, cools);
        Bounds.Plan memory plan = Bounds.plan(live, bounds, targets, all);
        return (plan.next[0], plan.atOnce[0], plan.delay);
    }

    /// @notice The room upwards ends with the range, and is no larger than an absolute step.
    function check_roomUpStaysInTheRange(uint48 value, Bound memory bound) external pure {
        if (!_assume(value, bound) || bound.flags & Bounds.RELATIVE != 0) return;
        uint256 room = Bounds.roomOf(value, bound, true);
        assert(room <= bound.hi - value && room <= bound.stepUp);
    }

    /// @notice The same downwards.
    function check_roomDownStaysInTheRange(uint48 value, Bound memory bound) external pure {
        if (!_assume(value, bound) || bound.flags & Bounds.RELATIVE != 0) return;
        uint256 room = Bounds.roomOf(value, bound, false);
        assert(room <= value - bound.lo && room <= bound.stepDown);
    }

    /// @notice A value outside of its range, as after bounds that were set anew, moves towards it or not at all.
    function check_outsideOfTheRangeThereIsNoRoomAway(uint48 value, Bound memory bound, bool up) external pure {
        if (bound.lo > bound.hi || bound.flags & Bounds.RELATIVE != 0) return;
        if (up ? value >= bound.hi : value <= bound.lo) assert(Bounds.roomOf(value, bound, up) == 0);
    }

    /// @notice `clamp` gives a value of the range, and changes none that is in it.
    function check_clampGivesTheNearestOfTheRange(uint48 value, Bound memory bound) external pure {
        if (bound.lo > bound.hi) return;
        uint48 got = Bounds.clamp(value, bound);
        assert(bound.lo <= got && got <= bound.hi);
        assert(value < bound.lo ? got == bound.lo : value > bound.hi ? got == bound.hi : got == value);
    }

    /// @notice A safe move: in the range, no further than a step, not past what is asked for, at once.
    function check_aSafeMoveIsWithinItsStep(uint48 value, Bound memory bound, uint256 target, bool cools)
        external
        pure
    {
        if (!_assume(value, bound) || bound.flags & Bounds.RELATIVE != 0) return;
        if (target == value || !Bounds.isSafe(bound, target > value)) return;
        (uint256 next, bool atOnce,) = _one(value, bound, target, cools);
        assert(atOnce && bound.lo <= next && next <= bound.hi);
        if (target > value) assert(value <= next && next <= target && next - value <= bound.stepUp);
        else assert(target <= next && next <= value && value - next <= bound.stepDown);
    }

    /// @notice While it cools down, no parameter moves in a direction that is not safe.
    function check_coolingMovesNothingUnsafely(uint48 value, Bound memory bound, uint256 target) external pure {
        if (!_assume(value, bound) || bound.flags & Bounds.RELATIVE != 0) return;
        if (target != value && Bounds.isSafe(bound, target > value)) return;
        (uint256 next,,) = _one(value, bound, target, true);
        assert(next == value);
    }

    /// @notice What is not safe and has a delay never takes effect at once.
    function check_whatIsNotSafeWaits(uint48 value, Bound memory bound, uint256 target) external pure {
        if (!_assume(value, bound) || bound.flags & Bounds.RELATIVE != 0) return;
        if (target == value || Bounds.isSafe(bound, target > value)) return;
        uint256 wait = target > value ? bound.delayUp : bound.delayDown;
        (, bool atOnce, uint256 delay) = _one(value, bound, target, false);
        assert(delay == wait && atOnce == (wait == 0));
    }

    /// @notice Every vector of moves is within itself, and staying is within every one.
    function check_isWithinItself(uint48[2] memory values, uint48[2] memory moved) external pure {
        (Live[] memory live, uint48[] memory to) = (new Live[](2), new uint48[](2));
        uint48[] memory still = new uint48[](2);
        for (uint256 i = 0; i < 2; ++i) {
            (live[i].value, to[i], still[i]) = (values[i], moved[i], values[i]);
        }
        assert(Bounds.isWithin(live, to, to) && Bounds.isWithin(live, still, to));
    }

    /// @notice What is within a move is between where the parameter is and where the move goes.
    function check_withinIsBetween(uint48 value, uint48 inner, uint48 outer) external pure {
        (Live[] memory live, uint48[] memory a, uint48[] memory b) = (new Live[](1), new uint48[](1), new uint48[](1));
        (live[0].value, a[0], b[0]) = (value, inner, outer);
        bool between = (value <= inner && inner <= outer) || (outer <= inner && inner <= value) || inner == value;
        assert(Bounds.isWithin(live, a, b) == between);
    }
}
