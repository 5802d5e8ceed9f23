// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title The read side of a risk oracle, as risk stewards and agent hubs know it.
interface IRiskOracle {
    /// @notice An update. `timestamp` in seconds; values ABI-encoded; `updateId` rises.
    struct RiskParameterUpdate {
        uint256 timestamp;
        bytes newValue;
        string referenceId;
        bytes previousValue;
        string updateType;
        uint256 updateId;
        address market;
        bytes additionalData;
    }

    /// @notice The latest update of a type for a market; reverts where there is none.
    function getLatestUpdateByParameterAndMarket(string memory updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory);
}
