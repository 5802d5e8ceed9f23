// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICollateralPort} from "../interfaces/ICollateralPort.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Intake} from "../libraries/Intake.sol";
import {Prices} from "../libraries/Prices.sol";
import {CollateralParameters} from "./CollateralParameters.sol";

/// @title A lending market of one collateral and one debt token, without interest: for tests and demonstrations.
/// @notice It has the names of Aave's markets where it does the same. Balances are what arrived, never what is held, so
/// that a donation moves nothing, and a token that takes a fee is refused. Its prices are its own: no decision sets
/// one.
contract ReferenceMarket is CollateralParameters, ReentrancyGuardTransient {
    using SafeERC20 for IERC20Metadata;

    event Supplied(address indexed account, address indexed asset, uint256 amount);
    event Withdrawn(address indexed account, address indexed asset, uint256 amount);
    event Borrowed(address indexed account, uint256 amount);
    event Repaid(address indexed account, uint256 amount);
    event Liquidated(address indexed account, address indexed liquidator, uint256 debt, uint256 collateral);

    /// @notice Above a cap. In units of the token.
    error AboveCap(uint256 cap, uint256 wanted);
    /// @notice The account would owe more than its collateral admits. Both values in 1e-18.
    error NotEnoughCollateral(uint256 debt, uint256 admitted);
    /// @notice The account is not to be liquidated. Health in 1e-18.
    error Healthy(uint256 health);

    uint256 private constant UNIT = 1e18;
    /// @notice What a liquidator gets for a debt of 1. In 1e-4.
    uint256 public constant LIQUIDATION_BONUS = 10_500;
    /// @notice Seconds.
    uint256 public constant MAX_PRICE_AGE = 2 hours;

    /// @notice What is lent.
    IERC20Metadata public immutable debtToken;
    /// @notice Prices of both tokens, in one unit of account.
    IPriceFeed public immutable collateralFeed;
    IPriceFeed public immutable debtFeed;

    /// @notice All accounts together, in units of the tokens.
    uint256 public totalCollateral;
    uint256 public totalDebt;
    uint256 public totalLent;
    /// @notice What an account supplied as collateral, owes, and lends. In units of the tokens.
    mapping(address account => uint256) public collateralOf;
    mapping(address account => uint256) public debtOf;
    mapping(address account => uint256) public lentBy;

    constructor(
        address authority,
        IERC20Metadata collateral_,
        IERC20Metadata debtToken_,
        IPriceFeed collateralFeed_,
        IPriceFeed debtFeed_
    ) AccessManaged(authority) CollateralParameters(collateral_) {
        (debtToken, collateralFeed, debtFeed) = (debtToken_, collateralFeed_, debtFeed_);
    }

    /// @notice Supplies collateral, or the debt token to lend. In units of the token.
    function supply(address asset, uint256 amount) external nonReentrant {
        bool isCollateral = asset == address(collateral);
        if (!isCollateral && asset != address(debtToken)) revert UnknownAsset(asset);
        Intake.take(IERC20Metadata(asset), msg.sender, amount);
        if (isCollateral) {
            totalCollateral += amount;
            uint256 cap = supplyCap * 10 ** collateral.decimals();
            if (totalCollateral > cap) revert AboveCap(cap, totalCollateral);
            collateralOf[msg.sender] += amount;
        } else {
            totalLent += amount;
            lentBy[msg.sender] += amount;
        }
        emit Supplied(msg.sender, asset, amount);
    }

    /// @notice Withdraws collateral, or what was lent and is there. In units of the token.
    function withdraw(address asset, uint256 amount) external nonReentrant {
        if (asset == address(collateral)) {
            totalCollateral -= amount;
            collateralOf[msg.sender] -= amount;
            _requireAdmitted(msg.sender);
        } else if (asset == address(debtToken)) {
            lentBy[msg.sender] -= amount;
            totalLent -= amount;
            if (totalLent < totalDebt) revert AboveCap(totalLent, totalDebt);
        } else {
            revert UnknownAsset(asset);
        }
        IERC20Metadata(asset).safeTransfer(msg.sender, amount);
        emit Withdrawn(msg.sender, asset, amount);
    }

    /// @notice Borrows. In units of the debt token.
    function borrow(uint256 amount) external nonReentrant {
        totalDebt += amount;
        uint256 cap = Math.min(borrowCap * 10 ** debtToken.decimals(), totalLent);
        if (totalDebt > cap) revert AboveCap(cap, totalDebt);
        debtOf[msg.sender] += amount;
        _requireAdmitted(msg.sender);
        debtToken.safeTransfer(msg.sender, amount);
        emit Borrowed(msg.sender, amount);
    }

    /// @notice Repays one's own debt, as much as there is. In units of the debt token.
    function repay(uint256 amount) external nonReentrant {
        amount = Math.min(amount, debtOf[msg.sender]);
        Intake.take(debtToken, msg.sender, amount);
        debtOf[msg.sender] -= amount;
        totalDebt -= amount;
        emit Repaid(msg.sender, amount);
    }

    /// @notice Repays debt of an account whose health is below 1, as much as there is, and takes collateral for it.
    /// @param debtToCover In units of the debt token.
    function liquidationCall(address collateralAsset, address debtAsset, address user, uint256 debtToCover, bool)
        external
        nonReentrant
    {
        _requireCollateral(collateralAsset);
        if (debtAsset != address(debtToken)) revert UnknownAsset(debtAsset);
        uint256 health = healthOf(user);
        if (health >= UNIT) revert Healthy(health);
        uint256 debt = Math.min(debtToCover, debtOf[user]);
        uint256 seized = _valueOf(debt, debtToken, debtFeed) * LIQUIDATION_BONUS / BPS;
        seized = seized * 10 ** collateral.decimals() / Prices.latest(collateralFeed, MAX_PRICE_AGE);
        seized = Math.min(seized, collateralOf[user]);
        Intake.take(debtToken, msg.sender, debt);
        debtOf[user] -= debt;
        totalDebt -= debt;
        collateralOf[user] -= seized;
        totalCollateral -= seized;
        collateral.safeTransfer(msg.sender, seized);
        emit Liquidated(user, msg.sender, debt, seized);
    }

    /// @notice Collateral's value times threshold over debt's value. In 1e-18; the largest number without debt.
    function healthOf(address user) public view returns (uint256) {
        uint256 debt = _valueOf(debtOf[user], debtToken, debtFeed);
        if (debt == 0) return type(uint256).max;
        uint256 value = _valueOf(collateralOf[user], collateral, collateralFeed);
        return value * liquidationThreshold / BPS * UNIT / debt;
    }

    /// @inheritdoc ICollateralPort
    function reserveOf(address asset) external view returns (Reserve memory) {
        _requireCollateral(asset);
        return Reserve(
            ltv,
            liquidationThreshold,
            supplyCap,
            borrowCap,
            Math.ceilDiv(totalCollateral, 10 ** collateral.decimals()),
            Math.ceilDiv(totalDebt, 10 ** debtToken.decimals())
        );
    }

    function _requireAdmitted(address user) private view {
        if (debtOf[user] == 0) return;
        uint256 debt = _valueOf(debtOf[user], debtToken, debtFeed);
        uint256 admitted = _valueOf(collateralOf[user], collateral, collateralFeed) * ltv / BPS;
        if (debt > admitted) revert NotEnoughCollateral(debt, admitted);
    }

    function _valueOf(uint256 amount, IERC20Metadata asset, IPriceFeed feed) private view returns (uint256) {
        if (amount == 0) return 0;
        return amount * Prices.latest(feed, MAX_PRICE_AGE) / 10 ** asset.decimals();
    }
}
