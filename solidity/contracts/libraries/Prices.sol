// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IPriceFeed} from "../interfaces/IPriceFeed.sol";

/// @title Latest prices, for checks beside a decision.
/// @notice Where a contract acts on a price of this moment. What a model reads is bound by `FeedBinder`.
library Prices {
    /// @notice The feed's answer is not positive, or older than is admitted (seconds).
    error UnusablePrice(address feed, int256 answer, uint256 updatedAt);

    uint256 private constant UNIT_DECIMALS = 18;

    /// @notice The latest answer in 1e-18, rounded down.
    /// @param maxAge Seconds.
    function latest(IPriceFeed feed, uint256 maxAge) internal view returns (uint256) {
        (, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        if (answer <= 0 || updatedAt > block.timestamp || block.timestamp - updatedAt > maxAge) {
            revert UnusablePrice(address(feed), answer, updatedAt);
        }
        uint256 decimals = feed.decimals();
        // Positive.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint256 value = uint256(answer);
        return
            decimals <= UNIT_DECIMALS
                ? value * 10 ** (UNIT_DECIMALS - decimals)
                : value / 10 ** (decimals - UNIT_DECIMALS);
    }
}
