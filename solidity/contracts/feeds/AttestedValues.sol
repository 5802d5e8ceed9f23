// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title Values that m of n known signers vouch for, each for one time.
/// @notice **Trusted**: m signers together may say what they like, within the band of whoever binds the value. A value for
/// a time is kept for ever, so that who submits a report cannot choose among several; signers of two values for one time
/// leave the proof of it in two signatures.
contract AttestedValues is EIP712 {
    struct Entry {
        int192 value;
        bool known;
    }

    /// @notice EIP-712 type of a report. `arg` names the value, `time` is in seconds.
    bytes32 public constant REPORT = keccak256("Report(bytes32 arg,int192 value,uint64 time)");

    event Reported(bytes32 indexed arg, uint64 indexed time, int192 value);

    /// @notice No report for this value and time.
    error NoReport(bytes32 arg, uint64 time);
    /// @notice Fewer signatures than are needed, or one that is not by a signer, or not in ascending order of signers.
    error BadSignatures(uint256 valid, uint256 needed);
    /// @notice A time that is not past. Both in seconds.
    error TimeNotPast(uint64 time, uint256 now_);
    /// @notice No signers, a threshold of zero or above their number, or a signer twice.
    error BadSigners();

    /// @notice Signatures that a report needs.
    uint256 public immutable threshold;
    mapping(address => bool) public isSigner;
    mapping(bytes32 arg => mapping(uint64 time => Entry)) private _entries;

    /// @param signers Fixed for ever: other signers are another contract, and another set of sources.
    constructor(address[] memory signers, uint256 threshold_) EIP712("ApodictAttestedValues", "1") {
        if (threshold_ == 0 || threshold_ > signers.length) revert BadSigners();
        for (uint256 i = 0; i < signers.length; ++i) {
            if (signers[i] == address(0) || isSigner[signers[i]]) revert BadSigners();
            isSigner[signers[i]] = true;
        }
        threshold = threshold_;
    }

    /// @notice Keeps a report. Anyone may; a value that is known already stays.
    /// @param signatures 65 bytes each, in ascending order of the signers' addresses.
    function report(bytes32 arg, int192 value, uint64 time, bytes[] calldata signatures) external {
        if (_entries[arg][time].known) return;
        if (time >= block.timestamp) revert TimeNotPast(time, block.timestamp);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(REPORT, arg, value, time)));
        address last;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recover(digest, signatures[i]);
            if (signer <= last || !isSigner[signer]) revert BadSignatures(i, threshold);
            last = signer;
        }
        if (signatures.length < threshold) revert BadSignatures(signatures.length, threshold);
        _entries[arg][time] = Entry(value, true);
        emit Reported(arg, time, value);
    }

    /// @notice The value for a time; reverts with NoReport where there is none.
    function valueAt(bytes32 arg, uint64 time) external view returns (int256) {
        Entry memory entry = _entries[arg][time];
        if (!entry.known) revert NoReport(arg, time);
        return entry.value;
    }
}
