// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Decision} from "../interfaces/IDecisionConsumer.sol";
import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";
import {IRiskOracle} from "../interfaces/IRiskOracle.sol";
import {Live} from "../libraries/Bounds.sol";
import {Groups} from "../libraries/Groups.sol";
import {Port} from "../verifiers/PublicValues.sol";
import {BoundedConsumer} from "./BoundedConsumer.sol";
import {ConsumerBase} from "./ConsumerBase.sol";

/// @title A risk oracle whose updates are proved.
/// @notice Contracts that read a risk oracle (Aave's agents among them) read this one unchanged. A subject is an update
/// type and a market; a decision has one output, the parameter in units of 1 (bps, or whole tokens), and becomes an
/// update when its bounds let it through, numbered from 1 for each subject; the events are `Groups.Applied`. The
/// reader's own ranges, delays and breakers hold beside these.
contract ProvenRiskOracle is BoundedConsumer, IRiskOracle {
    /// @notice No update of this type for this market yet.
    error NoUpdate(string updateType, address market);

    uint256 private constant UNIT = 1e18;

    /// @dev Which decision last moved a subject's value. The value itself, when and how often it changed is the group's.
    mapping(bytes32 subject => bytes32 decision) private _decisions;

    constructor(address authority, IDecisionGateway gateway) ConsumerBase(authority, gateway) {}

    /// @notice The subject, and group, of an update type and market.
    function subjectOf(string memory updateType, address market) public pure returns (bytes32) {
        return keccak256(abi.encode(updateType, market));
    }

    /// @inheritdoc IRiskOracle
    /// @dev `timestamp` is when the value came to hold: a reader's expiry counts from there. A change that waited would
    /// else reach its readers expired; how old its inputs may be is the policy's matter. `referenceId` is the
    /// decision's id in hexadecimal; zero where a guardian put the previous value back, or governance has set one since.
    /// A value that governance sets is no update: it says what the reader has, and counts no further.
    function getLatestUpdateByParameterAndMarket(string memory updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory update)
    {
        bytes32 subject = subjectOf(updateType, market);
        Live memory latest = _liveOf(subject)[0];
        if (latest.seq == 0) revert NoUpdate(updateType, market);
        update.timestamp = latest.changedAt;
        update.newValue = abi.encode(uint256(latest.value));
        // No decision moves a value to where it is: one without a previous one was set otherwise.
        bytes32 decision = latest.previous == latest.value ? bytes32(0) : _decisions[subject];
        update.referenceId = Strings.toHexString(uint256(decision), 32);
        update.previousValue = abi.encode(uint256(latest.previous));
        update.updateType = updateType;
        update.updateId = latest.seq;
        update.market = market;
    }

    function _moves(Decision calldata decision) internal pure override returns (Move[] memory moves) {
        _requireOutputs(1, decision.outputs.length);
        if (decision.outputs[0] < 0) revert UnusableOutput(0, decision.outputs[0]);
        moves = new Move[](1);
        moves[0].group = decision.subject;
        moves[0].targets = new uint256[](1);
        // Not negative. Rounded down once more, from 1e-18 to 1.
        // forge-lint: disable-next-line(unsafe-typecast)
        moves[0].targets[0] = uint256(decision.outputs[0]) / UNIT;
    }

    function _apply(bytes32 group, Live[] memory, Groups.Origin memory origin) internal override {
        _decisions[group] = origin.decision;
    }

    function _checkPorts(bytes32, Port[] calldata ports, uint256 inputs) internal pure override {
        _requireOutputs(1, ports.length - inputs);
    }
}
