//! Inputs: public values with a declared range.
//!
//! # Statement
//! `x` in `[lo, hi]`, the range that the program declares, for every element.
//! # Equations
//! 1. `x - lo = sum(2^(b*i) * limb_i)`, `bits` of `hi - lo` in all, the highest limb in a narrower table.
//! 2. Where `hi - lo + 1` is no power of two, also `hi - x = sum(2^(b*i) * limb'_i)`.
//! # Soundness
//! By (1) `x - lo` is a sum of looked-up limbs, so it lies in `[0, 2^bits)` as an integer and `x` is canonical:
//! no other element of the field has such limbs, since `2^bits < p`. By (2) it does not exceed `hi`.
//! # Cost
//! A unit a limb and one for `x`, twice where (2) is needed.

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    label::Label,
    lower::Lowering,
    units::Count,
};
use crate::int::Node;

/// Units of the node.
pub(in crate::machine) fn units(count: &Count<'_>) -> f64 {
    count.sum(count.node, |range| {
        let values = i128::from(range.hi) - i128::from(range.lo) + 1;
        let passes = if values == 1i128 << range.bits() { 1.0 } else { 2.0 };
        passes * (1.0 + count.limbs(range.bits()))
    })
}

pub(crate) fn inputs(lowering: &mut Lowering<'_>, index: u32, node: &Node) -> Result<Vec<Form>, Error> {
    let mut forms = Vec::with_capacity(node.len());
    for element in 0..node.len() {
        lowering.builder.label = Label::of_element("range", index, element);
        let range = node.range(element);
        let wire = lowering.builder.value(index, element, range);
        let form = Form::wire(wire);
        let width = i128::from(range.hi) - i128::from(range.lo);
        let bits = bits_of(width);
        // A range of one integer has no limbs: equation (1) then says x = lo.
        lowering.builder.range(&form, wire, range.lo, bits, Bound::Exact)?;
        if width + 1 != 1i128 << bits {
            let mut equation = Equation::default();
            lowering.builder.add_form(&mut equation, &Form::constant(range.hi), Weight::int(1))?;
            equation.linear(wire, Weight::int(-1))?;
            let excess = lowering.builder.wire(
                super::super::wire::Def::Quadratic { constant: range.hi, terms: vec![(-1, wire, None)] },
                width as f64,
            );
            let what = Decomposed { of: excess, offset: 0 };
            lowering.builder.subtract_limbs(&mut equation, what, bits, Bound::Exact, 0);
            lowering.builder.push(equation)?;
        }
        forms.push(form);
    }
    Ok(forms)
}
