//! Divide: quotients by positive divisors.

use crate::int::{
    Error, Interval, Rounding, Source,
    analyze::Operands,
    bounds::Sum,
    execute::Run,
    limits,
    ops::linear::summands,
    structure::{Shape, between},
};

pub(in crate::int) fn check(shape: &Shape<'_>, shift: u32, divisor: &[u32]) -> Result<(), Error> {
    shape.same_len_as_operand()?;
    shape.expect_len("divisor indices", divisor.len())?;
    between(shape.node, "the fraction bits of the quotient", shift, 0, limits::SHIFT_BITS)?;
    let source = |(element, index): (usize, &u32)| shape.check_source(element, Source { input: 1, element: *index });
    divisor.iter().enumerate().try_for_each(source)
}

/// Exact for independent operands; a share of a sum is at most 1.
pub(in crate::int) fn ranges(
    operands: &mut Operands<'_, '_>,
    shift: u32,
    divisor: &[u32],
    rounding: Rounding,
) -> Result<Vec<Interval>, Error> {
    divisor.iter().enumerate().map(|(element, index)| range(operands, element, shift, *index, rounding)).collect()
}

fn range(
    operands: &mut Operands<'_, '_>,
    element: usize,
    shift: u32,
    divisor: u32,
    rounding: Rounding,
) -> Result<Interval, Error> {
    let (a, b) = (operands.at(0, element), operands.at(1, divisor as usize));
    if b.lo < 1 {
        return Err(Error::OutsideDomain {
            node: operands.node.name.clone(),
            element,
            what: "the divisor",
            got: b,
            allowed: Interval::new(1, limits::magnitude(limits::VALUE_BITS).hi),
            advice: "it must be proven to be positive: add a positive constant, and one that is not rounded to 0 \
                     (with more fraction bits, --bits, a smaller one is not)",
        });
    }
    let mut sum = Sum::of(b.hi);
    sum.add((i128::from(a.lo) << (shift + 1), i128::from(a.hi) << (shift + 1)));
    sum.finish(operands.node, element)?;
    let range = quotients(a, b, shift, rounding);
    let hi = if is_part_of_divisor(operands, element, divisor) { range.hi.min(1 << shift) } else { range.hi };
    Ok(Interval::new(range.lo, hi))
}

/// Exact for independent operands: a quotient increases with the dividend, and moves towards 0 with the divisor. `b >= 1`, and
/// `|a| * 2^shift` is below `2^62`.
fn quotients(a: Interval, b: Interval, shift: u32, rounding: Rounding) -> Interval {
    let greatest = limits::magnitude(limits::VALUE_BITS).hi;
    let ends = |a: i64| [b.lo, b.hi].map(|b| value(a, b, shift, rounding));
    let ([of_lo, other_of_lo], [of_hi, other_of_hi]) = (ends(a.lo), ends(a.hi));
    let narrow = |value: i128| i64::try_from(value).unwrap_or(greatest);
    Interval::new(narrow(of_lo.min(other_of_lo)), narrow(of_hi.max(other_of_hi)))
}

/// Whether the divisor is a sum of non-negative terms, the dividend among them, so that the quotient is at most 1.
fn is_part_of_divisor(operands: &mut Operands<'_, '_>, element: usize, divisor: u32) -> bool {
    let [dividend_id, divisor_id] = [operands.node.inputs[0], operands.node.inputs[1]];
    let dividend = operands.known.origin(dividend_id, element as u32);
    if !operands.known.summands.contains_key(&(divisor_id, divisor)) {
        let summands = summands(operands, divisor_id, divisor);
        operands.known.summands.insert((divisor_id, divisor), summands);
    }
    let summands = operands.known.summands.get(&(divisor_id, divisor)).and_then(Option::as_ref);
    summands.is_some_and(|summands| summands.contains(&dividend))
}

/// `a * 2^shift / b`, rounded; `b >= 1`, `shift <= 40`.
pub(in crate::int) fn value(a: i64, b: i64, shift: u32, rounding: Rounding) -> i128 {
    let (a, b) = (i128::from(a) << shift, i128::from(b));
    // Euclid's quotient is rounded towards minus infinity, since divisors are positive.
    match rounding {
        Rounding::HalfUp => (2 * a + b).div_euclid(2 * b),
        Rounding::Floor => a.div_euclid(b),
    }
}

pub(in crate::int) fn run(run: &Run<'_>, shift: u32, divisor: &[u32], rounding: Rounding) -> Result<Vec<i128>, Error> {
    let positive = Interval::new(1, limits::magnitude(limits::VALUE_BITS).hi);
    let divided = |(element, (a, divisor)): (usize, (&i64, &u32))| {
        let b = run.operands[1][*divisor as usize];
        match positive.contains(b) {
            true => Ok(value(*a, b, shift, rounding)),
            false => Err(run.outside(element, "the divisor", b, positive)),
        }
    };
    run.first().iter().zip(divisor).enumerate().map(divided).collect()
}
