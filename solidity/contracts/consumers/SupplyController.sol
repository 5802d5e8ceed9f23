// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {Prices} from "../libraries/Prices.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ElasticToken} from "./ElasticToken.sol";

/// @title Moves a token's supply by proved decisions, and redeems the token against one reserve.
/// @notice A decision's one output is the wanted change of supply as a share of it, in 1e-18. Growth is minted to this
/// contract, as far as the limits and the reserve admit; shrinkage burns what this contract holds, at once and without a
/// feed. The pause stops decisions and deposits, never redemption.
/// @dev The reserve is held as the token itself, counted by what arrived, so that one that takes a fee is refused and a
/// donation counts for nothing.
contract SupplyController is ConsumerBase, ReentrancyGuardTransient {
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20;

    /// @notice Limits of growth. `stepPpm`: of one decision, in 1e-6 of the supply; `weekPpm`: of a week; `ratio`: smallest
    /// value of the reserve per token, in 1e-18, after growth; `ceiling`: most that was minted and not burnt by decisions,
    /// in 1e-18; `maxPriceAge`: seconds.
    struct Limits {
        uint32 stepPpm;
        uint32 weekPpm;
        uint64 ratio;
        uint96 ceiling;
        uint32 maxPriceAge;
    }

    event LimitsSet(Limits limits);
    event SupplyMoved(bytes32 indexed decision, int256 asked, int256 got);
    event Deposited(address indexed account, uint256 assets, uint256 tokens);
    event Redeemed(address indexed account, uint256 tokens, uint256 assets);
    event Released(address indexed to, uint256 amount);

    /// @notice Another amount arrived than was sent: the reserve takes a fee. In units of the reserve.
    error WrongAmountReceived(uint256 expected, uint256 got);
    /// @notice Limits that limit nothing.
    error BadLimits();

    uint256 private constant UNIT = 1e18;
    uint256 private constant PPM = 1e6;

    ElasticToken public immutable token;
    IERC20 public immutable reserve;
    /// @notice Two feeds of the reserve's value in the token's unit of account; the lower one counts.
    IPriceFeed public immutable feed;
    IPriceFeed public immutable secondFeed;
    /// @notice Units of the token per unit of the reserve.
    uint256 public immutable scale;

    Limits public limits;
    /// @notice What was minted less what was burnt by decisions. In 1e-18 tokens.
    uint256 public outstanding;
    /// @notice What the reserve holds by this contract's books. In its units.
    uint256 public assets;
    RateLimiter.RefillingBucket private _week;

    constructor(
        address authority,
        IDecisionGateway gateway_,
        ElasticToken token_,
        IERC20Metadata reserve_,
        IPriceFeed feed_,
        IPriceFeed secondFeed_,
        Limits memory limits_
    ) ConsumerBase(authority, gateway_) {
        (token, reserve, feed, secondFeed) = (token_, reserve_, feed_, secondFeed_);
        scale = 10 ** (18 - reserve_.decimals());
        _setLimits(limits_);
    }

    /// @notice Changes the limits. By governance.
    function setLimits(Limits calldata limits_) external restricted {
        _setLimits(limits_);
    }

    /// @notice Takes reserve at its value, 1 at most, and mints tokens for it.
    /// @param amount In units of the reserve.
    function deposit(uint256 amount) external nonReentrant returns (uint256 tokens) {
        if (paused) revert Paused();
        uint256 before = reserve.balanceOf(address(this));
        reserve.safeTransferFrom(msg.sender, address(this), amount);
        uint256 got = reserve.balanceOf(address(this)) - before;
        if (got != amount) revert WrongAmountReceived(amount, got);
        assets += amount;
        uint256 value = Math.min(price(), UNIT);
        tokens = amount * scale * value / UNIT;
        token.mint(tokens);
        IERC20(address(token)).safeTransfer(msg.sender, tokens);
        emit Deposited(msg.sender, amount, tokens);
    }

    /// @notice Gives reserve for tokens, one for one, or the same share for everyone where there is less. Needs neither
    /// gateway nor feed, and cannot be paused.
    /// @param tokens In 1e-18.
    function redeem(uint256 tokens) external nonReentrant returns (uint256 amount) {
        amount = Math.min(tokens / scale, Math.mulDiv(assets, tokens, circulating()));
        assets -= amount;
        IERC20(address(token)).safeTransferFrom(msg.sender, address(this), tokens);
        token.burn(tokens);
        reserve.safeTransfer(msg.sender, amount);
        emit Redeemed(msg.sender, tokens, amount);
    }

    /// @notice Hands out what decisions minted, to a market or a loan. By governance.
    function release(address to, uint256 amount) external restricted {
        IERC20(address(token)).safeTransfer(to, amount);
        emit Released(to, amount);
    }

    /// @notice Tokens that this contract does not hold itself. In 1e-18.
    function circulating() public view returns (uint256) {
        return token.totalSupply() - token.balanceOf(address(this));
    }

    /// @notice The lower of the two feeds. In 1e-18; reverts where one is stale.
    function price() public view returns (uint256) {
        return Math.min(Prices.latest(feed, limits.maxPriceAge), Prices.latest(secondFeed, limits.maxPriceAge));
    }

    /// @notice How far a wanted change of supply (1e-18 of it) may go now, in 1e-18 tokens.
    function allowed(int256 change) public view returns (int256 asked, int256 got) {
        uint256 supply = token.totalSupply();
        // More than the whole, either way, is not asked for by anyone who means it; products then fit.
        if (change > int256(UNIT) || change < -int256(UNIT)) revert UnusableOutput(0, change);
        asked = int256(supply) * change / int256(UNIT);
        if (asked <= 0) return (asked, -int256(Math.min(uint256(-asked), _burnable())));
        uint256 growth = Math.min(uint256(asked), supply * limits.stepPpm / PPM);
        growth = Math.min(growth, supply * _week.available(0) / PPM);
        growth = Math.min(growth, limits.ceiling > outstanding ? limits.ceiling - outstanding : 0);
        if (growth == 0) return (asked, 0);
        uint256 backed = Math.mulDiv(assets * scale, price(), limits.ratio);
        growth = Math.min(growth, backed > supply ? backed - supply : 0);
        return (asked, int256(growth));
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        _requireOutputs(1, decision.outputs.length);
        (, int256 got) = allowed(decision.outputs[0]);
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = "supply";
        from[0] = token.totalSupply();
        to[0] = uint256(int256(from[0]) + got);
    }

    function _decide(Decision calldata decision) internal override nonReentrant {
        _requireOutputs(1, decision.outputs.length);
        (int256 asked, int256 got) = allowed(decision.outputs[0]);
        emit SupplyMoved(decision.id, asked, got);
        if (got > 0) {
            uint256 supply = token.totalSupply();
            outstanding += uint256(got);
            // Rounded up, and rounding can take it past what is left by one.
            uint256 used = Math.min(Math.ceilDiv(uint256(got) * PPM, supply), _week.available(0));
            _week.consume(0, used);
            token.mint(uint256(got));
        } else if (got < 0) {
            uint256 burnt = uint256(-got);
            outstanding -= Math.min(outstanding, burnt);
            token.burn(burnt);
        }
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(1, ports.length - inputs);
    }

    function _burnable() private view returns (uint256) {
        return token.balanceOf(address(this));
    }

    /// @dev A bucket starts full and refills, so that a week sees twice its capacity: it has half of what a week may see.
    function _setLimits(Limits memory limits_) private {
        if (limits_.ratio == 0 || limits_.stepPpm > PPM || limits_.weekPpm > PPM || limits_.maxPriceAge == 0) {
            revert BadLimits();
        }
        limits = limits_;
        _week.updateSettings(7 days, limits_.weekPpm / 2);
        emit LimitsSet(limits_);
    }
}
