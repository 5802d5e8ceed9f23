// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.27;

import {IDecisionGateway, Request} from "../interfaces/IDecisionGateway.sol";
import {PackedInts} from "./PackedInts.sol";

/// @title A request in few bytes, for chains where data is dear.
/// @notice In this order: consumer 20, subject 32, nonce 8, deadline 8, observed 8; number of rounds 1, of inputs 2, of
/// outputs 2; bytes of each input 1, of each output 1; bytes of the proof 2; then the rounds of 10 bytes each, inputs and
/// outputs in two's complement, the proof. Big-endian. The length must be exactly what the head announces.
library PackedRequest {
    /// @notice Bytes in front of the rounds.
    uint256 internal constant HEAD = 85;
    uint256 private constant ROUND = 10;

    /// @notice The request, and where the proof is.
    function decode(bytes calldata packed) internal pure returns (Request memory request, bytes calldata proof) {
        if (packed.length < HEAD) revert IDecisionGateway.WrongPackedLength(HEAD, packed.length);
        request.consumer = address(bytes20(packed[0:20]));
        request.subject = bytes32(packed[20:52]);
        request.nonce = uint64(bytes8(packed[52:60]));
        request.deadline = uint64(bytes8(packed[60:68]));
        request.observed = uint64(bytes8(packed[68:76]));
        uint256 rounds = uint8(packed[76]);
        uint256 inputWidth = uint8(packed[81]);
        uint256 outputWidth = uint8(packed[82]);
        uint256 inputBytes = inputWidth * uint16(bytes2(packed[77:79]));
        uint256 outputBytes = outputWidth * uint16(bytes2(packed[79:81]));

        uint256 inputsAt = HEAD + ROUND * rounds;
        uint256 outputsAt = inputsAt + inputBytes;
        uint256 proofAt = outputsAt + outputBytes;
        uint256 expected = proofAt + uint16(bytes2(packed[83:85]));
        if (packed.length != expected) revert IDecisionGateway.WrongPackedLength(expected, packed.length);

        request.rounds = new uint80[](rounds);
        for (uint256 i = 0; i < rounds; ++i) {
            request.rounds[i] = uint80(bytes10(packed[HEAD + ROUND * i:HEAD + ROUND * (i + 1)]));
        }
        request.inputs = PackedInts.unpack(packed[inputsAt:outputsAt], inputWidth);
        request.outputs = PackedInts.unpack(packed[outputsAt:proofAt], outputWidth);
        proof = packed[proofAt:];
    }
}
