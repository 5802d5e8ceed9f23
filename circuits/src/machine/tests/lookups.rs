//! The lookup argument: a running sum that is 0 where it begins and where it ends.

use super::{models::models, *};
use crate::machine::LookupColumns;

fn dense(shape: Shape) -> (Layout, Witness) {
    let model = &models()[0];
    let (layout, values) = run(&model.graph, shape, 5, &model.inputs[0]);
    let honest = layout.witness(values).expect("the equations hold");
    (layout, honest)
}

/// Multiplicities other than the true ones leave the sums apart.
#[test]
fn multiplicities_cannot_be_moved() {
    let (layout, honest) = dense(Shape::Lean);
    for row in 0..layout.table_rows() - 1 {
        let mut forged = honest.clone();
        forged.multiplicities.small[row] -= 1;
        forged.multiplicities.small[row + 1] += 1;
        assert_eq!(failures(&layout, &forged), ["lookup bounds"], "row {row}");
    }
}

/// The honest columns, with a running sum that ends in 0 wherever it has to begin for that.
fn ending_in_zero(layout: &Layout, witness: &Witness, theta: Fr, beta: Fr) -> LookupColumns {
    let mut columns = layout.lookup_columns(witness, theta, beta);
    let total = columns.sum.last().copied().unwrap_or_default();
    columns.sum.iter_mut().for_each(|sum| *sum -= total);
    columns
}

/// A multiplicity that is off by one leaves a total; a liar who may choose where the sum begins makes up for it.
#[test]
fn lookup_sum_cannot_begin_elsewhere() {
    for shape in Shape::ALL {
        let (layout, mut forged) = dense(shape);
        forged.multiplicities.small[1] += 1;
        let lookups = |theta, beta| ending_in_zero(&layout, &forged, theta, beta);
        let circuit = Machine::with_forged_lookups(&layout, &forged, &lookups);
        assert_eq!(failures_of(&layout, &circuit, &forged), ["lookup bounds"], "{shape}");
    }
}

/// A liar who may choose where the sum ends just leaves the total there.
#[test]
fn lookup_sum_cannot_end_elsewhere() {
    for shape in Shape::ALL {
        let (layout, mut forged) = dense(shape);
        forged.multiplicities.small[1] += 1;
        assert_eq!(failures(&layout, &forged), ["lookup bounds"], "{shape}");
    }
}

/// The sum must grow by what is looked up: one that is 0 throughout meets both bounds.
#[test]
fn lookup_sum_cannot_skip_rows() {
    for shape in Shape::ALL {
        let (layout, honest) = dense(shape);
        let lookups = |theta, beta| {
            let mut columns = layout.lookup_columns(&honest, theta, beta);
            columns.sum.iter_mut().for_each(|sum| *sum = Fr::zero());
            columns
        };
        let circuit = Machine::with_forged_lookups(&layout, &honest, &lookups);
        assert_eq!(failures_of(&layout, &circuit, &honest), ["lookup sum"], "{shape}");
    }
}

/// A reciprocal that is off is made up for in the sum, so that only its own gate refuses it.
#[test]
fn reciprocals_cannot_be_moved() {
    let (layout, honest) = dense(Shape::Wide);
    for unit in 0..Shape::Wide.units() - 1 {
        let lookups = |theta, beta| {
            let mut columns = layout.lookup_columns(&honest, theta, beta);
            columns.reciprocals[unit][0] += Fr::one();
            columns.reciprocals[unit][1] -= Fr::one();
            columns.sum[1] += Fr::one();
            columns
        };
        let circuit = Machine::with_forged_lookups(&layout, &honest, &lookups);
        assert_eq!(failures_of(&layout, &circuit, &honest), ["lookup reciprocal"], "unit {unit}");
    }
}
