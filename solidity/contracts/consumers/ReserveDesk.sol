// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BlockStart} from "../libraries/BlockStart.sol";
import {Intake} from "../libraries/Intake.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {ElasticToken} from "./ElasticToken.sol";

/// @title Gives tokens for one reserve, and the reserve for tokens.
/// @notice The pause stops deposits, never redemption, which needs neither gateway nor feed.
/// @dev The reserve is held as the token itself, counted by what arrived, so that one that takes a fee is refused and a
/// donation counts for nothing.
abstract contract ReserveDesk is ConsumerBase, ReentrancyGuardTransient {
    using BlockStart for BlockStart.Amount;
    using SafeERC20 for IERC20;

    event Deposited(address indexed account, uint256 assets, uint256 tokens);
    event Redeemed(address indexed account, uint256 tokens, uint256 assets);

    uint256 internal constant UNIT = 1e18;

    /// @notice The token, and what it is redeemed for.
    ElasticToken public immutable token;
    IERC20 public immutable reserve;
    /// @notice Units of the token per unit of the reserve.
    uint256 public immutable scale;

    /// @notice What the reserve holds by this contract's books. In its units.
    uint256 public assets;
    /// @dev Both when the block began: by a deposit and a redemption within it, each can be moved at no cost.
    BlockStart.Amount internal _supplyStart;
    BlockStart.Amount internal _assetsStart;

    constructor(ElasticToken token_, IERC20Metadata reserve_) {
        (token, reserve) = (token_, reserve_);
        scale = 10 ** (18 - reserve_.decimals());
    }

    /// @notice What a unit of the reserve counts for. In 1e-18; reverts where no price is usable.
    function price() public view virtual returns (uint256);

    /// @notice Takes reserve at its value, 1 at most, and mints tokens for it.
    /// @param amount In units of the reserve.
    /// @return tokens In 1e-18.
    function deposit(uint256 amount) external nonReentrant returns (uint256 tokens) {
        if (paused) revert Paused();
        Intake.take(reserve, msg.sender, amount);
        _noteStart();
        assets += amount;
        uint256 value = Math.min(price(), UNIT);
        tokens = amount * scale * value / UNIT;
        Intake.requireSome(tokens);
        token.mint(tokens);
        IERC20(address(token)).safeTransfer(msg.sender, tokens);
        emit Deposited(msg.sender, amount, tokens);
    }

    /// @notice Gives reserve for tokens, one for one, or the same share for everyone where there is less.
    /// @param tokens In 1e-18.
    /// @return amount In units of the reserve.
    function redeem(uint256 tokens) external nonReentrant returns (uint256 amount) {
        amount = Math.min(tokens / scale, Math.mulDiv(assets, tokens, circulating()));
        Intake.requireSome(amount);
        _noteStart();
        assets -= amount;
        IERC20(address(token)).safeTransferFrom(msg.sender, address(this), tokens);
        token.burn(tokens);
        reserve.safeTransfer(msg.sender, amount);
        emit Redeemed(msg.sender, tokens, amount);
    }

    /// @notice Tokens that this contract does not hold itself. In 1e-18.
    function circulating() public view returns (uint256) {
        return token.totalSupply() - token.balanceOf(address(this));
    }

    /// @dev Before each change of supply or assets.
    function _noteStart() internal {
        _supplyStart.note(token.totalSupply());
        _assetsStart.note(assets);
    }
}
