// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title A pool that lends without collateral, within limits that proved decisions give.
/// @notice A subject is a borrower; the output its limit, in whole tokens (1e-18). A limit is at most 5 % of the pool, all
/// limits together at most what the juniors put in first, it halves every 30 days without a proof, and what is added can
/// be drawn after 24 hours. Losses fall on the juniors first: sybils with farmed scores take their money, not the seniors'.
/// @dev Senior shares are this ERC-4626; juniors are counted beside it. No interest: a fee on what is drawn goes to them.
contract CreditLine is ERC4626, ConsumerBase, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice A borrower. Amounts in units of the asset, times in seconds. `next` counts from `eta` on; `dueAt`: when all
    /// that is owed must have been repaid, from the first draw on.
    struct Line {
        uint96 limit;
        uint96 next;
        uint40 eta;
        uint96 debt;
        uint40 provedAt;
        uint40 dueAt;
    }

    event LimitSet(address indexed borrower, uint256 asked, uint256 got, uint256 eta, bytes32 indexed decision);
    event Drawn(address indexed borrower, uint256 amount, uint256 fee);
    event Repaid(address indexed borrower, uint256 amount);
    event WrittenOff(address indexed borrower, uint256 debt, uint256 juniors);
    event JuniorMoved(address indexed account, int256 shares, int256 amount);

    /// @notice More than the limit, the cash or the juniors' free part. In units of the asset.
    error AboveLimit(uint256 limit, uint256 wanted);
    /// @notice Another amount arrived than was sent. In units of the asset.
    error WrongAmountReceived(uint256 expected, uint256 got);
    /// @notice Nothing is owed, or not overdue. In seconds.
    error NotOverdue(uint256 dueAt);

    uint256 public constant MAX_SHARE_BPS = 500;
    uint256 public constant FEE_BPS = 50;
    uint256 public constant HALVING = 30 days;
    uint256 public constant DELAY = 24 hours;
    /// @notice Seconds from the first draw until everything must have been repaid once; then what is owed is a loss. Proofs do
    /// not put it off.
    uint256 public constant TERM = 90 days;
    uint256 private constant BPS = 1e4;
    uint256 private constant UNIT = 1e18;

    mapping(address borrower => Line) public lines;
    mapping(address account => uint256) public juniorSharesOf;
    uint256 public juniorShares;
    /// @notice What the juniors have in the pool. In units of the asset.
    uint256 public juniorAssets;
    /// @notice Assets that are here by the books, what is owed, and the sum over borrowers of the larger of limit and debt.
    uint256 public cash;
    uint256 public totalDebt;
    uint256 public exposure;

    constructor(address authority, IDecisionGateway gateway, IERC20 asset_, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC4626(asset_)
        ConsumerBase(authority, gateway)
    {}

    /// @notice What the seniors have: all but the juniors' part. In units of the asset.
    function totalAssets() public view override returns (uint256) {
        uint256 total = cash + totalDebt;
        return total - Math.min(juniorAssets, total);
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address owner) public view override returns (uint256) {
        return Math.min(super.maxWithdraw(owner), cash);
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address owner) public view override returns (uint256) {
        return Math.min(super.maxRedeem(owner), _convertToShares(cash, Math.Rounding.Floor));
    }

    /// @notice What a borrower may owe now: halved for each `HALVING` since its last proof. In units of the asset.
    function limitOf(address borrower) public view returns (uint256) {
        Line memory line = lines[borrower];
        uint256 halvings = (block.timestamp - line.provedAt) / HALVING;
        uint256 limit = line.eta != 0 && block.timestamp >= line.eta ? line.next : line.limit;
        return halvings > 96 ? 0 : limit >> halvings;
    }

    /// @notice Borrows within one's limit. In units of the asset; the fee is owed on top.
    function draw(uint256 amount) external nonReentrant {
        if (paused) revert Paused();
        Line storage line = lines[msg.sender];
        uint256 fee = Math.mulDiv(amount, FEE_BPS, BPS, Math.Rounding.Ceil);
        uint256 debt = line.debt + amount + fee;
        uint256 limit = limitOf(msg.sender);
        if (debt > limit) revert AboveLimit(limit, debt);
        if (amount > cash) revert AboveLimit(cash, amount);
        if (line.debt == 0) line.dueAt = uint40(block.timestamp + TERM);
        // At most the limit, which has 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        line.debt = uint96(debt);
        cash -= amount;
        totalDebt += amount + fee;
        juniorAssets += fee;
        IERC20(asset()).safeTransfer(msg.sender, amount);
        emit Drawn(msg.sender, amount, fee);
    }

    /// @notice Repays a borrower's debt, as much as there is. Anyone may, paused or not.
    function repay(address borrower, uint256 amount) external nonReentrant {
        Line storage line = lines[borrower];
        amount = Math.min(amount, line.debt);
        _take(amount);
        uint256 before = _exposureOf(line);
        // At most the debt.
        // forge-lint: disable-next-line(unsafe-typecast)
        line.debt -= uint96(amount);
        exposure = exposure - before + _exposureOf(line);
        totalDebt -= amount;
        cash += amount;
        emit Repaid(borrower, amount);
    }

    /// @notice Books what an overdue borrower owes as a loss, and ends its limit. Anyone may.
    function writeOff(address borrower) external nonReentrant {
        Line memory line = lines[borrower];
        if (line.debt == 0 || block.timestamp <= line.dueAt) revert NotOverdue(line.dueAt);
        exposure -= _exposureOf(line);
        totalDebt -= line.debt;
        uint256 borne = Math.min(line.debt, juniorAssets);
        juniorAssets -= borne;
        delete lines[borrower];
        emit WrittenOff(borrower, line.debt, borne);
    }

    /// @notice Puts in money that bears losses first. In units of the asset.
    function depositJunior(uint256 amount) external nonReentrant returns (uint256 shares) {
        // As if one share of one unit were there from the start: the first cannot be inflated away.
        shares = Math.mulDiv(amount, juniorShares + 1, juniorAssets + 1);
        _take(amount);
        cash += amount;
        juniorAssets += amount;
        juniorShares += shares;
        juniorSharesOf[msg.sender] += shares;
        emit JuniorMoved(msg.sender, int256(shares), int256(amount));
    }

    /// @notice Takes it out, as far as limits do not rest on it.
    function withdrawJunior(uint256 shares) external nonReentrant returns (uint256 amount) {
        amount = Math.mulDiv(shares, juniorAssets + 1, juniorShares + 1);
        uint256 free = juniorAssets > exposure ? juniorAssets - exposure : 0;
        free = Math.min(free, cash);
        if (amount > free) revert AboveLimit(free, amount);
        juniorSharesOf[msg.sender] -= shares;
        juniorShares -= shares;
        juniorAssets -= amount;
        cash -= amount;
        IERC20(asset()).safeTransfer(msg.sender, amount);
        emit JuniorMoved(msg.sender, -int256(shares), -int256(amount));
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        parameters[0] = decision.subject;
        from[0] = limitOf(_borrowerOf(decision.subject));
        (, to[0]) = _limitFrom(decision);
        if (to[0] > from[0]) eta[0] = uint48(block.timestamp + DELAY);
    }

    function _decide(Decision calldata decision) internal override {
        address borrower = _borrowerOf(decision.subject);
        (uint256 asked, uint256 got) = _limitFrom(decision);
        Line memory line = lines[borrower];
        exposure -= _exposureOf(line);
        uint256 current = limitOf(borrower);
        // forge-lint: disable-next-line(unsafe-typecast)
        (line.limit, line.next) = (uint96(Math.min(current, got)), uint96(got));
        line.eta = got > current ? uint40(block.timestamp + DELAY) : 0;
        line.provedAt = uint40(block.timestamp);
        exposure += _exposureOf(line);
        lines[borrower] = line;
        emit LimitSet(borrower, asked, got, line.eta, decision.id);
    }

    /// @dev Asked for and granted, in units of the asset.
    function _limitFrom(Decision calldata decision) private view returns (uint256 asked, uint256 got) {
        _requireOutputs(1, decision.outputs.length);
        if (decision.outputs[0] < 0) revert UnusableOutput(0, decision.outputs[0]);
        // Not negative.
        // forge-lint: disable-next-line(unsafe-typecast)
        asked = Math.mulDiv(uint256(decision.outputs[0]), 10 ** IERC20Metadata(asset()).decimals(), UNIT);
        got = Math.min(asked, (cash + totalDebt) * MAX_SHARE_BPS / BPS);
        uint256 others = exposure - _exposureOf(lines[_borrowerOf(decision.subject)]);
        got = Math.min(got, juniorAssets > others ? juniorAssets - others : 0);
        got = Math.min(got, type(uint96).max);
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(1, ports.length - inputs);
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override nonReentrant {
        uint256 before = IERC20(asset()).balanceOf(address(this));
        super._deposit(caller, receiver, assets, shares);
        uint256 got = IERC20(asset()).balanceOf(address(this)) - before;
        if (got != assets) revert WrongAmountReceived(assets, got);
        cash += assets;
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
        nonReentrant
    {
        cash -= assets;
        super._withdraw(caller, receiver, owner, assets, shares);
    }

    function _take(uint256 amount) private {
        uint256 before = IERC20(asset()).balanceOf(address(this));
        IERC20(asset()).safeTransferFrom(msg.sender, address(this), amount);
        uint256 got = IERC20(asset()).balanceOf(address(this)) - before;
        if (got != amount) revert WrongAmountReceived(amount, got);
    }

    /// @dev What a borrower can come to owe: its larger limit, or its debt.
    function _exposureOf(Line memory line) private pure returns (uint256) {
        return Math.max(Math.max(line.limit, line.next), line.debt);
    }

    function _borrowerOf(bytes32 subject) private pure returns (address) {
        return address(uint160(uint256(subject)));
    }
}
