// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {CreditLine} from "../../contracts/consumers/CreditLine.sol";
import {CreditPool} from "../../contracts/consumers/CreditPool.sol";
import {Decision, Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Intake} from "../../contracts/libraries/Intake.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockToken} from "../support/MockToken.sol";

contract CreditLineTest is FedWorld {
    address private constant BORROWER = address(0xb0);
    address private constant OTHER = address(0xb1);

    MockToken private _dollar;
    CreditLine private _pool;
    Policy private _policy;

    function setUp() external {
        buildFed();
        _dollar = new MockToken(6);
        _pool = new CreditLine(address(manager), gateway, _dollar, "pool", "POOL");
        guard(address(_pool), ConsumerBase.pause.selector);
        _policy = fedPolicy(1, 1 << 60, false);
        _pool.setPolicy(_subject(BORROWER), _policy, ports);
        _pool.setPolicy(_subject(OTHER), _policy, ports);
        _dollar.give(address(this), 10_000_000e6);
        _dollar.approve(address(_pool), type(uint256).max);
        _pool.deposit(900_000e6, address(this));
        _pool.depositJunior(100_000e6);
        VM.prank(BORROWER);
        _dollar.approve(address(_pool), type(uint256).max);
    }

    function _subject(address borrower) private pure returns (bytes32) {
        return bytes32(uint256(uint160(borrower)));
    }

    function _decide(address borrower, uint256 limit_) private {
        warpToNextPeriod(int192(PRICE));
        decide(address(_pool), _subject(borrower), ints(int256(limit_ << 20)));
    }

    function _draw(uint256 amount) private {
        VM.prank(BORROWER);
        _pool.draw(amount);
    }

    function _grant(uint256 limit_) private {
        _decide(BORROWER, limit_);
        VM.warp(block.timestamp + 24 hours);
    }

    function test_whatIsAddedCanBeDrawnAfterADay() external {
        _decide(BORROWER, 20_000);
        VM.expectRevert(abi.encodeWithSelector(CreditPool.AboveLimit.selector, 0, 10_050e6));
        _draw(10_000e6);
        VM.warp(block.timestamp + 24 hours);
        _draw(10_000e6);
        eq(_dollar.balanceOf(BORROWER), 10_000e6, "drawn");
        eq(_pool.totalDebt(), 10_050e6, "owed with its fee");
        eq(_pool.exposure(), 10_000e6, "of which the fee is no risk");
        eq(_pool.totalAssets(), 900_000e6, "and the seniors do not lose by");
    }

    function test_aLimitIsAtMostAShareOfThePoolAndAllDrawsAtMostTheJuniors() external {
        _grant(1_000_000);
        eq(_pool.limitOf(BORROWER), 50_000e6, "5 % of a million");
        _decide(OTHER, 1_000_000);
        VM.warp(block.timestamp + 24 hours);
        eq(_pool.limitOf(OTHER), 50_000e6, "for everyone");
        _leave(_pool.juniorSharesOf(address(this)) * 2 / 5);
        _decide(BORROWER, 1_000_000);
        _decide(OTHER, 1_000_000);
        VM.warp(block.timestamp + 24 hours);
        eq(_pool.limitOf(OTHER), 48_000e6, "5 % of what is left");
        _draw(45_000e6);
        VM.prank(OTHER);
        VM.expectPartialRevert(CreditPool.AboveLimit.selector);
        _pool.draw(15_001e6);
        VM.prank(OTHER);
        _pool.draw(14_999e6);
        yes(_pool.exposure() <= _pool.juniorAssets(), "all that is drawn together");
        uint256 shares = _pool.juniorSharesOf(address(this));
        _pool.giveNotice(shares);
        VM.warp(block.timestamp + _pool.NOTICE());
        VM.expectPartialRevert(CreditPool.AboveLimit.selector);
        _pool.withdrawJunior(shares / 1_000);
    }

    /// @dev After its notice.
    function _leave(uint256 shares) private {
        _pool.giveNotice(shares);
        VM.warp(block.timestamp + _pool.NOTICE());
        _pool.withdrawJunior(shares);
    }

    /// @dev Limits that nobody draws on keep no junior's money here, and no borrower from another limit.
    function test_limitsThatAreNotDrawnLockNothingUp() external {
        for (uint160 i = 1; i <= 5; ++i) {
            address borrower = address(0xc000 + i);
            _pool.setPolicy(_subject(borrower), _policy, ports);
            _decide(borrower, 1_000_000);
        }
        _grant(1_000_000);
        eq(_pool.limitOf(BORROWER), 50_000e6, "the sixth");
        _draw(20_000e6);
        uint256 shares = _pool.juniorSharesOf(address(this));
        _leave(shares * 79 / 100);
        _pool.giveNotice(shares);
        VM.warp(block.timestamp + _pool.NOTICE());
        VM.expectPartialRevert(CreditPool.AboveLimit.selector);
        _pool.withdrawJunior(shares * 2 / 100);
        _decide(address(0xc001), 1_000_000);
        VM.warp(block.timestamp + 24 hours);
        VM.prank(address(0xc001));
        VM.expectRevert(abi.encodeWithSelector(CreditPool.AboveLimit.selector, 1_000e6, 1_001e6));
        _pool.draw(1_001e6);
    }

    /// @dev Whatever is drawn, repaid, lost, put in and taken out: the seniors have what they put in.
    function test_seniorsLoseNothing(uint256[12] calldata choices) external {
        _grant(50_000);
        for (uint256 i = 0; i < 12; ++i) {
            uint256 amount = limit(choices[i] >> 8, 1, 60_000e6);
            uint256 move = choices[i] % 8;
            if (move == 0) try this.drawLater(amount) {} catch {}
            if (move == 1) _pool.repay(BORROWER, amount);
            if (move == 2) try _pool.depositJunior(amount) {} catch {}
            if (move == 3) try _pool.withdrawJunior(limit(amount, 0, _pool.juniorSharesOf(address(this)))) {} catch {}
            if (move == 6) _pool.giveNotice(amount);
            if (move == 7) VM.warp(Math.max(block.timestamp, _noticed()));
            if (move == 4) try _pool.writeOff(BORROWER) {} catch {}
            if (move == 5) VM.warp(block.timestamp + limit(amount, 1, 50 days));
            yes(_pool.totalAssets() >= 900_000e6, "the seniors'");
            yes(_pool.exposure() <= _pool.juniorAssets(), "rests on the juniors");
            eq(_dollar.balanceOf(address(_pool)), _pool.cash(), "books");
        }
    }

    function _noticed() private view returns (uint256 from) {
        (, from) = _pool.noticeOf(address(this));
    }

    function drawLater(uint256 amount) external {
        _draw(amount);
    }

    /// @dev What comes and goes within a block is no pool: not for a limit that is given ..
    function test_aDepositOfTheSameBlockEnlargesNoLimit() external {
        warpToNextPeriod(int192(PRICE));
        _pool.deposit(8_000_000e6, address(this));
        decide(address(_pool), _subject(BORROWER), ints(int256(1_000_000 << 20)));
        _pool.withdraw(8_000_000e6, address(this), address(this));
        VM.warp(block.timestamp + 24 hours);
        eq(_pool.limitOf(BORROWER), 50_000e6, "5 % of a million");
    }

    /// @dev .. nor for one that is drawn on, when the pool has become smaller.
    function test_aDepositOfTheSameBlockEnlargesNoDraw() external {
        _grant(50_000);
        _pool.withdraw(500_000e6, address(this), address(this));
        VM.warp(block.timestamp + 1);
        VM.expectRevert(abi.encodeWithSelector(CreditPool.AboveLimit.selector, 25_000e6, 30_150e6));
        _draw(30_000e6);
        _pool.deposit(500_000e6, address(this));
        VM.expectRevert(abi.encodeWithSelector(CreditPool.AboveLimit.selector, 25_000e6, 30_150e6));
        _draw(30_000e6);
        VM.warp(block.timestamp + 1);
        _draw(30_000e6);
    }

    /// @dev Who joins before a repayment gets nothing of a fee that others bore the risk for.
    function test_juniorsBeforeARepaymentGetNoFee() external {
        _grant(50_000);
        _draw(40_000e6);
        _joinJuniors();
        _pool.repay(BORROWER, 20_000e6);
        _leaveJuniors("a part");
        _joinJuniors();
        _pool.repay(BORROWER, 30_000e6);
        _leaveJuniors("the rest");
        yes(_pool.juniorAssets() >= 100_200e6, "the fee is with those who were there");
    }

    /// @dev Who knows that a loss is coming bears it with the others: its notice is longer than any loan's term.
    function test_aJuniorDoesNotLeaveALossThatIsInSight() external {
        VM.prank(OTHER);
        _dollar.approve(address(_pool), type(uint256).max);
        _dollar.give(OTHER, 100_000e6);
        VM.prank(OTHER);
        _pool.depositJunior(100_000e6);
        _grant(50_000);
        _draw(49_000e6);
        uint256 shares = _pool.juniorSharesOf(address(this));
        VM.expectRevert(abi.encodeWithSelector(CreditPool.NoNotice.selector, 0, 0, 7 days));
        _pool.withdrawJunior(shares);
        uint256 from = block.timestamp + 97 days;
        // Of no more than it has: what it puts in later leaves later.
        _pool.giveNotice(type(uint256).max);
        VM.warp(block.timestamp + 90 days + 1);
        VM.expectRevert(abi.encodeWithSelector(CreditPool.NoNotice.selector, shares, from, from + 7 days));
        _pool.withdrawJunior(shares);
        _pool.writeOff(BORROWER);
        VM.warp(from);
        VM.expectPartialRevert(CreditPool.NoNotice.selector);
        _pool.withdrawJunior(shares + 1);
        yes(_pool.withdrawJunior(shares / 2) <= 37_750e6, "half of what it put in, less half of its loss");
        VM.warp(from + 7 days + 1);
        VM.expectRevert(abi.encodeWithSelector(CreditPool.NoNotice.selector, shares - shares / 2, from, from + 7 days));
        _pool.withdrawJunior(shares / 4);
    }

    /// @dev Withdraw, submit the borrower's decision, deposit again: one transaction of a large senior, who cuts
    /// nobody's limit by it.
    function test_aSeniorWhoIsOutForATransactionCutsNoLimit() external {
        _grant(50_000);
        for (uint256 i = 0; i < 2; ++i) {
            warpToNextPeriod(int192(PRICE));
            _pool.redeem(_pool.balanceOf(address(this)) * 8 / 9, address(this), address(this));
            decide(address(_pool), _subject(BORROWER), ints(int256(50_000 << 20)));
            VM.expectPartialRevert(CreditPool.AboveLimit.selector);
            _draw(15_000e6);
            _pool.deposit(800_000e6, address(this));
            VM.warp(block.timestamp + 1);
            eq(_pool.limitOf(BORROWER), 50_000e6, "as it was");
        }
        _draw(49_000e6);
    }

    /// @dev What is repaid and drawn again in one transaction, by a flash loan, was not repaid: the term does not begin
    /// anew.
    function test_aFlashLoanDoesNotPutTheDueDateOff() external {
        _grant(50_000);
        _draw(40_000e6);
        VM.warp(block.timestamp + 89 days);
        _decide(BORROWER, 50_000);
        _dollar.give(BORROWER, 200e6);
        VM.prank(BORROWER);
        _pool.repay(BORROWER, type(uint256).max);
        uint256 until = block.timestamp + 1 days;
        VM.expectRevert(abi.encodeWithSelector(CreditLine.JustRepaid.selector, until));
        _draw(10_000e6);
        // Nobody puts that off by repaying nothing.
        VM.warp(until);
        _pool.repay(BORROWER, 1);
        _draw(10_000e6);
        (,,,,,, uint40 dueAt,,) = _pool.lines(BORROWER);
        eq(dueAt, until + 90 days, "a new term, after a day with nothing owed");
    }

    function _joinJuniors() private {
        _dollar.give(OTHER, 900_000e6 - _dollar.balanceOf(OTHER));
        VM.startPrank(OTHER);
        _dollar.approve(address(_pool), type(uint256).max);
        _pool.depositJunior(900_000e6);
        VM.stopPrank();
    }

    function _leaveJuniors(string memory when) private {
        uint256 shares = _pool.juniorSharesOf(OTHER);
        VM.startPrank(OTHER);
        _pool.giveNotice(shares);
        VM.warp(block.timestamp + _pool.NOTICE());
        _pool.withdrawJunior(shares);
        VM.stopPrank();
        yes(_dollar.balanceOf(OTHER) <= 900_000e6, when);
    }

    /// @dev The fee is owed, and nobody's until it is paid.
    function test_feesAreIncomeWhenTheyArePaid() external {
        _grant(50_000);
        _draw(10_000e6);
        eq(_pool.juniorAssets(), 100_000e6, "not when drawn");
        _pool.repay(BORROWER, 30e6);
        eq(_pool.juniorAssets(), 100_030e6, "first of what is paid");
        eq(_pool.totalAssets(), 900_000e6, "the seniors have what they had");
        _pool.repay(BORROWER, 30e6);
        eq(_pool.juniorAssets(), 100_050e6, "no more than the fee");
        eq(_pool.totalAssets(), 900_000e6, "the seniors have what they had");
    }

    /// @dev Decisions that come often put an increase off no more than one does, whether they ask for less or for more.
    function test_decisionsThatComeOftenDoNotPutAnIncreaseOff() external {
        _decide(BORROWER, 20_000);
        uint256 start = block.timestamp;
        for (uint256 i = 1; i < 24; ++i) {
            _decide(BORROWER, 20_000 + i);
        }
        VM.warp(start + 24 hours);
        eq(_pool.limitOf(BORROWER), 20_000e6, "what was asked for a day ago");
        _decide(BORROWER, 30_000);
        for (uint256 i = 0; i < 5; ++i) {
            _decide(BORROWER, 25_000);
        }
        VM.warp(start + 49 hours);
        eq(_pool.limitOf(BORROWER), 25_000e6, "no further, no later");
    }

    function test_anOverdueBorrowerDrawsNoMore() external {
        _grant(50_000);
        uint256 dueAt = block.timestamp + 90 days;
        _draw(1_000e6);
        VM.warp(dueAt - 1 days);
        _decide(BORROWER, 50_000);
        VM.warp(dueAt + 1);
        VM.expectRevert(abi.encodeWithSelector(CreditLine.Overdue.selector, dueAt));
        _draw(1_000e6);
        _pool.repay(BORROWER, 1_005e6);
        VM.warp(block.timestamp + 1 days);
        _draw(1_000e6);
    }

    function test_whoseLossWasBorneGetsNoNewLimit() external {
        _grant(50_000);
        _draw(40_000e6);
        VM.warp(block.timestamp + 91 days);
        _pool.writeOff(BORROWER);
        _grant(50_000);
        eq(_pool.limitOf(BORROWER), 0, "none");
        eq(_pool.exposure(), 0, "and nothing rests on it");
    }

    function test_halvesWithoutProofs() external {
        _grant(40_000);
        eq(_pool.limitOf(BORROWER), 40_000e6, "whole");
        VM.warp(block.timestamp + 29 days);
        eq(_pool.limitOf(BORROWER), 20_000e6, "half after 30 days");
        VM.warp(block.timestamp + 30 days);
        eq(_pool.limitOf(BORROWER), 10_000e6, "a quarter");
        VM.warp(block.timestamp + 3650 days);
        eq(_pool.limitOf(BORROWER), 0, "nothing");
    }

    function test_aLowerLimitHoldsAtOnce() external {
        _grant(40_000);
        _decide(BORROWER, 5_000);
        eq(_pool.limitOf(BORROWER), 5_000e6, "at once");
        VM.expectRevert(abi.encodeWithSelector(CreditPool.AboveLimit.selector, 5_000e6, 5_025e6));
        _draw(5_000e6);
    }

    /// @dev Sybils farm scores and run: the juniors lose, the seniors do not.
    function test_lossesFallOnTheJuniors() external {
        _grant(50_000);
        _draw(49_000e6);
        VM.expectRevert(abi.encodeWithSelector(CreditLine.NotOverdue.selector, block.timestamp + 90 days));
        _pool.writeOff(BORROWER);
        VM.warp(block.timestamp + 60 days);
        // A proof does not put it off.
        _decide(BORROWER, 50_000);
        VM.warp(block.timestamp + 30 days);
        _pool.writeOff(BORROWER);
        eq(_pool.totalAssets(), 900_000e6, "seniors");
        eq(_pool.juniorAssets(), 51_000e6, "juniors bear the principal; the fee was theirs");
        eq(_pool.limitOf(BORROWER), 0, "the limit is gone");
        eq(_pool.exposure(), 0, "and what rested on it");
    }

    function test_repaidIsRepaid() external {
        _grant(50_000);
        _draw(10_000e6);
        _pool.repay(BORROWER, 20_000e6);
        eq(_pool.totalDebt(), 0, "no more than is owed");
        eq(_pool.cash(), 1_000_050e6, "cash");
        VM.expectRevert();
        _pool.writeOff(BORROWER);
    }

    function test_survivesADeadGatewayAndAPause() external {
        _grant(50_000);
        _draw(10_000e6);
        VM.etch(address(gateway), hex"fe");
        VM.prank(GUARDIAN);
        _pool.pause(true);
        VM.expectRevert(ConsumerBase.Paused.selector);
        _draw(1);
        _pool.repay(BORROWER, 10_050e6);
        _pool.withdraw(900_000e6, address(this), address(this));
    }

    function test_seniorsTakeOutWhatIsThere() external {
        _grant(50_000);
        _draw(40_000e6);
        _leave(_pool.juniorSharesOf(address(this)) / 2 - 1e6);
        yes(_pool.maxWithdraw(address(this)) <= _pool.cash(), "no more than cash");
        _pool.redeem(_pool.maxRedeem(address(this)), address(this), address(this));
    }

    /// @dev One share that was made dear, by fees that its owner pays to itself: who comes later and would get no share
    /// for its money keeps it.
    function test_aJuniorGetsSharesOrKeepsItsMoney() external {
        _pool = new CreditLine(address(manager), gateway, _dollar, "pool", "POOL");
        _pool.setPolicy(_subject(BORROWER), _policy, ports);
        _dollar.approve(address(_pool), type(uint256).max);
        _pool.deposit(900_000e6, address(this));
        _grant(50_000);
        _pool.depositJunior(1);
        _dollar.give(BORROWER, 100e6);
        VM.startPrank(BORROWER);
        _dollar.approve(address(_pool), type(uint256).max);
        for (uint256 i = 0; i < 10; ++i) {
            _pool.draw(_pool.juniorsFree());
            _pool.repay(BORROWER, type(uint256).max);
            VM.warp(block.timestamp + 1 days);
        }
        VM.stopPrank();
        uint256 amount = _pool.juniorAssets() / 2;
        yes(amount > 1, "dear");
        VM.expectRevert(Intake.NothingForIt.selector);
        _pool.depositJunior(amount);
        VM.expectRevert(Intake.NothingForIt.selector);
        _pool.deposit(0, address(this));
    }

    function test_tokensWithAFeeAreRefused() external {
        _dollar.setFee(100);
        VM.expectRevert(abi.encodeWithSelector(Intake.WrongAmountReceived.selector, 100e6, 99e6));
        _pool.deposit(100e6, address(this));
        VM.expectRevert(abi.encodeWithSelector(Intake.WrongAmountReceived.selector, 100e6, 99e6));
        _pool.depositJunior(100e6);
    }

    function test_previewIsWhatHappens() external {
        VM.warp(block.timestamp + 1);
        Decision memory decision;
        decision.subject = _subject(BORROWER);
        decision.outputs = ints(20_000e18);
        (, uint256[] memory from, uint256[] memory to, uint48[] memory eta) = _pool.preview(decision);
        yes(from[0] == 0 && to[0] == 20_000e6 && eta[0] == block.timestamp + 24 hours, "after a day");
        decision.outputs = ints(-1);
        VM.expectRevert(abi.encodeWithSelector(ConsumerBase.UnusableOutput.selector, 0, -1));
        _pool.preview(decision);
    }
}
