//! Products of computed values.
//!
//! # Statement
//! `y = sum(a_i * b_i)`, exact.
//! # Equations
//! 1. `sum(a_i * b_i) - y = 0`.
//! # Soundness
//! Linear in `y` with a fixed coefficient: `y` is determined by its operands, and `|y| < 2^62` by interval analysis.
//! # Cost
//! A unit a product, half a unit for `y`.

use super::super::{Error, builder::Form, equation::Equation, field::Weight, label::Label, lower::Lowering};
use crate::int::{Node, Source};

/// Units of the node.
pub(in crate::machine) fn units<T>(rows: &[Vec<T>]) -> f64 {
    rows.iter().map(|row| row.len() as f64 + 0.5).sum()
}

pub(crate) fn sums_of_products(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    rows: &[Vec<(Source, Source)>],
) -> Result<Vec<Form>, Error> {
    let mut forms = Vec::with_capacity(rows.len());
    for (element, row) in rows.iter().enumerate() {
        lowering.builder.label = Label::of_element("sum of products", index, element);
        let mut equation = Equation::default();
        for (a, b) in row {
            let a = lowering.cell(node.inputs[a.input as usize], a.element as usize)?;
            let b = lowering.cell(node.inputs[b.input as usize], b.element as usize)?;
            equation.product(a, b, Weight::int(1));
        }
        let y = lowering.builder.value(index, element, node.range(element));
        equation.linear(y, Weight::int(-1))?;
        lowering.builder.push(equation)?;
        forms.push(Form::wire(y));
    }
    Ok(forms)
}
