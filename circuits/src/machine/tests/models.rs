//! Small graphs, one for each operator, with inputs at the edges of their ranges.

use crate::int::{
    Builder, Factor, Graph, Interval, NodeId, Op, Output, Piecewise, Rounding, Row, Source, Term, Window,
};

/// A graph and inputs that try its edges.
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) graph: Graph,
    pub(super) inputs: Vec<Vec<Vec<i64>>>,
}

fn source(element: u32) -> Source {
    Source { input: 0, element }
}

fn row(bias: i64, weights: &[i64]) -> Row {
    let terms = (0..).zip(weights).filter(|(_, w)| **w != 0).map(|(e, w)| Term { source: source(e), weight: *w });
    Row { bias, terms: terms.collect() }
}

fn finish(name: &'static str, builder: Builder, output: NodeId, inputs: Vec<Vec<Vec<i64>>>) -> Model {
    let outputs = vec![Output { name: "y".into(), node: output }];
    Model { name, graph: builder.finish(outputs).expect("a well-formed graph"), inputs }
}

fn input(builder: &mut Builder, shape: usize, lo: i64, hi: i64) -> NodeId {
    builder.input("x", vec![shape], 4, vec![Interval::new(lo, hi)]).expect("a well-formed input")
}

fn push(builder: &mut Builder, op: Op, operand: NodeId, len: usize) -> NodeId {
    builder.push("node", op, vec![operand], vec![len], 4).expect("a well-formed node")
}

/// The model of that name.
pub(super) fn model(name: &str) -> Model {
    models().into_iter().find(|model| model.name == name).expect("a model of that name")
}

/// One model for each operator.
pub(super) fn models() -> Vec<Model> {
    vec![
        dense(),
        rectifier(),
        plain_rectifier(),
        odd_range(),
        products(),
        piecewise(),
        arg_max(),
        max(),
        divide(),
        signed_division(),
        floor_division(),
        step(),
        is_zero(),
        square_root(),
        scaled_square_root(),
        gather(),
        bag(),
        full_bag(),
        moved(),
        matrix(),
        matrices(),
        convolution(),
        computed_kernel(),
    ]
}

fn dense() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 3, -128, 127);
    let sums = push(&mut b, Op::Linear { rows: vec![row(5, &[3, -7, 11]), row(-9, &[0, 100, -1])] }, x, 2);
    let y = push(&mut b, Op::Shift { bits: 3 }, sums, 2);
    finish("dense", b, y, vec![vec![vec![-128, 127, -128]], vec![vec![0, 0, 0]], vec![vec![127, -128, 5]]])
}

fn rectifier() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -128, 127);
    let rows = vec![row(1, &[5, -3]), row(0, &[-5, 3]), row(-4, &[1, 0])];
    let sums = push(&mut b, Op::Linear { rows }, x, 3);
    let shifted = push(&mut b, Op::Shift { bits: 3 }, sums, 3);
    let relu = push(&mut b, Op::Relu, shifted, 3);
    let y = push(&mut b, Op::Linear { rows: vec![row(0, &[1, 2, -3])] }, relu, 1);
    finish("rectifier", b, y, vec![vec![vec![-128, 127]], vec![vec![127, -128]], vec![vec![0, 0]], vec![vec![4, 5]]])
}

fn plain_rectifier() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -100, 100);
    let y = push(&mut b, Op::Relu, x, 2);
    finish("plain rectifier", b, y, vec![vec![vec![-100, 100]], vec![vec![0, -1]], vec![vec![1, 0]]])
}

fn odd_range() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -3, 9);
    let y = push(&mut b, Op::Linear { rows: vec![row(0, &[1, 1])] }, x, 1);
    finish("odd range", b, y, vec![vec![vec![-3, 9]], vec![vec![9, -3]]])
}

fn products() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 4, -50, 50);
    let rows = vec![vec![(source(0), source(1)), (source(2), source(3))], vec![(source(0), source(0))]];
    let products = push(&mut b, Op::SumOfProducts { rows }, x, 2);
    let y = push(&mut b, Op::Shift { bits: 5 }, products, 2);
    finish("products", b, y, vec![vec![vec![-50, 50, 50, 50]], vec![vec![3, -7, 0, 1]]])
}

