//! Products of tensors: matrices and convolutions.
//!
//! # Statement
//! `y = sum(a_i * b_i)`, exact, where the node says which elements of its factors are multiplied.
//! # Equations
//! 1. Both factors computed: `sum(a_i * b_i) - y = 0`.
//! 2. One factor fixed: none. `y` stays a sum over wires with the weights for coefficients, part of the equation that reads it.
//! # Soundness
//! By (1) `y` is linear with a fixed coefficient: it is determined by its operands, and `|y| < 2^62` by interval analysis.
//! In (2) there is nothing to choose. Padding has no terms: it cannot be anything but 0.
//! # Cost
//! (1) a unit a product, half a unit for `y`. (2) half a unit a weight that is not zero.

use super::super::{
    Error,
    builder::Form,
    equation::Equation,
    field::Weight,
    label::Label,
    lower::{Lowering, Value},
};
use crate::int::{Contraction, Node, NodeId, Source};

/// Units of the node.
pub(in crate::machine) fn units(contraction: &Contraction<'_>) -> f64 {
    let of_output = |output: usize| {
        let mut terms = 0u32;
        if contraction.is_of_computed() {
            contraction.each(output, &mut |_, _| terms += 1);
            f64::from(terms) + 0.5
        } else {
            contraction.each_term(output, &mut |_, _| terms += 1);
            if terms > 1 { 0.5 * f64::from(terms) } else { 0.0 }
        }
    };
    (0..contraction.len()).map(of_output).sum()
}

pub(crate) fn contraction<'a>(
    lowering: &mut Lowering<'a>,
    index: u32,
    node: &Node,
    contraction: Contraction<'a>,
) -> Result<Vec<Value>, Error> {
    let outputs = 0..contraction.len();
    if contraction.is_of_computed() {
        let products = outputs.map(|output| sum_of_products(lowering, index, node, &contraction, output));
        return products.map(|form| form.map(Value::from)).collect();
    }
    // Only what is read: a shift that another node rectifies must not get a cell of its own here.
    let operand = node.inputs[0];
    let mut is_read = vec![false; lowering.builder.graph.node(operand).len()];
    for output in outputs.clone() {
        contraction.each_source(output, &mut |source| is_read[source.element as usize] = true);
    }
    for (element, _) in is_read.iter().enumerate().filter(|(_, read)| **read) {
        lowering.prepare(operand, element)?;
    }
    lowering.contractions.insert(index, contraction);
    Ok(outputs.map(|output| Value::Pending(NodeId(index), output as u32)).collect())
}

/// Equation (1).
fn sum_of_products(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    contraction: &Contraction<'_>,
    output: usize,
) -> Result<Form, Error> {
    lowering.builder.label = Label::of_element("sum of products", index, output);
    let mut factors = Vec::with_capacity(contraction.depth());
    contraction.each(output, &mut |a, b| factors.push((a, b)));
    let mut equation = Equation::default();
    for (a, b) in factors {
        let (a, b) = (lowering.cell(node.inputs[0], a)?, lowering.cell(node.inputs[1], b)?);
        equation.product(a, b, Weight::int(1));
    }
    let y = lowering.builder.value(index, output, node.range(output));
    equation.linear(y, Weight::int(-1))?;
    lowering.builder.push(equation)?;
    Ok(Form::wire(y))
}

/// The terms of an output of node `index` with one fixed factor.
pub(crate) fn terms_of(lowering: &Lowering<'_>, index: u32, output: u32) -> Vec<(i64, Source)> {
    let mut terms = Vec::new();
    if let Some(contraction) = lowering.contractions.get(&index) {
        contraction.each_term(output as usize, &mut |weight, source| terms.push((weight, source)));
    }
    terms
}
