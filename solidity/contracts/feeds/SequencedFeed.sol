// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Sequencer} from "../libraries/Sequencer.sol";

/// @title A feed of a layer 2 that answers while the sequencer is up.
/// @notice For consumers that act on the latest price (`Prices`): each is given one of these in the feed's place. Rounds that
/// are asked for by number are the feed's own at any time, as `FeedBinder` asks the sequencer itself.
contract SequencedFeed is IPriceFeed {
    /// @notice The feed itself.
    IPriceFeed public immutable feed;
    /// @notice Says whether the sequencer is up, and since when.
    IPriceFeed public immutable sequencer;
    /// @notice Seconds that the sequencer must have been up for, so that feeds have caught up and users could act.
    uint256 public immutable grace;

    /// @param grace_ Seconds.
    constructor(IPriceFeed feed_, IPriceFeed sequencer_, uint256 grace_) {
        (feed, sequencer, grace) = (feed_, sequencer_, grace_);
        // Both answer, or the contract could not be used.
        feed_.decimals();
        sequencer_.latestRoundData();
    }

    /// @inheritdoc IPriceFeed
    function decimals() external view returns (uint8) {
        return feed.decimals();
    }

    /// @inheritdoc IPriceFeed
    function description() external view returns (string memory) {
        return feed.description();
    }

    /// @inheritdoc IPriceFeed
    function version() external view returns (uint256) {
        return feed.version();
    }

    /// @inheritdoc IPriceFeed
    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        return feed.getRoundData(roundId);
    }

    /// @inheritdoc IPriceFeed
    /// @dev Reverts with `SequencerDown` where the sequencer is down, or up for less than the grace time.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Sequencer.requireUp(sequencer, grace);
        return feed.latestRoundData();
    }
}
