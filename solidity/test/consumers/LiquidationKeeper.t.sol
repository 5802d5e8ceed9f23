// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccountRanking} from "../../contracts/consumers/AccountRanking.sol";
import {ConsumerBase} from "../../contracts/consumers/ConsumerBase.sol";
import {LiquidationKeeper} from "../../contracts/consumers/LiquidationKeeper.sol";
import {ReferenceMarket} from "../../contracts/consumers/ReferenceMarket.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice Two accounts owe nearly all that their collateral admits: 10 ether for 15,000 dollars, 1 ether for 1,490.
contract LiquidationKeeperTest is FedWorld {
    address private constant LARGE = address(0xb1);
    address private constant SMALL = address(0xb0);

    MockToken private _ether;
    MockToken private _dollar;
    MockFeed private _dollarFeed;
    MockFeed private _second;
    ReferenceMarket private _market;
    LiquidationKeeper private _keeper;

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
        _owe(SMALL, 1e18, 1_490e6);
        _keeper = new LiquidationKeeper(address(manager), gateway, _market, _second, 1_000_000e6);
        _dollar.give(address(_keeper), 500_000e6);
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

    /// @dev A period later, at this price.
    function _fallTo(int192 price) private {
        warpToNextPeriod(price);
        _prices(price);
    }

    function _score(address account, int256 score) private {
        bytes32 subject = bytes32(uint256(uint160(account)));
        _keeper.setPolicy(subject, fedPolicy(1, 1 << 40, false), ports);
        decide(address(_keeper), subject, ints(score << 20));
    }

    /// @dev To when the round's list stands.
    function _stand() private {
        VM.warp(lastTime() + 10 minutes);
    }

    function test_liquidatesNobodyWhilePaused() external {
        _keeper.pause(true);
        VM.expectRevert(ConsumerBase.Paused.selector);
        _keeper.liquidate(_list(LARGE));
    }

    function scoreLater(address account, int256 score) external {
        _score(account, score);
    }

    function _list(address first) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = first;
    }

    function _list(address first, address second) private pure returns (address[] memory list) {
        list = new address[](2);
        (list[0], list[1]) = (first, second);
    }

    /// @dev A proof orders liquidations and never makes one.
    function test_aScoreAloneLiquidatesNobody() external {
        _fallTo(int192(PRICE));
        _score(LARGE, 1_000);
        _stand();
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 15_000e6, "healthy");
    }

    function test_liquidatesWhoTheMarketSaysIsUnhealthy() external {
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.StaleScore.selector, LARGE, 0));
        _keeper.liquidate(_list(LARGE));
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _stand();
        _second.push(1_900e8, block.timestamp);
        VM.expectRevert(abi.encodeWithSelector(LiquidationKeeper.FeedsDisagree.selector, 1_800e18, 1_900e18));
        _keeper.liquidate(_list(LARGE));
        _second.push(1_800e8, block.timestamp);
        VM.prank(KEEPER);
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 0, "repaid");
        eq(_dollar.allowance(address(_keeper), address(_market)), 0, "no approval is left");
        eq(_ether.balanceOf(address(_keeper)), uint256(15_750e18) * 1e18 / 1_800e18, "with the bonus");
    }

    /// @dev A list that stands is acted on, and the funds come back, without the gateway.
    function test_survivesADeadGateway() external {
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _stand();
        VM.etch(address(gateway), hex"fe");
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 0, "repaid");
        uint256 left = _dollar.balanceOf(address(_keeper));
        _keeper.withdraw(_dollar, KEEPER, left);
        eq(_dollar.balanceOf(KEEPER), left, "governance has it back");
    }

    function test_oldScoresOrderNothingAndTakeNoPart() external {
        _fallTo(1_800e8);
        _score(LARGE, 5);
        uint64 observed = lastTime();
        VM.warp(observed + 30 minutes + 1);
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.StaleScore.selector, LARGE, observed));
        _keeper.liquidate(_list(LARGE));
        _fallTo(1_800e8);
        eq(_keeper.known(), 0, "a round begins with nothing");
        _score(SMALL, 5);
        eq(_keeper.known(), 1, "the next round's alone");
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.StaleScore.selector, LARGE, observed));
        _keeper.liquidate(_list(LARGE, SMALL));
        _keeper.liquidate(_list(SMALL));
        eq(_market.debtOf(SMALL), 0, "the rest goes on");
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _score(SMALL, 5);
        eq(_keeper.known(), 2, "and comes again");
    }

    /// @dev Who submits the score that it likes at a period's beginning waits until all others could be submitted.
    function test_nobodyChoosesAccountsByTheScoresThatItSubmits() external {
        _fallTo(1_800e8);
        _score(SMALL, 1);
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.StillCollecting.selector, lastTime() + 10 minutes));
        _keeper.liquidate(_list(SMALL));
        VM.warp(lastTime() + 10 minutes - 1);
        _score(LARGE, 1_000);
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.Incomplete.selector, 2, 1));
        _keeper.liquidate(_list(SMALL));
        _keeper.liquidate(_list(LARGE, SMALL));
        yes(_market.debtOf(LARGE) == 0 && _market.debtOf(SMALL) == 0, "the high one first");
    }

    /// @dev A score that comes between a list and its liquidation is refused, and burns nothing: the list stands.
    function test_aScoreInFrontOfALiquidationDoesNotStopIt() external {
        _fallTo(1_800e8);
        _score(LARGE, 1_000);
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.NotCollecting.selector, lastTime(), lastTime()));
        this.scoreLater(SMALL, 2_000);
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 0, "as listed");
    }

    /// @dev A score of the period before takes no part, and keeps no younger one out.
    function test_aScoreOfTheRoundBeforeIsRefused() external {
        _fallTo(1_800e8);
        (uint80 older, uint64 olderTime) = (feed.latestRound(), lastTime());
        bytes32 subject = bytes32(uint256(uint160(LARGE)));
        _keeper.setPolicy(subject, fedPolicy(1, 1 << 40, false), ports);
        _fallTo(1_800e8);
        Request memory old =
            nextRequest(address(_keeper), subject, olderTime, ids(older), ints(180_000), ints(1_000 << 20));
        bytes memory proof = prove(old);
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.NotCollecting.selector, lastTime(), olderTime));
        gateway.submit(old, proof);
        decide(address(_keeper), subject, ints(1_000 << 20));
        eq(_keeper.known(), 1, "the younger one");
    }

    /// @dev Nobody who calls puts an account before another, leaves one out, or counts one twice instead.
    function test_theOrderIsWhatTheScoresSay() external {
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _score(SMALL, 6);
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.WrongOrder.selector, SMALL));
        _keeper.liquidate(_list(LARGE, SMALL));
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.Incomplete.selector, 2, 1));
        _keeper.liquidate(_list(LARGE));
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.WrongOrder.selector, LARGE));
        _keeper.liquidate(_list(LARGE, LARGE));
        _keeper.liquidate(_list(SMALL, LARGE));
        yes(_market.debtOf(SMALL) == 0 && _market.debtOf(LARGE) == 0, "both");
    }

    function test_equalScoresAreOrderedByAddress() external {
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _score(SMALL, 5);
        _stand();
        VM.expectRevert(abi.encodeWithSelector(AccountRanking.WrongOrder.selector, SMALL));
        _keeper.liquidate(_list(LARGE, SMALL));
        _keeper.liquidate(_list(SMALL, LARGE));
        eq(_market.debtOf(SMALL), 0, "the lower address first");
    }

    /// @dev What may be spent goes to the highest scores, whole.
    function test_fundsGoToTheHighestScores() external {
        _keeper.withdraw(_dollar, address(this), 500_000e6 - 2_000e6);
        _fallTo(1_800e8);
        _score(LARGE, 6);
        _score(SMALL, 5);
        _stand();
        _keeper.liquidate(_list(LARGE, SMALL));
        eq(_market.debtOf(LARGE), 13_000e6, "as far as they reach");
        eq(_market.debtOf(SMALL), 1_490e6, "and no further");
        _dollar.give(address(_keeper), 13_500e6);
        _keeper.liquidate(_list(LARGE, SMALL));
        eq(_market.debtOf(LARGE), 0, "first");
        eq(_market.debtOf(SMALL), 990e6, "then the next");
    }

    function test_aDaySeesItsLimit() external {
        _keeper = new LiquidationKeeper(address(manager), gateway, _market, _second, 2_000e6);
        _dollar.give(address(_keeper), 500_000e6);
        _fallTo(1_800e8);
        _score(LARGE, 5);
        _stand();
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 14_000e6, "half of a day's");
        _keeper.liquidate(_list(LARGE));
        eq(_market.debtOf(LARGE), 14_000e6, "and no more");
    }

    /// @dev So low a price that the collateral is worth less than the debt: as much as it pays for, and never at a
    /// loss. What is left then does not stop the others.
    function test_noMoreIsRepaidThanTheCollateralPaysFor() external {
        _fallTo(1_000e8);
        _score(LARGE, 6);
        _score(SMALL, 5);
        uint256 before = _dollar.balanceOf(address(_keeper));
        _stand();
        _keeper.liquidate(_list(LARGE, SMALL));
        yes(_market.debtOf(LARGE) > 5_000e6 && _market.collateralOf(LARGE) < 1e12, "all that it had");
        yes(_market.debtOf(SMALL) > 0 && _market.collateralOf(SMALL) < 1e12, "the next one too");
        uint256 spent = before - _dollar.balanceOf(address(_keeper));
        yes(_ether.balanceOf(address(_keeper)) * 1_000e6 / 1e18 >= spent * 101 / 100, "with a profit");
        before = _dollar.balanceOf(address(_keeper));
        _keeper.liquidate(_list(LARGE, SMALL));
        yes(before - _dollar.balanceOf(address(_keeper)) < 10, "nothing is left");
    }
}
