//! On which side of zero a value stands.
//!
//! # Statement
//! `y = 1` if `z >= 0`, else 0, where `z` is any bounded sum or a shift of one.
//! # Equations
//! With `b`-bit limbs, `B = n*b` bits and `c = 2^(B-1)`, after a shift by `S` bits `c = 2^(B-1) + 2^(S-1)`:
//! 1. `z + c = sum(2^(b*i) l_i)`, or `x + c = sum(2^(b*i) l_i)` for a shift of `x`.
//! # Lookups
//! Each limb, `b` bits. That of the highest gives its highest bit: `y`.
//! # Soundness
//! A shift is not computed: `floor((x + 2^(S-1)) / 2^S) >= 0` exactly if `x + 2^(S-1) >= 0`. What is decomposed is determined
//! and lies in `[-2^(B-1), 2^(B-1))` once `2^(B-1)` is taken off, by interval analysis; both sides of (1) are below `2^64`,
//! far below the `2^250` that [`Builder::push`] checks, so (1) holds over the integers and has one solution. The highest of the `B`
//! bits is 1 exactly if the value is not negative, and the table is a function of the limb, so `y` cannot be chosen: zero
//! has one side.
//! # Assumes
//! `B` is at most 63, or the compiler refuses the sum: values below `2^62` are, in limbs of 7 or 9 bits, but where a shift stands before
//! the step and what is shifted comes within half a step of `2^62`.
//! # Cost
//! The units of `z` or `x` and of the constant, one in all for a cell, and `n` limbs, `b*n > bits(z)`. Nothing where the sign
//! is known.
//!
//! [`Builder::push`]: super::super::builder::Builder::push

use super::{
    super::{
        Error,
        builder::{Bound, Decomposed, Form, bits_of},
        equation::Equation,
        field::Weight,
        label::Label,
        lower::Lowering,
        units::Count,
    },
    rectify,
};
use crate::int::{Interval, Node, NodeId, Op};

/// How many limbs say whether a value is negative; `None` if that is known.
pub(in crate::machine) fn num_sign_limbs(z: Interval, limb_bits: u32) -> Option<usize> {
    (z.lo < 0 && z.hi >= 0).then(|| signed_bits(z.lo.into(), z.hi.into()).div_ceil(limb_bits) as usize)
}

/// The least `B` with `-2^(B-1) <= lo` and `hi < 2^(B-1)`.
fn signed_bits(lo: i128, hi: i128) -> u32 {
    bits_of(hi.max(-lo - 1)) + 1
}

/// Units of the node.
pub(in crate::machine) fn units(count: &Count<'_>) -> f64 {
    let z = count.operand();
    // What is shifted has more bits; where the shift has other readers, a little less is taken.
    let shifted = z.inputs.first().filter(|_| matches!(z.op, Op::Shift { .. }));
    let is_open = |z: Interval| z.lo < 0 && z.hi >= 0;
    let limbs = |z: Interval| count.full_limbs(signed_bits(z.lo.into(), z.hi.into()));
    count.sum(shifted.map_or(z, |id| count.graph.node(*id)), |z| if is_open(z) { limbs(z) + 1.0 } else { 0.0 })
}

pub(crate) fn steps(lowering: &mut Lowering<'_>, index: u32, node: &Node) -> Result<Vec<Form>, Error> {
    let step = |element| {
        lowering.builder.label = Label::of_element("step", index, element);
        step(lowering, node.inputs[0], element)
    };
    (0..node.len()).map(step).collect()
}

/// 1 if `node[element] >= 0`, else 0.
fn step(lowering: &mut Lowering<'_>, node: NodeId, element: usize) -> Result<Form, Error> {
    let z = lowering.builder.graph.node(node).range(element);
    if z.lo >= 0 {
        return Ok(Form::constant(1));
    }
    if z.hi < 0 {
        return Ok(Form::constant(0));
    }
    let (form, of, half) = match lowering.lazy_shift(node, element) {
        Some(shift) => {
            let (form, operand, bits) = lowering.shifted_form(shift)?;
            (form, operand, 1i64 << (bits - 1))
        }
        None => (lowering.form(node, element)?, (node.0, element), 0),
    };
    let range = lowering.builder.graph.node(NodeId(of.0)).range(of.1);
    let hint = lowering.builder.value(of.0, of.1, range);
    let [lo, hi] = [range.lo, range.hi].map(|end| i128::from(end) + i128::from(half));
    let bits = signed_bits(lo, hi).next_multiple_of(lowering.builder.limb_bits);
    let offset = 1i64.checked_shl(bits - 1).filter(|power| *power > 0).and_then(|power| power.checked_add(half));
    let offset = offset.ok_or(Error::WeightOverflow)?;

    // z + c - sum(2^(b*i) l_i) = 0
    let mut equation = Equation::default();
    lowering.builder.add_form(&mut equation, &form, Weight::int(1))?;
    lowering.builder.add_form(&mut equation, &Form::constant(offset), Weight::int(1))?;
    let what = Decomposed { of: hint, offset };
    let limbs = lowering.builder.subtract_limbs(&mut equation, what, bits, Bound::Exact, 0);
    let sign = rectify::sign_of_top_limb(lowering, &mut equation, &limbs)?;
    lowering.builder.push(equation)?;
    Ok(Form::wire(sign))
}
