//! Known answers.

use super::*;
use crate::int::{Executor, Piecewise, execute};

const RANGE: Interval = Interval { lo: -100, hi: 100 };

/// Runs `op` on `x` and checks the values and the analyzed ranges.
#[track_caller]
fn check(op: Op, x: &[i64], expected: &[i64], ranges: &[Interval]) {
    let graph = unary(x.len(), RANGE, op, expected.len()).unwrap();
    graph.validate().unwrap();
    let trace = execute(&graph, &[x.to_vec()]).unwrap();
    assert_eq!(trace.outputs(&graph).next().unwrap(), expected);
    assert_eq!(graph.nodes[1].ranges, ranges);
}

#[test]
fn rearrange_copies_and_broadcasts() {
    check(Op::Rearrange { sources: vec![source(1), source(1), source(0)] }, &[3, -4], &[-4, -4, 3], &[RANGE]);
}

#[test]
fn linear_is_exact() {
    let rows = vec![row(7, &[(0, 0, 2), (0, 1, -3)]), row(-5, &[])];
    check(Op::Linear { rows }, &[10, -20], &[87, -5], &[Interval::new(-493, 507), Interval::point(-5)]);
}

/// 2^24 + 1 is the first integer that float32 cannot hold.
#[test]
fn linear_keeps_what_float32_would_round() {
    let graph = {
        let mut builder = Builder::new();
        let x = builder.input("x", vec![1], 0, vec![Interval::new(0, 1 << 40)]).unwrap();
        let y = builder.push("y", Op::Linear { rows: vec![row(1, &[(0, 0, 3)])] }, vec![x], vec![1], 0).unwrap();
        builder.finish(vec![output(y)]).unwrap()
    };
    let run = |x| execute(&graph, &[vec![x]]).unwrap().values[1][0];
    assert_eq!(run(16_777_217), 50_331_652);
    assert_eq!(run(1 << 40), 3 * (1 << 40) + 1);
}

#[test]
fn products_are_exact_and_squares_are_not_negative() {
    let rows = vec![vec![(source(0), source(1)), (source(1), source(1))], vec![(source(0), source(0))], vec![]];
    let ranges = [Interval::new(-10_000, 20_000), Interval::new(0, 10_000), Interval::point(0)];
    check(Op::SumOfProducts { rows }, &[-7, 5], &[-10, 49, 0], &ranges);
}

#[test]
fn shift_rounds_half_up_for_both_signs() {
    let x = [-7, -6, -5, -2, -1, 1, 2, 5, 6, 7];
    // x / 4 = -1.75, -1.5, -1.25, -0.5, -0.25, 0.25, 0.5, 1.25, 1.5, 1.75
    check(Op::Shift { bits: 2 }, &x, &[-2, -1, -1, 0, 0, 0, 1, 1, 2, 2], &[Interval::new(-25, 25)]);
}

#[test]
fn relu_is_zero_at_zero_and_below() {
    check(Op::Relu, &[-100, -1, 0, 1, 100], &[0, 0, 0, 1, 100], &[Interval::new(0, 100)]);
}

#[test]
fn piecewise_reads_its_table() {
    let mut builder = Builder::new();
    let table = Piecewise {
        name: "ramp".into(),
        lo: -100,
        segment_bits: 7,
        base: vec![-1000, 280],
        slope: vec![10, -1],
        out_shift: 0,
    };
    let table = builder.table(table).unwrap();
    let x = builder.input("x", vec![3], 0, vec![RANGE]).unwrap();
    let y = builder.push("y", Op::Piecewise { table }, vec![x], vec![3], 0).unwrap();
    let graph = builder.finish(vec![output(y)]).unwrap();
    assert_eq!(execute(&graph, &[vec![-100, 0, 100]]).unwrap().values[1], [-1000, 0, 280 - 72]);
    assert_eq!(graph.node(y).ranges, [Interval::new(-1000, 280)]);
}

#[test]
fn max_and_argmax_take_the_first_of_equals() {
    let groups = vec![vec![0, 1, 2], vec![2, 1], vec![2, 0]];
    check(Op::Max { groups: groups.clone() }, &[4, 9, 9], &[9, 9, 9], &[RANGE]);
    let ranges = [Interval::new(0, 2), Interval::new(0, 1), Interval::new(0, 1)];
    check(Op::ArgMax { groups }, &[4, 9, 9], &[1, 0, 0], &ranges);
}

#[test]
fn divide_rounds_half_up() {
    let graph = {
        let mut builder = Builder::new();
        let a = builder.input("a", vec![4], 0, vec![Interval::new(0, 1000)]).unwrap();
        let b = builder.input("b", vec![2], 0, vec![Interval::new(1, 8)]).unwrap();
        let op = Op::Divide { shift: 2, divisor: vec![0, 0, 0, 1], rounding: Rounding::HalfUp };
        let y = builder.push("y", op, vec![a, b], vec![4], 2).unwrap();
        builder.finish(vec![output(y)]).unwrap()
    };
    // Fourths: 0/8, 1/8 -> 0.5 -> 1, 3/8 -> 1.5 -> 2, 5/1.
    let trace = execute(&graph, &[vec![0, 1, 3, 5], vec![8, 1]]).unwrap();
    assert_eq!(trace.values[2], [0, 1, 2, 20]);
    assert_eq!(graph.nodes[2].ranges, [Interval::new(0, 4000)]);
}

