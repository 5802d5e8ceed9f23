// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CreditLine} from "../../contracts/consumers/CreditLine.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice Tried and not broken, and what rounding does.
contract ReviewPool is FedWorld {
    address private constant BORROWER = address(0xb0);
    address private constant VICTIM = address(0x77);

    MockToken private _dollar;
    CreditLine private _pool;

    function setUp() external {
        buildFed();
        _dollar = new MockToken(6);
        _pool = new CreditLine(address(manager), gateway, _dollar, "pool", "POOL");
        _pool.setPolicy(bytes32(uint256(uint160(BORROWER))), fedPolicy(1, 1 << 60, false), ports);
        _fund(address(this), 10_000_000e6);
        _fund(VICTIM, 100_000e6);
        _fund(BORROWER, 10_000_000e6);
        _pool.deposit(900_000e6, address(this));
    }

    function _fund(address who, uint256 amount) private {
        _dollar.give(who, amount);
        VM.prank(who);
        _dollar.approve(address(_pool), type(uint256).max);
    }

    function _grant() private {
        warpToNextPeriod(int192(PRICE));
        decide(address(_pool), bytes32(uint256(uint160(BORROWER))), ints(int256(50_000 << 20)));
        VM.warp(block.timestamp + 24 hours);
    }

    /// @dev The first junior owns one share, and makes it dear by fees that it pays to itself. A later one gets no share
    /// for its money, and no revert either.
    function test_aJuniorGetsNoSharesForItsMoney() external {
        _grant();
        _pool.depositJunior(1);
        uint256 spent = 1;
        VM.startPrank(BORROWER);
        for (uint256 i = 0; i < 1_500; ++i) {
            uint256 free = _pool.juniorsFree();
            uint256 before = _dollar.balanceOf(BORROWER);
            _pool.draw(free);
            _pool.repay(BORROWER, type(uint256).max);
            spent += before - _dollar.balanceOf(BORROWER);
        }
        VM.stopPrank();
        uint256 amount = _pool.juniorAssets() / 2;
        VM.prank(VICTIM);
        uint256 shares = _pool.depositJunior(amount);
        eq(shares, 0, "no shares");
        uint256 got = _pool.withdrawJunior(1);
        emit Figures(spent, amount, got);
        yes(got <= spent + 1, "whoever does it earns nothing by it");
    }

    /// @dev A junior around any sequence of draws and repayments by one borrower gets out at most what it put in plus
    /// what was paid while it was there on money that was drawn while it was there.
    function testFuzz_aVisitBetweenDrawAndRepaymentEarnsNothing(uint256 a, uint256 b, uint256 c) external {
        _pool.depositJunior(100_000e6);
        _grant();
        uint256 drawn = limit(a, 1, 49_000e6);
        VM.prank(BORROWER);
        _pool.draw(drawn);
        uint256 amount = limit(b, 1, 100_000e6);
        VM.prank(VICTIM);
        uint256 shares = _pool.depositJunior(amount);
        VM.prank(BORROWER);
        _pool.repay(BORROWER, limit(c, 1, 50_000e6));
        VM.prank(VICTIM);
        uint256 got = _pool.withdrawJunior(shares);
        yes(got <= amount, "nothing earned");
    }

    event Figures(uint256 spent, uint256 put, uint256 got);
}
