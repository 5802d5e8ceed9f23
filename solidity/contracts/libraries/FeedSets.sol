// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {Source} from "../interfaces/IFeedBinder.sol";
import {Port} from "../verifiers/PublicValues.sol";

/// @title Sets of feeds as they are kept: `abi.encode(FeedSet)`, read in place.
/// @notice Sources and ports are structs without arrays: their words are in memory as the ABI writes them, so that none
/// is decoded that is not asked for. What is not such an encoding must never come here.
library FeedSets {
    /// @notice The first words of a set. `sourcesAt`, `portsAt`: bytes from here to the lengths of the two arrays.
    struct Head {
        uint256 sourcesAt;
        uint256 portsAt;
        uint32 period;
        address sequencerFeed;
        uint32 grace;
    }

    uint256 private constant SOURCE_BYTES = 320;
    uint256 private constant PORT_BYTES = 192;

    /// @notice The set's head.
    function headOf(bytes memory set) internal pure returns (Head memory head) {
        assembly ("memory-safe") {
            // Behind the bytes' length and the offset of the struct.
            head := add(set, 0x40)
        }
    }

    /// @notice How many sources there are, and ports.
    function countOf(Head memory head) internal pure returns (uint256 count) {
        assembly ("memory-safe") {
            count := mload(add(head, mload(head)))
        }
    }

    /// @notice The `i`th source, `i < countOf(head)`.
    function sourceOf(Head memory head, uint256 i) internal pure returns (Source memory source) {
        assembly ("memory-safe") {
            source := add(add(head, add(mload(head), 0x20)), mul(i, SOURCE_BYTES))
        }
    }

    /// @notice The `i`th port, `i < countOf(head)`.
    function portOf(Head memory head, uint256 i) internal pure returns (Port memory port) {
        assembly ("memory-safe") {
            port := add(add(head, add(mload(add(head, 0x20)), 0x20)), mul(i, PORT_BYTES))
        }
    }
}
