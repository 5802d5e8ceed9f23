// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BoundedConsumer} from "../../contracts/consumers/BoundedConsumer.sol";
import {CollateralSteward} from "../../contracts/consumers/CollateralSteward.sol";
import {ReferenceMarket} from "../../contracts/consumers/ReferenceMarket.sol";
import {ICollateralPort} from "../../contracts/interfaces/ICollateralPort.sol";
import {Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Bound, Bounds} from "../../contracts/libraries/Bounds.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockFeed} from "../support/MockFeed.sol";
import {MockToken} from "../support/MockToken.sol";

contract Pool {
    int256 public value = 50;

    function set(int256 value_) external {
        value = value_;
    }

    function utilization(bytes32) external view returns (int256) {
        return value;
    }
}

/// @notice A test that passes shows an attack that works.
contract ReviewSteward is FedWorld {
    MockToken private _ether;
    MockToken private _dollar;
    ReferenceMarket private _market;
    CollateralSteward private _steward;
    bytes32 private _subject;

    function setUp() external {
        buildFed();
        (_ether, _dollar) = (new MockToken(18), new MockToken(6));
        _market = new ReferenceMarket(address(manager), _ether, _dollar, feed, new MockFeed(8));
        _market.configureReserveAsCollateral(address(_ether), 7_500, 8_000);
        _market.setSupplyCap(address(_ether), 1_000);
        _market.setBorrowCap(address(_ether), 1_000_000);
        _steward = new CollateralSteward(address(manager), gateway, _market);
        bytes4[] memory selectors = new bytes4[](3);
        selectors[0] = ICollateralPort.configureReserveAsCollateral.selector;
        selectors[1] = ICollateralPort.setSupplyCap.selector;
        selectors[2] = ICollateralPort.setBorrowCap.selector;
        manager.setTargetFunctionRole(address(_market), selectors, 11);
        manager.grantRole(11, address(_steward), 0);
        guard(address(_steward), BoundedConsumer.restore.selector);
        _subject = _steward.subjectOf(address(_ether));
        _steward.setPolicy(_subject, fedPolicy(4, 1 << 60, false), ports);
        Bound[] memory bounds = new Bound[](2);
        bounds[0] = Bound(0, 9_000, 50, 300, 24 hours, 0, 72 hours, Bounds.SAFE_DOWN);
        bounds[1] = Bound(1_000, 9_500, 25, 25, 24 hours, 24 hours, 72 hours, 0);
        uint48[] memory values = new uint48[](2);
        (values[0], values[1]) = (7_500, 8_000);
        _steward.configure(_steward.groupOf(address(_ether), 0), bounds, values);
        bounds = new Bound[](1);
        bounds[0] = Bound(1, 10_000_000, 5_000, 5_000, 24 hours, 0, 36 hours, Bounds.SAFE_DOWN | Bounds.RELATIVE);
        values = new uint48[](1);
        values[0] = 1_000;
        _steward.configure(_steward.groupOf(address(_ether), 1), bounds, values);
        values[0] = 1_000_000;
        _steward.configure(_steward.groupOf(address(_ether), 2), bounds, values);
        VM.warp(block.timestamp + 5 days);
    }

    function _decide(uint256 ltv, uint256 lt, uint256 supplyCap, uint256 borrowCap) private {
        warpToNextPeriod(int192(PRICE));
        int256[] memory outputs = new int256[](4);
        outputs[0] = int256((ltv * (1 << 20) + 9_999) / 10_000);
        outputs[1] = int256((lt * (1 << 20) + 9_999) / 10_000);
        (outputs[2], outputs[3]) = (int256(supplyCap << 20), int256(borrowCap << 20));
        decide(address(_steward), _subject, outputs);
    }

    /// @dev A bad loan to value is executed. A cap that somebody else lowers in the same emergency keeps the guardian
    /// from putting the loan to value back: `configure` takes 48 hours, `restore` has 24.
    function test_aCapLoweredByHandKeepsTheGuardianFromRestoringTheLoanToValue() external {
        bytes32 group = _steward.groupOf(address(_ether), 0);
        _decide(7_550, 8_025, 1_000, 1_000_000);
        VM.warp(block.timestamp + 24 hours);
        _steward.execute(group);
        eq(_market.ltv(), 7_550, "the bad one");
        manager.grantRole(11, address(this), 0);
        _market.setSupplyCap(address(_ether), 1);
        VM.prank(GUARDIAN);
        VM.expectPartialRevert(CollateralSteward.OutOfStep.selector);
        _steward.restore(group);
        eq(_market.ltv(), 7_550, "stays");
    }

    /// @dev Three transactions in a row in one block (a bundle), twice: with one's own money, which is back at once.
    function test_twoBundlesAreTwoRecordsOfThree() external {
        Pool target = new Pool();
        Source[] memory sources = new Source[](1);
        sources[0] =
            Source(Kind.View, address(target), Pool.utilization.selector, 0, 2, 0, 3 hours, 0, 0, 10_000);
        bytes32 id = feedSet(sources, repeated(port(0, 1 << 60, 1000), 1));
        VM.warp((block.timestamp / PERIOD + 1) * PERIOD + 1);
        VM.prank(KEEPER, KEEPER);
        binder.snapshot(id, new uint80[](0));
        for (uint256 i = 0; i < 2; ++i) {
            VM.warp(block.timestamp + PERIOD);
            target.set(9_999);
            VM.prank(address(0xbad), address(0xbad));
            binder.snapshot(id, new uint80[](0));
            target.set(50);
        }
        binder.bound(id, 1, InputHash.ofAll(ints(99_990)));
    }
}
