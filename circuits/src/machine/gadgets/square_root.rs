//! Square roots, rounded down.
//!
//! # Statement
//! `y = floor(sqrt(X))`, `X = x * 2^s` in `[0, 2^62)`.
//! # Equations
//! 1. `X - y^2 = sum(2^(b*i) r_i)`.
//! 2. `y^2 + 2*y - X = sum(2^(b*i) g_i)`.
//! # Lookups
//! The limbs of `r` and of `g`, each `w` bits in all, `2*y < 2^w` by the root's declared range, rounded up to whole limbs.
//! # Soundness
//! `r` and `g` are integers in `[0, 2^w)`, whatever a liar chooses; `w < 33 + b` where the compiler made the ranges, and below
//! `64 + b` whatever a program file declares. The sum of (1) and (2) says `2*y = r + g =: t`,
//! an integer, and four times (1) says `4*X = t^2 + 4*r`. Both sides are below `2^(2*64 + 2*b + 2) < 2^160 < p`, so this holds over the integers:
//! 4 divides `t^2`, `t` is even, and `y = t/2` is an integer that is not negative. It has no range check of its own. Now (1) and
//! (2) hold over the integers: `y^2 <= X` and `X <= y^2 + 2*y`, that is `X < (y+1)^2`. One `y` meets both, and it determines `r`
//! and `g`.
//! # Assumes
//! `X >= 0` for there to be a witness at all, which interval analysis proves.
//! # Cost
//! `2*ceil(w/b) + 4` units. Nothing where the root is known.

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    label::Label,
    lower::Lowering,
    units::Count,
    wire::Def,
};
use crate::int::{Interval, Node};

/// Bits of the remainder of a root in this range, and of what it lacks to the next square.
pub(in crate::machine) fn remainder_bits(root: Interval) -> u32 {
    bits_of(2 * i128::from(root.hi))
}

/// Units of the node. Its limbs are full ones.
pub(in crate::machine) fn units(count: &Count<'_>) -> f64 {
    count.sum(count.node, |y| if y.lo == y.hi { 0.0 } else { 2.0 * count.full_limbs(remainder_bits(y)) + 4.0 })
}

pub(crate) fn square_roots(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    shift: u32,
) -> Result<Vec<Form>, Error> {
    (0..node.len()).map(|element| square_root(lowering, index, node, element, shift)).collect()
}

fn square_root(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    element: usize,
    shift: u32,
) -> Result<Form, Error> {
    let range = node.range(element);
    if range.lo == range.hi {
        return Ok(Form::constant(range.lo));
    }
    let scale = 1i64.checked_shl(shift).filter(|scale| *scale > 0).ok_or(Error::WeightOverflow)?;
    lowering.builder.label = Label::of_element("square root", index, element);
    let x = lowering.cell(node.inputs[0], element)?;
    let width = remainder_bits(range);
    // Its limbs, rounded up to whole ones, are all that bounds the root before it is determined.
    let bound = 2f64.powi(width.next_multiple_of(lowering.builder.limb_bits) as i32);
    let y = lowering.builder.wire(Def::Value { node: index, element: element as u32 }, bound);

    // X - y^2 - sum(2^(b*i) r_i) = 0
    let mut equation = Equation::default();
    equation.product(y, y, Weight::int(-1)).linear(x, Weight::int(scale))?;
    let terms = vec![(scale, x, None), (-1, y, Some(y))];
    let r = lowering.builder.wire(Def::Quadratic { constant: 0, terms }, bound);
    let what = Decomposed { of: r, offset: 0 };
    lowering.builder.subtract_limbs(&mut equation, what, width, Bound::Loose, 0);
    lowering.builder.push(equation)?;

    // y^2 + 2y - X - sum(2^(b*i) g_i) = 0
    let mut equation = Equation::default();
    equation.product(y, y, Weight::int(1)).linear(y, Weight::int(2))?.linear(x, Weight::int(-scale))?;
    let terms = vec![(1, y, Some(y)), (2, y, None), (-scale, x, None)];
    let g = lowering.builder.wire(Def::Quadratic { constant: 0, terms }, bound);
    let what = Decomposed { of: g, offset: 0 };
    lowering.builder.subtract_limbs(&mut equation, what, width, Bound::Loose, 0);
    lowering.builder.push(equation)?;
    Ok(Form::wire(y))
}
