// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestedValues} from "../../contracts/feeds/AttestedValues.sol";
import {IFeedBinder, Kind, Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {InputHash} from "../../contracts/libraries/InputHash.sol";
import {VM} from "../Vm.sol";
import {World} from "../support/World.sol";

contract Market {
    int256 public value;
    bool public broken;

    function set(int256 value_) external {
        value = value_;
    }

    function setBroken(bool broken_) external {
        broken = broken_;
    }

    function utilization(bytes32) external view returns (int256) {
        require(!broken, "broken");
        return value;
    }

    function two(bytes32) external view returns (int256, int256) {
        return (value, value);
    }
}

/// @notice Sources without a history of their own: views of contracts, and what signers attest.
contract ViewsTest is World {
    Market private _market;
    bytes32 private _set;
    uint80[] private _none;

    function setUp() external {
        build();
        _market = new Market();
        _set = _define(Kind.View, address(_market), Market.utilization.selector);
        VM.warp(START + 1);
    }

    function _define(Kind kind, address target, bytes4 selector) private returns (bytes32) {
        Source[] memory sources = new Source[](1);
        sources[0] = Source(kind, target, selector, "eth", 2, 0, 3 hours, 0, 0, 10_000);
        return feedSet(sources, repeated(port(0, 1 << 60, 1000), 1));
    }

    function _record(int256 value) private returns (uint64) {
        VM.warp(block.timestamp + PERIOD);
        _market.set(value);
        return _snapshot(_set);
    }

    /// @dev As a keeper's account does, directly.
    function _snapshot(bytes32 id) private returns (uint64) {
        VM.prank(KEEPER, KEEPER);
        return binder.snapshot(id, _none);
    }

    /// @dev One block's state, as a flash loan makes it, never reaches a model.
    function test_bindsTheMedianOfThreePeriods() external {
        eq(_record(50), 0, "one record");
        eq(_record(60), 0, "two records");
        eq(_record(9_999), 1, "three");
        eq(binder.bound(_set, 1, InputHash.ofAll(ints(600))), lastTime(), "0.60 in steps of 0.001");
        eq(_record(55), 2, "the pumped value leaves");
        binder.bound(_set, 2, InputHash.ofAll(ints(600)));
        _record(54);
        binder.bound(_set, 3, InputHash.ofAll(ints(550)));
    }

    function testFuzz_theMedianIsBetweenTheOthers(uint16[3] calldata values) external {
        int256[] memory v = new int256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            v[i] = int256(uint256(values[i] % 10_001));
            _record(v[i]);
        }
        int256 lo = v[0] < v[1] ? v[0] : v[1];
        int256 hi = v[0] < v[1] ? v[1] : v[0];
        int256 median = v[2] < lo ? lo : v[2] > hi ? hi : v[2];
        binder.bound(_set, 1, InputHash.ofAll(ints(median * 10)));
    }

    function test_aRepeatWithinThePeriodRecordsNothing() external {
        _record(50);
        _market.set(9_999);
        eq(_snapshot(_set), 0, "still warming up");
        _record(60);
        _record(70);
        binder.bound(_set, 1, InputHash.ofAll(ints(600)));
    }

    function test_oldRecordsDoNotCount() external {
        _record(50);
        _record(60);
        VM.warp(block.timestamp + 3 hours);
        eq(_record(70), 0, "the oldest record is too old");
        eq(_record(70), 0, "the second oldest too");
        eq(_record(70), 1, "three young ones");
    }

    function test_viewsAreBoundFromSnapshotsOnly() external {
        uint64 time = lastTime();
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.SnapshotsOnly.selector, 0));
        binder.bind(_set, time, _none);
        (,,, bool views) = binder.shapeOf(_set);
        yes(views, "consumers are told");
    }

    function test_brokenViews() external {
        VM.warp(block.timestamp + PERIOD);
        _market.setBroken(true);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.ViewFailed.selector, 0));
        _snapshot(_set);
        bytes32 two = _define(Kind.View, address(_market), Market.two.selector);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.ViewFailed.selector, 0));
        _snapshot(two);
        _market.setBroken(false);
        _market.set(10_001);
        VM.expectRevert(
            abi.encodeWithSelector(IFeedBinder.OutOfBand.selector, 0, int256(10_001), int256(0), int256(10_000))
        );
        _snapshot(_set);
    }

    /// @dev What a flash loan made of a view is gone between two transactions: contracts cannot record, nor can accounts that
    /// have code.
    function test_viewsAreRecordedBetweenTransactionsOnly() external {
        VM.warp(block.timestamp + PERIOD);
        _market.set(9_999);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.DirectCallsOnly.selector, address(this)));
        binder.snapshot(_set, _none);
        VM.etch(KEEPER, bytes.concat(hex"ef0100", bytes20(address(_market))));
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.DirectCallsOnly.selector, KEEPER));
        _snapshot(_set);
    }

    /// @dev The last second of a period and the first of the next are two records of one moment.
    function test_recordsOfViewsAreHalfAPeriodApart() external {
        VM.warp((block.timestamp / PERIOD + 1) * PERIOD - 1);
        _market.set(50);
        _snapshot(_set);
        uint256 next = block.timestamp + PERIOD / 2;
        VM.warp(block.timestamp + 2);
        VM.expectRevert(abi.encodeWithSelector(IFeedBinder.TooSoon.selector, next));
        _snapshot(_set);
        VM.warp(next);
        _snapshot(_set);
    }

    function test_attestedValuesNeedTheirSigners() external {
        address[] memory signers = new address[](3);
        uint256[3] memory keys = [uint256(11), 12, 13];
        for (uint256 i = 0; i < 3; ++i) {
            signers[i] = VM.addr(keys[i]);
        }
        AttestedValues values = new AttestedValues(signers, 2);
        bytes32 set = _define(Kind.Attested, address(values), 0);
        uint64 time = lastTime();
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.NoReport.selector, bytes32("eth"), time));
        binder.bind(set, time, _none);

        (uint256 a, uint256 b) = VM.addr(11) < VM.addr(12) ? (uint256(11), uint256(12)) : (uint256(12), uint256(11));
        bytes[] memory signatures = new bytes[](2);
        (signatures[0], signatures[1]) = (_sign(values, a, 42, time), _sign(values, a, 42, time));
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.BadSignatures.selector, 1, 2));
        values.report("eth", 42, time, signatures);
        signatures[1] = _sign(values, 99, 42, time);
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.BadSignatures.selector, 1, 2));
        values.report("eth", 42, time, signatures);
        bytes[] memory one = new bytes[](1);
        one[0] = signatures[0];
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.BadSignatures.selector, 1, 2));
        values.report("eth", 42, time, one);
        uint64 future = uint64(block.timestamp);
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.TimeNotPast.selector, future, block.timestamp));
        values.report("eth", 42, future, one);

        signatures[1] = _sign(values, b, 42, time);
        values.report("eth", 42, time, signatures);
        eqInt(binder.bind(set, time, _none)[0], 420, "0.42 in steps of 0.001");
        // A second value for the same time changes nothing, whoever signs it.
        values.report("eth", 43, time, one);
        eqInt(values.valueAt("eth", time), 42, "the first stays");
    }

    /// @dev Kelp, 18 April 2026: one verifier alone vouched for what had not happened. Here one signer of three, who signs
    /// twice or in both places, vouches for nothing.
    function test_incident_kelpOneOfOne() external {
        address[] memory signers = new address[](3);
        (signers[0], signers[1], signers[2]) = (VM.addr(11), VM.addr(12), VM.addr(13));
        AttestedValues values = new AttestedValues(signers, 2);
        uint64 time = lastTime();
        bytes[] memory signatures = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            signatures[i] = _sign(values, 11, 116_500, time);
        }
        VM.expectRevert(abi.encodeWithSelector(AttestedValues.BadSignatures.selector, 1, 2));
        values.report("eth", 116_500, time, signatures);
    }

    function test_signersAreNamedOnce() external {
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (KEEPER, KEEPER);
        VM.expectRevert(AttestedValues.BadSigners.selector);
        new AttestedValues(signers, 1);
        signers[1] = GUARDIAN;
        VM.expectRevert(AttestedValues.BadSigners.selector);
        new AttestedValues(signers, 3);
        VM.expectRevert(AttestedValues.BadSigners.selector);
        new AttestedValues(signers, 0);
    }

    function _sign(AttestedValues values, uint256 key, int192 value, uint64 time) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ApodictAttestedValues"),
                keccak256("1"),
                block.chainid,
                address(values)
            )
        );
        bytes32 hash = keccak256(abi.encode(values.REPORT(), bytes32("eth"), value, time));
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, keccak256(abi.encodePacked(hex"1901", domain, hash)));
        return abi.encodePacked(r, s, v);
    }
}
