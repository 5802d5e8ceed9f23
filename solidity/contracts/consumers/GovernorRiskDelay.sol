// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IRiskDelay} from "../interfaces/IRiskDelay.sol";

/// @title A governor's extension: one longer vote for a risky proposal.
/// @notice The advisor can make voters wait, by a fixed time of at most two days, once a proposal, and only while they
/// vote. It can block nothing and shorten nothing.
/// @dev The governor's clock must count seconds.
abstract contract GovernorRiskDelay is Governor, IRiskDelay {
    event RiskAdvisorSet(address advisor, uint48 delay);
    event ProposalDelayed(uint256 indexed proposalId, uint256 deadline);

    /// @notice Only the advisor delays.
    error NotAdvisor(address caller);
    /// @notice The proposal was delayed before.
    error DelayedBefore(uint256 proposalId);
    /// @notice Longer than `MAX_RISK_DELAY`. In seconds.
    error DelayTooLong(uint48 delay);

    /// @notice Seconds.
    uint48 public constant MAX_RISK_DELAY = 2 days;

    /// @notice Who may delay.
    address public riskAdvisor;
    /// @notice By how much, in seconds.
    uint48 public riskDelay;
    mapping(uint256 proposalId => uint48) private _extensions;

    constructor(address advisor, uint48 delay) {
        _setRiskAdvisor(advisor, delay);
    }

    /// @notice Changes advisor and delay, for proposals that are not delayed yet. By a vote.
    function setRiskAdvisor(address advisor, uint48 delay) external onlyGovernance {
        _setRiskAdvisor(advisor, delay);
    }

    /// @inheritdoc IRiskDelay
    function delayForRisk(uint256 proposalId) external {
        if (msg.sender != riskAdvisor) revert NotAdvisor(msg.sender);
        _validateStateBitmap(proposalId, _encodeStateBitmap(ProposalState.Active));
        if (_extensions[proposalId] != 0) revert DelayedBefore(proposalId);
        _extensions[proposalId] = riskDelay;
        emit ProposalDelayed(proposalId, proposalDeadline(proposalId));
    }

    /// @notice The deadline with the extension. In seconds.
    function proposalDeadline(uint256 proposalId) public view virtual override returns (uint256) {
        return super.proposalDeadline(proposalId) + _extensions[proposalId];
    }

    function _setRiskAdvisor(address advisor, uint48 delay) internal {
        if (delay > MAX_RISK_DELAY) revert DelayTooLong(delay);
        (riskAdvisor, riskDelay) = (advisor, delay);
        emit RiskAdvisorSet(advisor, delay);
    }
}
