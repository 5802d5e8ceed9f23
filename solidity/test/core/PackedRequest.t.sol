// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDecisionGateway, Request} from "../../contracts/interfaces/IDecisionGateway.sol";
import {PackedInts} from "../../contracts/libraries/PackedInts.sol";
import {VM} from "../Vm.sol";
import {FedWorld} from "../support/FedWorld.sol";
import {MockConsumer} from "../support/MockConsumer.sol";

/// @notice Packed requests are the same decisions.
contract PackedRequestTest is FedWorld {
    MockConsumer private _consumer;

    function setUp() external {
        buildFed();
        _consumer = new MockConsumer();
        _consumer.set(fedPolicy(2, 1 << 40, false));
    }

    function _request() private view returns (Request memory) {
        int256[] memory outputs = new int256[](2);
        (outputs[0], outputs[1]) = (-(1 << 40), 1 << 40);
        return request(address(_consumer), "subject", outputs);
    }

    function pack(Request memory made, bytes memory proof) internal pure returns (bytes memory packed) {
        packed = abi.encodePacked(
            made.consumer, made.subject, made.nonce, made.deadline, made.observed, uint8(made.rounds.length)
        );
        packed = abi.encodePacked(
            packed, uint16(made.inputs.length), uint16(made.outputs.length), uint8(4), uint8(6), uint16(proof.length)
        );
        packed = abi.encodePacked(
            packed, made.rounds[0], int32(made.inputs[0]), int48(made.outputs[0]), int48(made.outputs[1]), proof
        );
    }

    function test_isTheSameDecision() external {
        Request memory made = _request();
        gateway.submitPacked(pack(made, prove(made)));
        eqInt(_consumer.lastOutputs(0), -(1 << 20) * 1e18, "negative");
        eqInt(_consumer.lastOutputs(1), (1 << 20) * 1e18, "positive");
    }

    /// @dev One spelling (row 31): nothing behind, nothing missing.
    function testFuzz_anyOtherLengthIsRefused(uint16 cut, bytes calldata tail) external {
        Request memory made = _request();
        bytes memory packed = pack(made, prove(made));
        uint256 expected = packed.length;
        if (tail.length != 0) {
            bytes memory longer = bytes.concat(packed, tail);
            VM.expectRevert(
                abi.encodeWithSelector(IDecisionGateway.WrongPackedLength.selector, expected, longer.length)
            );
            gateway.submitPacked(longer);
        }
        uint256 shorter = cut % expected;
        assembly {
            mstore(packed, shorter)
        }
        VM.expectRevert(
            abi.encodeWithSelector(IDecisionGateway.WrongPackedLength.selector, shorter < 85 ? 85 : expected, shorter)
        );
        gateway.submitPacked(packed);
    }

    function testFuzz_noOtherByteIsAccepted(uint256 position, uint8 bit) external {
        Request memory made = _request();
        bytes memory packed = pack(made, prove(made));
        packed[position % packed.length] ^= bytes1(uint8(1 << (bit % 8)));
        VM.expectRevert();
        gateway.submitPacked(packed);
    }

    function unpack(bytes calldata packed, uint256 width) external pure returns (int256[] memory) {
        return PackedInts.unpack(packed, width);
    }

    function testFuzz_integersComeBack(int128[] calldata values, uint8 width_) external view {
        uint256 width = limit(width_, 1, 16);
        bytes memory packed;
        int256[] memory expected = new int256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 shift = 256 - 8 * width;
            expected[i] = (int256(values[i]) << shift) >> shift;
            bytes memory word = abi.encode(expected[i]);
            for (uint256 j = 32 - width; j < 32; ++j) {
                packed = bytes.concat(packed, word[j]);
            }
        }
        int256[] memory got = this.unpack(packed, width);
        eq(got.length, expected.length, "count");
        for (uint256 i = 0; i < got.length; ++i) {
            eqInt(got[i], expected[i], "value");
        }
    }

    function test_widths() external {
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, 0));
        this.unpack("", 0);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, 17));
        this.unpack("", 17);
        VM.expectRevert(abi.encodeWithSelector(IDecisionGateway.BadWidth.selector, 2));
        this.unpack(hex"000000", 2);
    }
}
