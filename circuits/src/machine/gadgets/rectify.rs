//! Requantization and the rectifier, which share their limbs.
//!
//! # Statement
//! Shift: `y = floor((x + 2^(S-1)) / 2^S)`. Relu: `y = max(z, 0)`, where `z` is such a shift or any bounded sum.
//! # Equations
//! With `b`-bit limbs, `r` of exactly `S` bits and `z + 2^(B-1)` of `B = n*b` bits:
//! 1. shift alone: `x + 2^(S-1) = 2^S*y + sum(2^(b*i) r_i)` and `y - lo = sum(2^(b*i) l_i)`.
//! 2. relu, after a shift: `x + 2^(S-1) = 2^S*(sum(2^(b*i) l_i) - 2^(B-1)) + sum(2^(b*i) r_i)`;
//!    without one: `z = sum(2^(b*i) l_i) - 2^(B-1)`.
//! 3. relu: `y = sum(2^(b*i) s*l_i) - 2^(B-1) s`, where the lookup of the highest limb gives `s`, its highest bit.
//! # Soundness
//! `x` is a fixed sum over wires that are themselves determined, with `|x| < 2^62` by interval analysis. Every limb
//! is looked up, so `r` is in `[0, 2^S)` and `y` within `2^b` times its proven bound; [`Builder::push`] has checked
//! that both sides stay below `2^250` even so. So the equation holds over the integers, where quotient and remainder
//! are unique: rounding has one answer, at ties too. The `B` bits of `z + 2^(B-1)` are canonical, its highest bit is
//! 1 exactly if `z >= 0`, and the table is a function, so `s` cannot be chosen: zero has one sign. `y` in (3) is
//! then determined.
//! # Cost
//! Shift: the units of `x`, `ceil(S/b)`, `ceil(bits(y)/b) + 1`. Relu after a shift: the units of `x`, `ceil(S/b)`,
//! `2n + 1`.
//!
//! [`Builder::push`]: super::super::builder::Builder::push

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, Limb, bits_of},
    equation::Equation,
    field::Weight,
    label::Label,
    lower::Lowering,
    units::{Count, Fused},
    wire::{Def, Wire},
};
use crate::int::{Interval, Node, NodeId};

/// Units of a shift by `bits`.
pub(in crate::machine) fn units_of_shift(count: &Count<'_>, bits: u32) -> f64 {
    match count.fused {
        Fused::Alone => count.sum(count.node, |y| count.limbs(bits) + count.limbs(y.bits()) + 1.0),
        Fused::WithRelu => count.node.len() as f64 * count.limbs(bits),
        Fused::WithStep => 0.0,
    }
}

/// Units of a rectifier.
pub(in crate::machine) fn units_of_relu(count: &Count<'_>) -> f64 {
    let is_open = |z: Interval| z.lo < 0 && z.hi > 0;
    count.sum(count.operand(), |z| if is_open(z) { 2.0 * count.full_limbs(signed_bits(z)) + 1.0 } else { 0.0 })
}

/// The least `B` with `-2^(B-1) <= lo` and `hi < 2^(B-1)`.
fn signed_bits(z: Interval) -> u32 {
    bits_of(i128::from(z.hi).max(-i128::from(z.lo) - 1)) + 1
}

/// `y = floor((form + 2^(bits-1)) / 2^bits)`, the value of `node[element]`. `operand` names what is shifted.
pub(crate) fn shift(
    lowering: &mut Lowering<'_>,
    node: NodeId,
    element: usize,
    form: &Form,
    operand: (u32, usize),
    bits: u32,
) -> Result<Wire, Error> {
    let before = lowering.builder.relabel(Label::of_element("requantization", node.0, element));
    let range = lowering.builder.graph.node(node).range(element);
    let y = lowering.builder.value(node.0, element, range);
    let mut equation = shifted(lowering, form, operand, bits)?;
    equation.linear(y, Weight::minus_power(bits))?;
    lowering.builder.push(equation)?;
    let width = bits_of(i128::from(range.hi) - i128::from(range.lo));
    lowering.builder.range(&Form::wire(y), y, range.lo, width, Bound::Loose)?;
    lowering.builder.label = before;
    Ok(y)
}

