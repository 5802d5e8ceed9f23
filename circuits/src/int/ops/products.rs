//! SumOfProducts: products of two computed values.

use crate::int::{
    Error, Interval, Source,
    analyze::Operands,
    bounds::{Sum, product, square},
    execute::Run,
    structure::Shape,
};

type Pair = (Source, Source);

pub(in crate::int) fn check(shape: &Shape<'_>, rows: &[Vec<Pair>]) -> Result<(), Error> {
    shape.expect_len("rows", rows.len())?;
    for (element, row) in rows.iter().enumerate() {
        for (first, second) in row {
            shape.check_source(element, *first)?;
            shape.check_source(element, *second)?;
        }
    }
    Ok(())
}

/// Exact for independent operands; a square is not negative.
pub(in crate::int) fn ranges(operands: &Operands<'_, '_>, rows: &[Vec<Pair>]) -> Result<Vec<Interval>, Error> {
    let range = |(element, row): (usize, &Vec<Pair>)| {
        let mut sum = Sum::of(0);
        for (first, second) in row {
            let (a, b) = (operands.source(*first), operands.source(*second));
            let inputs = &operands.node.inputs;
            let same = inputs[first.input as usize] == inputs[second.input as usize] && first.element == second.element;
            sum.add(if same { square(a) } else { product(a, b) });
        }
        sum.finish(operands.node, element)
    };
    rows.iter().enumerate().map(range).collect()
}

pub(in crate::int) fn run(run: &Run<'_>, rows: &[Vec<Pair>]) -> Vec<i128> {
    let sum = |row: &Vec<Pair>| {
        let products = row.iter().map(|(first, second)| run.source(*first) * run.source(*second));
        products.fold(0, i128::saturating_add)
    };
    rows.iter().map(sum).collect()
}
