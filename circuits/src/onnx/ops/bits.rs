//! Bits of integers: BitShift, BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot, by division by powers of two.
//!
//! Integers are two's complement, so that the quotient, rounded towards negative infinity, of any integer by `2^i` is the
//! integer without its `i` lowest bits.

use super::super::call::{Call, Computed};
use super::arithmetic::is_unsigned;
use super::{Error, Registry};
use crate::elementary::power_of_two;
use crate::float::{ElementType, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("BitShift", 2, |call| narrowed(call, shift));
    registry.compose("BitwiseAnd", 2, |call| narrowed(call, and));
    // a | b = a + (b - (a & b))
    registry.compose("BitwiseOr", 2, |call| {
        narrowed(call, |call, of| {
            let both = and(call, of)?;
            let only_b = call.binary(Op::Sub, of.b, both)?;
            call.binary(Op::Add, of.a, only_b)
        })
    });
    // a ^ b = (a - (a & b)) + (b - (a & b))
    registry.compose("BitwiseXor", 2, |call| {
        narrowed(call, |call, of| {
            let both = and(call, of)?;
            let only_a = call.binary(Op::Sub, of.a, both)?;
            let only_b = call.binary(Op::Sub, of.b, both)?;
            call.binary(Op::Add, only_a, only_b)
        })
    });
    // ~x = -1 - x, and the greatest number less x if there are no negative ones.
    registry.compose("BitwiseNot", 1, |call| {
        let x = call.operand(0, "X")?;
        let element = require_integer(call, x)?;
        if element == ElementType::U64 {
            return Err(call.refuse("takes uint64, of which the greatest number is beyond 2^53; cast to int64"));
        }
        let ones = element.integers().filter(|range| *range.start() == 0).map_or(-1.0, |range| *range.end() as f64);
        let x = call.retyped(x, ElementType::I64)?;
        let ones = call.scalar("ones", ones, ElementType::I64)?;
        let inverted = call.binary(Op::Sub, ones, x)?;
        call.retyped(inverted, element)
    });
}

fn require_integer(call: &Call<'_>, x: NodeId) -> Result<ElementType, Error> {
    match call.element(x) {
        element if element.is_integer() => Ok(element),
        other => Err(call.refuse(format!("has operands of type {other}, expected integers"))),
    }
}

/// Two integers, computed with as int64.
#[derive(Clone, Copy)]
struct Pair {
    a: NodeId,
    b: NodeId,
    /// Their own type.
    element: ElementType,
}

/// `of` two integers of one type, in that type.
fn narrowed(call: &mut Call<'_>, of: fn(&mut Call<'_>, Pair) -> Result<NodeId, Error>) -> Result<NodeId, Error> {
    let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    let element = require_integer(call, a)?;
    call.require_same_type(a, b)?;
    let (a, b) = (call.retyped(a, ElementType::I64)?, call.retyped(b, ElementType::I64)?);
    let y = of(call, Pair { a, b, element })?;
    call.retyped(y, element)
}

/// How many bits an integer has beside its sign: what is exact of an int64.
fn width(element: ElementType) -> i32 {
    match element {
        ElementType::I8 => 7,
        ElementType::U8 => 8,
        ElementType::I16 => 15,
        ElementType::U16 => 16,
        ElementType::I32 => 31,
        ElementType::U32 => 32,
        _ => 53,
    }
}

/// By `2^b`: a multiplication to the left, a division to the right.
fn shift(call: &mut Call<'_>, Pair { a, b, element }: Pair) -> Result<NodeId, Error> {
    let op = match call.attributes.string("direction")? {
        Some("LEFT") => Op::Mul,
        Some("RIGHT") => Op::FloorDiv,
        _ => return Err(call.attributes.refuse("direction", "is not LEFT or RIGHT")),
    };
    let op_is_left = matches!(op, Op::Mul);
    // A shift beyond the table is refused when it comes.
    let most = width(element).min(52) + 1;
    if let Some(&bad) = call.constant(b).and_then(|by| by.iter().find(|&&by| !(0.0..f64::from(most)).contains(&by))) {
        return Err(call.refuse(format!("shifts by {bad}, expected 0 to {}", most - 1)));
    }
    let powers: Vec<f64> = (0..most).map(power_of_two).collect();
    let powers = call.constant_tensor("powers", vec![powers.len()], powers, ElementType::I64)?;
    let shape = call.shape(b);
    let by = Computed { op: Op::Gather, inputs: vec![powers, b], shape, element: ElementType::I64 };
    let by = call.part("power", by)?;
    let shifted = call.binary(op, a, by)?;
    // What is shifted out of the type's width is gone. Beyond 53 bits a number is an error before it gets there.
    match (op_is_left, width(element)) {
        (true, bits @ ..=52) => masked(call, shifted, (1i64 << bits) - 1),
        _ => Ok(shifted),
    }
}

