// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bound, Bounds, Live} from "../../contracts/libraries/Bounds.sol";
import {VM} from "../Vm.sol";
import {Checks} from "../support/Checks.sol";

/// @notice Properties of one plan, over random parameters.
contract BoundsTest is Checks {
    function plan(Live[] memory live, Bound[] memory bounds, uint256[] memory targets, bool[] memory cools)
        external
        pure
        returns (Bounds.Plan memory)
    {
        return Bounds.plan(live, bounds, targets, cools);
    }

    function _make(uint48[3] memory values, uint48[3] memory rooms, uint32[6] memory steps, uint8[3] memory flags)
        private
        pure
        returns (Live[] memory live, Bound[] memory bounds)
    {
        (live, bounds) = (new Live[](3), new Bound[](3));
        for (uint256 i = 0; i < 3; ++i) {
            uint48 value = uint48(values[i] % 1e12);
            uint48 room = uint48(rooms[i] % 1e12);
            live[i].value = value;
            bounds[i].lo = value > room ? value - room : 0;
            bounds[i].hi = value + room;
            (bounds[i].stepUp, bounds[i].stepDown) = (steps[2 * i], steps[2 * i + 1]);
            bounds[i].flags = flags[i] % 4;
        }
    }

    /// @dev No parameter moves further than its step, leaves its range, or passes its target.
    function testFuzz_noMoveExceedsItsBounds(
        uint48[3] memory values,
        uint48[3] memory rooms,
        uint32[6] memory steps,
        uint8[3] memory flags,
        uint256[3] memory targets
    ) external pure {
        (Live[] memory live, Bound[] memory bounds) = _make(values, rooms, steps, flags);
        uint256[] memory wanted = new uint256[](3);
        (wanted[0], wanted[1], wanted[2]) = (targets[0], targets[1] % 1e12, targets[2] % 1e12);
        Bounds.Plan memory made = Bounds.plan(live, bounds, wanted, new bool[](live.length));
        for (uint256 i = 0; i < 3; ++i) {
            uint256 from = live[i].value;
            uint256 to = made.next[i];
            yes(to >= bounds[i].lo && to <= bounds[i].hi, "in range");
            yes(to >= from ? to - from <= bounds[i].stepUp : from - to <= bounds[i].stepDown, "within a step");
            yes(to >= from ? to <= wanted[i] || to == from : to >= wanted[i], "not past the target");
        }
    }

    /// @dev Coupled moves keep their proportions: none is held back while another is not.
    function testFuzz_coupledMovesShareOneFactor(
        uint48[3] memory values,
        uint48[3] memory rooms,
        uint32[6] memory steps,
        uint48[3] memory targets
    ) external pure {
        (Live[] memory live, Bound[] memory bounds) = _make(values, rooms, steps, [0, 0, 0]);
        uint256[] memory wanted = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            wanted[i] = targets[i] % 1e12;
        }
        Bounds.Plan memory made = Bounds.plan(live, bounds, wanted, new bool[](live.length));
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                uint256 a = _distance(live[i].value, made.next[i]) * _distance(live[j].value, wanted[j]);
                uint256 b = _distance(live[j].value, made.next[j]) * _distance(live[i].value, wanted[i]);
                uint256 slack = _distance(live[j].value, wanted[j]);
                uint256 other = _distance(live[i].value, wanted[i]);
                yes(_distance(a, b) <= (slack > other ? slack : other), "the same share, but for rounding");
            }
        }
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev Aave's CAPO, 10 March 2026: a ratio was held to +3 % while its timestamp was not, and positions were
    /// liquidated. Coupled, both stop at the same share of the way.
    function test_incident_aaveCapo() external pure {
        (Live[] memory live, Bound[] memory bounds) = (new Live[](2), new Bound[](2));
        (live[0].value, live[1].value) = (1_000_000, 1_772_000_000);
        bounds[0] = Bound(1, 2_000_000, 30_000, 30_000, 0, 0, 0, 0);
        bounds[1] = Bound(1, type(uint48).max, type(uint32).max, type(uint32).max, 0, 0, 0, 0);
        uint256[] memory wanted = new uint256[](2);
        (wanted[0], wanted[1]) = (1_060_000, 1_772_000_000 + 7 days);
        Bounds.Plan memory made = Bounds.plan(live, bounds, wanted, new bool[](live.length));
        eq(made.next[0], 1_030_000, "half of the ratio's way");
        eq(made.next[1], 1_772_000_000 + 3.5 days, "half of the time's way");
    }

    /// @dev A model that has gone mad asks for everything at once (a floor of 1.00 to 0.87 in a night, January 2025).
    function test_incident_floorWithoutNotice() external pure {
        (Live[] memory live, Bound[] memory bounds) = (new Live[](1), new Bound[](1));
        live[0].value = 10_000;
        bounds[0] = Bound(5_000, 10_000, 50, 50, 2 days, 2 days, 1 days, 0);
        uint256[] memory wanted = new uint256[](1);
        wanted[0] = 8_700;
        Bounds.Plan memory made = Bounds.plan(live, bounds, wanted, new bool[](1));
        yes(made.next[0] == 9_950 && !made.atOnce[0] && made.delay == 2 days, "half a percent, in two days");
    }

    function test_lengthsMustAgree() external {
        Live[] memory live = new Live[](1);
        VM.expectRevert(abi.encodeWithSelector(Bounds.BoundsLength.selector, 1, 0));
        this.plan(live, new Bound[](0), new uint256[](1), new bool[](1));
        VM.expectRevert(abi.encodeWithSelector(Bounds.BoundsLength.selector, 1, 2));
        this.plan(live, new Bound[](1), new uint256[](2), new bool[](1));
        VM.expectRevert(abi.encodeWithSelector(Bounds.BoundsLength.selector, 1, 3));
        this.plan(live, new Bound[](1), new uint256[](1), new bool[](3));
    }
}
