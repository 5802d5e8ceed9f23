//! Rows of a constant table.

use super::{Node, Operand, expect};
use crate::float::Error;

pub(super) fn check(node: &Node, table: &[usize], x: &[usize]) -> Result<(), String> {
    match table {
        [] | [0, ..] => Err(format!("its table has shape {table:?}, so no rows")),
        [_, width @ ..] => expect(node, &[x, width].concat()),
    }
}

pub(super) fn compute(name: &str, table: Operand<'_>, x: Operand<'_>) -> Result<Vec<f64>, Error> {
    let rows = table.shape[0];
    let width: usize = table.shape[1..].iter().product();
    let mut y = Vec::with_capacity(x.values.len() * width);
    for &index in x.values {
        let row = if index < 0.0 { index + rows as f64 } else { index };
        if !(0.0..rows as f64).contains(&row) {
            return Err(Error::Index { node: name.to_owned(), index, rows });
        }
        // Exact: an integer in [0, rows).
        y.extend_from_slice(&table.values[row as usize * width..][..width]);
    }
    Ok(y)
}
