// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway} from "../interfaces/IDecisionGateway.sol";

/// @title Integers in a fixed number of bytes each: two's complement, big-endian.
/// @notice For calldata alone. How an integer becomes a public value is `PublicValues`' matter.
library PackedInts {
    /// @notice Widest integer of a port, in bytes.
    uint256 internal constant MAX_WIDTH = 16;

    /// @notice All integers in `packed`.
    /// @param width Bytes of each, 1 to 16; `packed` must be a multiple of it.
    function unpack(bytes calldata packed, uint256 width) internal pure returns (int256[] memory values) {
        if (width == 0 || width > MAX_WIDTH || packed.length % width != 0) revert IDecisionGateway.BadWidth(width);
        uint256 count = packed.length / width;
        values = new int256[](count);
        assembly ("memory-safe") {
            // The integer's bytes are the word's highest: an arithmetic shift brings them down with their sign. Bytes of
            // calldata behind `packed` are shifted out, and behind its end read as zeros.
            let shift := sub(256, mul(8, width))
            let from := packed.offset
            let to := add(values, 0x20)
            for { let end := add(to, mul(0x20, count)) } lt(to, end) {} {
                mstore(to, sar(shift, calldataload(from)))
                from := add(from, width)
                to := add(to, 0x20)
            }
        }
    }
}
