// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title A governor that gives voters more time for a proposal that was found risky.
interface IRiskDelay {
    /// @notice Extends a proposal's deadline, once. By the advisor.
    function delayForRisk(uint256 proposalId) external;
}
