// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title An amount as it was when the block began.
/// @notice For limits that are shares of an amount which anyone can enlarge for a moment: what a flash loan puts in is
/// not there when a block begins, since it must be gone when its transaction ends.
/// @dev `note` must be called before each change. Blocks are told apart by their time: on chains with several blocks a
/// second all blocks of one second count as one.
library BlockStart {
    /// @notice `value`: in the amount's units. `time`: of the block that it is the start of, in seconds.
    struct Amount {
        uint208 value;
        uint48 time;
    }

    /// @notice Keeps what the amount is before the block's first change, and does nothing later in the block.
    function note(Amount storage self, uint256 current) internal {
        if (self.time == block.timestamp) return;
        // An amount without sense is kept as a smaller one: whoever takes money out is not stopped by it.
        // forge-lint: disable-next-line(unsafe-typecast)
        self.value = uint208(Math.min(current, type(uint208).max));
        self.time = uint48(block.timestamp);
    }

    /// @notice The amount when the block began. `current`: what it is now.
    function begin(Amount storage self, uint256 current) internal view returns (uint256) {
        return self.time == block.timestamp ? self.value : current;
    }

    /// @notice The lesser of the amount now and when the block began.
    function least(Amount storage self, uint256 current) internal view returns (uint256) {
        return Math.min(current, begin(self, current));
    }
}
