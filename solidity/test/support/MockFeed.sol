// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IPriceFeed} from "../../contracts/interfaces/IPriceFeed.sol";

/// @notice A proxy of feeds with phases, as Chainlink's: it answers for rounds of every phase.
contract MockFeed is IPriceFeed {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    uint8 public decimals;
    string public constant description = "mock";
    uint256 public constant version = 1;
    uint16 public phase = 1;
    bool public revertsForMissing;
    bool public ignoresPhase;
    /// @dev A source that forgets its oldest rounds, or had none of them here.
    bool public forgetsFirst;
    /// @dev A wrapper whose latest round always looks fresh.
    bool public refreshesLatest;
    mapping(uint16 phase => Round[]) private _rounds;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function setReverts(bool reverts) external {
        revertsForMissing = reverts;
    }

    function setIgnoresPhase(bool ignores) external {
        ignoresPhase = ignores;
    }

    function setForgetsFirst(bool forgets) external {
        forgetsFirst = forgets;
    }

    function setRefreshesLatest(bool refreshes) external {
        refreshesLatest = refreshes;
    }

    function newPhase() external {
        ++phase;
    }

    function push(int192 answer, uint256 updatedAt) external returns (uint80) {
        return pushTo(phase, answer, updatedAt);
    }

    function pushTo(uint16 phase_, int192 answer, uint256 updatedAt) public returns (uint80) {
        _rounds[phase_].push(Round(answer, uint64(updatedAt)));
        return (uint80(phase_) << 64) | uint80(_rounds[phase_].length);
    }

    function latestRound() public view returns (uint80) {
        return (uint80(phase) << 64) | uint80(_rounds[phase].length);
    }

    function getRoundData(uint80 id) public view returns (uint80, int256, uint256, uint256, uint80) {
        uint16 phase_ = ignoresPhase ? phase : uint16(id >> 64);
        uint256 index = uint64(id);
        bool forgotten = forgetsFirst && index == 1;
        if (forgotten || index == 0 || index > _rounds[phase_].length) {
            require(!revertsForMissing, "No data present");
            return (id, 0, 0, 0, id);
        }
        Round memory round = _rounds[phase_][index - 1];
        uint80 answered = (uint80(phase_) << 64) | uint80(index);
        return (answered, round.answer, round.updatedAt, round.updatedAt, answered);
    }

    function latestRoundData()
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        (id, answer, startedAt, updatedAt, answeredInRound) = getRoundData(latestRound());
        if (refreshesLatest) updatedAt = block.timestamp;
    }
}
