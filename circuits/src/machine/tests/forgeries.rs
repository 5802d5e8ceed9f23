//! What a liar may try. Each lie keeps everything consistent that the liar can keep consistent: the running sum and
//! the multiplicities are computed anew.

use super::{models::models, *};
use crate::machine::Wire;

/// Every single cell of the witness, changed by one in either direction and by more: some constraint must fail.
#[test]
fn no_cell_is_free() {
    for model in models() {
        for shape in Shape::ALL {
            let (layout, values) = run(&model.graph, shape, 5, &model.inputs[0]);
            for wire in layout.placed_wires() {
                for lie in [-1i64, 1, 16, -32, 1 << 40] {
                    let mut forged = values.clone();
                    forged.forge(wire, values.small(wire).unwrap_or(0).wrapping_add(lie));
                    let witness = layout.witness_unchecked(forged);
                    assert!(!failures(&layout, &witness).is_empty(), "{} {shape} {wire:?} {lie}", model.name);
                }
            }
        }
    }
}

/// A liar who changes a value and everything that depends on it linearly is left with the range checks. Changing two
/// wires at once, with opposite and scaled amounts, tries to keep each equation balanced.
#[test]
fn no_two_cells_balance() {
    for model in models() {
        let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
        let wires = layout.placed_wires();
        let pairs = wires.iter().enumerate().flat_map(|(at, a)| wires[at + 1..].iter().take(6).map(move |b| (*a, *b)));
        for (a, b) in pairs.take(400) {
            for (da, db) in [(1, -1), (1, 1), (1, -32), (32, -1), (-1, 8), (8, -1)] {
                let Some(forged) = changed(&values, &[(a, da), (b, db)]) else { continue };
                let witness = layout.witness_unchecked(forged);
                assert!(!failures(&layout, &witness).is_empty(), "{} {a:?} {b:?} {da} {db}", model.name);
            }
        }
    }
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

/// Multiplicities other than the true ones leave the sums apart.
#[test]
fn multiplicities_cannot_be_moved() {
    let model = &models()[0];
    let (layout, values) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
    let honest = layout.witness(values).expect("the equations hold");
    for row in 0..layout.table_rows() - 1 {
        let mut forged = honest.clone();
        forged.multiplicities.small[row] -= 1;
        forged.multiplicities.small[row + 1] += 1;
        assert_eq!(failures(&layout, &forged), ["lookup bounds"], "row {row}");
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