/// `a & b`, bit by bit; with a constant, by its runs of ones.
fn and(call: &mut Call<'_>, pair: Pair) -> Result<NodeId, Error> {
    let Pair { a, b, .. } = pair;
    let uniform = |call: &Call<'_>, id| {
        let (first, rest) = call.constant(id)?.split_first()?;
        // Exact: below 2^53.
        rest.iter().all(|value| value == first).then_some(*first as i64)
    };
    let (x, mask) = match (uniform(call, a), uniform(call, b)) {
        (_, Some(mask)) => (a, mask),
        (Some(mask), None) => (b, mask),
        (None, None) => return and_computed(call, pair),
    };
    let shape = call.broadcast_shape(&[a, b])?;
    let x = call.expanded(x, shape)?;
    if mask >= 0 {
        return masked(call, x, mask);
    }
    // x & m = x - (x & ~m), of a mask that has all higher bits
    let dropped = masked(call, x, !mask)?;
    call.binary(Op::Sub, x, dropped)
}

/// `x & mask` of a mask that is not negative.
fn masked(call: &mut Call<'_>, x: NodeId, mask: i64) -> Result<NodeId, Error> {
    let (mut left, mut from) = (mask, 0);
    let mut sum = None;
    while left != 0 {
        let zeros = left.trailing_zeros();
        left >>= zeros;
        let ones = left.trailing_ones();
        left >>= ones;
        let (low, high) = (from + zeros, from + zeros + ones);
        from = high;
        // Bits `low` to `high`, where they stand: of 53 bits at most.
        let upper = bits_above(call, x, high as i32)?;
        let lower = bits_above(call, x, low as i32)?;
        let run = call.binary(Op::Sub, lower, upper)?;
        sum = Some(match sum {
            None => run,
            Some(sum) => call.binary(Op::Add, sum, run)?,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => call.with_scalar(Op::Mul, x, 0.0),
    }
}

/// `x` with its bits below `from` set to 0.
fn bits_above(call: &mut Call<'_>, x: NodeId, from: i32) -> Result<NodeId, Error> {
    match from {
        0 => Ok(x),
        1..53 => {
            let quotient = call.with_scalar(Op::FloorDiv, x, power_of_two(from))?;
            call.with_scalar(Op::Mul, quotient, power_of_two(from))
        }
        _ => Err(call.refuse(format!("has a mask of {from} bits, expected less than 53"))),
    }
}

/// Both computed: the sum of the products of their bits, less that of their signs.
fn and_computed(call: &mut Call<'_>, Pair { a, b, element }: Pair) -> Result<NodeId, Error> {
    let width = width(element);
    let mut above = [a, b];
    let mut sum = None;
    for bit in 0..width {
        // Truth values, of which it is known that they are 0 or 1: the difference seems to be anything.
        let mut zeros = above;
        for (zero, above) in zeros.iter_mut().zip(&mut above) {
            let next = call.with_scalar(Op::FloorDiv, *above, 2.0)?;
            let twice = call.with_scalar(Op::Mul, next, 2.0)?;
            *zero = call.equal(*above, twice)?;
            *above = next;
        }
        let (of_a, of_b) = (call.not(zeros[0])?, call.not(zeros[1])?);
        let product = call.binary(Op::Mul, of_a, of_b)?;
        let product = call.retyped(product, ElementType::I64)?;
        let weighted = call.with_scalar(Op::Mul, product, power_of_two(bit))?;
        sum = Some(match sum {
            None => weighted,
            Some(sum) => call.binary(Op::Add, sum, weighted)?,
        });
    }
    let sum = sum.ok_or_else(|| call.refuse("has no bits"))?;
    if is_unsigned(element) {
        return Ok(sum);
    }
    // What is left is 0, or -1 of a negative number: together -2^width, in two halves that are exact.
    let signs = call.binary(Op::Mul, above[0], above[1])?;
    let half = call.with_scalar(Op::Mul, signs, power_of_two(width - 1))?;
    let sum = call.binary(Op::Sub, sum, half)?;
    call.binary(Op::Sub, sum, half)
}
