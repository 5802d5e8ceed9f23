//! Whether a value is 0.
//!
//! # Statement
//! `y = 1` if `x = 0`, else 0.
//! # Equations
//! 1. `x*v + y - 1 = 0`.
//! 2. `x*y = 0`.
//! 3. `v*y = 0`.
//! # Soundness
//! All three are meant in the field, where a product is 0 only if a factor is; `v` is an element of it and no integer, so nothing
//! is said of magnitudes. `x` is determined and `|x| < 2^62`, so it is 0 in the field exactly if it is 0. If it is, (1) says `y = 1`
//! and then (3) `v = 0`. If it is not, (2) says `y = 0` and then (1) that `v` is the inverse of `x`. Without (3) `v` would be free
//! where `x = 0`: no lie, but a second proof.
//! # Cost
//! 4 units. Nothing where it is known. Two [steps](super::step) would take `2*n + 3` with `n` limbs.

use super::super::{
    Error, builder::Form, equation::Equation, field::Weight, label::Label, lower::Lowering, units::Count, wire::Def,
};
use crate::int::{Interval, Node};

/// Above every element of the field: none is taken for an integer.
const UNBOUNDED: f64 = f64::INFINITY;

/// Whether it depends on the value if one of this range is 0.
pub(in crate::machine) fn is_open(x: Interval) -> bool {
    x.contains(0) && x.lo != x.hi
}

/// Units of the node.
pub(in crate::machine) fn units(count: &Count<'_>) -> f64 {
    count.sum(count.operand(), |x| if is_open(x) { 4.0 } else { 0.0 })
}

pub(crate) fn are_zero(lowering: &mut Lowering<'_>, index: u32, node: &Node) -> Result<Vec<Form>, Error> {
    (0..node.len()).map(|element| is_zero(lowering, index, node, element)).collect()
}

fn is_zero(lowering: &mut Lowering<'_>, index: u32, node: &Node, element: usize) -> Result<Form, Error> {
    let operand = node.inputs[0];
    let range = lowering.builder.graph.node(operand).range(element);
    if !is_open(range) {
        return Ok(Form::constant(range.contains(0).into()));
    }
    lowering.builder.label = Label::of_element("test for zero", index, element);
    let x = lowering.cell(operand, element)?;
    let y = lowering.builder.value(index, element, Interval::new(0, 1));
    let v = lowering.builder.wire(Def::Inverse { of: x }, UNBOUNDED);
    let one = lowering.builder.one()?;

    // x*v + y - 1 = 0
    let mut equation = Equation::default();
    equation.product(x, v, Weight::int(1)).linear(y, Weight::int(1))?.linear(one, Weight::int(-1))?;
    lowering.builder.push_in_field(equation)?;
    // x*y = 0
    let mut equation = Equation::default();
    equation.product(x, y, Weight::int(1));
    lowering.builder.push_in_field(equation)?;
    // v*y = 0
    let mut equation = Equation::default();
    equation.product(v, y, Weight::int(1));
    lowering.builder.push_in_field(equation)?;
    Ok(Form::wire(y))
}
