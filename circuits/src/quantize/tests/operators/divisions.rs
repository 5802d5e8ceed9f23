//! Div, FloorDiv, Round.

use super::*;
use crate::float::Rounding;

fn ints(op: Op, ranges: &[RealRange], constant: Option<f64>) -> Case {
    let mut model = Model::default();
    let mut inputs: Vec<NodeId> = ranges.iter().map(|_| model.typed_input(&[4], ElementType::I64)).collect();
    if let Some(value) = constant {
        inputs.push(model.push(Op::Constant { values: vec![value] }, &[], &[1], ElementType::I64));
    }
    let y = model.push(op, &inputs, &[4], ElementType::I64);
    Case { graph: model.finish(y), ranges: ranges.to_vec() }
}

fn by_constant(divisors: &[f64]) -> Case {
    let mut model = Model::default();
    let x = model.input(&[divisors.len()]);
    let divisor = model.constant(&[divisors.len()], divisors);
    let y = model.real(Op::Div, &[x, divisor], &[divisors.len()]);
    Case { graph: model.finish(y), ranges: vec![between(-10.0, 10.0)] }
}

#[test]
fn quotients_stay_within_their_bounds() {
    let real = |a, b| case(Op::Div, &[a, b], &[3]);
    for (case, limit) in [
        (real(between(-3.0, 5.0), between(0.5, 4.0)), 1e-2),
        (real(between(0.0, 5.0), between(-4.0, -0.5)), 1e-2),
        (real(between(-1e-3, 1e-3), between(1.0, 1000.0)), 1e-3),
        (real(between(-1e6, 1e6), between(100.0, 1000.0)), 20.0),
        (by_constant(&[3.0, -0.7, 1e-3]), 1.0),
        (by_constant(&[1e6, 2e6]), 1e-6),
    ] {
        assert!(case.holds_under_any_plan() >= 9, "{:?}", case.graph);
        let (bound, _) = case.holds(&Plan::uniform(12, 14, 1e-4), 9).expect("it fits");
        assert!(bound <= limit, "{bound:e} of {:?}", case.graph);
    }
    real(between(-3.0, 5.0), between(-4.0, -0.5)).proves(8);
    by_constant(&[3.0, -0.7]).proves(8);
}

#[test]
fn division_by_a_power_of_two_is_exact() {
    let quantized = by_constant(&[4.0, -0.5]).quantized(4).unwrap();
    assert_eq!(real_run(&quantized, &[real_tensor(&[2], &[3.0, 1.25])]), [0.75, -2.5]);
    // The input's rounding, doubled by the second divisor, is all there is.
    assert!(quantized.report.outputs[0].bound.is_some_and(|bound| bound == 0.0625));
}

/// A constant by what is computed, each divisor for several dividends, of either sign by element.
#[test]
fn operands_broadcast_and_divisors_have_signs() {
    let mut model = Model::default();
    let a = model.constant(&[2, 1], &[6.0, -1.5]);
    let b = model.input(&[2]);
    let turn = model.constant(&[2], &[1.0, -1.0]);
    let b = model.real(Op::Mul, &[b, turn], &[2]);
    let y = model.real(Op::Div, &[a, b], &[2, 2]);
    let case = Case { graph: model.finish(y), ranges: vec![between(1.0, 4.0)] };
    let y = real_run(&case.quantized(10).unwrap(), &[real_tensor(&[2], &[2.0, 4.0])]);
    assert_eq!(y, [3.0, -1.5, -0.75, 0.375]);
    case.proves(8);
}

#[test]
fn divisors_that_may_be_zero_are_refused() {
    let real = |lo, hi| refused(&case(Op::Div, &[between(0.0, 1.0), between(lo, hi)], &[1]));
    let text = real(-1.0, 2.0);
    assert!(text.contains("its divisor can be anything in [-1, 2]") && text.contains("apply Clip"), "{text}");
    let text = real(0.0, 2.0);
    assert!(text.contains("also when it is rounded") && text.contains("--bits"), "{text}");
    // An epsilon that rounds to 0 at its value's scale, which it does not come to stand alone with.
    let text = real(1e-7, 2.0);
    assert!(text.contains("not rounded to 0"), "{text}");
    let text = refused(&by_constant(&[1.0, 0.0]));
    assert!(text.contains("holds 0"), "{text}");
    let text = refused(&ints(Op::FloorDiv, &[between(0.0, 9.0), between(-1.0, 3.0)], None));
    assert!(text.contains("its divisor can be anything in [-1, 3]"), "{text}");
}

