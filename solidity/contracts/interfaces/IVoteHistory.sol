// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title A voting token whose checkpoints can be read, as OpenZeppelin's `ERC20Votes` with `VotesExtended`.
interface IVoteHistory is IVotes {
    /// @notice How often an account's votes changed.
    function numCheckpoints(address account) external view returns (uint32);
    /// @notice One change: its time (seconds) and the votes since.
    function checkpoints(address account, uint32 position) external view returns (Checkpoints.Checkpoint208 memory);
    /// @notice Who voted for an account at a time in the past.
    function getPastDelegate(address account, uint256 timepoint) external view returns (address);
    /// @notice An account's own units at a time in the past.
    function getPastBalanceOf(address account, uint256 timepoint) external view returns (uint256);
}
