// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title A text as the tokens of a model.
/// @notice Tokens are the runs of ASCII letters, lower-cased; a run of digits is the token `#`; every other byte separates.
/// The first 64 count, within the first 16,384 bytes. The bucket of a token is `1 + (first 4 bytes of its SHA-256, big-endian) mod 1023`; 0 pads. The same
/// as `examples/governance_analysis/encode.py`.
/// @dev Some 700 gas a token and 150 a byte.
contract TextBinder {
    /// @notice Tokens of a text.
    uint256 public constant TOKENS = 64;
    /// @notice Bytes that are read: a text of nothing but separators must not take a block's gas.
    uint256 public constant BYTES = 16_384;
    /// @notice Buckets without the one that pads.
    uint256 public constant BUCKETS = 1023;

    /// @notice The text is not the one that was hashed.
    error OtherText(bytes32 expected, bytes32 got);

    /// @notice The buckets of a text's first 64 tokens, padded with 0.
    /// @param textHash What `keccak256` of the text must be, for instance a governor's description hash.
    function bind(string calldata text, bytes32 textHash) external pure returns (int256[] memory buckets) {
        bytes memory data = bytes(text);
        bytes32 got = keccak256(data);
        if (got != textHash) revert OtherText(textHash, got);
        buckets = new int256[](TOKENS);
        uint256 count;
        uint256 start;
        // 0 separates, 1 is a letter, 2 is a digit: of the run that ends before `i`.
        uint256 run;
        uint256 length = data.length < BYTES ? data.length : BYTES;
        for (uint256 i = 0; i <= length && count < TOKENS; ++i) {
            uint256 kind;
            if (i < length) {
                uint8 letter = uint8(data[i]);
                if (letter >= 0x41 && letter <= 0x5a) {
                    letter |= 0x20;
                    data[i] = bytes1(letter);
                }
                if (letter >= 0x61 && letter <= 0x7a) kind = 1;
                else if (letter >= 0x30 && letter <= 0x39) kind = 2;
            }
            if (kind == run) continue;
            if (run != 0) buckets[count++] = run == 1 ? _bucket(_slice(data, start, i)) : _bucket("#");
            (start, run) = (i, kind);
        }
    }

    function _bucket(bytes memory token) private pure returns (int256) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return int256(1 + uint256(uint32(bytes4(sha256(token)))) % BUCKETS);
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory slice) {
        slice = new bytes(to - from);
        assembly ("memory-safe") {
            mcopy(add(slice, 0x20), add(add(data, 0x20), from), sub(to, from))
        }
    }
}
