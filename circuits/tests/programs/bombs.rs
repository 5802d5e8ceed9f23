//! Small files that would take much time or memory: each is answered within a second of the processor's time and 200 MB.
//!
//! Every bomb is met in a process of its own, whose peak is then its own too, and which can be stopped.

mod models;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use apodict_circuits::{
    Body, CompileOptions, Error, Program, compile,
    int::{Factor, Interval, Node, NodeId, Op, Output, Piecewise, Rounding, Row, Source, Term, Window},
    machine::{Plan, Shape},
    quantize::RealRange,
};
use prost::Message;
use tract_onnx::pb::ModelProto;

use crate::file::{body_with, file_of, graph, input, node};
use models::{argmax_model, matrices, model, unary};

/// Of the processor, all threads together. A busy machine makes nothing of it longer but for a little.
const MOST_TIME: Duration = Duration::from_secs(1);

/// Peak of the whole process.
const MOST_MEMORY: u64 = 200_000_000;

/// After so long on the clock a process is stopped, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names the bomb that a child process is to meet.
const BOMB: &str = "APODICT_BOMB";

const BYTE: Interval = Interval { lo: -128, hi: 127 };
const ZERO: Interval = Interval { lo: 0, hi: 0 };
const BIT: Interval = Interval { lo: 0, hi: 1 };
const ROOT: Interval = Interval { lo: 0, hi: 15 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// No machine has room for it.
    TooLarge,
    /// Not well formed, or too large for the limits of graphs and files.
    Refused,
    /// A program, if a large one.
    Accepted,
}

struct Bomb {
    name: &'static str,
    file: File,
    answer: Answer,
}

enum File {
    Program(fn() -> Body),
    Onnx(fn() -> ModelProto),
}

/// Of the inputs of models.
const UNIT: RealRange = RealRange { lo: -1.0, hi: 1.0 };

/// Every bomb, with what it gets for an answer.
fn bombs() -> Vec<Bomb> {
    use Answer::{Accepted, Refused, TooLarge};
    let program = |name, make, answer| Bomb { name, file: File::Program(make), answer };
    let onnx = |name, make, answer| Bomb { name, file: File::Onnx(make), answer };
    vec![
        program("2^22 inputs", || body_with(graph(vec![input(1 << 22, BYTE)])), TooLarge),
        program("2^24 inputs", || body_with(graph(vec![input(1 << 24, BYTE)])), TooLarge),
        program("2^63 inputs", || body_with(graph(vec![input(1 << 63, BYTE)])), TooLarge),
        program("relu over 2^22", || relus(1 << 22, 1, BYTE), TooLarge),
        program("relu over 2^19", || relus(1 << 19, 1, BYTE), TooLarge),
        program("relus without rows", || relus(1 << 17, 40, ZERO), Refused),
        program("steps of 2^17", || eight_times(Op::Step, BYTE, BIT), TooLarge),
        program("zeros of 2^17", || eight_times(Op::IsZero, BYTE, BIT), TooLarge),
        program("roots of 2^17", || eight_times(Op::SquareRoot { shift: 0 }, DISTANCES, ROOT), TooLarge),
        program("many outputs", many_outputs, TooLarge),
        program("relus within limits", || Body { plan: plan(14, 18), ..relus(1 << 17, 30, ZERO) }, Accepted),
        program("distance rows of a max", distance_rows, Accepted),
        program("distance rows of many nodes", distance_rows_of_many_nodes, Accepted),
        program("distance rows behind moves", distance_rows_behind_moves, Refused),
        program("shares of a sum", shares_of_a_sum, Accepted),
        program("argmax over 2^20", || arg_max(1, vec![0; 1 << 20]), TooLarge),
        program("argmax over 20,000", || arg_max(20_000, (0..20_000).collect()), Accepted),
        program("runs of a table", runs_of_a_table, Accepted),
        program("runs of a function", runs_of_a_function, Accepted),
        program("nodes of a function", nodes_of_a_function, Accepted),
        program("tables nearly the same", tables_nearly_the_same, Accepted),
        program("a function of 2^20 segments", || one_function(1 << 20), TooLarge),
        program("a table of 2^20 rows", tall_table, TooLarge),
        program("rows gathered 2^19 times", gathered_often, TooLarge),
        program("a bag of wide rows", bag_of_wide_rows, TooLarge),
        program("a long bag of few tokens", long_bag, TooLarge),
        program("a maximum of one, often", maxima_of_one, Accepted),
        program("one element of many, often", one_of_many, Accepted),
        program("sums of sums", sums_of_sums, Accepted),
        program("products that nobody reads", || unread_products(1), Accepted),
        program("products that nobody reads, of many nodes", || unread_products(100), Refused),
        program("all products of a kernel in one sum", sum_of_all_products, Accepted),
        program("a kernel over 2^22", || convolution(1 << 10, 1 << 6), Refused),
        program("a kernel over nothing but padding", padding, Refused),
        program("products of products", products_of_products, Accepted),
        program("products of computed matrices", computed_products, TooLarge),
        onnx("onnx: 2^20 inputs", || unary(1 << 20, "Relu"), TooLarge),
        onnx("onnx: 2^22 inputs", || unary(1 << 22, "Relu"), TooLarge),
        onnx("onnx: 2^20 inputs, but for the context", || unary((1 << 20) - 16, "Relu"), TooLarge),
        onnx("onnx: relu over half as many", || unary((1 << 19) - 16, "Relu"), TooLarge),
        onnx("onnx: sigmoid over half as many", || unary((1 << 19) - 16, "Sigmoid"), TooLarge),
        onnx("onnx: softmax over 2^18", || unary(1 << 18, "Softmax"), TooLarge),
        onnx("onnx: argmax over 2^19", || argmax_model(1 << 19), TooLarge),
        onnx("onnx: 2^23 transposed", || model(&[("x", &[1 << 11, 1 << 12])], &[("Transpose", &["x"])]), TooLarge),
        onnx("onnx: product of matrices", || matrices("MatMul", [[256, 256], [256, 256]]), TooLarge),
        onnx("onnx: sums of all pairs", || matrices("Add", [[4096, 1], [1, 4000]]), TooLarge),
    ]
}

