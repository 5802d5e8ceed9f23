// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlockStart} from "../../contracts/libraries/BlockStart.sol";
import {VM} from "../Vm.sol";
import {Checks} from "../support/Checks.sol";

/// @notice An amount that is changed within blocks.
contract BlockStartTest is Checks {
    using BlockStart for BlockStart.Amount;

    BlockStart.Amount private _start;

    function test_isWhatTheAmountWasBeforeTheFirstChange(uint200 first, uint200 second, uint200 third) external {
        VM.warp(1_800_000_000);
        eq(_start.begin(first), first, "not changed yet");
        _start.note(first);
        _start.note(second);
        eq(_start.begin(third), first, "before the first change");
        eq(_start.least(third), first < third ? first : third, "the lesser");
        VM.warp(block.timestamp + 1);
        eq(_start.begin(third), third, "a new block begins with what is there");
        _start.note(third);
        eq(_start.begin(second), third, "and keeps it");
    }

    /// @dev Nobody who takes money out is stopped by an amount that is beyond what is kept.
    function test_takesEveryAmount() external {
        _start.note(type(uint256).max);
        eq(_start.least(type(uint256).max), type(uint208).max, "as large as can be kept");
    }
}
