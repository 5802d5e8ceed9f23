//! Division, with rounding.
//!
//! # Statement
//! For `d >= 1` and `a` of either sign: `y = floor((m*a*2^s + (m-1)*d) / (m*d))`. With `m = 2` that is `a * 2^s / d` rounded half up,
//! with `m = 1` rounded towards minus infinity.
//! # Equations
//! With `lo` the least that `y` can be, or 0 if that is less:
//! 1. `m*2^s*a + (m-1)*d = m*y*d + r`.
//! 2. `r = sum(2^(b*i) r_i)`.
//! 3. `m*d - 1 - r = sum(2^(b*i) g_i)`.
//! 4. `y - lo = sum(2^(b*i) y_i)`.
//! # Soundness
//! By (2) and (3) `0 <= r < m*d` over the integers, by (4) `y - lo` is below `2^(bits(y)+b)`, so both sides of (1) stay
//! below `2^250` ([`Builder::push`] checks it, with that slack, which a range of both signs may pass by one bit of the three to the
//! field's order) and (1) holds over the integers: quotient and remainder are unique, at ties too, and of a negative dividend the
//! remainder is not negative either. `d >= 1` is proven by interval analysis, so there is no division by zero, and no
//! wrap-around since the quotient has its range check.
//! # Cost
//! `ceil(bits(m*d)/b) * 2 + ceil(bits(y)/b) + 6` units.
//!
//! [`Builder::push`]: super::super::builder::Builder::push

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
use crate::int::{Node, Rounding};

/// What quotient and remainder are multiplied by for the rounding: `m`.
fn multiple(rounding: Rounding) -> i64 {
    match rounding {
        Rounding::HalfUp => 2,
        Rounding::Floor => 1,
    }
}

/// Units of the node.
pub(in crate::machine) fn units(count: &Count<'_>, divisor: &[u32], rounding: Rounding) -> f64 {
    let divisors = count.node.inputs.get(1).map(|id| count.graph.node(*id));
    let greatest = |at: &u32| divisors.map_or(0, |divisors| divisors.range(*at as usize).hi);
    let remainder_bits = |at: &u32| bits_of(i128::from(multiple(rounding)) * i128::from(greatest(at)) - 1);
    let quotients = count.sum(count.node, |y| count.limbs(y.bits()) + 6.0);
    quotients + divisor.iter().map(|at| 2.0 * count.limbs(remainder_bits(at))).sum::<f64>()
}

pub(crate) fn divide(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    shift: u32,
    divisor: &[u32],
    rounding: Rounding,
) -> Result<Vec<Form>, Error> {
    // `m`, and log2 of it.
    let (multiple, log_multiple) = match rounding {
        Rounding::HalfUp => (2, 1),
        Rounding::Floor => (1, 0),
    };
    let mut forms = Vec::with_capacity(divisor.len());
    let scale = 1i64.checked_shl(shift + log_multiple).filter(|s| *s > 0).ok_or(Error::WeightOverflow)?;
    for (element, divisor) in divisor.iter().enumerate() {
        lowering.builder.label = Label::of_element("division", index, element);
        let a = lowering.cell(node.inputs[0], element)?;
        let d = lowering.cell(node.inputs[1], *divisor as usize)?;
        let divisors = lowering.builder.graph.node(node.inputs[1]).range(*divisor as usize);
        if divisors.lo < 1 {
            return Err(Error::DivisorMayBeZero { node: node.name.clone() });
        }
        let range = node.range(element);
        let y = lowering.builder.value(index, element, range);
        let width = bits_of(i128::from(multiple) * i128::from(divisors.hi) - 1);
        let terms = vec![(scale, a, None), (multiple - 1, d, None), (-multiple, y, Some(d))];
        let r = Def::Quadratic { constant: 0, terms };
        let r = lowering.builder.wire(r, 2f64.powi(width as i32));

        let mut equation = Equation::default();
        equation.product(y, d, Weight::int(-multiple));
        equation.linear(a, Weight::int(scale))?.linear(d, Weight::int(multiple - 1))?.linear(r, Weight::int(-1))?;
        lowering.builder.push(equation)?;

        lowering.builder.range(&Form::wire(r), r, 0, width, Bound::Loose)?;
        let gap = Form { constant: -1, terms: vec![(d, multiple), (r, -1)] };
        let hint = Def::Quadratic { constant: -1, terms: vec![(multiple, d, None), (-1, r, None)] };
        let hint = lowering.builder.wire(hint, 2f64.powi(width as i32));
        let mut equation = Equation::default();
        lowering.builder.add_form(&mut equation, &gap, Weight::int(1))?;
        lowering.builder.subtract_limbs(&mut equation, Decomposed { of: hint, offset: 0 }, width, Bound::Loose, 0);
        lowering.builder.push(equation)?;
        let lo = range.lo.min(0);
        let quotients = bits_of(i128::from(range.hi) - i128::from(lo));
        lowering.builder.range(&Form::wire(y), y, lo, quotients, Bound::Loose)?;
        forms.push(Form::wire(y));
    }
    Ok(forms)
}
