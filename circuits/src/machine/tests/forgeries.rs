//! What a liar may try. Each lie keeps everything consistent that the liar can keep consistent: the running sum and
//! the multiplicities are computed anew.

use std::collections::BTreeSet;

use halo2_proofs::dev::FailureLocation;

use super::{
    models::{models, sum_and_difference},
    *,
};
use crate::machine::Wire;

/// No wire has a second value near its own, all others unchanged. All cells of the wire change together: that they
/// cannot differ is shown in [copies](super::copies).
#[test]
fn no_wire_has_a_second_value_nearby() {
    for model in models() {
        let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
        for wire in every_nth(layout.placed_wires(), 40) {
            for lie in [-1i64, 1, -32, 1 << 40] {
                let mut forged = values.clone();
                forged.forge(wire, values.small(wire).unwrap_or(0).wrapping_add(lie));
                let witness = layout.witness_unchecked(forged);
                assert!(!failures(&layout, &witness).is_empty(), "{} {wire:?} {lie}", model.name);
            }
        }
    }
}

/// Two wires changed at once, by opposite or scaled amounts that could keep an equation balanced, leave the range
/// checks.
#[test]
fn no_two_wires_balance() {
    for model in models() {
        let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
        let wires = layout.placed_wires();
        let pairs = wires.iter().enumerate().flat_map(|(at, a)| wires[at + 1..].iter().take(3).map(move |b| (*a, *b)));
        for (a, b) in every_nth(pairs.collect(), 30) {
            for (da, db) in [(1, -1), (1, 1), (32, -1), (-1, 8)] {
                let Some(forged) = changed(&values, &[(a, da), (b, db)]) else { continue };
                let witness = layout.witness_unchecked(forged);
                assert!(!failures(&layout, &witness).is_empty(), "{} {a:?} {b:?} {da} {db}", model.name);
            }
        }
    }
}

/// About `count` of `all`, evenly spread.
fn every_nth<T>(all: Vec<T>, count: usize) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(count).max(1);
    all.into_iter().step_by(step)
}

/// `values` with some wires moved; `None` if one of them is packed.
fn changed(values: &Values, moves: &[(Wire, i64)]) -> Option<Values> {
    let mut forged = values.clone();
    for (wire, by) in moves {
        forged.forge(*wire, values.small(*wire)?.checked_add(*by)?);
    }
    Some(forged)
}

/// The instance must show what the circuit computed.
#[test]
fn public_values_cannot_be_replaced() {
    for model in models() {
        let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
        let honest = layout.witness(values).expect("the equations hold");
        for at in 0..honest.public.len() {
            let mut forged = honest.clone();
            forged.public[at] += Fr::one();
            assert_eq!(failures(&layout, &forged), ["copy"], "{} {at}", model.name);
        }
    }
}

/// A running sum that starts at something else than 0 would let every equation be off by it.
#[test]
fn running_sum_cannot_start_elsewhere() {
    let model = &models()[0];
    let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
    let mut forged = layout.witness(values).expect("the equations hold");
    forged.acc.small.iter_mut().for_each(|sum| *sum += 1);
    assert_eq!(failures(&layout, &forged), ["accumulate", "equation"]);
}

/// The rows before which the running sum is to be 0, from what was lowered: an equation takes as many rows as its units fill,
/// and the next one begins in a new row.
fn ends_of_equations(graph: &Graph, shape: Shape) -> BTreeSet<usize> {
    let equations = lower(graph, 5).expect("a well-formed graph");
    let ends = equations.blocks.iter().scan(0, |row, units| {
        *row += units.len().div_ceil(shape.units());
        Some(*row)
    });
    std::iter::once(0).chain(ends).collect()
}

/// Rows in which the running sum is to be 0: sums that are off by the same everywhere differ as they should from row to row,
/// so that nothing else refuses them.
fn closed_rows(graph: &Graph, shape: Shape, inputs: &[Vec<i64>]) -> BTreeSet<usize> {
    let (layout, values) = run(graph, shape, 5, inputs);
    let mut forged = layout.witness(values).expect("the equations hold");
    forged.acc.small.iter_mut().for_each(|sum| *sum += 1);
    rows_of_failures(&layout, &forged, "equation")
}

/// Each equation must say that it ends with zero.
#[test]
fn every_equation_is_closed() {
    for model in models() {
        for shape in Shape::ALL {
            let closed = closed_rows(&model.graph, shape, &model.inputs[0]);
            assert_eq!(closed, ends_of_equations(&model.graph, shape), "{} {shape}", model.name);
        }
    }
}

/// Counted by hand: the one, two inputs of a limb each, two outputs of two terms.
#[test]
fn five_equations_are_closed() {
    let graph = sum_and_difference();
    for (shape, rows) in [(Shape::Lean, [0, 1, 3, 5, 7, 9]), (Shape::Wide, [0, 1, 2, 3, 4, 5])] {
        assert_eq!(closed_rows(&graph, shape, &[vec![3, 4]]), BTreeSet::from(rows), "{shape}");
    }
}

/// Rows in which a constraint fails.
fn rows_of_failures(layout: &Layout, witness: &Witness, name: &str) -> BTreeSet<usize> {
    let instance = CONTEXT.map(Fr::from).into_iter().chain(witness.public.iter().copied()).collect();
    let circuit = Machine::with_witness(layout, witness);
    let prover = MockProver::run(layout.k(), &circuit, vec![instance]).expect("the circuit synthesizes");
    let row = |failure| match failure {
        VerifyFailure::ConstraintNotSatisfied { constraint, location, .. } if constraint.to_string().contains(name) => {
            match location {
                FailureLocation::InRegion { offset, .. } => Some(offset),
                FailureLocation::OutsideRegion { row } => Some(row),
            }
        }
        _ => None,
    };
    prover.verify().err().unwrap_or_default().into_iter().filter_map(row).collect()
}
