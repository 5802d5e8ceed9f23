// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title A lending market's parameters, as a steward reads and sets them.
interface ICollateralPort {
    /// @notice A reserve's parameters and use. `ltv`, `liquidationThreshold` in 1e-4; caps and use in whole tokens, use
    /// rounded up.
    struct Reserve {
        uint256 ltv;
        uint256 liquidationThreshold;
        uint256 supplyCap;
        uint256 borrowCap;
        uint256 supplied;
        uint256 borrowed;
    }

    /// @notice A reserve as it stands.
    function reserveOf(address asset) external view returns (Reserve memory);

    /// @notice Sets what can be borrowed against it and when it is liquidated. Both in 1e-4.
    function configureReserveAsCollateral(address asset, uint256 ltv, uint256 liquidationThreshold) external;

    /// @notice Sets the most that may be supplied. In whole tokens.
    function setSupplyCap(address asset, uint256 cap) external;

    /// @notice Sets the most that may be borrowed. In whole tokens.
    function setBorrowCap(address asset, uint256 cap) external;
}
