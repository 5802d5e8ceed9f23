//! Programs of any size, for benchmarks and tests: dense layers with a shift and a rectifier each, weights in a pattern.

use crate::{
    Error, Program,
    float::ElementType,
    int::{self, Builder, Graph, Interval, Op, Output, Row, Source, Term},
    machine::Objective,
    report::{DataOrigin, ErrorReport},
};

/// Layers from each number of elements to the next, `relu((W x + b) >> 4)`, on inputs from -128 to 127. Weights have up to 5
/// bits: with each layer values grow by a few bits.
///
/// # Errors
/// For no elements, and for so many layers that values leave an accumulator's range.
pub fn dense(widths: &[usize]) -> Result<Graph, int::Error> {
    let mut builder = Builder::new();
    let first = widths.first().copied().unwrap_or(0);
    let mut last = builder.input("x", vec![first], 4, vec![Interval::new(-128, 127)])?;
    for (layer, sizes) in widths.windows(2).enumerate() {
        let (from, to) = (sizes[0], sizes[1]);
        let weight = |row: usize, column: usize| ((row * 31 + column * 17 + layer) % 41) as i64 - 20;
        let term = |row: usize, column: usize| Term {
            source: Source { input: 0, element: column as u32 },
            weight: weight(row, column),
        };
        let terms = |row| (0..from).filter(|c| weight(row, *c) != 0).map(|c| term(row, c)).collect();
        let rows = (0..to).map(|row| Row { bias: row as i64 - 3, terms: terms(row) }).collect();
        let sums = builder.push(format!("sums{layer}"), Op::Linear { rows }, vec![last], vec![to], 8)?;
        let shifted = builder.push(format!("shifted{layer}"), Op::Shift { bits: 4 }, vec![sums], vec![to], 4)?;
        last = builder.push(format!("relu{layer}"), Op::Relu, vec![shifted], vec![to], 4)?;
    }
    builder.finish(vec![Output { name: "y".into(), node: last }])
}

/// A program of one such layer.
///
/// # Errors
/// For no elements, and for more than the machine takes.
pub fn program(width: usize, objective: Objective) -> Result<Program, Error> {
    of_graph(dense(&[width, width])?, objective)
}

/// A program of a graph that comes from no float model: its error report is empty.
///
/// # Errors
/// Those of [`Program::new`].
pub fn of_graph(graph: Graph, objective: Objective) -> Result<Program, Error> {
    let report = ErrorReport {
        samples: 0,
        origin: DataOrigin::Synthetic,
        input_ranges: Default::default(),
        outputs: Vec::new(),
        layers: Vec::new(),
        units: 0.0,
        warnings: Vec::new(),
    };
    let element = |node: &int::Node| if node.frac_bits == 0 { ElementType::I64 } else { ElementType::F32 };
    let input_types = graph.inputs().map(|(_, node)| element(node)).collect();
    Program::new(b"synthetic", graph, input_types, report, objective)
}

/// The widest such program, in the lean shape, that takes `2^k` rows. There is one for `k` from 6 to 20 or so.
pub fn filling(k: u32) -> Option<Program> {
    // A row holds two of a layer's products.
    let most = 2usize.checked_shl(k)?.isqrt() + 1;
    (2..=most).rev().filter_map(|width| program(width, Objective::Gas).ok()).find(|program| program.plan().k == k)
}

/// Inputs for a program of this width.
pub fn inputs(width: usize) -> Vec<Vec<i64>> {
    vec![(0..width as i64).map(|at| at * 37 % 256 - 128).collect()]
}
