//! Programs that use every operator between them.

use apodict_circuits::{
    Program,
    int::{Builder, Factor, Interval, NodeId, Op, Output, Piecewise, Rounding, Row, Source, Term, Window},
    machine::Objective,
    synthetic,
};

fn source(input: u32, element: u32) -> Source {
    Source { input, element }
}

fn row(bias: i64, terms: &[(u32, u32, i64)]) -> Row {
    let term = |(input, element, weight): &(u32, u32, i64)| Term { source: source(*input, *element), weight: *weight };
    Row { bias, terms: terms.iter().map(term).collect() }
}

fn input(builder: &mut Builder, len: usize, lo: i64, hi: i64) -> NodeId {
    builder.input("x", vec![len], 4, vec![Interval::new(lo, hi)]).expect("a well-formed input")
}

fn push(builder: &mut Builder, op: Op, inputs: &[NodeId], len: usize) -> NodeId {
    builder.push("node", op, inputs.to_vec(), vec![len], 4).expect("a well-formed node")
}

fn program(builder: Builder, outputs: &[NodeId]) -> Program {
    let outputs = outputs.iter().map(|node| Output { name: format!("y{}", node.0), node: *node }).collect();
    let graph = builder.finish(outputs).expect("a well-formed graph");
    synthetic::of_graph(graph, Objective::Gas).expect("it fits")
}

fn dense() -> Program {
    let mut b = Builder::new();
    let x = input(&mut b, 3, -128, 127);
    let sums =
        push(&mut b, Op::Linear { rows: vec![row(5, &[(0, 0, 3), (0, 1, -7)]), row(-9, &[(0, 2, 100)])] }, &[x], 2);
    let shifted = push(&mut b, Op::Shift { bits: 3 }, &[sums], 2);
    let relu = push(&mut b, Op::Relu, &[shifted], 2);
    let moved = push(&mut b, Op::Rearrange { sources: vec![source(0, 1), source(1, 0), source(0, 0)] }, &[relu, x], 3);
    let pairs = vec![vec![(source(0, 0), source(0, 1)), (source(0, 2), source(0, 2))], vec![]];
    let products = push(&mut b, Op::SumOfProducts { rows: pairs }, &[moved], 2);
    let constant = push(&mut b, Op::Constant { values: vec![-7, 4] }, &[], 2);
    let y = push(&mut b, Op::Linear { rows: vec![row(0, &[(0, 0, 1), (1, 1, -1)])] }, &[products, constant], 1);
    program(b, &[y, constant])
}

fn softmax() -> Program {
    let mut b = Builder::new();
    let x = input(&mut b, 4, -60, 60);
    let max = push(&mut b, Op::Max { groups: vec![(0..4).collect()] }, &[x], 1);
    let rows = (0..4).map(|e| row(0, &[(0, 0, 1), (1, e, -1)])).collect();
    let distance = push(&mut b, Op::Linear { rows }, &[max, x], 4);
    let exp = Piecewise {
        name: "exp".into(),
        lo: 0,
        segment_bits: 4,
        base: (0..8).map(|at| 4000 >> at).collect(),
        slope: (0..8).map(|at| -(120 >> at)).collect(),
        out_shift: 2,
    };
    let table = b.table(exp).expect("a well-formed function");
    let powers = push(&mut b, Op::Piecewise { table }, &[distance], 4);
    let sum =
        push(&mut b, Op::Linear { rows: vec![row(1, &[(0, 0, 1), (0, 1, 1), (0, 2, 1), (0, 3, 1)])] }, &[powers], 1);
    let shares =
        push(&mut b, Op::Divide { shift: 8, divisor: vec![0; 4], rounding: Rounding::HalfUp }, &[powers, sum], 4);
    let best = push(&mut b, Op::ArgMax { groups: vec![(0..4).collect(), vec![2, 1]] }, &[x], 2);
    program(b, &[shares, best])
}

fn embeddings() -> Program {
    let mut b = Builder::new();
    let x = b.input("x", vec![4], 0, (0..4).map(|at| Interval::new(at, 6)).collect()).expect("a well-formed input");
    let rows: Vec<Vec<i64>> = (0..7i64).map(|t| (0..3i64).map(|d| (t * 37 + d * 91) % 200 - 100).collect()).collect();
    let gathered = b.push("rows", Op::Gather { rows: rows.clone() }, vec![x], vec![4, 3], 4).expect("well formed");
    let op = Op::EmbeddingSum { rows, groups: vec![vec![0, 1, 2, 3], vec![], vec![1, 1]] };
    let bags = b.push("bags", op, vec![x], vec![3, 3], 4).expect("well formed");
    program(b, &[gathered, bags])
}

fn tensors() -> Program {
    let mut b = Builder::new();
    let x = input(&mut b, 8, -20, 20);
    let computed = |shape: &[usize]| Factor::Computed { shape: shape.to_vec() };
    let window = Window { strides: vec![1, 2], pads: vec![[1, 0], [0, 1]], dilations: vec![1, 1], groups: 2 };
    let kernel = Factor::Fixed { shape: vec![2, 1, 2, 2], values: vec![1, -2, 0, 4, 3, 0, -6, 7] };
    let op = Op::Conv { data: computed(&[1, 2, 2, 2]), kernel, window };
    let convolved = push(&mut b, op, &[x], 4);
    let right = Factor::Fixed { shape: vec![2, 2], values: vec![3, 0, -5, 2] };
    let op = Op::MatMul { left: computed(&[1, 2, 2]), right };
    let weighted = push(&mut b, op, &[convolved], 4);
    let op = Op::MatMul { left: computed(&[4, 2]), right: computed(&[2, 2]) };
    let products = push(&mut b, op, &[x, weighted], 8);
    program(b, &[products])
}

/// Every operator is in one of the programs, so that mutants of each are tried.
#[test]
fn no_operator_is_left_out() {
    let programs = programs();
    let used: std::collections::BTreeSet<&str> =
        programs.iter().flat_map(|program| &program.graph().nodes).map(|node| node.op.name()).collect();
    let missing: Vec<&str> = Op::NAMES.into_iter().filter(|name| !used.contains(name)).collect();
    assert!(missing.is_empty(), "no program has {missing:?}");
}

/// Steps, zeros, roots, and quotients of either sign.
fn numbers() -> Program {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -60, 60);
    let squares = push(&mut b, Op::SumOfProducts { rows: vec![vec![(source(0, 0), source(0, 0))]; 2] }, &[x], 2);
    let roots = push(&mut b, Op::SquareRoot { shift: 2 }, &[squares], 2);
    let steps = push(&mut b, Op::Step, &[x], 2);
    let zeros = push(&mut b, Op::IsZero, &[x], 2);
    let divisors = push(&mut b, Op::Linear { rows: vec![row(3, &[(0, 0, 1), (0, 1, 2)])] }, &[roots], 1);
    let quotient = |rounding| Op::Divide { shift: 4, divisor: vec![0; 2], rounding };
    let nearest = push(&mut b, quotient(Rounding::HalfUp), &[x, divisors], 2);
    let below = push(&mut b, quotient(Rounding::Floor), &[x, divisors], 2);
    program(b, &[steps, zeros, nearest, below])
}

/// The programs.
pub(crate) fn programs() -> Vec<Program> {
    vec![
        synthetic::program(3, Objective::Latency).expect("it fits"),
        dense(),
        softmax(),
        embeddings(),
        tensors(),
        numbers(),
    ]
}
