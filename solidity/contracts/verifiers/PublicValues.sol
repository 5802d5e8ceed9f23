// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.4;

/// @notice How one public value of a model stands for a number `x`:
/// `q = round(x * num / den) + zero`, ties to even, `lo <= q <= hi`.
/// @dev `name` is for people: the tensor's name and the position in it, as the key's layout has them. `num / den` are the
/// steps to 1.0, both positive; `zero` is the integer that stands for 0.0; `lo` and `hi` bound the integer, not `x`.
struct Port {
    bytes32 name;
    int128 lo;
    int128 hi;
    uint128 num;
    uint128 den;
    int64 zero;
}

/// @notice What to do with a number between two steps.
enum Rounding {
    /// Towards negative infinity: a converted score never reaches a threshold that the exact one misses.
    Down,
    /// Towards positive infinity.
    Up,
    /// To the nearest, ties to the even one.
    HalfEven
}

/// @title Public values of a proof as numbers, and numbers as public values.
/// @notice An instance is an element of a prime field: a negative integer `x` is `R - |x|`. **Read as a `uint256`, it is
/// larger than every threshold.** So decode each output before it is compared, and encode inputs with the same functions.
/// @dev Three kinds of numbers, each with its unit: an *instance* (`uint256`, below `R`), an *integer* of the circuit
/// (`int256`, in steps of its port) and a *number* of yours (`int256`, in `1 / unit`: with `unit = 1e18`, 1.0 is 1e18).
library PublicValues {
    /// @notice The scalar field's modulus.
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    /// @notice Integers of a circuit lie in `[-LIMIT, LIMIT)`: the range of `int128`, which is what a port can bound. It
    /// takes 2^128 of some 2^254 elements, so that no element stands for two integers and most stand for none.
    uint256 internal constant LIMIT = 1 << 127;

    /// @notice An instance that stands for no integer: neither below `LIMIT` nor in `[R - LIMIT, R)`.
    error NotAnInteger(uint256 instance);
    /// @notice An integer that its range does not contain. All three in steps.
    error OutOfRange(int256 value, int256 lo, int256 hi);

    /// @notice The integer that an instance stands for.
    /// @param instance As `verifyProof` takes it.
    /// @return value In `[-2^127, 2^127)`, in steps.
    function toInt256(uint256 instance) internal pure returns (int256 value) {
        if (instance < LIMIT) return int256(instance);
        if (instance < R && R - instance <= LIMIT) return -int256(R - instance);
        revert NotAnInteger(instance);
    }

    /// @notice The instance that stands for an integer.
    /// @param value In `[-2^127, 2^127)`, in steps; reverts outside.
    function fromInt256(int256 value) internal pure returns (uint256 instance) {
        requireInRange(value, type(int128).min, type(int128).max);
        return value < 0 ? R - uint256(-value) : uint256(value);
    }

    /// @notice Reverts with OutOfRange unless `lo <= value <= hi`. All in the same unit.
    function requireInRange(int256 value, int256 lo, int256 hi) internal pure {
        if (value < lo || value > hi) revert OutOfRange(value, lo, hi);
    }

    /// @notice The integer that an output stands for, inside the range that its port promises.
    /// @return value In steps of the port, not yet less its `zero`.
    function decode(uint256 instance, Port memory port) internal pure returns (int256 value) {
        value = toInt256(instance);
        requireInRange(value, port.lo, port.hi);
    }

    /// @notice The instance of an input: `number` rounded to the nearest step, ties to even. This is the only rounding here;
    /// reverts where the result is outside the port's range, and clamps nothing.
    /// @param number In `1 / unit`: the answer of a feed with 8 decimals has `unit = 1e8`. One that the type of the model's
    /// input holds: `apodict prove` rounds any other to that type first (a `float32` has 24 bits), so that next to half a
    /// step it proves another integer than this one, and the proof fails here. An integer input holds what it is given.
    function encode(int256 number, uint256 unit, Port memory port) internal pure returns (uint256 instance) {
        int256 value = scale(number, port.num, uint256(port.den) * unit, Rounding.HalfEven) + port.zero;
        requireInRange(value, port.lo, port.hi);
        return fromInt256(value);
    }

    /// @notice An integer of the circuit as a number: `(value - zero) * den / num`, in `1 / unit`.
    /// @param value In steps, as `decode` returns it.
    function toNumber(int256 value, Port memory port, uint256 unit, Rounding rounding)
        internal
        pure
        returns (int256 number)
    {
        return scale(value - port.zero, uint256(port.den) * unit, port.num, rounding);
    }

    /// @notice As `toNumber`, for a value with `fracBits` fractional bits: `value * 2^-fracBits`, in `1 / unit`.
    /// @param fracBits As `apodict inspect` tells them; negative where a step is larger than 1.
    function toNumber(int256 value, int256 fracBits, uint256 unit, Rounding rounding)
        internal
        pure
        returns (int256 number)
    {
        if (fracBits < 0) return scale(value, unit * 2 ** uint256(-fracBits), 1, rounding);
        return scale(value, unit, 2 ** uint256(fracBits), rounding);
    }

    /// @notice `value * num / den`, rounded once. Reverts (Panic) where the product leaves 256 bits or `den` is zero.
    function scale(int256 value, uint256 num, uint256 den, Rounding rounding) internal pure returns (int256 scaled) {
        bool negative = value < 0;
        uint256 product = (negative ? uint256(-value) : uint256(value)) * num;
        uint256 quotient = product / den;
        uint256 rest = product % den;
        if (rest != 0 && roundsAway(negative, quotient, rest, den, rounding)) quotient += 1;
        if (quotient > uint256(type(int256).max)) revert OutOfRange(value, type(int256).min, type(int256).max);
        return negative ? -int256(quotient) : int256(quotient);
    }

    /// @dev Whether the magnitude `quotient + rest / den`, with `0 < rest < den`, is rounded away from zero.
    function roundsAway(bool negative, uint256 quotient, uint256 rest, uint256 den, Rounding rounding)
        private
        pure
        returns (bool)
    {
        if (rounding == Rounding.Down) return negative;
        if (rounding == Rounding.Up) return !negative;
        // `den - rest` does not underflow, and `2 * rest` could overflow.
        uint256 above = den - rest;
        return rest > above || (rest == above && quotient % 2 == 1);
    }

    /// @notice The first two instances: a context's lower and upper 16 bytes, each a number below 2^128.
    function contextOf(bytes32 context) internal pure returns (uint256 low, uint256 high) {
        return (uint128(uint256(context)), uint256(context) >> 128);
    }

    /// @notice What a key's data carries about its ports: names, ranges, scales and offsets of all inputs, then all outputs.
    function hashPorts(Port[] memory ports) internal pure returns (bytes32) {
        return keccak256(abi.encode(ports));
    }
}
