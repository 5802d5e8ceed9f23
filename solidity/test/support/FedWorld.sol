// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Policy} from "../../contracts/interfaces/IDecisionConsumer.sol";
import {Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {Source} from "../../contracts/interfaces/IFeedBinder.sol";
import {Port} from "../../contracts/verifiers/PublicValues.sol";
import {VM} from "../Vm.sol";
import {MockFeed} from "./MockFeed.sol";
import {World} from "./World.sol";

/// @notice A world with one feed of 8 decimals, a set of it, and a model of one input (steps of 0.01) for each number of
/// outputs that a consumer needs.
abstract contract FedWorld is World {
    int256 internal constant PRICE = 2_000e8;

    MockFeed internal feed;
    bytes32 internal set;
    Port[] internal ports;

    function buildFed() internal {
        build();
        feed = new MockFeed(8);
        feed.push(int192(PRICE), START - 10);
        Source[] memory sources = new Source[](1);
        sources[0] = source(address(feed));
        set = feedSet(sources, repeated(inputPort(), 1));
        warpToNextPeriod(int192(PRICE));
    }

    function inputPort() internal pure returns (Port memory) {
        return port(0, 1 << 60, 100);
    }

    /// @dev A model whose outputs have steps of 2^-20, and the policy for it.
    function fedPolicy(uint256 outputs, int128 bound, bool snapshots) internal returns (Policy memory) {
        delete ports;
        ports.push(inputPort());
        for (uint256 i = 0; i < outputs; ++i) {
            ports.push(port(-bound, bound, 1 << 20));
        }
        return Policy(register(ports, 1), set, 0, 2 hours, 10 minutes, 0, snapshots);
    }

    /// @dev To one second behind the beginning of the next period, with a round of the price in the feed.

    function warpToNextPeriod(int192 price) internal {
        uint256 next = (block.timestamp / PERIOD + 1) * PERIOD;
        feed.push(price, next - 30);
        VM.warp(next + 1);
    }

    /// @dev The next request, bound to the latest round. Outputs in 2^-20.
    function request(address consumer, bytes32 subject, int256[] memory outputs)
        internal
        view
        returns (Request memory)
    {
        (, int256 answer,,,) = feed.latestRoundData();
        return nextRequest(consumer, subject, lastTime(), ids(feed.latestRound()), ints(answer / 1e6), outputs);
    }

    function decide(address consumer, bytes32 subject, int256[] memory outputs) internal returns (bytes32) {
        Request memory made = request(consumer, subject, outputs);
        return gateway.submit(made, prove(made));
    }
}