/// `form + 2^(bits-1)` less its remainder: what is left is `2^bits` times the quotient.
fn shifted(lowering: &mut Lowering<'_>, form: &Form, operand: (u32, usize), bits: u32) -> Result<Equation, Error> {
    let range = lowering.builder.graph.node(NodeId(operand.0)).range(operand.1);
    let hint = lowering.builder.value(operand.0, operand.1, range);
    let half = 1i64 << (bits - 1);
    let mut equation = Equation::default();
    lowering.builder.add_form(&mut equation, form, Weight::int(1))?;
    lowering.builder.add_form(&mut equation, &Form::constant(half), Weight::int(1))?;
    let what = Decomposed { of: hint, offset: half };
    lowering.builder.subtract_limbs(&mut equation, what, bits, Bound::Exact, 0);
    Ok(equation)
}

/// `max(node[element], 0)`, the value of node `index`.
pub(crate) fn relu(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    operand: NodeId,
    element: usize,
) -> Result<Form, Error> {
    let z = lowering.builder.graph.node(operand).range(element);
    if z.lo >= 0 {
        return lowering.form(operand, element);
    }
    if z.hi <= 0 {
        return Ok(Form::constant(0));
    }
    lowering.builder.label = Label::of_element("rectifier", index, element);
    let (equation, bits) = match lowering.lazy_shift(operand, element) {
        Some(shift) => {
            let (form, operand, bits) = lowering.shifted_form(shift)?;
            (shifted(lowering, &form, operand, bits)?, bits)
        }
        None => {
            let form = lowering.form(operand, element)?;
            let mut equation = Equation::default();
            lowering.builder.add_form(&mut equation, &form, Weight::int(1))?;
            (equation, 0)
        }
    };
    let hint = lowering.builder.value(operand.0, element, z);
    let y = lowering.builder.value(index, element, node.range(element));
    rectified(lowering, equation, bits, hint, z, y)?;
    Ok(Form::wire(y))
}

/// Completes `equation`, which holds `2^at * z` so far, and proves `y = max(z, 0)`.
pub(crate) fn rectified(
    lowering: &mut Lowering<'_>,
    mut equation: Equation,
    at: u32,
    hint: Wire,
    z: Interval,
    y: Wire,
) -> Result<(), Error> {
    let limb_bits = lowering.builder.limb_bits;
    let bits = signed_bits(z).next_multiple_of(limb_bits);
    let half = 1i64.checked_shl(bits - 1).filter(|half| *half > 0).ok_or(Error::WeightOverflow)?;
    let one = lowering.builder.one()?;
    equation.linear(one, Weight::power(at + bits - 1))?;
    let what = Decomposed { of: hint, offset: half };
    let mut limbs = lowering.builder.subtract_limbs(&mut equation, what, bits, Bound::Exact, at);
    let sign = sign_of_top_limb(lowering, &mut equation, &limbs)?;
    lowering.builder.push(equation)?;

    let mut equation = Equation::default();
    limbs.reverse();
    for (limb, power) in limbs {
        equation.product(sign, limb, Weight::power(power));
    }
    equation.linear(sign, Weight::minus_power(bits - 1))?.linear(y, Weight::int(-1))?;
    lowering.builder.push(equation)
}

/// Lets the lookup of the highest limb give its highest bit.
pub(crate) fn sign_of_top_limb(
    lowering: &mut Lowering<'_>,
    equation: &mut Equation,
    limbs: &[Limb],
) -> Result<Wire, Error> {
    let table = lowering.builder.range_table(lowering.builder.limb_bits);
    let (top, _) = *limbs.last().ok_or(Error::NoLookup)?;
    let sign = lowering.builder.wire(Def::Lookup { table, key: top }, 1.0);
    equation.expose_output(top, sign)?;
    Ok(sign)
}
