// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IPriceFeed} from "../interfaces/IPriceFeed.sol";

/// @title Whether the sequencer of a layer 2 is up, by the feed that says so: 0 for up, 1 for down.
library Sequencer {
    /// @notice The sequencer of the layer 2 is down, or up for less than `grace`. In seconds.
    error SequencerDown(uint256 upSince, uint256 grace);

    /// @notice Reverts unless it has been up for `grace` seconds. Without a feed there is no sequencer.
    function requireUp(IPriceFeed feed, uint256 grace) internal view {
        if (address(feed) == address(0)) return;
        (, int256 answer, uint256 startedAt,,) = feed.latestRoundData();
        // `startedAt` 0: a feed that was never reported to.
        if (answer != 0 || startedAt == 0 || block.timestamp < startedAt + grace) {
            revert SequencerDown(startedAt, grace);
        }
    }
}
