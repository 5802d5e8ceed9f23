//! Known answers, one operator after the other.

use std::collections::BTreeSet;

use super::*;
use crate::{
    elementary::power_of_two,
    float::Ties,
    quantize::{
        lower,
        plan::{Narrowing, Plan},
        ranges::{self, Widening},
        table::Tables,
    },
};

fn quantized(graph: &Graph, bits: u32) -> Quantized {
    quantize(graph, &options(graph, bits, -8.0, 7.75)).expect("a quantized model")
}

/// Weights of two bits are exact, so nothing but the input is rounded, and the accumulator is the output.
#[test]
fn a_dense_layer_is_one_exact_sum() {
    let mut model = Model::default();
    let x = model.input(&[1, 2]);
    let w = model.constant(&[2, 2], &[0.5, -1.25, 2.0, 0.0]);
    let b = model.constant(&[2], &[0.125, -3.0]);
    let product = model.real(Op::MatMul, &[x, w], &[1, 2]);
    let y = model.real(Op::Add, &[product, b], &[1, 2]);
    let graph = model.finish(y);
    let quantized = quantized(&graph, 4);
    assert_eq!(operators(&quantized.graph), ["Input", "MatMul", "Linear"]);
    assert_eq!(real_run(&quantized, &[real_tensor(&[1, 2], &[1.5, -0.25])]), [0.375, -4.875]);
}

#[test]
fn a_shift_stands_directly_before_the_rectifier() {
    let mut model = Model::default();
    let x = model.input(&[1, 2]);
    let w = model.constant(&[2, 1], &[0.1, 0.7]);
    let v = model.constant(&[1, 1], &[0.3]);
    let b = model.constant(&[1], &[0.2]);
    let hidden = model.real(Op::MatMul, &[x, w], &[1, 1]);
    let biased = model.real(Op::Add, &[hidden, b], &[1, 1]);
    let relu = model.real(Op::Relu, &[biased], &[1, 1]);
    let flat = model.real(pick(&[0]), &[relu], &[1, 1]);
    let y = model.real(Op::MatMul, &[flat, v], &[1, 1]);
    let graph = model.finish(y);
    let mut plan_options = options(&graph, 8, -8.0, 7.75);
    plan_options.limb_bits = 9;
    let quantized = quantize(&graph, &plan_options).unwrap();
    let kinds = operators(&quantized.graph);
    assert!(
        kinds == ["Input", "MatMul", "Linear", "Shift", "Relu", "MatMul"]
            || kinds == ["Input", "MatMul", "Linear", "Relu", "MatMul"],
        "{kinds:?}"
    );
}

/// 2^24 + 1: not even the float32 executor could hold it.
#[test]
fn large_integers_stay_exact() {
    let mut model = Model::default();
    let x = model.typed_input(&[1], ElementType::I64);
    let one = model.push(Op::Constant { values: vec![1.0] }, &[], &[1], ElementType::I64);
    let y = model.push(Op::Add, &[x, one], &[1], ElementType::I64);
    let graph = model.finish(y);
    let quantized = quantize(&graph, &options(&graph, 8, 0.0, 1e12)).unwrap();
    assert_eq!(run(&quantized, &[int_tensor(&[1], &[16_777_216])]), [16_777_217]);
    assert_eq!(run(&quantized, &[int_tensor(&[1], &[16_777_217])]), [16_777_218]);
    assert_eq!(quantized.report.outputs[0].bound, Some(0.0));
}

#[test]
fn a_mean_over_a_power_of_two_only_renames_the_scale() {
    let mut model = Model::default();
    let x = model.input(&[4]);
    let y = model.real(Op::ReduceMean { axes: vec![0] }, &[x], &[]);
    let graph = model.finish(y);
    let quantized = quantized(&graph, 4);
    assert_eq!(run(&quantized, &[real_tensor(&[4], &[1.0, 2.0, 3.0, 0.5])]), [104]);
    assert_eq!(quantized.report.outputs[0].frac_bits, 6);
}

#[test]
fn a_mean_over_three_has_a_rounded_weight() {
    let mut model = Model::default();
    let x = model.input(&[3]);
    let y = model.real(Op::ReduceMean { axes: vec![0] }, &[x], &[1]);
    let graph = model.finish(y);
    let quantized = quantized(&graph, 8);
    let y = real_run(&quantized, &[real_tensor(&[3], &[1.0, 2.0, 4.0])])[0];
    assert!((y - 7.0 / 3.0).abs() < 24.0 * 2f64.powi(-11), "{y}");
}