/// The plan of a wide machine.
fn plan(limb_bits: u32, k: u32) -> Plan {
    Plan { shape: Shape::Wide, limb_bits, k }
}

fn relus(len: usize, times: u32, range: Interval) -> Body {
    let relu = |at| node(Op::Relu, &[at], len, Interval { lo: 0, hi: range.hi });
    let mut nodes = vec![input(len, range)];
    nodes.extend((0..times).map(relu));
    let first = node(Op::Max { groups: vec![vec![0]] }, &[times], 1, Interval { lo: 0, hi: range.hi });
    nodes.push(first);
    body_with(graph(nodes))
}

/// Eight nodes of 2^17 elements each, all of the same input. One element is the output.
fn eight_times(op: Op, x: Interval, y: Interval) -> Body {
    let len = 1 << 17;
    let mut nodes = vec![input(len, x)];
    nodes.extend((0..8).map(|_| node(op.clone(), &[0], len, y)));
    nodes.push(node(Op::Max { groups: vec![vec![0]] }, &[8], 1, y));
    body_with(graph(nodes))
}

fn many_outputs() -> Body {
    let mut graph = graph(vec![input(1 << 18, ZERO)]);
    graph.outputs = (0..10_000).map(|at| Output { name: at.to_string(), node: NodeId(0) }).collect();
    body_with(graph)
}

fn term(input: u32, element: u32, weight: i64) -> Term {
    Term { source: Source { input, element }, weight }
}

fn distance(input: u32, element: u32) -> Row {
    Row { bias: 0, terms: vec![term(0, 0, 1), term(input, element, -1)] }
}

const DISTANCES: Interval = Interval { lo: 0, hi: 255 };

/// A max over `len`, and what each is less than it.
fn distance_rows() -> Body {
    let len = 30_000u32;
    let max = node(Op::Max { groups: vec![(0..len).collect()] }, &[0], 1, BYTE);
    let rows = (0..len).map(|element| distance(1, element)).collect();
    let rows = node(Op::Linear { rows }, &[1, 0], len as usize, DISTANCES);
    Body { plan: plan(14, 17), ..body_with(graph(vec![input(len as usize, BYTE), max, rows])) }
}

