//! What a [solver](super::solver) finds out of equations in which an unknown is squared.
//!
//! # Rules
//! With `y` the unknown and `R`, `R'` sums of digits, integers far from the field's order:
//! 1. `y^2 + c*y + R = 0` and `-y^2 + c'*y + R' = 0`, `c + c' = 2`: their sum says `2*y = -(R + R') =: t`, an integer, and four
//!    times the first says `t^2 + 2*c*t + 4*R = 0`. So `t` is even, and `y = t/2` lies in the range of what `R` and `R'` leave.
//! 2. `y^2 + c*y + R = 0`, `c >= 0`, where `y` has a range without negative numbers: `y^2 + c*y` never decreases, so `y` lies
//!    between the roots of the least and the greatest of `-R`.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

use super::knowledge::{Contradiction, Progress, Range, Residue, State};
use crate::machine::{Wire, equation::Unit};

/// Bits of sums and coefficients here: squares of them, times a few, stay below the field's order.
const MAX_BITS: u32 = 120;

/// What a root, or a coefficient of one, is below.
const LIMIT: u128 = 1 << 60;

/// `y^2 + linear*y + rest = 0`, times -1 where `negated`.
struct Square {
    y: Wire,
    negated: bool,
    linear: Fr,
    rest: Residue,
}

/// Whether a unit multiplies a wire by itself.
pub(super) fn squares(unit: &Unit) -> bool {
    unit.lanes[0].is_some() && unit.lanes[0] == unit.lanes[1] && !unit.product.is_zero()
}

/// Applies both rules to all of these equations.
pub(super) fn narrow(state: &mut State, equations: &[&[Unit]]) -> Progress {
    let mut progress = false;
    for (at, equation) in equations.iter().enumerate() {
        let Some(square) = square(state, equation) else { continue };
        for other in equations[..at].iter().filter_map(|other| self::square(state, other)).collect::<Vec<_>>() {
            if (other.y, other.negated) == (square.y, !square.negated) {
                let (plus, minus) = if square.negated { (&other, &square) } else { (&square, &other) };
                progress |= halve(state, plus, minus)?;
            }
        }
        progress |= root(state, &square)?;
    }
    Ok(progress)
}

/// The equation, if it squares one unknown, once and with coefficient 1 or -1.
fn square(state: &State, equation: &[Unit]) -> Option<Square> {
    let is_square = |unit: &&Unit| squares(unit) && unit.lanes[0].is_some_and(|wire| state.value(wire).is_none());
    let mut found = equation.iter().filter(is_square);
    let (unit, None) = (found.next()?, found.next()) else { return None };
    let y = unit.lanes[0]?;
    let coefficient = unit.product.to_fr();
    if coefficient != Fr::ONE && coefficient != -Fr::ONE {
        return None;
    }
    let without = |other: &Unit| {
        if other == unit { Unit { product: crate::machine::field::Weight::ZERO, ..*other } } else { *other }
    };
    let mut rest = state.residue(&equation.iter().map(without).collect::<Vec<_>>())?;
    // Times the coefficient, whose square is 1.
    rest.constant *= coefficient;
    rest.terms.values_mut().for_each(|term| *term *= coefficient);
    let linear = rest.terms.remove(&y).unwrap_or(Fr::ZERO);
    Some(Square { y, negated: coefficient != Fr::ONE, linear, rest })
}

/// An integer below `2^MAX_BITS`.
fn small(x: Fr) -> Option<u128> {
    let bytes = x.to_repr();
    let low = u128::from_le_bytes(bytes[..16].try_into().ok()?);
    (bytes[16..].iter().all(|byte| *byte == 0) && low < 1 << MAX_BITS).then_some(low)
}

/// The least and the greatest of `-rest`, below `2^MAX_BITS` in magnitude; `None` while that is not known, or if the greatest is
/// negative.
fn negated(state: &State, rest: &Residue) -> Option<(i128, u128)> {
    let (digits, target) = rest.digits(state)?;
    let mut width = 0u128;
    for digit in &digits {
        width = width.checked_add(small(digit.coefficient)?.checked_mul(small(digit.range.width)?)?)?;
    }
    // `rest` is what the digits add up to, in [0, width], less `target`.
    let target = small(target)?;
    (width < 1 << MAX_BITS).then_some((target as i128 - width as i128, target))
}

/// Rule 1.
fn halve(state: &mut State, plus: &Square, minus: &Square) -> Progress {
    // `minus` is held negated: its own equation is `-y^2 - linear*y - rest = 0`.
    if plus.linear - minus.linear != Fr::from(2) || small(plus.linear).is_none_or(|linear| linear >= 1 << 30) {
        return Ok(false);
    }
    let mut sum = Residue { constant: plus.rest.constant - minus.rest.constant, terms: plus.rest.terms.clone() };
    for (wire, coefficient) in &minus.rest.terms {
        *sum.terms.entry(*wire).or_insert(Fr::ZERO) -= coefficient;
    }
    let bounds = negated(state, &sum).filter(|_| negated(state, &plus.rest).is_some());
    let Some((least @ 0.., greatest @ ..LIMIT)) = bounds else { return Ok(false) };
    let (least, greatest) = ((least as u128).div_ceil(2), greatest / 2);
    let width = greatest.checked_sub(least).ok_or(Contradiction)?;
    state.narrow(plus.y, Range { lo: Fr::from_u128(least), width: Fr::from_u128(width) })
}

/// Rule 2.
fn root(state: &mut State, square: &Square) -> Progress {
    let Some(range) = state.range(square.y) else { return Ok(false) };
    let bounds = small(range.lo).zip(small(range.width)).zip(small(square.linear));
    let Some(((lo, width), linear)) = bounds.filter(|((lo, width), linear)| lo | width | linear < LIMIT) else {
        return Ok(false);
    };
    let Some((least, greatest)) = negated(state, &square.rest) else { return Ok(false) };
    // The first of the range for which y^2 + c*y is not below a bound, counted from `lo`.
    let first_from = |bound: u128| {
        let (mut from, mut to) = (0, width + 1);
        while from < to {
            let middle = (from + to) / 2;
            let y = lo + middle;
            if y * y + linear * y < bound { from = middle + 1 } else { to = middle }
        }
        from
    };
    let (first, end) = (first_from(least.max(0) as u128), first_from(greatest + 1));
    let width = end.checked_sub(first + 1).ok_or(Contradiction)?;
    state.narrow(square.y, Range { lo: Fr::from_u128(lo + first), width: Fr::from_u128(width) })
}