#[test]
fn leaky_relu_is_exact_above_zero() {
    let mut model = Model::default();
    let x = model.input(&[4]);
    let y = model.real(Op::LeakyRelu { alpha: 0.25 }, &[x], &[4]);
    let graph = model.finish(y);
    let y = real_run(&quantized(&graph, 4), &[real_tensor(&[4], &[-4.0, -0.0625, 0.0, 3.5])]);
    assert_eq!(y, [-1.0, -0.015625, 0.0, 3.5]);
}

#[test]
fn clip_rounds_its_bounds_and_leaves_out_what_cannot_bind() {
    let clipped = |min, max, x: f64| {
        let mut model = Model::default();
        let input = model.input(&[1]);
        let y = model.real(Op::Clip { min, max }, &[input], &[1]);
        let graph = model.finish(y);
        let quantized = quantized(&graph, 2);
        let relus = operators(&quantized.graph).iter().filter(|kind| **kind == "Relu").count();
        (real_run(&quantized, &[real_tensor(&[1], &[x])])[0], relus, quantized.report.outputs[0].range)
    };
    let range = |lo, hi| RealRange { lo, hi };
    // 1.1 is rounded to 1.0, the nearest quarter.
    assert_eq!(clipped(Some(-1.1), Some(1.1), 5.0), (1.0, 2, range(-1.0, 1.0)));
    assert_eq!(clipped(Some(-1.1), Some(1.1), -5.0), (-1.0, 2, range(-1.0, 1.0)));
    assert_eq!(clipped(Some(-1.1), Some(1.1), 0.25), (0.25, 2, range(-1.0, 1.0)));
    assert_eq!(clipped(None, Some(1.0), 5.0), (1.0, 1, range(-8.0, 1.0)));
    assert_eq!(clipped(Some(1.0), None, -5.0), (1.0, 1, range(1.0, 7.75)));
    assert_eq!(clipped(Some(-100.0), Some(1e300), -5.0), (-5.0, 0, range(-8.0, 7.75)));
    assert_eq!(clipped(Some(20.0), Some(30.0), -5.0), (20.0, 1, range(20.0, 20.0)));
    assert_eq!(clipped(None, None, -5.0), (-5.0, 0, range(-8.0, 7.75)));
}

/// However Clip is lowered, what it clips is rounded half up where it had more fraction bits, at ties and below zero too:
/// Clip with bounds is Clip without, clipped.
#[test]
fn clip_rounds_ties_up_whichever_bounds_it_has() {
    // Bits that Clip drops: none, some, and more than one shift takes.
    for dropped in [0, 1, 3, 42] {
        let ties = (-8..=8).map(|half_steps: i64| half_steps << dropped >> 1);
        let points: Vec<i64> = ties.flat_map(|tie| [tie - 1, tie, tie + 1]).collect();
        let clipped = |min: Option<i64>, max: Option<i64>| -> Vec<i64> {
            let graph = clip_that_drops(dropped, min, max);
            let run = |x: &i64| {
                let trace = int::execute(&graph, &[vec![*x]]).expect("a run");
                trace.outputs(&graph).next().expect("an output")[0]
            };
            points.iter().map(run).collect()
        };
        let free = clipped(None, None);
        if dropped < 40 {
            let rounded = points.iter().map(|x| (x + (1 << dropped >> 1)) >> dropped);
            assert_eq!(free, rounded.collect::<Vec<_>>(), "{dropped} bits");
        }
        for (min, max) in
            [(None, Some(1)), (None, Some(-2)), (Some(-3), None), (Some(-3), Some(1)), (Some(-100), Some(1))]
        {
            let expected = free.iter().map(|y| (*y).max(min.unwrap_or(i64::MIN)).min(max.unwrap_or(i64::MAX)));
            assert_eq!(clipped(min, max), expected.collect::<Vec<_>>(), "{dropped} bits, {min:?} to {max:?}");
        }
    }
}