/// As [`distance_rows`], each in a node of its own.
fn distance_rows_of_many_nodes() -> Body {
    let (len, rows) = (30_000u32, 20_000u32);
    let mut nodes = vec![input(len as usize, BYTE), node(Op::Max { groups: vec![(0..len).collect()] }, &[0], 1, BYTE)];
    nodes.extend((0..rows).map(|at| node(Op::Linear { rows: vec![distance(1, at)] }, &[1, 0], 1, DISTANCES)));
    Body { plan: plan(14, 17), ..body_with(graph(nodes)) }
}

/// Data that is moved through many nodes, and looked for from each row. One range at the end is wrong.
fn distance_rows_behind_moves() -> Body {
    let (depth, rows) = (20_000u32, 20_000u32);
    let mut nodes = vec![input(1, BYTE), node(Op::Max { groups: vec![vec![0]] }, &[0], 1, BYTE)];
    for at in 0..depth {
        let from = if at == 0 { 0 } else { at + 1 };
        let sources = vec![Source { input: 0, element: 0 }];
        nodes.push(node(Op::Rearrange { sources }, &[from], 1, BYTE));
    }
    let rows = (0..rows).map(|_| distance(1, 0)).collect::<Vec<_>>();
    let len = rows.len();
    nodes.push(node(Op::Linear { rows }, &[1, depth + 1], len, ZERO));
    body_with(graph(nodes))
}

/// Each term of a sum, divided by it.
fn shares_of_a_sum() -> Body {
    let len = 15_000u32;
    let rows = vec![Row { bias: 1, terms: (0..len).map(|element| term(0, element, 1)).collect() }];
    let sum = node(Op::Linear { rows }, &[0], 1, Interval { lo: 1, hi: 1 + 1000 * i64::from(len) });
    let op = Op::Divide { shift: 8, divisor: vec![0; len as usize], rounding: Rounding::HalfUp };
    let shares = node(op, &[0, 1], len as usize, Interval { lo: 0, hi: 256 });
    let nodes = vec![input(len as usize, Interval { lo: 0, hi: 1000 }), sum, shares];
    Body { plan: plan(14, 17), ..body_with(graph(nodes)) }
}

fn arg_max(inputs: usize, group: Vec<u32>) -> Body {
    let last = group.len() as i64 - 1;
    let greatest = node(Op::ArgMax { groups: vec![group] }, &[0], 1, Interval { lo: 0, hi: last });
    let plan = Plan { shape: Shape::Lean, limb_bits: 8, k: 17 };
    Body { plan, ..body_with(graph(vec![input(inputs, ZERO), greatest])) }
}

/// Tokens of many ranges, each of which is most of a table.
fn runs_of_a_table() -> Body {
    let (tokens, height) = (40_000i64, 100_000i64);
    let mut selected = input(tokens as usize, ZERO);
    selected.ranges = (0..tokens).map(|at| Interval { lo: at, hi: height - 1 - at }).collect();
    let rows = (0..height).map(|at| vec![at % 100]).collect();
    let gathered = node(Op::Gather { rows }, &[0], tokens as usize, Interval { lo: 0, hi: 99 });
    Body { plan: plan(14, 18), ..body_with(graph(vec![selected, gathered])) }
}

fn function(segments: usize, last: i64) -> Piecewise {
    let mut base: Vec<i64> = (0..segments as i64).map(|at| at % 100).collect();
    base.extend([last]);
    Piecewise { name: "f".into(), lo: 0, segment_bits: 0, slope: vec![0; base.len()], base, out_shift: 0 }
}

/// Arguments of many ranges, each of which is most of a function's domain.
fn runs_of_a_function() -> Body {
    let (len, segments) = (40_000i64, 100_000usize);
    let mut arguments = input(len as usize, ZERO);
    arguments.ranges = (0..len).map(|at| Interval { lo: at, hi: segments as i64 - at }).collect();
    let y = node(Op::Piecewise { table: 0 }, &[0], len as usize, Interval { lo: 0, hi: 99 });
    let mut graph = graph(vec![arguments, y]);
    graph.piecewise = vec![function(segments, 0)];
    Body { plan: plan(14, 18), ..body_with(graph) }
}

