//! A program of any size, for tests and benchmarks.

use apodict_circuits::int::{Builder, Graph, Interval, Op, Output, Row, Source, Term};

/// `relu(W x)` of `len` values, with a shift.
pub(crate) fn graph(len: usize) -> Graph {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![len], 4, vec![Interval::new(-128, 127)]).expect("an input");
    let weight = |row: usize, column: usize| ((row * 31 + column * 17) % 41) as i64 - 20;
    let term = |row, column| Term { source: Source { input: 0, element: column as u32 }, weight: weight(row, column) };
    let row = |row: usize| Row {
        bias: row as i64 - 3,
        terms: (0..len).filter(|column| weight(row, *column) != 0).map(|column| term(row, column)).collect(),
    };
    let op = Op::Linear { rows: (0..len).map(row).collect() };
    let sums = builder.push("sums", op, vec![x], vec![len], 8).expect("sums");
    let shifted = builder.push("shifted", Op::Shift { bits: 4 }, vec![sums], vec![len], 4).expect("shifted");
    let relu = builder.push("relu", Op::Relu, vec![shifted], vec![len], 4).expect("relu");
    builder.finish(vec![Output { name: "y".into(), node: relu }]).expect("a graph")
}
