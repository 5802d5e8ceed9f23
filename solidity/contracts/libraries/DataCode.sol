// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title Data as the code of a contract that cannot run.
/// @notice One INVALID byte, then the data. Reading it costs 2,600 gas and 3 a word, where storage costs 2,100 a word.
library DataCode {
    /// @notice More data than a contract may have code (EIP-170). Both in bytes.
    error DataTooLarge(uint256 max, uint256 got);
    /// @notice The contract could not be created: too little gas.
    error DataNotWritten();
    /// @notice There is no data at this address.
    error NoData(address pointer);

    /// @notice Most bytes of data in one contract.
    uint256 internal constant MAX_BYTES = 24_575;

    /// @notice Creates the contract.
    function write(bytes memory data) internal returns (address pointer) {
        if (data.length > MAX_BYTES) revert DataTooLarge(MAX_BYTES, data.length);
        // PUSH2 len DUP1 PUSH1 10 RETURNDATASIZE CODECOPY RETURNDATASIZE RETURN, then the code: INVALID and the data.
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory code = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a3d393df3fe", data);
        assembly ("memory-safe") {
            pointer := create(0, add(code, 0x20), mload(code))
        }
        if (pointer == address(0)) revert DataNotWritten();
    }

    /// @notice All data behind the INVALID byte.
    function read(address pointer) internal view returns (bytes memory data) {
        uint256 size = pointer.code.length;
        if (size == 0) revert NoData(pointer);
        data = new bytes(size - 1);
        assembly ("memory-safe") {
            extcodecopy(pointer, add(data, 0x20), 1, sub(size, 1))
        }
    }
}
