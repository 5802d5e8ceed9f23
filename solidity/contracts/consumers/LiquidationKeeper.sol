// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Prices} from "../libraries/Prices.sol";
import {AccountRanking} from "./AccountRanking.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ReferenceMarket} from "./ReferenceMarket.sol";

/// @title Liquidates with its own funds, in the order that proved scores give.
/// @notice A proof **orders** liquidations and never makes one: the market itself must say that an account's health is
/// below 1, and two feeds must agree.
/// @dev Who calls `liquidate` chooses neither accounts nor amounts, nor whom the day's funds go to: all accounts with a
/// score in the hour's round take part, none joins once it can be called, and each is liquidated as far as its
/// collateral and the funds reach before the next one is.
contract LiquidationKeeper is AccountRanking, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20Metadata;

    /// @dev Prices in 1e-18: of the collateral at the market, the lower one of both feeds, and of the debt token.
    /// Units: of a whole token.
    struct Terms {
        uint256 price;
        uint256 lowPrice;
        uint256 debtPrice;
        uint256 unit;
        uint256 debtUnit;
        uint256 bonus;
    }

    event Spent(address indexed account, uint256 debt, uint256 collateral);

    /// @notice The feeds differ by more than `MAX_SPREAD_BPS`. Both in 1e-18.
    error FeedsDisagree(uint256 first, uint256 second);
    /// @notice The collateral is worth less than debt and profit. Both in 1e-18.
    error NotProfitable(uint256 got, uint256 needed);

    /// @notice Largest difference of the two feeds, and least profit, in 1e-4.
    uint256 public constant MAX_SPREAD_BPS = 200;
    uint256 public constant MIN_PROFIT_BPS = 100;
    uint256 private constant MAX_PRICE_AGE = 2 hours;
    uint256 private constant BPS = 1e4;
    uint256 private constant UNIT = 1e18;

    /// @notice Where accounts are liquidated.
    ReferenceMarket public immutable market;
    /// @notice A second feed of the collateral's price.
    IPriceFeed public immutable secondFeed;
    RateLimiter.RefillingBucket private _spending;

    /// @param perDay Most of the debt token that is spent on a day, in its units: a bucket of half of it.
    constructor(
        address authority,
        IDecisionGateway gateway_,
        ReferenceMarket market_,
        IPriceFeed secondFeed_,
        uint208 perDay
    ) ConsumerBase(authority, gateway_) {
        (market, secondFeed) = (market_, secondFeed_);
        _spending.updateSettings(1 days, perDay / 2);
    }

    /// @notice Takes tokens out, to whoever governance says. In units of the token. By governance.
    function withdraw(IERC20Metadata token, address to, uint256 amount) external restricted {
        token.safeTransfer(to, amount);
    }

    /// @notice Liquidates whom the market calls unhealthy, in falling order of their scores, until the funds are spent.
    /// Anyone may; the proceeds stay here. Who has nothing left that pays is passed over.
    /// @param ranking All accounts with a score in this round, higher scores first, and lower addresses where these
    /// are the same.
    function liquidate(address[] calldata ranking) external nonReentrant {
        if (paused) revert Paused();
        _requireRanking(ranking);
        Terms memory terms = _terms();
        for (uint256 i = 0; i < ranking.length; ++i) {
            uint256 funds = Math.min(market.debtToken().balanceOf(address(this)), _spending.available(0));
            if (funds == 0) return;
            if (market.healthOf(ranking[i]) >= UNIT) continue;
            uint256 debt = _coverable(ranking[i], funds, terms);
            if (debt != 0) _liquidate(ranking[i], debt, terms);
        }
    }

    /// @dev What is repaid for an account, in units of the debt token: the least of what it owes, the funds, and what
    /// its collateral pays for with the bonus. 0 where so little would be got that rounding takes the profit.
    function _coverable(address account, uint256 funds, Terms memory terms) private view returns (uint256 debt) {
        uint256 covered = market.collateralOf(account) * terms.price / terms.unit * BPS / terms.bonus;
        debt = Math.min(Math.min(market.debtOf(account), funds), covered * terms.debtUnit / terms.debtPrice);
        uint256 seized = debt * terms.debtPrice / terms.debtUnit * terms.bonus / BPS * terms.unit / terms.price;
        (uint256 value, uint256 needed) = _valuesOf(debt, seized, terms);
        if (value < needed) return 0;
    }

    function _liquidate(address account, uint256 debt, Terms memory terms) private {
        IERC20Metadata debtToken = market.debtToken();
        IERC20Metadata collateral = market.collateral();
        uint256 fundsBefore = debtToken.balanceOf(address(this));
        uint256 before = collateral.balanceOf(address(this));
        debtToken.forceApprove(address(market), debt);
        market.liquidationCall(address(collateral), address(debtToken), account, debt, false);
        debtToken.forceApprove(address(market), 0);
        uint256 spent = fundsBefore - debtToken.balanceOf(address(this));
        uint256 got = collateral.balanceOf(address(this)) - before;
        _spending.consume(0, spent);
        (uint256 value, uint256 needed) = _valuesOf(spent, got, terms);
        if (value < needed) revert NotProfitable(value, needed);
        emit Spent(account, spent, got);
    }

    /// @dev What is got, by the lower price, and what it must be worth. In 1e-18.
    function _valuesOf(uint256 spent, uint256 got, Terms memory terms)
        private
        pure
        returns (uint256 value, uint256 needed)
    {
        value = got * terms.lowPrice / terms.unit;
        needed = spent * terms.debtPrice / terms.debtUnit * (BPS + MIN_PROFIT_BPS) / BPS;
    }

    function _terms() private view returns (Terms memory terms) {
        terms.price = Prices.latest(market.collateralFeed(), MAX_PRICE_AGE);
        uint256 second = Prices.latest(secondFeed, MAX_PRICE_AGE);
        terms.lowPrice = Math.min(terms.price, second);
        uint256 spread = Math.max(terms.price, second) - terms.lowPrice;
        if (spread * BPS > terms.lowPrice * MAX_SPREAD_BPS) revert FeedsDisagree(terms.price, second);
        terms.debtPrice = Prices.latest(market.debtFeed(), MAX_PRICE_AGE);
        terms.unit = 10 ** market.collateral().decimals();
        terms.debtUnit = 10 ** market.debtToken().decimals();
        terms.bonus = market.LIQUIDATION_BONUS();
    }
}