fn piecewise() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -64, 63);
    let function = Piecewise {
        name: "bend".into(),
        lo: -64,
        segment_bits: 5,
        base: vec![-1000, -200, 40, 900],
        slope: vec![25, 8, 27, -3],
        out_shift: 4,
    };
    let table = b.table(function).expect("a well-formed function");
    let y = push(&mut b, Op::Piecewise { table }, x, 2);
    finish("piecewise", b, y, vec![vec![vec![-64, 63]], vec![vec![-33, -32]], vec![vec![0, 31]]])
}

fn arg_max() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 4, -20, 20);
    let y = push(&mut b, Op::ArgMax { groups: vec![vec![0, 1, 2, 3], vec![3, 1]] }, x, 2);
    finish("argmax", b, y, vec![vec![vec![5, 20, 20, -20]], vec![vec![0, 0, 0, 0]], vec![vec![-20, -20, -20, 20]]])
}

fn max() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 3, -20, 20);
    let y = push(&mut b, Op::Max { groups: vec![vec![0, 1, 2], vec![2]] }, x, 2);
    finish("max", b, y, vec![vec![vec![5, 7, 7]], vec![vec![-1, -1, -1]], vec![vec![-20, 3, 20]]])
}

fn divide() -> Model {
    let mut b = Builder::new();
    let a = b.input("a", vec![2], 4, vec![Interval::new(0, 200)]).expect("a well-formed input");
    let d = b.input("d", vec![1], 4, vec![Interval::new(1, 400)]).expect("a well-formed input");
    let op = Op::Divide { shift: 6, divisor: vec![0, 0], rounding: Rounding::HalfUp };
    let y = b.push("quotient", op, vec![a, d], vec![2], 6).expect("a well-formed node");
    finish(
        "divide",
        b,
        y,
        vec![vec![vec![0, 200], vec![400]], vec![vec![1, 199], vec![1]], vec![vec![1, 3], vec![128]]],
    )
}

/// Quotients of both signs; with ties.
fn signed_quotients(name: &'static str, rounding: Rounding, shift: u32) -> Model {
    let mut b = Builder::new();
    let a = b.input("a", vec![3], 4, vec![Interval::new(-200, 150)]).expect("a well-formed input");
    let d = b.input("d", vec![1], 4, vec![Interval::new(1, 17)]).expect("a well-formed input");
    let op = Op::Divide { shift, divisor: vec![0; 3], rounding };
    let y = b.push("quotient", op, vec![a, d], vec![3], 6).expect("a well-formed node");
    let values = [([-3, 3, 0], 2), ([-200, 150, -1], 1), ([-1, 1, -200], 17), ([-8, 9, -9], 16), ([-17, -18, -16], 17)];
    finish(name, b, y, values.map(|(a, d)| vec![a.to_vec(), vec![d]]).to_vec())
}

fn signed_division() -> Model {
    signed_quotients("signed division", Rounding::HalfUp, 0)
}

fn floor_division() -> Model {
    signed_quotients("floor division", Rounding::Floor, 2)
}

/// Of sums, of inputs, and of a shift that nobody else reads.
fn step() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -128, 127);
    let sums = push(&mut b, Op::Linear { rows: vec![row(-3, &[2, 5]), row(0, &[-1, 4])] }, x, 2);
    let of_sums = push(&mut b, Op::Step, sums, 2);
    let of_inputs = push(&mut b, Op::Step, x, 2);
    let sums = push(&mut b, Op::Linear { rows: vec![row(0, &[3, -7]), row(-4, &[1, 0])] }, x, 2);
    let shifted = push(&mut b, Op::Shift { bits: 3 }, sums, 2);
    let of_shifted = push(&mut b, Op::Step, shifted, 2);
    let sources = (0..6).map(|at| Source { input: at / 2, element: at % 2 }).collect();
    let operands = vec![of_sums, of_inputs, of_shifted];
    let y = b.push("all", Op::Rearrange { sources }, operands, vec![6], 4).expect("a well-formed node");
    let extremes = [[-128, 127], [127, -128], [0, 0], [0, -1], [1, 0], [-1, 1], [4, 2], [-1, 3], [3, 2]];
    finish("step", b, y, extremes.map(|x| vec![x.to_vec()]).to_vec())
}