/// Clip, with bounds in steps of its result, of an integer: the result has so many bits fewer.
fn clip_that_drops(bits: i32, min: Option<i64>, max: Option<i64>) -> int::Graph {
    const INPUT_BITS: i32 = 4;
    const WEIGHT_BITS: i32 = 20;
    let mut model = Model::default();
    let x = model.input(&[1]);
    // Products with powers of two change nothing but the scale.
    let weight = model.constant(&[1], &[power_of_two(-WEIGHT_BITS)]);
    let once = model.real(Op::Mul, &[x, weight], &[1]);
    let twice = model.real(Op::Mul, &[once, weight], &[1]);
    let scale = INPUT_BITS + 2 * WEIGHT_BITS - bits;
    let bound = |steps: i64| steps as f64 * power_of_two(-scale);
    let y = model.real(Op::Clip { min: min.map(bound), max: max.map(bound) }, &[twice], &[1]);
    let graph = model.finish(y);
    let mut plan = Plan::uniform(INPUT_BITS, WEIGHT_BITS, 0.1);
    // Numbers far from one have fewer or more bits than the plan says of ordinary ones: what is said here makes up for it.
    let input = INPUT_BITS + (bits - 4).max(0);
    let smaller = (35 - bits).max(0);
    plan.narrowing =
        BTreeMap::from([(x, Narrowing::To(input)), (once, Narrowing::Keep), (twice, Narrowing::To(scale - smaller))]);
    let most = power_of_two(bits);
    let ranges =
        ranges::resolve(&graph, &options(&graph, 4, -most, most), Widening::Magnitude).expect("ranges for all inputs");
    let lowered = lower::lower(&graph, &plan, &ranges, &BTreeSet::new(), &Tables::default()).expect("it fits");
    assert_eq!(lowered.graph.node(lowered.graph.outputs[0].node).frac_bits, scale);
    lowered.graph
}

/// Rounding half up after a product: -1.5 steps become -1, 1.5 steps become 2.
#[test]
fn accumulators_round_half_up_for_both_signs() {
    let mut model = Model::default();
    let x = model.input(&[1]);
    let half = model.constant(&[1], &[0.5]);
    let scaled = model.real(Op::Mul, &[x, half], &[1]);
    let y = model.real(Op::Relu, &[scaled], &[1]);
    let z = model.real(Op::Sub, &[scaled, y], &[1]);
    let out = model.real(Op::Add, &[z, y], &[1]);
    let graph = model.finish(out);
    let quantized = quantized(&graph, 2);
    // Whatever was narrowed on the way, the sum is the unrounded product.
    for steps in [-3i64, -1, 1, 3] {
        let x = steps as f64 / 4.0;
        assert!((real_run(&quantized, &[real_tensor(&[1], &[x])])[0] - x / 2.0).abs() <= 0.25);
    }
}

#[test]
fn argmax_takes_the_first_or_the_last_of_equals() {
    for (ties, expected) in [(Ties::First, 1), (Ties::Last, 3)] {
        let mut model = Model::default();
        let x = model.input(&[1, 4]);
        let y = model.push(Op::ArgMax { axis: 1, ties }, &[x], &[1], ElementType::I64);
        let graph = model.finish(y);
        let quantized = quantized(&graph, 4);
        assert_eq!(run(&quantized, &[real_tensor(&[1, 4], &[1.0, 2.0, -1.0, 2.0])]), [expected]);
        assert_eq!(quantized.report.outputs[0].bound, None);
    }
}

#[test]
fn gathered_rows_are_averaged_in_one_bag() {
    let mut model = Model::default();
    let x = model.typed_input(&[1, 4], ElementType::I64);
    let table = model.constant(&[3, 2], &[0.5, 1.0, -0.25, 2.0, 4.0, -1.0]);
    let rows = model.real(Op::Gather, &[table, x], &[1, 4, 2]);
    let mean = model.real(Op::ReduceMean { axes: vec![1] }, &[rows], &[1, 2]);
    let graph = model.finish(mean);
    let quantized =
        quantize(&graph, &QuantizeOptions { input_ranges: no_ranges(), ..options(&graph, 8, 0.0, 0.0) }).unwrap();
    assert_eq!(operators(&quantized.graph), ["Input", "EmbeddingSum"]);
    assert_eq!(quantized.graph.nodes[0].ranges, [int::Interval::new(0, 2)]);
    assert_eq!(real_run(&quantized, &[int_tensor(&[1, 4], &[2, 0, 0, 1])]), [1.1875, 0.75]);
}

