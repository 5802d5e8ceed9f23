// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {VM} from "../Vm.sol";

/// @notice Comparisons that say what they compare, and contracts from committed bytecode.
abstract contract Checks {
    error NotEqual(string what, int256 got, int256 expected);
    error NotTrue(string what);

    function eq(uint256 got, uint256 expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(what, int256(got), int256(expected));
    }

    function eqInt(int256 got, int256 expected, string memory what) internal pure {
        if (got != expected) revert NotEqual(what, got, expected);
    }

    function yes(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function limit(uint256 value, uint256 lo, uint256 hi) internal pure returns (uint256) {
        return lo + value % (hi - lo + 1);
    }

    /// @dev Creation code in hexadecimal.
    function codeIn(string memory path) internal view returns (bytes memory) {
        bytes memory text = bytes(VM.readFile(path));
        uint256 length = text.length;
        while (text[length - 1] == "\n") --length;
        assembly {
            mstore(text, length)
        }
        return VM.parseBytes(string.concat("0x", string(text)));
    }

    function newContract(bytes memory code) internal returns (address created) {
        assembly {
            created := create(0, add(code, 0x20), mload(code))
        }
        yes(created != address(0), "created");
    }
}