/// `len` nodes that each apply a function of the first `tables` to one element.
fn apply(len: usize, functions: Vec<Piecewise>, plan: Plan) -> Body {
    let tables = functions.len();
    let hi = functions[0].base.len() as i64 - 1;
    let mut nodes = vec![input(1, Interval { lo: 0, hi })];
    let image = Interval { lo: 0, hi: 1 << 20 };
    nodes.extend((0..len).map(|at| node(Op::Piecewise { table: (at % tables) as u32 }, &[0], 1, image)));
    let mut graph = graph(nodes);
    graph.piecewise = functions;
    Body { plan, ..body_with(graph) }
}

fn nodes_of_a_function() -> Body {
    apply(10_000, vec![function(100_000, 0)], plan(9, 18))
}

/// Functions that differ in their last value only.
fn tables_nearly_the_same() -> Body {
    let functions = (0..50_000).map(|at| function(9, at)).collect();
    apply(50_000, functions, plan(9, 19))
}

fn one_function(segments: usize) -> Body {
    apply(1, vec![function(segments, 0)], plan(14, 20))
}

fn tall_table() -> Body {
    let height = 1i64 << 20;
    let token = input(1, Interval { lo: 0, hi: height - 1 });
    let rows = (0..height).map(|at| vec![at % 100]).collect();
    body_with(graph(vec![token, node(Op::Gather { rows }, &[0], 1, Interval { lo: 0, hi: 99 })]))
}

fn gathered_often() -> Body {
    let rows = vec![(0..8).collect()];
    let gathered = node(Op::Gather { rows }, &[0], 1 << 22, Interval { lo: 0, hi: 7 });
    body_with(graph(vec![input(1 << 19, ZERO), gathered]))
}

fn bag_of_wide_rows() -> Body {
    let (tokens, width) = (60_000u32, 60_000usize);
    let mut selected = input(tokens as usize, ZERO);
    selected.ranges = (0..tokens).map(|at| Interval { lo: 0, hi: i64::from(at % 2) }).collect();
    let op = Op::EmbeddingSum { rows: vec![vec![1; width]; 2], groups: vec![(0..tokens).collect()] };
    let sums = node(op, &[0], width, Interval { lo: 0, hi: i64::from(tokens) });
    body_with(graph(vec![selected, sums]))
}

/// Two tokens over and over, of ranges that differ.
fn long_bag() -> Body {
    let (height, width, times) = (64i64, 248usize, 1usize << 19);
    let mut selected = input(2, ZERO);
    selected.ranges = vec![Interval { lo: 1, hi: height - 2 }, Interval { lo: 2, hi: height - 3 }];
    let rows = (0..height).map(|at| vec![at % 2; width]).collect();
    let op = Op::EmbeddingSum { rows, groups: vec![[0, 1].repeat(times)] };
    body_with(graph(vec![selected, node(op, &[0], width, Interval { lo: 0, hi: 1 << 20 })]))
}

/// A long sum as the maximum of itself alone, many times over.
fn maxima_of_one() -> Body {
    let (terms, maxima) = (20_000u32, 20_000usize);
    let hull = Interval { lo: -128 * i64::from(terms), hi: 127 * i64::from(terms) };
    let rows = vec![Row { bias: 0, terms: (0..terms).map(|element| term(0, element, 1)).collect() }];
    let sum = node(Op::Linear { rows }, &[0], 1, hull);
    let same = node(Op::Max { groups: vec![vec![0]; maxima] }, &[1], maxima, hull);
    Body { plan: plan(8, 16), ..body_with(graph(vec![input(terms as usize, BYTE), sum, same])) }
}

/// Nodes that read one element each of a node that has many.
fn one_of_many() -> Body {
    let (len, readers) = (1u32 << 16, 20_000u32);
    let mut nodes = vec![input(len as usize, ZERO)];
    nodes.extend((0..readers).map(|_| node(Op::Max { groups: vec![vec![0]] }, &[0], 1, ZERO)));
    Body { plan: plan(8, 17), ..body_with(graph(nodes)) }
}

/// A long sum that is handed on from sum to sum.
fn sums_of_sums() -> Body {
    let (terms, depth) = (20_000u32, 20_000u32);
    let hull = Interval { lo: -128 * i64::from(terms), hi: 128 * i64::from(terms) };
    let rows = vec![Row { bias: 0, terms: (0..terms).map(|element| term(0, element, 1)).collect() }];
    let mut nodes = vec![input(terms as usize, BYTE), node(Op::Linear { rows }, &[0], 1, hull)];
    let negated = |at| node(Op::Linear { rows: vec![Row { bias: 0, terms: vec![term(0, 0, -1)] }] }, &[at], 1, hull);
    nodes.extend((1..depth).map(negated));
    Body { plan: plan(8, 15), ..body_with(graph(nodes)) }
}

