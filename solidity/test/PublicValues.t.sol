// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Port, PublicValues, Rounding} from "../contracts/verifiers/PublicValues.sol";
import {VM} from "./Vm.sol";

/// @notice Numbers, integers and instances, to and fro.
contract PublicValuesTest {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    int256 private constant LOWEST = type(int128).min;
    int256 private constant HIGHEST = type(int128).max;

    // The library's functions are internal: reverts are expected of calls.
    function toInt256(uint256 instance) external pure returns (int256) {
        return PublicValues.toInt256(instance);
    }

    function fromInt256(int256 value) external pure returns (uint256) {
        return PublicValues.fromInt256(value);
    }

    function decode(uint256 instance, Port memory p) external pure returns (int256) {
        return PublicValues.decode(instance, p);
    }

    function encode(int256 number, uint256 unit, Port memory p) external pure returns (uint256) {
        return PublicValues.encode(number, unit, p);
    }

    function scale(int256 value, uint256 num, uint256 den, Rounding rounding) external pure returns (int256) {
        return PublicValues.scale(value, num, den, rounding);
    }

    function port(int128 lo, int128 hi, uint128 num, uint128 den, int64 zero) private pure returns (Port memory) {
        return Port({name: "score[0]", lo: lo, hi: hi, num: num, den: den, zero: zero});
    }

    /// @dev The trap: as an unsigned number, each negative score is above each threshold.
    function testFuzz_aNegativeScorePassesUnlessItIsDecoded(int128 score, uint64 threshold) external pure {
        if (score >= 0) score = -1 - score;
        uint256 instance = PublicValues.fromInt256(score);
        require(instance >= threshold, "the naive comparison refuses: then there is no trap");
        require(PublicValues.toInt256(instance) < int256(uint256(threshold)), "decoded, it passes");
        require(PublicValues.toInt256(instance) == score, "another score");
    }

    function testFuzz_integersComeBack(int128 value) external pure {
        uint256 instance = PublicValues.fromInt256(value);
        require(instance < R, "not canonical");
        require(PublicValues.toInt256(instance) == value, "another integer");
        require(instance == (value >= 0 ? uint256(int256(value)) : R - uint256(-int256(value))), "another element");
    }

    function test_theEndsOfTheRange() external {
        require(PublicValues.fromInt256(LOWEST) == R - (1 << 127), "lowest");
        require(PublicValues.fromInt256(HIGHEST) == (1 << 127) - 1, "highest");
        require(PublicValues.toInt256(R - (1 << 127)) == LOWEST, "lowest, back");
        require(PublicValues.toInt256((1 << 127) - 1) == HIGHEST, "highest, back");
        require(PublicValues.toInt256(R - 1) == -1 && PublicValues.toInt256(0) == 0, "around zero");
        uint256[5] memory others = [1 << 127, R - (1 << 127) - 1, R / 2, R, type(uint256).max];
        for (uint256 i = 0; i < others.length; ++i) {
            VM.expectRevert(abi.encodeWithSelector(PublicValues.NotAnInteger.selector, others[i]));
            this.toInt256(others[i]);
        }
        int256[4] memory values = [LOWEST - 1, HIGHEST + 1, type(int256).min, type(int256).max];
        for (uint256 i = 0; i < values.length; ++i) {
            VM.expectRevert(abi.encodeWithSelector(PublicValues.OutOfRange.selector, values[i], LOWEST, HIGHEST));
            this.fromInt256(values[i]);
        }
    }

    /// @dev No element stands for two integers, and what stands for none reverts.
    function testFuzz_noOtherElementIsAnInteger(uint256 instance) external view {
        try this.toInt256(instance) returns (int256 value) {
            require(PublicValues.fromInt256(value) == instance, "two spellings");
        } catch (bytes memory data) {
            require(bytes4(data) == PublicValues.NotAnInteger.selector, "another error");
            require(instance >= 1 << 127 && (instance >= R || R - instance > 1 << 127), "an integer");
        }
    }

    function testFuzz_anOutputOutsideItsPortReverts(int128 lo, int128 hi, int128 value) external {
        Port memory p = port(lo, hi, 1, 1, 0);
        uint256 instance = PublicValues.fromInt256(value);
        if (lo <= value && value <= hi) {
            require(this.decode(instance, p) == value, "another integer");
        } else {
            VM.expectRevert(abi.encodeWithSelector(PublicValues.OutOfRange.selector, value, lo, hi));
            this.decode(instance, p);
        }
    }

    function test_roundingOfBothSigns() external pure {
        // 2 * value / 4: halves, and what is between them by 7 / 10.
        int256[6] memory values = [int256(-3), -1, 1, 3, 5, -5];
        int256[6] memory even = [int256(-2), 0, 0, 2, 2, -2];
        int256[6] memory down = [int256(-2), -1, 0, 1, 2, -3];
        int256[6] memory up = [int256(-1), 0, 1, 2, 3, -2];
        for (uint256 i = 0; i < values.length; ++i) {
            require(PublicValues.scale(values[i], 2, 4, Rounding.HalfEven) == even[i], "half to even");
            require(PublicValues.scale(values[i], 2, 4, Rounding.Down) == down[i], "down");
            require(PublicValues.scale(values[i], 2, 4, Rounding.Up) == up[i], "up");
        }
        require(PublicValues.scale(-3, 7, 10, Rounding.HalfEven) == -2, "-2.1");
        require(PublicValues.scale(-4, 7, 10, Rounding.HalfEven) == -3, "-2.8");
        require(PublicValues.scale(-10, 7, 10, Rounding.Down) == -7, "exact");
    }

    /// @dev Against a definition: `scaled` is an integer next to `value * num / den`, the one that the rounding says.
    function testFuzz_scaleIsWithinAStep(int64 value, uint64 num, uint64 den, uint8 mode) external pure {
        if (den == 0) return;
        Rounding rounding = Rounding(mode % 3);
        int256 scaled = PublicValues.scale(value, num, den, rounding);
        // (exact - scaled) * den
        int256 rest = int256(value) * int256(uint256(num)) - scaled * int256(uint256(den));
        int256 d = int256(uint256(den));
        if (rounding == Rounding.Down) require(rest >= 0 && rest < d, "not the one below");
        else if (rounding == Rounding.Up) require(rest <= 0 && -rest < d, "not the one above");
        else require(2 * rest < d || (2 * rest == d && scaled % 2 == 0), "not the nearest");
        if (rounding == Rounding.HalfEven) require(-2 * rest < d || (-2 * rest == d && scaled % 2 == 0), "nearest");
    }

    function test_scaleRevertsWhereItWouldWrap() external {
        VM.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        this.scale(type(int256).max, 4, 4, Rounding.Down);
        VM.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x12));
        this.scale(1, 1, 0, Rounding.Down);
        VM.expectRevert();
        this.scale(type(int256).max, 2, 1, Rounding.Down);
    }

    /// @dev 12 fractional bits and an offset: 0.5 is 2048 + 100.
    function test_numbersOfAPort() external {
        Port memory p = port(-4096, 4096, 4096, 1, 100);
        require(PublicValues.encode(0.5e18, 1e18, p) == 2148, "0.5");
        require(PublicValues.encode(-0.5e8, 1e8, p) == R - 1948, "-0.5 with 8 decimals");
        require(PublicValues.toNumber(2148, p, 1e18, Rounding.Down) == 0.5e18, "0.5, back");
        require(PublicValues.toNumber(PublicValues.decode(R - 1948, p), p, 1e8, Rounding.Down) == -0.5e8, "-0.5, back");
        VM.expectRevert(
            abi.encodeWithSelector(PublicValues.OutOfRange.selector, int256(4196), int256(-4096), int256(4096))
        );
        this.encode(1e18, 1e18, p);
        // Half a step is rounded to the even one.
        require(PublicValues.encode(1, 8192, p) == 100 && PublicValues.encode(3, 8192, p) == 102, "ties");
    }

    function testFuzz_encodedNumbersAreWithinHalfAStep(int64 number, uint32 num, uint16 den) external pure {
        if (num == 0 || den == 0) return;
        Port memory p = port(type(int128).min, type(int128).max, num, den, -7);
        int256 value = PublicValues.decode(PublicValues.encode(number, 1e6, p), p);
        int256 back = PublicValues.toNumber(value, p, 1e6, Rounding.HalfEven);
        int256 off = back > number ? back - number : number - back;
        // Half a step in 1e-6, and half a unit for the way back.
        require(2 * uint256(off) <= 1e6 * uint256(den) / num + 2, "further off than half a step");
    }

    function test_numbersOfFractionalBits() external pure {
        require(PublicValues.toNumber(-3, 1, 1e18, Rounding.Down) == -1.5e18, "one bit");
        require(PublicValues.toNumber(3, -2, 1, Rounding.Down) == 12, "a step of 4");
        require(PublicValues.toNumber(-1, 16, 1, Rounding.Down) == -1, "below zero");
        require(PublicValues.toNumber(-1, 16, 1, Rounding.HalfEven) == 0, "nearest");
    }

    function testFuzz_aContextIsTwoHalves(bytes32 context) external pure {
        (uint256 low, uint256 high) = PublicValues.contextOf(context);
        require(low < 1 << 128 && high < 1 << 128, "not a half");
        require((high << 128) | low == uint256(context), "another context");
    }

    /// @dev Word by word: an offset, a length, six words for each port.
    function test_portsAreHashedAsTheAbiEncodesThem() external pure {
        Port[] memory ports = new Port[](2);
        ports[0] = port(-5, 7, 3, 2, -1);
        ports[1] = port(type(int128).min, type(int128).max, type(uint128).max, 1, type(int64).min);
        bytes memory words = bytes.concat(bytes32(uint256(0x20)), bytes32(uint256(2)));
        for (uint256 i = 0; i < 2; ++i) {
            Port memory p = ports[i];
            words = bytes.concat(words, p.name, bytes32(uint256(int256(p.lo))), bytes32(uint256(int256(p.hi))));
            words =
                bytes.concat(words, bytes32(uint256(p.num)), bytes32(uint256(p.den)), bytes32(uint256(int256(p.zero))));
        }
        require(PublicValues.hashPorts(ports) == keccak256(words), "another encoding");
        ports[0].lo = -6;
        require(PublicValues.hashPorts(ports) != keccak256(words), "the range is not hashed");
    }
}
