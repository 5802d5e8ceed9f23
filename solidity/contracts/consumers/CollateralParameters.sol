// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ICollateralPort} from "../interfaces/ICollateralPort.sol";

/// @title What a steward sets of a market of one collateral.
abstract contract CollateralParameters is ICollateralPort, AccessManaged {
    /// @notice A token of another market.
    error UnknownAsset(address asset);
    /// @notice Loan to value above the threshold, or a threshold above 1.
    error BadParameters();

    uint256 internal constant BPS = 1e4;

    /// @notice The collateral.
    IERC20Metadata public immutable collateral;
    /// @notice What can be borrowed against collateral, and at which debt it is liquidated, in 1e-4 of its value.
    uint256 public ltv;
    uint256 public liquidationThreshold;
    /// @notice Most collateral that is supplied, and most that is borrowed against it. In whole tokens.
    uint256 public supplyCap;
    uint256 public borrowCap;

    constructor(IERC20Metadata collateral_) {
        collateral = collateral_;
    }

    /// @inheritdoc ICollateralPort
    function configureReserveAsCollateral(address asset, uint256 ltv_, uint256 liquidationThreshold_)
        external
        restricted
    {
        _requireCollateral(asset);
        if (ltv_ > liquidationThreshold_ || liquidationThreshold_ > BPS) revert BadParameters();
        (ltv, liquidationThreshold) = (ltv_, liquidationThreshold_);
    }

    /// @inheritdoc ICollateralPort
    function setSupplyCap(address asset, uint256 cap) external restricted {
        _requireCollateral(asset);
        supplyCap = cap;
    }

    /// @inheritdoc ICollateralPort
    /// @dev Of the debt token that is lent against this collateral.
    function setBorrowCap(address asset, uint256 cap) external restricted {
        _requireCollateral(asset);
        borrowCap = cap;
    }

    function _requireCollateral(address asset) internal view {
        if (asset != address(collateral)) revert UnknownAsset(asset);
    }
}