fn is_zero() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -128, 127);
    let sums = push(&mut b, Op::Linear { rows: vec![row(0, &[1, -1]), row(3, &[2, 5])] }, x, 2);
    let y = push(&mut b, Op::IsZero, sums, 2);
    let values = [[-128, 127], [0, 0], [1, -1], [2, 1], [0, 1], [127, 127], [-4, 1]];
    finish("is zero", b, y, values.map(|x| vec![x.to_vec()]).to_vec())
}

fn square_root() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, 0, 4097);
    let y = push(&mut b, Op::SquareRoot { shift: 0 }, x, 2);
    let values = [[0, 1], [2, 3], [4, 8], [9, 1023], [1024, 1025], [4095, 4096], [4097, 4032]];
    finish("square root", b, y, values.map(|x| vec![x.to_vec()]).to_vec())
}

/// Of a sum, with three bits more.
fn scaled_square_root() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, 0, 60);
    let sum = push(&mut b, Op::Linear { rows: vec![row(1, &[3, 2])] }, x, 1);
    let y = push(&mut b, Op::SquareRoot { shift: 3 }, sum, 1);
    finish("scaled square root", b, y, vec![vec![vec![0, 0]], vec![vec![60, 60]], vec![vec![1, 2]], vec![vec![0, 8]]])
}

fn table() -> Vec<Vec<i64>> {
    (0..10i64).map(|t| (0..5i64).map(|d| (t * 37 + d * 91) % 200 - 100).collect()).collect()
}

fn gather() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, 0, 9);
    let y = b.push("rows", Op::Gather { rows: table() }, vec![x], vec![2, 5], 4).expect("a well-formed node");
    finish("gather", b, y, vec![vec![vec![0, 9]], vec![vec![4, 4]]])
}

fn bag() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 4, 0, 9);
    let op = Op::EmbeddingSum { rows: table(), groups: vec![vec![0, 1, 2, 3], vec![1, 2]] };
    let sums = b.push("bag", op, vec![x], vec![2, 5], 4).expect("a well-formed node");
    let y = push(&mut b, Op::Linear { rows: vec![row(0, &[1, -2, 3, 0, 5, 1, 1, 1, 1, 1])] }, sums, 1);
    finish("bag", b, y, vec![vec![vec![0, 9, 9, 3]], vec![vec![2, 2, 2, 2]]])
}

/// Packs filled to the last bit: 20 columns of 24-bit digits or wider, and as many tokens as a digit bears.
fn full_bag() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 60, 0, 2);
    let rows: Vec<Vec<i64>> = vec![vec![-4000; 20], vec![4000; 20], (0..20).map(|d| d * 400 - 4000).collect()];
    let op = Op::EmbeddingSum { rows, groups: vec![(0..60).collect()] };
    let y = b.push("bag", op, vec![x], vec![1, 20], 4).expect("a well-formed node");
    finish("full bag", b, y, vec![vec![vec![1; 60]], vec![vec![0; 60]], vec![(0..60).map(|t| t % 3).collect()]])
}

fn moved() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 2, -128, 127);
    let sums = push(&mut b, Op::Linear { rows: vec![row(3, &[2, 5]), row(0, &[-1, 4])] }, x, 2);
    let shifted = push(&mut b, Op::Shift { bits: 2 }, sums, 2);
    let sources = vec![source(1), source(0), source(1)];
    let moved = push(&mut b, Op::Rearrange { sources }, shifted, 3);
    let relu = push(&mut b, Op::Relu, moved, 3);
    let constant = b.push("constant", Op::Constant { values: vec![-7] }, vec![], vec![1], 4).expect("a constant");
    let both = vec![Source { input: 0, element: 2 }, Source { input: 1, element: 0 }, Source { input: 0, element: 0 }];
    let y =
        b.push("both", Op::Rearrange { sources: both }, vec![relu, constant], vec![3], 4).expect("a well-formed node");
    finish("moved", b, y, vec![vec![vec![-128, 127]], vec![vec![100, 3]]])
}

fn computed(shape: &[usize]) -> Factor {
    Factor::Computed { shape: shape.to_vec() }
}

