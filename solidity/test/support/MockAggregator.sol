// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPriceFeed} from "../../contracts/interfaces/IPriceFeed.sol";

/// @notice One slot a round, as Chainlink's aggregators keep them, behind a proxy that reads phase and aggregator from a slot:
/// for figures of gas that resemble the real ones.
contract MockAggregator {
    mapping(uint64 round => uint256) private _rounds;
    uint64 public latest;

    function push(int192 answer, uint64 updatedAt) external {
        _rounds[++latest] = (uint256(uint192(answer)) << 64) | updatedAt;
    }

    function roundOf(uint64 round) public view returns (uint64, int256, uint256) {
        uint256 entry = _rounds[round];
        return (round, int192(int256(entry >> 64)), uint64(entry));
    }

    function latestRound() external view returns (uint64, int256, uint256) {
        return roundOf(latest);
    }

    function decimals() external pure returns (uint8) {
        return 8;
    }
}

contract MockProxy is IPriceFeed {
    struct Phase {
        uint16 id;
        MockAggregator aggregator;
    }

    Phase private _phase;
    mapping(uint16 phase => MockAggregator) private _aggregators;
    string public constant description = "mock";
    uint256 public constant version = 1;

    constructor(MockAggregator aggregator) {
        _phase = Phase(1, aggregator);
        _aggregators[1] = aggregator;
    }

    function decimals() external view returns (uint8) {
        return _phase.aggregator.decimals();
    }

    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        uint16 phase = uint16(id >> 64);
        (uint64 round, int256 answer, uint256 updatedAt) = _aggregators[phase].roundOf(uint64(id));
        return _answer(phase, round, answer, updatedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Phase memory phase = _phase;
        (uint64 round, int256 answer, uint256 updatedAt) = phase.aggregator.latestRound();
        return _answer(phase.id, round, answer, updatedAt);
    }

    function _answer(uint16 phase, uint64 round, int256 answer, uint256 updatedAt)
        private
        pure
        returns (uint80, int256, uint256, uint256, uint80)
    {
        uint80 id = (uint80(phase) << 64) | round;
        return (id, answer, updatedAt, updatedAt, id);
    }
}
