//! An equation that fails is named by what it says, of which node and element.

use super::{models::models, *};
use crate::{
    int::{Builder, Factor, Interval, Op, Output},
    machine::wire::Def,
};

/// A layer of two neurons and a table of one row.
fn layer() -> Graph {
    let mut builder = Builder::new();
    let x = builder.input("features", vec![2], 4, vec![Interval::new(-100, 100)]).expect("an input");
    let right = Factor::Fixed { shape: vec![2, 2], values: vec![3, -7, 11, 2] };
    let op = Op::MatMul { left: Factor::Computed { shape: vec![1, 2] }, right };
    let sums = builder.push("fc1", op, vec![x], vec![1, 2], 8).expect("a well-formed node");
    let narrow = builder.push("fc1.narrow", Op::Shift { bits: 3 }, vec![sums], vec![1, 2], 5).expect("a shift");
    let relu = builder.push("relu", Op::Relu, vec![sums], vec![1, 2], 8).expect("a rectifier");
    let outputs = [narrow, relu].map(|node| Output { name: node.0.to_string(), node });
    builder.finish(outputs.to_vec()).expect("a well-formed graph")
}

#[test]
fn broken_equations_are_named() {
    let (layout, honest) = run(&layer(), Shape::Lean, 5, &[vec![50, -3]]);
    for (node, element, expected) in [
        (0, 1, "range of `features`, element 1"),
        (1, 0, "sum of `fc1`, element 0"),
        (2, 1, "requantization of `fc1.narrow`, element 1"),
        (3, 0, "rectifier of `relu`, element 0"),
    ] {
        let is_value = |def: &Def| matches!(def, Def::Value { node: n, element: e } if (*n, *e) == (node, element));
        let placed = layout.placed_wires();
        let wire = placed.into_iter().find(|wire| is_value(&layout.defs[wire.0 as usize])).expect("it has a cell");
        let mut forged = honest.clone();
        forged.forge(wire, honest.small(wire).expect("an integer") + 1);
        let error = layout.witness(forged).expect_err("a wrong value");
        assert!(matches!(&error, Error::EquationFails { what, .. } if what == expected), "{expected}: {error}");
        assert!(error.to_string().starts_with("row "), "{error}");
    }
}

#[test]
fn every_row_has_a_name() {
    for model in models() {
        for shape in Shape::ALL {
            let layout = lay_out(&model.graph, shape, 5).expect("it fits");
            for row in 0..layout.rows() {
                let name = layout.describe_row(row);
                assert!(name.contains(" of `"), "{} {shape} row {row}: {name}", model.name);
            }
        }
    }
}

/// Every operator has a model here, so that liars and solvers meet its gadget.
#[test]
fn no_operator_is_left_out() {
    let models = models();
    let used: std::collections::BTreeSet<&str> =
        models.iter().flat_map(|model| &model.graph.nodes).map(|node| node.op.name()).collect();
    let missing: Vec<&str> = Op::NAMES.into_iter().filter(|name| !used.contains(name)).collect();
    assert!(missing.is_empty(), "no model has {missing:?}");
}