/// Weights of two matrices, one of them zero, for a batch of two; then a bias, a shift and a rectifier, and sums of what is left.
fn matrix() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 6, -128, 127);
    let right = Factor::Fixed { shape: vec![2, 3, 2], values: vec![3, -7, 0, 11, 5, 1, -2, 4, 6, 0, 0, 9] };
    let products = push(&mut b, Op::MatMul { left: computed(&[2, 1, 3]), right }, x, 4);
    let term = |element| Term { source: source(element), weight: 1 };
    let rows = (0..4).map(|at| Row { bias: 5 - i64::from(at), terms: vec![term(at)] }).collect();
    let biased = push(&mut b, Op::Linear { rows }, products, 4);
    let shifted = push(&mut b, Op::Shift { bits: 3 }, biased, 4);
    let relu = push(&mut b, Op::Relu, shifted, 4);
    let left = Factor::Fixed { shape: vec![1, 4], values: vec![1, -1, 2, 0] };
    let y = push(&mut b, Op::MatMul { left, right: computed(&[4, 1]) }, relu, 1);
    let inputs = [vec![-128, 127, -128, 127, -128, 127], vec![0; 6], vec![1, -2, 3, -4, 5, -6]];
    finish("matrix", b, y, inputs.into_iter().map(|x| vec![x]).collect())
}

/// Two computed matrices, of which one is sums that have no cells yet.
fn matrices() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 4, -50, 50);
    let sums = push(&mut b, Op::Linear { rows: vec![row(3, &[2, 5]), row(0, &[0, 0, -1, 4])] }, x, 2);
    let op = Op::MatMul { left: computed(&[2, 2]), right: computed(&[2, 1]) };
    let products = b.push("products", op, vec![x, sums], vec![2, 1], 4).expect("a well-formed node");
    let y = push(&mut b, Op::Shift { bits: 5 }, products, 2);
    finish("matrices", b, y, vec![vec![vec![-50, 50, 50, 50]], vec![vec![3, -7, 0, 1]]])
}

/// Over two axes, with padding, a stride and groups.
fn convolution() -> Model {
    let mut b = Builder::new();
    let x = input(&mut b, 12, -128, 127);
    let kernel = Factor::Fixed { shape: vec![2, 1, 2, 2], values: vec![1, -2, 3, 4, 0, 5, -6, 7] };
    let window = Window { strides: vec![2, 1], pads: vec![[1, 0], [0, 1]], dilations: vec![1, 2], groups: 2 };
    let op = Op::Conv { data: computed(&[1, 2, 2, 3]), kernel, window };
    let sums = push(&mut b, op, x, 4);
    let shifted = push(&mut b, Op::Shift { bits: 4 }, sums, 4);
    let y = push(&mut b, Op::Relu, shifted, 4);
    let ends = (0..12).map(|at| if at % 2 == 0 { -128 } else { 127 }).collect();
    finish("convolution", b, y, vec![vec![ends], vec![(0..12).collect()]])
}

/// A kernel that is an input, over data that is another: the first output is of padding alone.
fn computed_kernel() -> Model {
    let mut b = Builder::new();
    let x = b.input("x", vec![3], 4, vec![Interval::new(-20, 20)]).expect("a well-formed input");
    let k = b.input("k", vec![2], 4, vec![Interval::new(0, 9)]).expect("a well-formed input");
    let window = Window { strides: vec![1], pads: vec![[2, 0]], dilations: vec![1], groups: 1 };
    let op = Op::Conv { data: computed(&[1, 1, 3]), kernel: computed(&[1, 1, 2]), window };
    let y = b.push("convolved", op, vec![x, k], vec![4], 8).expect("a well-formed node");
    finish("computed kernel", b, y, vec![vec![vec![-20, 20, 7], vec![9, 0]], vec![vec![0, 1, 2], vec![3, 4]]])
}

/// `y = [x0 + x1, x0 - x1]`, with nothing but the two equations behind it.
pub(super) fn sum_and_difference() -> Graph {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(-8, 7)]).expect("a well-formed input");
    let term = |element, weight| Term { source: Source { input: 0, element }, weight };
    let rows = [1, -1].map(|weight| Row { bias: 0, terms: vec![term(0, 1), term(1, weight)] });
    let y = builder.push("y", Op::Linear { rows: rows.to_vec() }, vec![x], vec![2], 0).expect("a well-formed node");
    builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph")
}
