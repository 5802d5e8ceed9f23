// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Prices} from "../libraries/Prices.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ReferenceMarket} from "./ReferenceMarket.sol";

/// @title Liquidates with its own funds, in the order that proved scores give.
/// @notice A proof **orders** liquidations and never makes one: the market itself must say that an account's health is below
/// 1, and two feeds must agree. A subject is an account, or a cohort of them; the output is its score, higher first.
contract LiquidationKeeper is ConsumerBase, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20Metadata;

    struct Score {
        int192 value;
        uint64 observedAt;
    }

    event Scored(address indexed account, int256 score, bytes32 indexed decision);
    event Spent(address indexed account, uint256 debt, uint256 collateral);

    /// @notice No score, or one that is too old. In seconds.
    error StaleScore(address account, uint64 observedAt);
    /// @notice An account with a higher score comes later in the list.
    error WrongOrder(address account);
    /// @notice The feeds differ by more than `MAX_SPREAD_BPS`. Both in 1e-18.
    error FeedsDisagree(uint256 first, uint256 second);
    /// @notice The collateral is worth less than debt and profit. Both in 1e-18.
    error NotProfitable(uint256 got, uint256 needed);

    uint256 public constant MAX_SPREAD_BPS = 200;
    uint256 public constant MIN_PROFIT_BPS = 100;
    /// @notice Seconds after the observation for which a score orders.
    uint256 public constant MAX_SCORE_AGE = 30 minutes;
    uint256 private constant MAX_PRICE_AGE = 2 hours;
    uint256 private constant BPS = 1e4;

    ReferenceMarket public immutable market;
    /// @notice A second feed of the collateral's price.
    IPriceFeed public immutable secondFeed;
    mapping(address account => Score) public scores;
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

    /// @notice Takes tokens out, to whoever governance says. By governance.
    function withdraw(IERC20Metadata token, address to, uint256 amount) external restricted {
        token.safeTransfer(to, amount);
    }

    /// @notice Liquidates accounts, in falling order of their scores. Anyone may; the proceeds stay here.
    /// @param debts What to repay for each, in units of the debt token.
    function liquidate(address[] calldata accounts, uint256[] calldata debts) external nonReentrant {
        if (paused) revert Paused();
        uint256 price = _agreedPrice();
        int256 last = type(int256).max;
        for (uint256 i = 0; i < accounts.length; ++i) {
            Score memory score = scores[accounts[i]];
            if (score.observedAt == 0 || block.timestamp > score.observedAt + MAX_SCORE_AGE) {
                revert StaleScore(accounts[i], score.observedAt);
            }
            if (score.value > last) revert WrongOrder(accounts[i]);
            last = score.value;
            _liquidate(accounts[i], debts[i], price);
        }
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        _requireOutputs(1, decision.outputs.length);
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        // Scores are signed; as two's complement here.
        from[0] = uint256(int256(scores[_accountOf(decision.subject)].value));
        to[0] = uint256(decision.outputs[0]);
    }

    function _decide(Decision calldata decision) internal override {
        _requireOutputs(1, decision.outputs.length);
        int256 value = decision.outputs[0];
        if (value < type(int192).min || value > type(int192).max) revert UnusableOutput(0, value);
        address account = _accountOf(decision.subject);
        // forge-lint: disable-next-line(unsafe-typecast)
        scores[account] = Score(int192(value), decision.observedAt);
        emit Scored(account, value, decision.id);
    }

    /// @dev A policy for a cohort has one output a subject, one for an account has one.
    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        if (ports.length == inputs) revert WrongOutputs(1, 0);
    }

    function _liquidate(address account, uint256 debt, uint256 price) private {
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

        uint256 debtPrice = Prices.latest(market.debtFeed(), MAX_PRICE_AGE);
        uint256 needed = spent * debtPrice / 10 ** debtToken.decimals() * (BPS + MIN_PROFIT_BPS) / BPS;
        uint256 value = got * price / 10 ** collateral.decimals();
        if (value < needed) revert NotProfitable(value, needed);
        emit Spent(account, spent, got);
    }

    /// @dev The lower of two feeds that agree. In 1e-18.
    function _agreedPrice() private view returns (uint256) {
        uint256 a = Prices.latest(market.collateralFeed(), MAX_PRICE_AGE);
        uint256 b = Prices.latest(secondFeed, MAX_PRICE_AGE);
        (uint256 low, uint256 high) = a < b ? (a, b) : (b, a);
        if ((high - low) * BPS > low * MAX_SPREAD_BPS) revert FeedsDisagree(a, b);
        return low;
    }

    function _accountOf(bytes32 subject) private pure returns (address) {
        return address(uint160(uint256(subject)));
    }
}
