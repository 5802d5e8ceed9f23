//! Known answers per operator, rejections per error, and random graphs whose values must stay in their ranges.

mod contraction;
mod division;
mod malformed;
mod near_misses;
mod operators;
pub(crate) mod random;
mod rejections;
mod roundings;

use super::{Builder, Graph, Interval, NodeId, Op, Output, Rounding, Row, Source, Term};

/// `(operand, element, weight)`.
pub(super) fn row(bias: i64, terms: &[(u32, u32, i64)]) -> Row {
    let term = |(input, element, weight): &(u32, u32, i64)| Term {
        source: Source { input: *input, element: *element },
        weight: *weight,
    };
    Row { bias, terms: terms.iter().map(term).collect() }
}

pub(super) fn source(element: u32) -> Source {
    Source { input: 0, element }
}

/// A graph of one input `x` with `range` for each of `len` elements, and one node that reads it.
pub(super) fn unary(len: usize, range: Interval, op: Op, out_len: usize) -> Result<Graph, super::Error> {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![len], 0, vec![range])?;
    let y = builder.push("y", op, vec![x], vec![out_len], 0)?;
    builder.finish(vec![output(y)])
}

pub(super) fn output(node: NodeId) -> Output {
    Output { name: "out".into(), node }
}