/// Layer normalization as exporters write it, whose epsilon is far below a step of an activation.
#[test]
fn normalization_is_precise() {
    let mut model = Model::default();
    let x = model.input(&[2, 4]);
    let mean = model.real(Op::ReduceMean { axes: vec![1] }, &[x], &[2, 1]);
    let centered = model.real(Op::Sub, &[x, mean], &[2, 4]);
    let square = model.real(Op::Mul, &[centered, centered], &[2, 4]);
    let variance = model.real(Op::ReduceMean { axes: vec![1] }, &[square], &[2, 1]);
    let epsilon = model.constant(&[], &[1e-5]);
    let sum = model.real(Op::Add, &[variance, epsilon], &[2, 1]);
    let deviation = model.real(Op::Sqrt, &[sum], &[2, 1]);
    let y = model.real(Op::Div, &[centered, deviation], &[2, 4]);
    let case = Case { graph: model.finish(y), ranges: vec![between(-4.0, 4.0)] };
    let quantized = case.quantized(10).unwrap();
    let inputs = [real_tensor(&[2, 4], &[0.5, -1.25, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0])];
    for (got, exact) in real_run(&quantized, &inputs).iter().zip(float_run(&case.graph, &inputs)) {
        assert!((got - exact).abs() < 2e-3, "{got}, not {exact}");
    }
    let (_, error) = case.holds(&Plan::uniform(10, 12, 1e-4), 8).unwrap();
    assert!(error < 5e-3, "{error}");
    case.holds_under_any_plan();
    case.proves(8);
}

/// A bound that keeps a divisor from 0 is held at a scale of its own.
#[test]
fn clipped_divisors_keep_their_bound() {
    let mut model = Model::default();
    let x = model.input(&[2]);
    let clipped = model.real(Op::Clip { min: Some(1e-4), max: None }, &[x], &[2]);
    let one = model.constant(&[], &[1.0]);
    let y = model.real(Op::Div, &[one, clipped], &[2]);
    let case = Case { graph: model.finish(y), ranges: vec![between(0.0, 2.0)] };
    case.holds(&Plan::uniform(6, 8, 0.01), 1).expect("the bound is held");
    let y = real_run(&case.quantized(6).unwrap(), &[real_tensor(&[2], &[0.0, 2.0])]);
    assert!((y[0] - 1e4).abs() < 100.0 && (y[1] - 0.5).abs() < 0.01, "{y:?}");
}

#[test]
fn integers_are_divided_exactly() {
    let computed = ints(Op::FloorDiv, &[between(-20.0, 20.0), between(1.0, 7.0)], None);
    let inputs = [int_tensor(&[4], &[-7, 7, -1, 20]), int_tensor(&[4], &[2, 2, 7, 7])];
    let quantized = computed.quantized(8).unwrap();
    assert_eq!(run(&quantized, &inputs), [-4, 3, -1, 2]);
    assert_eq!(quantized.report.outputs[0].bound, Some(0.0));
    let below = ints(Op::FloorDiv, &[between(-20.0, 20.0)], Some(-3.0));
    assert_eq!(run(&below.quantized(8).unwrap(), &[int_tensor(&[4], &[-7, 7, 6, 1])]), [2, -3, -2, -1]);
    for case in [computed, below] {
        assert_eq!(case.holds_under_any_plan(), 15);
        case.proves(8);
    }
}

const MODES: [Rounding; 4] = [Rounding::Floor, Rounding::Ceil, Rounding::Truncate, Rounding::HalfEven];

/// On every multiple of an eighth: an input that stands on its own grid is rounded as the real number is.
#[test]
fn rounding_is_exact_on_the_grid() {
    let points: Vec<f64> = (-40..=40).map(|eighths| f64::from(eighths) / 8.0).collect();
    for rounding in MODES {
        for (lo, hi) in [(-5.0, 5.0), (0.0, 5.0), (-5.0, 0.0)] {
            let inside: Vec<f64> = points.iter().copied().filter(|x| (lo..=hi).contains(x)).collect();
            let case = case(Op::Round { rounding }, &[between(lo, hi)], &[inside.len()]);
            let quantized = case.quantized(3).unwrap();
            let y = real_run(&quantized, &[real_tensor(&[inside.len()], &inside)]);
            let expected: Vec<f64> = inside.iter().map(|x| rounding.round(*x)).collect();
            assert_eq!(y, expected, "{rounding:?} in [{lo}, {hi}]");
        }
    }
}

#[test]
fn rounding_stays_within_its_bound_and_proves() {
    for rounding in MODES {
        let case = case(Op::Round { rounding }, &[between(-9.0, 5.0)], &[4]);
        assert_eq!(case.holds_under_any_plan(), 15);
        case.proves(6);
    }
    // Of integers it changes nothing.
    let mut model = Model::default();
    let x = model.typed_input(&[2], ElementType::I64);
    let cast = model.real(pick(&[0, 1]), &[x], &[2]);
    let y = model.push(Op::Round { rounding: Rounding::HalfEven }, &[cast], &[2], ElementType::I64);
    let case = Case { graph: model.finish(y), ranges: vec![between(-9.0, 9.0)] };
    assert_eq!(run(&case.quantized(6).unwrap(), &[int_tensor(&[2], &[-9, 4])]), [-9, 4]);
}