fn computed(shape: &[usize]) -> Factor {
    Factor::Computed { shape: shape.to_vec() }
}

/// The first element of node `at`.
fn first(at: u32, hull: Interval) -> Node {
    node(Op::Max { groups: vec![vec![0]] }, &[at], 1, hull)
}

/// Kernels of 2^12 taps over 2^11 places, of which only one is read at the end.
fn unread_products(nodes: u32) -> Body {
    let (taps, places) = (1usize << 12, 1usize << 11);
    let data = taps + places - 1;
    let window = Window { strides: vec![1], pads: vec![[0, 0]], dilations: vec![1], groups: 1 };
    let kernel = Factor::Fixed { shape: vec![1, 1, taps], values: vec![1; taps] };
    let op = Op::Conv { data: computed(&[1, 1, data]), kernel, window };
    let hull = Interval { lo: -128 << 12, hi: 127 << 12 };
    let mut all = vec![input(data, BYTE)];
    all.extend((0..nodes).map(|_| node(op.clone(), &[0], places, hull)));
    all.push(first(1, hull));
    Body { plan: plan(14, 13), ..body_with(graph(all)) }
}

/// 2^23 terms over some 6,000 wires, scaled again and again.
fn sum_of_all_products() -> Body {
    let mut body = unread_products(1);
    let places = body.graph.nodes[1].len();
    let hull = |sign: i64| {
        let (lo, hi) = (sign * (-128 << 12) * places as i64, sign * (127 << 12) * places as i64);
        Interval { lo: lo.min(hi), hi: lo.max(hi) }
    };
    let term = |element, weight| Term { source: Source { input: 0, element }, weight };
    let sum = Row { bias: 0, terms: (0..places as u32).map(|element| term(element, 1)).collect() };
    body.graph.nodes.truncate(2);
    body.graph.nodes.push(node(Op::Linear { rows: vec![sum] }, &[1], 1, hull(1)));
    for at in 0..14u32 {
        let negated = Row { bias: 0, terms: vec![term(0, -1)] };
        let sign = if at % 2 == 0 { -1 } else { 1 };
        body.graph.nodes.push(node(Op::Linear { rows: vec![negated] }, &[2 + at], 1, hull(sign)));
    }
    let nodes = std::mem::take(&mut body.graph.nodes);
    Body { graph: graph(nodes), ..body }
}

fn convolution(side: usize, taps: usize) -> Body {
    let window = Window { strides: vec![1; 2], pads: vec![[0, 0]; 2], dilations: vec![1; 2], groups: 1 };
    let kernel = Factor::Fixed { shape: vec![1, 1, taps, taps], values: vec![1; taps * taps] };
    let out = side - taps + 1;
    let op = Op::Conv { data: computed(&[1, 1, side, side]), kernel, window };
    let zeros = node(Op::Constant { values: vec![0; side * side] }, &[], side * side, ZERO);
    body_with(graph(vec![input(1, ZERO), zeros, node(op, &[1], out * out, ZERO), first(2, ZERO)]))
}

/// More places than a graph may have elements.
fn padding() -> Body {
    let window = Window { strides: vec![1], pads: vec![[1 << 40, 1 << 40]], dilations: vec![1], groups: 1 };
    let kernel = Factor::Fixed { shape: vec![1, 1, 1], values: vec![1] };
    let op = Op::Conv { data: computed(&[1, 1, 1]), kernel, window };
    body_with(graph(vec![input(1, ZERO), node(op, &[0], (1 << 41) + 1, ZERO), first(1, ZERO)]))
}

/// A matrix applied over and over, each time to sums that have no cells: they get some after a while, or whoever reads the last
/// would make all before first.
fn products_of_products() -> Body {
    let (terms, depth) = (20usize, 100_000u32);
    let op = |terms: usize, weight: i64| {
        let right = Factor::Fixed { shape: vec![terms, 1], values: vec![weight; terms] };
        Op::MatMul { left: computed(&[1, terms]), right }
    };
    let hull = Interval { lo: -128 * terms as i64, hi: 128 * terms as i64 };
    let mut nodes = vec![input(terms, BYTE), node(op(terms, 1), &[0], 1, hull)];
    nodes.extend((1..depth).map(|at| node(op(1, -1), &[at], 1, hull)));
    Body { plan: plan(5, 6), ..body_with(graph(nodes)) }
}