/// The two rules that interval arithmetic alone would miss; softmax relies on them.
#[test]
fn softmax_ranges_know_the_maximum_and_the_sum() {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![RANGE]).unwrap();
    let groups = vec![vec![0, 1]];
    let max = builder.push("max", Op::Max { groups }, vec![x], vec![1], 0).unwrap();
    let rows = (0..2).map(|e| row(0, &[(0, 0, 1), (1, e, -1)])).collect();
    let distance = builder.push("d", Op::Linear { rows }, vec![max, x], vec![2], 0).unwrap();
    assert_eq!(builder.node(distance).ranges, [Interval::new(0, 200)]);
    let rows = vec![row(1, &[(0, 0, 1), (0, 1, 1)])];
    let sum = builder.push("sum", Op::Linear { rows }, vec![distance], vec![1], 0).unwrap();
    let op = Op::Divide { shift: 8, divisor: vec![0, 0], rounding: Rounding::HalfUp };
    let share = builder.push("share", op, vec![distance, sum], vec![2], 8).unwrap();
    assert_eq!(builder.node(share).ranges, [Interval::new(0, 256)]);
}

#[test]
fn tables_of_rows_are_read_and_summed() {
    let table = vec![vec![1, 10], vec![2, 20], vec![-3, 30]];
    let index = Interval::new(0, 2);
    let run = |op, out_len| {
        let graph = unary(3, index, op, out_len).unwrap();
        let values = execute(&graph, &[vec![2, 0, 2]]).unwrap().values.pop().unwrap();
        (values, graph.nodes[1].ranges.clone())
    };
    let (values, ranges) = run(Op::Gather { rows: table.clone() }, 6);
    assert_eq!(values, [-3, 30, 1, 10, -3, 30]);
    let columns = [Interval::new(-3, 2), Interval::new(10, 30)];
    assert_eq!(ranges, columns.repeat(3));
    let (values, ranges) = run(Op::EmbeddingSum { rows: table, groups: vec![vec![0, 1, 2], vec![1]] }, 4);
    assert_eq!(values, [-5, 70, 1, 10]);
    assert_eq!(ranges, [Interval::new(-9, 6), Interval::new(30, 90), columns[0], columns[1]]);
}

#[test]
fn one_executor_runs_many_inputs() {
    let graph = unary(1, RANGE, Op::Relu, 1).unwrap();
    let executor = Executor::new(&graph).unwrap();
    for x in -3i64..3 {
        assert_eq!(executor.run(&[vec![x]]).unwrap().values[1], [x.max(0)]);
    }
}

#[test]
fn step_tells_on_which_side_of_zero_a_value_stands() {
    check(Op::Step, &[-100, -1, 0, 1, 100], &[0, 0, 1, 1, 1], &[Interval::new(0, 1)]);
    let range = |lo, hi| unary(1, Interval::new(lo, hi), Op::Step, 1).unwrap().nodes[1].ranges[0];
    assert_eq!([range(0, 5), range(-5, -1)], [Interval::point(1), Interval::point(0)]);
    assert_eq!([range(-5, 0), range(-1, 5)], [Interval::new(0, 1); 2]);
}

#[test]
fn only_zero_is_zero() {
    check(Op::IsZero, &[-100, -1, 0, 1, 100], &[0, 0, 1, 0, 0], &[Interval::new(0, 1)]);
    let range = |lo, hi| unary(1, Interval::new(lo, hi), Op::IsZero, 1).unwrap().nodes[1].ranges[0];
    assert_eq!([range(1, 5), range(-5, -1), range(0, 0)], [0, 0, 1].map(Interval::point));
    assert_eq!([range(-5, 0), range(0, 1), range(-1, 1)], [Interval::new(0, 1); 3]);
}

#[test]
fn square_roots_are_rounded_down() {
    let root = |lo, hi, shift| unary(1, Interval::new(lo, hi), Op::SquareRoot { shift }, 1);
    let graph = root(0, 100, 0).unwrap();
    assert_eq!(graph.nodes[1].ranges, [Interval::new(0, 10)]);
    for (x, y) in [(0, 0), (1, 1), (3, 1), (4, 2), (8, 2), (9, 3), (99, 9), (100, 10)] {
        assert_eq!(execute(&graph, &[vec![x]]).unwrap().values[1], [y], "{x}");
    }
    assert_eq!(root(2, 3, 10).unwrap().nodes[1].ranges, [Interval::new(45, 55)]);
    assert_eq!(root(0, (1 << 62) - 1, 0).unwrap().nodes[1].ranges, [Interval::new(0, (1 << 31) - 1)]);
}
