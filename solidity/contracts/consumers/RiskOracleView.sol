// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IRiskOracle} from "../interfaces/IRiskOracle.sol";
import {Live} from "../libraries/Bounds.sol";
import {BoundedConsumer} from "./BoundedConsumer.sol";

/// @title The parameters of any bounded consumer, in the form of a risk oracle.
/// @notice For readers that follow what another market's steward does. A name (update type and market) is given a
/// parameter once and never another one.
contract RiskOracleView is AccessManaged, IRiskOracle {
    struct Place {
        BoundedConsumer consumer;
        uint8 index;
        bytes32 group;
    }

    event Named(string updateType, address indexed market, BoundedConsumer consumer, bytes32 group, uint256 index);

    /// @notice The name has a parameter.
    error NamedBefore(string updateType, address market);
    /// @notice The name has none, or one that never changed.
    error NoUpdate(string updateType, address market);
    /// @notice The consumer has no such parameter.
    error NoParameter(bytes32 group, uint256 index);

    mapping(bytes32 name => Place) private _places;

    constructor(address authority) AccessManaged(authority) {}

    /// @notice Gives a name a parameter. By governance.
    function give(string calldata updateType, address market, BoundedConsumer consumer, bytes32 group, uint8 index)
        external
        restricted
    {
        Place storage place = _places[keccak256(abi.encode(updateType, market))];
        if (address(place.consumer) != address(0)) revert NamedBefore(updateType, market);
        (Live[] memory live,) = consumer.parametersOf(group);
        if (index >= live.length) revert NoParameter(group, index);
        (place.consumer, place.index, place.group) = (consumer, index, group);
        emit Named(updateType, market, consumer, group, index);
    }

    /// @inheritdoc IRiskOracle
    /// @dev `timestamp` is when the parameter changed, `updateId` how often it did: which decision moved it is in the
    /// consumer's events.
    function getLatestUpdateByParameterAndMarket(string memory updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory update)
    {
        Place memory place = _places[keccak256(abi.encode(updateType, market))];
        if (address(place.consumer) == address(0)) revert NoUpdate(updateType, market);
        (Live[] memory live,) = place.consumer.parametersOf(place.group);
        Live memory parameter = live[place.index];
        if (parameter.seq == 0) revert NoUpdate(updateType, market);
        update.timestamp = parameter.changedAt;
        update.newValue = abi.encode(uint256(parameter.value));
        update.previousValue = abi.encode(uint256(parameter.previous));
        update.updateType = updateType;
        update.updateId = parameter.seq;
        update.market = market;
    }
}