fn computed_products() -> Body {
    let (side, inner) = (1usize << 9, 1usize << 5);
    let op = Op::MatMul { left: computed(&[side, inner]), right: computed(&[inner, side]) };
    let zeros = node(Op::Constant { values: vec![0; side * inner] }, &[], side * inner, ZERO);
    body_with(graph(vec![input(1, ZERO), zeros, node(op, &[1, 1], side * side, ZERO), first(2, ZERO)]))
}

/// Meets a bomb; the file's length and what became of it.
fn meet(bomb: &Bomb) -> (usize, Result<(), Error>) {
    match &bomb.file {
        File::Program(make) => {
            let file = file_of(&make());
            (file.len(), Program::from_bytes(&file).map(drop))
        }
        File::Onnx(make) => {
            let model = make();
            let inputs = model.graph.iter().flat_map(|graph| &graph.input);
            let input_ranges = inputs.map(|input| (input.name.clone(), vec![UNIT])).collect();
            let file = model.encode_to_vec();
            (file.len(), compile(&file, &CompileOptions { input_ranges, ..CompileOptions::default() }).map(drop))
        }
    }
}

fn answer(outcome: &Result<(), Error>) -> Answer {
    use apodict_circuits::{machine::Error as MachineError, quantize::Error as QuantizeError};
    match outcome {
        Ok(()) => Answer::Accepted,
        Err(Error::Machine(MachineError::TooLarge { .. })) => Answer::TooLarge,
        Err(Error::Quantize(QuantizeError::Machine(MachineError::TooLarge { .. }))) => Answer::TooLarge,
        Err(_) => Answer::Refused,
    }
}

/// What `/proc` says of this process: processor time and peak memory.
#[cfg(target_os = "linux")]
fn used() -> (Duration, u64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    // Of all threads that ran, in nanoseconds and exactly, which the ticks of `stat` are not.
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    let time_of = |task: std::io::Result<std::fs::DirEntry>| {
        let schedule = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        schedule.split_whitespace().next()?.parse::<u64>().ok()
    };
    (Duration::from_nanos(tasks.filter_map(time_of).sum()), kibibytes * 1024)
}

/// Run by [`every_bomb_is_answered`] in a process of its own.
#[test]
#[ignore = "a part of every_bomb_is_answered"]
#[cfg(target_os = "linux")]
fn one_bomb() {
    let Ok(name) = std::env::var(BOMB) else { return };
    let bomb = bombs().into_iter().find(|bomb| bomb.name == name).expect("a bomb of that name");
    let (length, outcome) = meet(&bomb);
    let answer = answer(&outcome);
    let what = outcome.err().map_or_else(|| "accepted".to_owned(), |error| error.to_string());
    let (time, memory) = used();
    println!("{name}: {length} bytes, {} ms, {} MB: {what}", time.as_millis(), memory / 1_000_000);
    assert_eq!(answer, bomb.answer, "{what}");
    assert!(time <= MOST_TIME, "{time:?} of the processor's time");
    assert!(memory <= MOST_MEMORY, "{memory} bytes");
}

#[test]
#[cfg(target_os = "linux")]
fn every_bomb_is_answered() {
    let this = std::env::current_exe().expect("a test has a file");
    let mut failed = Vec::new();
    for bomb in bombs() {
        // Should one explode, then within bounds.
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -v 8000000; exec \"$0\" --exact bombs::one_bomb --ignored --nocapture"])
            .arg(&this)
            .env(BOMB, bomb.name)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let start = Instant::now();
        while child.try_wait().expect("it is a child").is_none() {
            if start.elapsed() > PATIENCE {
                child.kill().expect("it runs");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("it has ended");
        let said = String::from_utf8_lossy(&output.stdout);
        said.lines().filter(|line| line.starts_with(bomb.name)).for_each(|line| println!("{line}"));
        if !output.status.success() {
            failed.push(format!("{}: {}\n{said}{}", bomb.name, output.status, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
