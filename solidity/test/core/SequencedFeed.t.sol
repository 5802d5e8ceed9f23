// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SequencedFeed} from "../../contracts/feeds/SequencedFeed.sol";
import {IPriceFeed} from "../../contracts/interfaces/IPriceFeed.sol";
import {Prices} from "../../contracts/libraries/Prices.sol";
import {Sequencer} from "../../contracts/libraries/Sequencer.sol";
import {VM} from "../Vm.sol";
import {Checks} from "../support/Checks.sol";
import {MockFeed} from "../support/MockFeed.sol";

/// @notice What acts on the latest price of a layer 2 does not act while its sequencer is down.
contract SequencedFeedTest is Checks {
    MockFeed private _feed;
    MockFeed private _sequencer;
    SequencedFeed private _guarded;

    function setUp() external {
        VM.warp(1_800_000_000);
        (_feed, _sequencer) = (new MockFeed(8), new MockFeed(0));
        _guarded = new SequencedFeed(_feed, _sequencer, 1 hours);
        _feed.push(2_000e8, block.timestamp);
    }

    function latest() external view returns (uint256) {
        return Prices.latest(_guarded, 2 hours);
    }

    function test_answersWhileTheSequencerIsUp() external {
        _sequencer.push(0, block.timestamp - 1 hours);
        eq(this.latest(), 2_000e18, "the feed's answer");
        eq(_guarded.decimals(), 8, "its decimals");
        (uint80 id, int256 answer,,,) = _guarded.getRoundData(_feed.latestRound());
        yes(id == _feed.latestRound() && answer == 2_000e8, "its rounds");
        eq(_guarded.version(), 1, "its version");
        yes(keccak256(bytes(_guarded.description())) == keccak256("mock"), "its description");
    }

    function test_refusesWhileItIsDownAndForAWhileAfterwards() external {
        _expectDown(0);
        _sequencer.push(1, block.timestamp);
        _expectDown(block.timestamp);
        VM.warp(block.timestamp + 10);
        _sequencer.push(0, block.timestamp);
        _expectDown(block.timestamp);
        VM.warp(block.timestamp + 1 hours - 1);
        _expectDown(block.timestamp + 1 - 1 hours);
        VM.warp(block.timestamp + 1);
        this.latest();
    }

    function test_bothAnswer() external {
        VM.expectRevert();
        new SequencedFeed(IPriceFeed(address(0xdead)), _sequencer, 1);
        VM.expectRevert();
        new SequencedFeed(_feed, IPriceFeed(address(0xdead)), 1);
    }

    function _expectDown(uint256 since) private {
        VM.expectRevert(abi.encodeWithSelector(Sequencer.SequencerDown.selector, since, 1 hours));
        this.latest();
    }
}
