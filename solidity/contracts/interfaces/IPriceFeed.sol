// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title A feed with numbered rounds, as Chainlink's proxies have them.
/// @dev A round's number holds a phase in the bits from 64 on: a proxy that is given another source starts a new phase.
interface IPriceFeed {
    /// @notice Decimal places of an answer.
    function decimals() external view returns (uint8);
    /// @notice What the feed is about.
    function description() external view returns (string memory);
    /// @notice Version of the feed's implementation.
    function version() external view returns (uint256);
    /// @notice A round by its number. Times in seconds; a round that is unknown reverts or has `updatedAt` 0.
    function getRoundData(uint80 roundId)
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    /// @notice The latest round: the same number, answer and times as `getRoundData` gives for it.
    function latestRoundData()
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
