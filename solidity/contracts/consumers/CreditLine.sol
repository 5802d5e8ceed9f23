// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Decision, IDecisionConsumer} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {ConsumerBase} from "./ConsumerBase.sol";
import {CreditPool} from "./CreditPool.sol";

/// @title A pool that lends without collateral, within limits that proved decisions give.
/// @notice A subject is a borrower; the output its limit, in whole tokens (1e-18). What was asked for halves every 30
/// days without a proof, and what is added to it counts after 24 hours. Of that at most 5 % of the pool can be owed:
/// the pool when it is drawn, not when the limit was decided, so that nobody who takes money out and puts it back cuts
/// another's limit. All that is drawn together is at most what the juniors put in: sybils with farmed scores take their
/// money, not the seniors'. A limit reserves nothing: who never draws keeps no junior here and no other borrower from
/// drawing.
/// @dev No interest: a fee on what is drawn goes to the juniors when it is paid.
contract CreditLine is CreditPool, ConsumerBase {
    /// @notice A borrower. Amounts in units of the asset, times in seconds. `limit` and `next`, which counts from `eta`
    /// on, are what was asked for, whatever the pool has; `debt` includes the `fee` that is not paid yet; `dueAt`: when
    /// all that is owed must have been repaid, from the first draw on; `repaidAt`: when it last was; `lost`: what it
    /// owed was written off.
    struct Line {
        uint88 limit;
        uint88 next;
        uint40 eta;
        uint40 provedAt;
        uint88 debt;
        uint88 fee;
        uint40 dueAt;
        uint32 repaidAt;
        bool lost;
    }

    event LimitSet(address indexed borrower, uint256 asked, uint256 got, uint256 eta, bytes32 indexed decision);
    event Drawn(address indexed borrower, uint256 amount, uint256 fee);
    event Repaid(address indexed borrower, uint256 amount);
    event WrittenOff(address indexed borrower, uint256 debt, uint256 juniors);

    /// @notice Nothing is owed, or not overdue. In seconds.
    error NotOverdue(uint256 dueAt);
    /// @notice Who should have repaid draws no more until all is repaid. In seconds.
    error Overdue(uint256 dueAt);
    /// @notice Who has repaid everything draws again a day later. In seconds.
    error JustRepaid(uint256 until);

    /// @notice Largest limit, in 1e-4 of the pool.
    uint256 public constant MAX_SHARE_BPS = 500;
    /// @notice Fee on what is drawn, in 1e-4.
    uint256 public constant FEE_BPS = 50;
    /// @notice Seconds without a proof after which a limit is half of what it was.
    uint256 public constant HALVING = 30 days;
    /// @notice Seconds until what is added to a limit can be drawn.
    uint256 public constant DELAY = 24 hours;
    /// @notice Seconds after a full repayment until a new term can begin: longer than a transaction, so that what was
    /// lent for its time alone puts no due date off.
    uint256 public constant REST = 1 days;
    uint256 private constant BPS = 1e4;
    uint256 private constant UNIT = 1e18;

    /// @notice What is known of a borrower; `limitOf` says what it may owe.
    mapping(address borrower => Line) public lines;

    constructor(address authority, IDecisionGateway gateway, IERC20 asset_, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        ERC4626(asset_)
        ConsumerBase(authority, gateway)
    {}

    /// @notice What a borrower may owe now, if the juniors have it: halved for each `HALVING` since its last proof, and
    /// no more than its share of the pool. In units of the asset.
    function limitOf(address borrower) public view returns (uint256) {
        return Math.min(_grantedTo(lines[borrower]), _largestLimit());
    }

    /// @notice Borrows within one's limit. In units of the asset; the fee is owed on top.
    function draw(uint256 amount) external nonReentrant {
        if (paused) revert Paused();
        Line storage line = lines[msg.sender];
        if (line.debt == 0) {
            if (block.timestamp < line.repaidAt + REST) revert JustRepaid(line.repaidAt + REST);
            line.dueAt = uint40(block.timestamp + TERM);
        } else if (block.timestamp > line.dueAt) {
            revert Overdue(line.dueAt);
        }
        uint256 fee = Math.mulDiv(amount, FEE_BPS, BPS, Math.Rounding.Ceil);
        uint256 debt = line.debt + amount + fee;
        uint256 limit = limitOf(msg.sender);
        if (debt > limit) revert AboveLimit(limit, debt);
        // At most the limit, which has 88 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        (line.debt, line.fee) = (uint88(debt), uint88(line.fee + fee));
        _lend(msg.sender, amount, fee);
        emit Drawn(msg.sender, amount, fee);
    }

    /// @notice Repays a borrower's debt, fees first, as much as there is. In units of the asset. Anyone may, paused or
    /// not.
    function repay(address borrower, uint256 amount) external nonReentrant {
        Line storage line = lines[borrower];
        amount = Math.min(amount, line.debt);
        uint256 fee = Math.min(amount, line.fee);
        // At most what is owed.
        // forge-lint: disable-next-line(unsafe-typecast)
        (line.debt, line.fee) = (uint88(line.debt - amount), uint88(line.fee - fee));
        // Until the year 2106.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (amount != 0 && line.debt == 0) line.repaidAt = uint32(block.timestamp);
        _settle(amount, fee);
        emit Repaid(borrower, amount);
    }

    /// @notice Books what an overdue borrower owes as a loss, and ends its limit for ever. Anyone may.
    function writeOff(address borrower) external nonReentrant {
        Line memory line = lines[borrower];
        if (line.debt == 0 || block.timestamp <= line.dueAt) revert NotOverdue(line.dueAt);
        delete lines[borrower];
        lines[borrower].lost = true;
        emit WrittenOff(borrower, line.debt, _lose(line.debt, line.fee));
    }

    /// @inheritdoc IDecisionConsumer
    function preview(Decision calldata decision)
        external
        view
        returns (bytes32[] memory parameters, uint256[] memory from, uint256[] memory to, uint48[] memory eta)
    {
        (parameters, from, to, eta) = (new bytes32[](1), new uint256[](1), new uint256[](1), new uint48[](1));
        address borrower = _borrowerOf(decision.subject);
        parameters[0] = decision.subject;
        from[0] = limitOf(borrower);
        (Line memory line,) = _lineAfter(borrower, decision);
        (to[0], eta[0]) = (Math.min(line.next, _largestLimit()), line.eta);
    }

    function _decide(Decision calldata decision) internal override {
        address borrower = _borrowerOf(decision.subject);
        (Line memory line, uint256 asked) = _lineAfter(borrower, decision);
        lines[borrower] = line;
        emit LimitSet(borrower, asked, line.next, line.eta, decision.id);
    }

    /// @dev A lower limit holds at once. A higher one waits; while one does, another decision takes it back or makes it
    /// lower, and neither raises it nor puts it off. `asked` in units of the asset.
    function _lineAfter(address borrower, Decision calldata decision)
        private
        view
        returns (Line memory line, uint256 asked)
    {
        line = lines[borrower];
        asked = _askedIn(decision);
        // Who did not repay is granted nothing.
        uint256 got = line.lost ? 0 : Math.min(asked, type(uint88).max);
        uint256 current = _grantedTo(line);
        bool waits = line.eta > block.timestamp;
        if (got > current && waits) got = Math.min(got, line.next);
        // Each is at most `got`, which has 88 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        (line.limit, line.next) = (uint88(Math.min(current, got)), uint88(got));
        if (got <= current) line.eta = 0;
        else if (!waits) line.eta = uint40(block.timestamp + DELAY);
        line.provedAt = uint40(block.timestamp);
    }

    /// @dev In units of the asset.
    function _askedIn(Decision calldata decision) private view returns (uint256) {
        _requireOutputs(1, decision.outputs.length);
        if (decision.outputs[0] < 0) revert UnusableOutput(0, decision.outputs[0]);
        // Not negative.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Math.mulDiv(uint256(decision.outputs[0]), 10 ** IERC20Metadata(asset()).decimals(), UNIT);
    }

    /// @dev Without regard to the pool.
    function _grantedTo(Line memory line) private view returns (uint256) {
        uint256 halvings = (block.timestamp - line.provedAt) / HALVING;
        uint256 limit = line.eta != 0 && block.timestamp >= line.eta ? line.next : line.limit;
        return halvings > 88 ? 0 : limit >> halvings;
    }

    function _largestLimit() private view returns (uint256) {
        return _leastPool() * MAX_SHARE_BPS / BPS;
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(1, ports.length - inputs);
    }

    function _borrowerOf(bytes32 subject) private pure returns (address) {
        return address(uint160(uint256(subject)));
    }
}
