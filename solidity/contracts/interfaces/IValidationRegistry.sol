// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

/// @title The part of an ERC-8004 validation registry that a validator calls. The standard is a draft.
interface IValidationRegistry {
    /// @notice Answers a request that names the caller as its validator.
    /// @param response 0 to 100.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;
}
