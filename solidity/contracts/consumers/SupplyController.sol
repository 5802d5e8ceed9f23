// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {RateLimiter} from "@openzeppelin/contracts/utils/RateLimiter.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {BlockStart} from "../libraries/BlockStart.sol";
import {Prices} from "../libraries/Prices.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ElasticToken} from "./ElasticToken.sol";
import {ReserveDesk} from "./ReserveDesk.sol";

/// @title Moves a token's supply by proved decisions, and redeems the token against one reserve.
/// @notice A decision's one output is the wanted change of supply as a share of it, in 1e-18. Growth is minted to this
/// contract, as far as the limits and the reserve admit; shrinkage burns what this contract holds, at once and without
/// a feed. The pause stops decisions and deposits, never redemption.
/// @dev Deposits can make supply and reserve as large as one likes, for a moment. So shares for growth are taken, and
/// what backs it is counted, of the least of three states: now, when the block began, and when the last decision's
/// block began, with what that one moved. Money that is there only within transactions is in the first alone.
/// Money that is there at the ends of the blocks before two decisions running is in all three, wherever it was between.
contract SupplyController is ReserveDesk {
    using BlockStart for BlockStart.Amount;
    using RateLimiter for RateLimiter.RefillingBucket;
    using SafeERC20 for IERC20;

    /// @notice Limits of growth. `stepPpm`: of one decision, in 1e-6 of the supply; `weekPpm`: of seven days, likewise,
    /// and counted in tokens; `ratio`: smallest value of the reserve per token, in 1e-18, after growth; `ceiling`: most
    /// that was minted and not burnt by decisions, in 1e-18; `maxPriceAge`: seconds.
    struct Limits {
        uint32 stepPpm;
        uint32 weekPpm;
        uint64 ratio;
        uint96 ceiling;
        uint32 maxPriceAge;
    }

    /// @dev Tokens in 1e-18, reserve in its units.
    struct State {
        uint128 supply;
        uint128 assets;
    }

    event LimitsSet(Limits limits);
    event SupplyMoved(bytes32 indexed decision, int256 asked, int256 got);
    event Released(address indexed to, uint256 amount);

    /// @notice Limits that limit nothing.
    error BadLimits();

    uint256 private constant PPM = 1e6;

    /// @notice Two feeds of the reserve's value in the token's unit of account; the lower one counts.
    IPriceFeed public immutable feed;
    IPriceFeed public immutable secondFeed;
    /// @notice The limits of growth.
    Limits public limits;
    /// @notice What was minted less what was burnt by decisions. In 1e-18 tokens.
    uint256 public outstanding;
    /// @dev In 1e-18 tokens.
    RateLimiter.RefillingBucket private _week;
    /// @dev When the last decision's block began, with what it minted or burnt: nothing that is there for the time of a
    /// transaction, and nothing that is away for it, reaches the decision after it.
    State private _last;

    constructor(
        address authority,
        IDecisionGateway gateway_,
        ElasticToken token_,
        IERC20Metadata reserve_,
        IPriceFeed feed_,
        IPriceFeed secondFeed_,
        Limits memory limits_
    ) ConsumerBase(authority, gateway_) ReserveDesk(token_, reserve_) {
        (feed, secondFeed) = (feed_, secondFeed_);
        _setLimits(limits_);
    }

    /// @notice Changes the limits. By governance.
    function setLimits(Limits calldata limits_) external restricted {
        _setLimits(limits_);
    }

    /// @notice Hands out what decisions minted, to a market or a loan. By governance.
    function release(address to, uint256 amount) external restricted {
        IERC20(address(token)).safeTransfer(to, amount);
        emit Released(to, amount);
    }

    /// @notice The lower of the two feeds. In 1e-18; reverts where one is stale.
    function price() public view override returns (uint256) {
        return Math.min(Prices.latest(feed, limits.maxPriceAge), Prices.latest(secondFeed, limits.maxPriceAge));
    }

    /// @notice How far a wanted change of supply may go now, in 1e-18 tokens.
    /// @param change As a share of the supply, in 1e-18.
    function allowed(int256 change) public view returns (int256 asked, int256 got) {
        // More than the whole, either way, is not asked for by anyone who means it; products then fit.
        if (change > int256(UNIT) || change < -int256(UNIT)) revert UnusableOutput(0, change);
        if (change <= 0) {
            // Of what no transaction moves, neither up nor down.
            asked = int256(_supplyStart.begin(token.totalSupply())) * change / int256(UNIT);
            return (asked, -int256(Math.min(uint256(-asked), token.balanceOf(address(this)))));
        }
        uint256 supply = _leastSupply();
        asked = int256(supply) * change / int256(UNIT);
        uint256 growth = Math.min(uint256(asked), supply * limits.stepPpm / PPM);
        growth = Math.min(growth, Math.saturatingSub(_weekOf(supply), _week.used(0)));
        growth = Math.min(growth, Math.saturatingSub(limits.ceiling, outstanding));
        if (growth == 0) return (asked, 0);
        return (asked, int256(Math.min(growth, _leastRoom())));
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
        uint256 week = _weekOf(_leastSupply());
        _noteStart();
        if (got > 0) {
            outstanding += uint256(got);
            // What was used until now decays by the old capacity.
            _week.sync(0);
            _week.updateSettings(7 days, SafeCast.toUint208(week));
            _week.consume(0, uint256(got));
            token.mint(uint256(got));
        } else if (got < 0) {
            uint256 burnt = uint256(-got);
            outstanding -= Math.min(outstanding, burnt);
            token.burn(burnt);
        }
        int256 left = int256(_supplyStart.begin(0)) + got;
        _last = State(SafeCast.toUint128(left > 0 ? uint256(left) : 0), SafeCast.toUint128(_assetsStart.begin(0)));
    }

    /// @dev In 1e-18 tokens.
    function _leastSupply() private view returns (uint256 supply) {
        supply = _supplyStart.least(token.totalSupply());
        if (_last.supply != 0) supply = Math.min(supply, _last.supply);
    }

    /// @dev How far the reserve backs growth. In 1e-18 tokens.
    function _leastRoom() private view returns (uint256 room) {
        uint256 supply = token.totalSupply();
        uint256 value = price();
        room = _roomOf(assets, supply, value);
        room = Math.min(room, _roomOf(_assetsStart.begin(assets), _supplyStart.begin(supply), value));
        if (_last.supply != 0) room = Math.min(room, _roomOf(_last.assets, _last.supply, value));
    }

    function _roomOf(uint256 assets_, uint256 supply, uint256 value) private view returns (uint256) {
        return Math.saturatingSub(Math.mulDiv(assets_ * scale, value, limits.ratio), supply);
    }

    /// @dev A bucket starts full and refills, so that a week sees twice its capacity: it has half of what a week may
    /// see.
    function _weekOf(uint256 supply) private view returns (uint256) {
        return supply * limits.weekPpm / PPM / 2;
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(1, ports.length - inputs);
    }

    function _setLimits(Limits memory limits_) private {
        if (limits_.ratio == 0 || limits_.stepPpm > PPM || limits_.weekPpm > PPM || limits_.maxPriceAge == 0) {
            revert BadLimits();
        }
        limits = limits_;
        emit LimitsSet(limits_);
    }
}
