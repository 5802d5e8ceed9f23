// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BlockStart} from "../libraries/BlockStart.sol";
import {Intake} from "../libraries/Intake.sol";

/// @title The money of a credit line: seniors, and juniors who bear losses first.
/// @notice Senior shares are this ERC-4626, whose worth no loan changes; juniors are counted beside it. What is owed
/// without its fees never exceeds what the juniors have: so much of their money cannot leave, and the seniors lose
/// nothing.
/// @dev Juniors leave after a notice that is longer than a loan's term: all that was owed when it was given has been
/// repaid by then, or could have been written off by anyone for a week. So nobody leaves a loss to the others that was
/// in sight. Fees are the juniors' when they are paid, not when they are owed: who joins pays for what is owed until
/// then, and who leaves leaves it behind.
abstract contract CreditPool is ERC4626, ReentrancyGuardTransient {
    using BlockStart for BlockStart.Amount;
    using SafeERC20 for IERC20;

    /// @notice Shares that a junior has given notice of, and from when on they can leave, for `WINDOW`. In seconds.
    struct Notice {
        uint256 shares;
        uint256 from;
    }

    event NoticeGiven(address indexed account, uint256 shares, uint256 from);
    event JuniorMoved(address indexed account, int256 shares, int256 amount);

    /// @notice More than the limit, the cash or the juniors' free part. In units of the asset.
    error AboveLimit(uint256 limit, uint256 wanted);
    /// @notice No notice of so many shares, too early, or too late. In junior shares and seconds.
    error NoNotice(uint256 shares, uint256 from, uint256 until);

    /// @notice Seconds from the first draw until everything must have been repaid once; then what is owed is a loss.
    /// Proofs do not put it off.
    uint256 public constant TERM = 90 days;
    /// @notice Seconds from a junior's notice until it can leave, and for which it then can.
    uint256 public constant NOTICE = TERM + 7 days;
    uint256 public constant WINDOW = 7 days;

    /// @notice A junior's shares, and all of them.
    mapping(address account => uint256) public juniorSharesOf;
    uint256 public juniorShares;
    /// @notice A junior's latest notice.
    mapping(address account => Notice) public noticeOf;
    /// @notice What the juniors have in the pool, fees that are owed not included. In units of the asset.
    uint256 public juniorAssets;
    /// @notice Assets that are here by the books, what is owed, and the fees in it. In units of the asset.
    uint256 public cash;
    uint256 public totalDebt;
    uint256 public owedFees;
    /// @dev `pool` when the block began.
    BlockStart.Amount private _poolStart;

    /// @notice What rests on the juniors: all that is owed without its fees. In units of the asset.
    function exposure() public view returns (uint256) {
        return totalDebt - owedFees;
    }

    /// @notice What seniors and juniors have together. In units of the asset.
    function pool() public view returns (uint256) {
        return cash + exposure();
    }

    /// @notice What the seniors have: all but the juniors' part. In units of the asset.
    function totalAssets() public view override returns (uint256) {
        return Math.saturatingSub(pool(), juniorAssets);
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address owner) public view override returns (uint256) {
        return Math.min(super.maxWithdraw(owner), cash);
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address owner) public view override returns (uint256) {
        return Math.min(super.maxRedeem(owner), _convertToShares(cash, Math.Rounding.Floor));
    }

    /// @notice Puts in money that bears losses first. In units of the asset.
    /// @return shares Junior shares, at a price that includes the fees that are owed.
    function depositJunior(uint256 amount) external nonReentrant returns (uint256 shares) {
        // As if one share of one unit were there from the start: the first cannot be inflated away.
        shares = Math.mulDiv(amount, juniorShares + 1, juniorAssets + owedFees + 1);
        Intake.requireSome(shares);
        _take(amount);
        juniorAssets += amount;
        juniorShares += shares;
        juniorSharesOf[msg.sender] += shares;
        emit JuniorMoved(msg.sender, int256(shares), int256(amount));
    }

    /// @notice Says that one's shares are to leave; replaces what one said before. They bear losses and earn fees until
    /// they have left.
    /// @param shares Junior shares; at most those that the caller has now.
    function giveNotice(uint256 shares) external {
        shares = Math.min(shares, juniorSharesOf[msg.sender]);
        uint256 from = block.timestamp + NOTICE;
        noticeOf[msg.sender] = Notice(shares, from);
        emit NoticeGiven(msg.sender, shares, from);
    }

    /// @notice Takes it out after a notice, as far as nothing that is owed rests on it.
    /// @return amount In units of the asset, without a part of the fees that are owed.
    function withdrawJunior(uint256 shares) external nonReentrant returns (uint256 amount) {
        amount = Math.mulDiv(shares, juniorAssets + 1, juniorShares + 1);
        Intake.requireSome(amount);
        _useNotice(shares);
        uint256 free = Math.min(juniorsFree(), cash);
        if (amount > free) revert AboveLimit(free, amount);
        juniorSharesOf[msg.sender] -= shares;
        juniorShares -= shares;
        _poolStart.note(pool());
        juniorAssets -= amount;
        cash -= amount;
        IERC20(asset()).safeTransfer(msg.sender, amount);
        emit JuniorMoved(msg.sender, -int256(shares), -int256(amount));
    }

    /// @notice The juniors' money that nothing owed rests on: what can still be drawn, by all together. In units of the
    /// asset.
    function juniorsFree() public view returns (uint256) {
        return Math.saturatingSub(juniorAssets, exposure());
    }

    function _useNotice(uint256 shares) private {
        Notice storage given = noticeOf[msg.sender];
        (uint256 from, uint256 until) = (given.from, given.from + WINDOW);
        if (shares > given.shares || block.timestamp < from || block.timestamp > until) {
            revert NoNotice(given.shares, from, until);
        }
        given.shares -= shares;
    }

    /// @dev The pool without what came within this block.
    function _leastPool() internal view returns (uint256) {
        return _poolStart.least(pool());
    }

    /// @dev Pays out a loan; the fee is owed on top.
    function _lend(address to, uint256 amount, uint256 fee) internal {
        uint256 free = Math.min(juniorsFree(), cash);
        if (amount > free) revert AboveLimit(free, amount);
        _poolStart.note(pool());
        cash -= amount;
        totalDebt += amount + fee;
        owedFees += fee;
        IERC20(asset()).safeTransfer(to, amount);
    }

    /// @dev Takes a repayment, of which so much is fees: the juniors' from now on.
    function _settle(uint256 amount, uint256 fee) internal {
        _take(amount);
        totalDebt -= amount;
        owedFees -= fee;
        juniorAssets += fee;
    }

    /// @dev Books what is owed, fees among it, as lost. Returns what the juniors bear: all but the fees, which nobody
    /// had.
    function _lose(uint256 debt, uint256 fee) internal returns (uint256 borne) {
        _poolStart.note(pool());
        totalDebt -= debt;
        owedFees -= fee;
        borne = Math.min(debt - fee, juniorAssets);
        juniorAssets -= borne;
    }

    function _take(uint256 amount) private {
        _transferIn(msg.sender, amount);
        _poolStart.note(pool());
        cash += amount;
    }

    function _transferIn(address from, uint256 assets) internal override {
        Intake.take(IERC20(asset()), from, assets);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override nonReentrant {
        Intake.requireSome(shares);
        super._deposit(caller, receiver, assets, shares);
        _poolStart.note(pool());
        cash += assets;
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
        nonReentrant
    {
        _poolStart.note(pool());
        cash -= assets;
        super._withdraw(caller, receiver, owner, assets, shares);
    }
}
