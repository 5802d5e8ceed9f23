// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICollateralPort} from "../interfaces/ICollateralPort.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Prices} from "../libraries/Prices.sol";

/// @title A lending market of one collateral and one debt token, without interest: for tests and demonstrations.
/// @notice It has the names of Aave's markets where it does the same. Balances are what arrived, never what is held, so that
/// a donation moves nothing, and a token that takes a fee is refused. Its prices are its own: no decision sets one.
contract ReferenceMarket is ICollateralPort, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20Metadata;

    event Supplied(address indexed account, address indexed asset, uint256 amount);
    event Withdrawn(address indexed account, address indexed asset, uint256 amount);
    event Borrowed(address indexed account, uint256 amount);
    event Repaid(address indexed account, uint256 amount);
    event Liquidated(address indexed account, address indexed liquidator, uint256 debt, uint256 collateral);

    /// @notice A token of another market.
    error UnknownAsset(address asset);
    /// @notice Another amount arrived than was sent. In units of the token.
    error WrongAmountReceived(uint256 expected, uint256 got);
    /// @notice Above a cap. In units of the token.
    error AboveCap(uint256 cap, uint256 wanted);
    /// @notice The account would owe more than its collateral admits. Both values in 1e-18.
    error NotEnoughCollateral(uint256 debt, uint256 admitted);
    /// @notice The account is not to be liquidated. Health in 1e-18.
    error Healthy(uint256 health);
    /// @notice Loan to value above the threshold, or a threshold above 1.
    error BadParameters();

    uint256 private constant BPS = 1e4;
    uint256 private constant UNIT = 1e18;
    /// @notice What a liquidator gets for a debt of 1. In 1e-4.
    uint256 public constant LIQUIDATION_BONUS = 10_500;
    /// @notice Seconds.
    uint256 public constant MAX_PRICE_AGE = 2 hours;

    IERC20Metadata public immutable collateral;
    IERC20Metadata public immutable debtToken;
    IPriceFeed public immutable collateralFeed;
    IPriceFeed public immutable debtFeed;

    uint256 public ltv;
    uint256 public liquidationThreshold;
    uint256 public supplyCap;
    uint256 public borrowCap;
    uint256 public totalCollateral;
    uint256 public totalDebt;
    uint256 public totalLent;
    mapping(address account => uint256) public collateralOf;
    mapping(address account => uint256) public debtOf;
    mapping(address account => uint256) public lentBy;

    constructor(
        address authority,
        IERC20Metadata collateral_,
        IERC20Metadata debtToken_,
        IPriceFeed collateralFeed_,
        IPriceFeed debtFeed_
    ) AccessManaged(authority) {
        (collateral, debtToken, collateralFeed, debtFeed) = (collateral_, debtToken_, collateralFeed_, debtFeed_);
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

    /// @notice Supplies collateral, or the debt token to lend. In units of the token.
    function supply(address asset, uint256 amount) external nonReentrant {
        bool isCollateral = asset == address(collateral);
        if (!isCollateral && asset != address(debtToken)) revert UnknownAsset(asset);
        _take(IERC20Metadata(asset), amount);
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

    /// @notice Repays one's own debt, as much as there is.
    function repay(uint256 amount) external nonReentrant {
        amount = Math.min(amount, debtOf[msg.sender]);
        _take(debtToken, amount);
        debtOf[msg.sender] -= amount;
        totalDebt -= amount;
        emit Repaid(msg.sender, amount);
    }

    /// @notice Repays debt of an account whose health is below 1 and takes collateral for it.
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
        _take(debtToken, debt);
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

    function _requireCollateral(address asset) private view {
        if (asset != address(collateral)) revert UnknownAsset(asset);
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

    function _take(IERC20Metadata asset, uint256 amount) private {
        uint256 before = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), amount);
        uint256 got = asset.balanceOf(address(this)) - before;
        if (got != amount) revert WrongAmountReceived(amount, got);
    }
}
