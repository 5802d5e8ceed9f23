// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingFractional} from "@openzeppelin/contracts/governance/extensions/GovernorCountingFractional.sol";
import {
    GovernorCountingOverridable
} from "@openzeppelin/contracts/governance/extensions/GovernorCountingOverridable.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {VotesExtended} from "@openzeppelin/contracts/governance/utils/VotesExtended.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {GovernorRiskDelay} from "../../contracts/consumers/GovernorRiskDelay.sol";

/// @notice A voting token whose clock counts seconds.
contract TestVotes is ERC20Votes, VotesExtended {
    constructor() ERC20("votes", "VOTE") EIP712("votes", "1") {}

    function give(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function _delegate(address account, address to) internal override(Votes, VotesExtended) {
        super._delegate(account, to);
    }

    function _transferVotingUnits(address from, address to, uint256 amount) internal override(Votes, VotesExtended) {
        super._transferVotingUnits(from, to, amount);
    }
}

/// @notice Delay of one day, ten days of voting, a quorum of 1,000.
abstract contract TestGovernorBase is Governor, GovernorVotes {
    function votingDelay() public pure override returns (uint256) {
        return 1 days;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 10 days;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 1_000e18;
    }
}

contract OverridableGovernor is TestGovernorBase, GovernorCountingOverridable, GovernorRiskDelay {
    constructor(TestVotes token, address advisor, uint48 delay)
        Governor("overridable")
        GovernorVotes(token)
        GovernorRiskDelay(advisor, delay)
    {}

    function proposalDeadline(uint256 id) public view override(Governor, GovernorRiskDelay) returns (uint256) {
        return super.proposalDeadline(id);
    }

    /// @dev As a passed vote would.
    function setForTest(address advisor, uint48 delay) external {
        _setRiskAdvisor(advisor, delay);
    }
}

contract FractionalGovernor is TestGovernorBase, GovernorCountingFractional {
    constructor(TestVotes token) Governor("fractional") GovernorVotes(token) {}
}

contract SimpleGovernor is TestGovernorBase, GovernorCountingSimple {
    constructor(TestVotes token) Governor("simple") GovernorVotes(token) {}
}

contract BlockGovernor is TestGovernorBase, GovernorCountingSimple {
    constructor(TestVotes token) Governor("blocks") GovernorVotes(token) {}

    function CLOCK_MODE() public pure override(Governor, GovernorVotes) returns (string memory) {
        return "mode=blocknumber&from=default";
    }
}
