// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Memory as others leave it: behind the free pointer stands what was written and given up.
library Dirt {
    /// @dev Bytes that are written.
    uint256 internal constant BYTES = 16384;

    /// @notice Writes ones behind the free pointer, which stays.
    function fill() internal pure {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let at := 0 } lt(at, BYTES) { at := add(at, 0x20) } { mstore(add(free, at), not(0)) }
        }
    }

    /// @notice Whether ones stand in the 512 bytes from the free pointer on.
    function isLeft() internal pure returns (bool left) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            left := 1
            for { let at := 0 } lt(at, 512) { at := add(at, 0x20) } {
                left := and(left, eq(mload(add(free, at)), not(0)))
            }
        }
    }
}