#[test]
fn a_bag_keeps_weight_and_bias_of_what_follows() {
    let mut model = Model::default();
    let x = model.typed_input(&[3], ElementType::I64);
    let table = model.constant(&[2, 2], &[0.5, 1.0, -0.25, 2.0]);
    let rows = model.real(Op::Gather, &[table, x], &[3, 2]);
    let turned = model.real(pick(&[0, 2, 4, 1, 3, 5]), &[rows], &[2, 3]);
    let mean = model.real(Op::ReduceMean { axes: vec![1] }, &[turned], &[2]);
    let bias = model.constant(&[2], &[1.0, -1.0]);
    let y = model.real(Op::Add, &[mean, bias], &[2]);
    let graph = model.finish(y);
    let quantized = quantize(&graph, &options(&graph, 10, 0.0, 1.0)).unwrap();
    assert_eq!(operators(&quantized.graph), ["Input", "EmbeddingSum", "Linear"]);
    let y = real_run(&quantized, &[int_tensor(&[3], &[0, 1, 1])]);
    assert!((y[0] - 1.0).abs() < 1e-3 && (y[1] - 2.0 / 3.0).abs() < 1e-3, "{y:?}");
}

#[test]
fn negative_indices_count_from_the_end() {
    let mut model = Model::default();
    let x = model.typed_input(&[4], ElementType::I64);
    let table = model.constant(&[3, 1], &[1.0, 2.0, 3.0]);
    let y = model.real(Op::Gather, &[table, x], &[4, 1]);
    let graph = model.finish(y);
    let quantized = quantize(&graph, &options(&graph, 4, -3.0, 2.0)).unwrap();
    assert_eq!(real_run(&quantized, &[int_tensor(&[4], &[-1, -3, 0, 2])]), [3.0, 1.0, 1.0, 3.0]);
}

#[test]
fn equal_logits_share_evenly_and_far_ones_vanish() {
    let mut model = Model::default();
    let x = model.input(&[1, 4]);
    let y = model.real(Op::Softmax { axis: 1 }, &[x], &[1, 4]);
    let graph = model.finish(y);
    let quantized = quantize(&graph, &options(&graph, 10, -100.0, 100.0)).unwrap();
    assert_eq!(real_run(&quantized, &[real_tensor(&[1, 4], &[1.5; 4])]), [0.25; 4]);
    let y = real_run(&quantized, &[real_tensor(&[1, 4], &[-100.0, 100.0, -100.0, 50.0])]);
    assert!((y[1] - 1.0).abs() < 1e-4 && y[0] < 1e-4, "{y:?}");
    let RealRange { lo, hi } = quantized.report.outputs[0].range;
    assert!((0.0..1e-5).contains(&lo) && hi == 1.0, "{lo} {hi}");
}

#[test]
fn sigmoid_clamps_only_arguments_that_leave_its_table() {
    let narrow = |lo, hi| {
        let mut model = Model::default();
        let x = model.input(&[1]);
        let y = model.real(Op::Sigmoid, &[x], &[1]);
        let graph = model.finish(y);
        let quantized = quantize(&graph, &options(&graph, 10, lo, hi)).unwrap();
        (operators(&quantized.graph), quantized)
    };
    assert_eq!(narrow(-2.0, 2.0).0, ["Input", "Piecewise"]);
    assert_eq!(narrow(-2.0, 20.0).0, ["Input", "Linear", "Relu", "Linear", "Piecewise"]);
    let (kinds, wide) = narrow(-1000.0, 1000.0);
    assert_eq!(kinds.iter().filter(|kind| **kind == "Relu").count(), 2);
    let at = |x: f64| real_run(&wide, &[real_tensor(&[1], &[x])])[0];
    assert!((at(1000.0) - 1.0).abs() < 5e-4 && at(-1000.0).abs() < 5e-4 && (at(0.0) - 0.5).abs() < 5e-4);
}

#[test]
fn products_of_computed_values_are_exact_before_narrowing() {
    let mut model = Model::default();
    let a = model.input(&[1, 2]);
    let b = model.input(&[2, 1]);
    let y = model.real(Op::MatMul, &[a, b], &[1, 1]);
    let graph = model.finish(y);
    let inputs = [real_tensor(&[1, 2], &[1.5, -2.25]), real_tensor(&[2, 1], &[0.25, 3.0])];
    assert_eq!(real_run(&quantized(&graph, 4), &inputs), [0.375 - 6.75]);
}

#[test]
fn what_no_output_needs_is_dropped_but_inputs_stay() {
    let mut model = Model::default();
    let x = model.input(&[1]);
    let _unused = model.input(&[2]);
    let _dead = model.real(Op::Sigmoid, &[x], &[1]);
    let y = model.real(Op::Relu, &[x], &[1]);
    let graph = model.finish(y);
    assert_eq!(operators(&quantized(&graph, 4).graph), ["Input", "Input", "Relu"]);
}
