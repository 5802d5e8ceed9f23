// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccountRanking} from "../../contracts/consumers/AccountRanking.sol";
import {LiquidationKeeper} from "../../contracts/consumers/LiquidationKeeper.sol";
import {ReferenceMarket} from "../../contracts/consumers/ReferenceMarket.sol";
import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice A test that passes shows an attack that works.
contract ReviewKeeper is FedWorld {
    address private constant LARGE = address(0xb1);
    address private constant SMALL = address(0xb0);

    MockToken private _ether;
    MockToken private _dollar;
    MockFeed private _dollarFeed;
    MockFeed private _second;
    ReferenceMarket private _market;
    LiquidationKeeper private _keeper;
    Policy private _policy;

    function setUp() external {
        buildFed();
        (_ether, _dollar) = (new MockToken(18), new MockToken(6));
        (_dollarFeed, _second) = (new MockFeed(8), new MockFeed(8));
        _market = new ReferenceMarket(address(manager), _ether, _dollar, feed, _dollarFeed);
        _market.configureReserveAsCollateral(address(_ether), 7_500, 8_000);
        _market.setSupplyCap(address(_ether), 1_000);
        _market.setBorrowCap(address(_ether), 1_000_000);
        _dollar.give(address(this), 1_000_000e6);
        _dollar.approve(address(_market), type(uint256).max);
        _market.supply(address(_dollar), 1_000_000e6);
        _prices(int192(PRICE));
        _owe(LARGE, 10e18, 15_000e6);
        _owe(SMALL, 10e18, 15_000e6);
        // A day sees one liquidation.
        _keeper = new LiquidationKeeper(address(manager), gateway, _market, _second, 30_000e6);
        _dollar.give(address(_keeper), 500_000e6);
        _policy = fedPolicy(1, 1 << 40, false);
        _keeper.setPolicy(_subject(LARGE), _policy, ports);
        _keeper.setPolicy(_subject(SMALL), _policy, ports);
    }

    function _subject(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    function _prices(int192 price) private {
        _dollarFeed.push(1e8, block.timestamp);
        _second.push(price, block.timestamp);
    }

    function _owe(address account, uint256 collateral, uint256 debt) private {
        _ether.give(account, collateral);
        VM.startPrank(account);
        _ether.approve(address(_market), type(uint256).max);
        _market.supply(address(_ether), collateral);
        _market.borrow(debt);
        VM.stopPrank();
    }

    function _fallTo(int192 price) private {
        warpToNextPeriod(price);
        _prices(price);
    }

    function _score(address account, int256 score) private {
        decide(address(_keeper), _subject(account), ints(score << 20));
    }

    function _list(address first) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = first;
    }

    function _both() private pure returns (address[] memory list) {
        list = new address[](2);
        (list[0], list[1]) = (LARGE, SMALL);
    }

    /// @dev At a period's beginning the last scores are old: who calls forgets them, submits the one that it likes, and
    /// spends the day's funds on it.
    function test_whoCallsChoosesTheAccountByTheScoresThatItSubmits() external {
        _fallTo(int192(PRICE));
        _score(LARGE, 1_000);
        _score(SMALL, 1);
        // One transaction, at the beginning of the next period:
        _fallTo(1_800e8);
        _keeper.forget(_both());
        _score(SMALL, 1);
        _keeper.liquidate(_list(SMALL));
        // The honest one, a second later:
        _score(LARGE, 1_000);
        _keeper.liquidate(_both());
        eq(_market.debtOf(SMALL), 0, "the low score");
        eq(_market.debtOf(LARGE), 15_000e6, "nothing is left for the high one");
    }

    /// @dev A score more in front of the keeper's transaction makes its list incomplete; a second one, misordered.
    function test_aScoreInFrontOfALiquidationStopsIt() external {
        _fallTo(1_800e8);
        _score(LARGE, 1_000);
        // In front of `liquidate([LARGE])`:
        _score(SMALL, 2_000);
        VM.expectPartialRevert(AccountRanking.Incomplete.selector);
        _keeper.liquidate(_list(LARGE));
    }
}
