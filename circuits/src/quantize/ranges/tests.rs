//! Ranges of inputs, by their samples and by what is declared.

use super::{range::Ends, samples::*, *};
use crate::{
    float::{Tensor, Values},
    int::Interval,
    quantize::fixed::round_to_scale,
};

fn calibrated_range(values: &[f64], frac_bits: i32) -> Interval {
    let node = float::Node {
        name: "x".into(),
        tensor: "x".into(),
        op: float::Op::Input,
        inputs: vec![],
        shape: vec![values.len()],
        element: ElementType::F32,
    };
    let sample = vec![Tensor { shape: vec![values.len()], values: Values::Float(values.to_vec()) }];
    calibrated(0, &node, &BTreeMap::new(), &[sample], Widening::Magnitude)
        .unwrap()
        .at_scales("x", &[frac_bits])
        .unwrap()[0]
}

#[test]
fn calibration_is_widened_to_a_power_of_two() {
    assert_eq!(calibrated_range(&[2.6, -1.0], 2), Interval::new(-16, 15));
    assert_eq!(calibrated_range(&[2.7, -1.0], 2), Interval::new(-32, 31));
    assert_eq!(calibrated_range(&[2.6, 1.0], 2), Interval::new(0, 15));
    assert_eq!(calibrated_range(&[0.0], 2), Interval::new(0, 3));
    // Far below a step of the scale: whatever rounding makes of it lies inside.
    assert_eq!(calibrated_range(&[0.01, -0.01], 2), Interval::new(-2, 1));
    for exponent in -8..8 {
        let greatest = 2f64.powi(exponent) * 1.33;
        for frac_bits in 1..8 {
            let range = calibrated_range(&[greatest, -greatest], frac_bits);
            let integer = round_to_scale(greatest, frac_bits).unwrap();
            assert!(range.contains(integer) && range.contains(-integer), "{greatest} at {frac_bits}: {range}");
        }
    }
}

/// As many significant bits for each feature, whatever its size; and one range for features of much the same size.
#[test]
fn elements_far_smaller_than_others_have_a_scale_of_their_own() {
    let range = |samples: &[&[f64]]| {
        let node = float::Node { shape: vec![samples[0].len()], ..node(ElementType::F32) };
        let tensor = |values: &&[f64]| Tensor { shape: vec![values.len()], values: Values::Float(values.to_vec()) };
        let samples: Vec<Vec<Tensor>> = samples.iter().map(|values| vec![tensor(values)]).collect();
        calibrated(0, &node, &BTreeMap::new(), &samples, Widening::Magnitude).unwrap()
    };
    let raw = range(&[&[1.0e9, 0.5, -2.0e-6], &[3.0e9, 0.25, 1.0e-6]]);
    let scales = raw.scales(10);
    assert_eq!(scales, [10 - 26, 10, 10 + 14]);
    let ranges = raw.at_scales("x", &scales).unwrap();
    assert_eq!(ranges, [Interval::new(0, (1 << 17) - 1), Interval::new(0, 1023), Interval::new(-64, 63)]);
    assert_eq!(range(&[&[100.0, 0.5], &[10.0, 0.25]]).scales(10), [8]);
    // A large value that hardly varies: what it varies by counts.
    assert_eq!(range(&[&[1e6 + 1.0], &[1e6]]).scales(10), [10]);
    // In wei.
    assert_eq!(range(&[&[1e18], &[4e18]]).scales(10), [10 - 56]);
}

fn node(element: ElementType) -> float::Node {
    let (op, inputs, shape) = (float::Op::Input, vec![], vec![1]);
    float::Node { name: "x".into(), tensor: "x".into(), op, inputs, shape, element }
}

/// In a float32 input 0.1 is a little more than in the range that was written.
#[test]
fn declared_ends_are_rounded_as_values_are() {
    let declared = |element, lo, hi| declared_range(0, &node(element), &[RealRange { lo, hi }], &[]);
    let ends = |element, lo, hi| match declared(element, lo, hi).unwrap().ends[0] {
        Ends::Closed(ends) => (ends.lo, ends.hi),
        other => panic!("{other:?}"),
    };
    assert_eq!(ends(ElementType::F32, 16_777_217.0, 16_777_219.0), (16_777_216.0, 16_777_220.0));
    assert_eq!(ends(ElementType::F64, 16_777_217.0, 16_777_219.0), (16_777_217.0, 16_777_219.0));
    assert_eq!(ends(ElementType::F32, -0.1, 0.1), (-f64::from(0.1f32), f64::from(0.1f32)));
    assert_eq!(ends(ElementType::I64, -0.5, 2.5), (0.0, 2.0));
    assert!(matches!(declared(ElementType::I64, 0.25, 0.75), Err(Error::BadRange { .. })));
    assert!(matches!(declared(ElementType::F32, 0.0, 1e39), Err(Error::BadRange { .. })));
}

#[test]
fn ends_are_held_inward() {
    let of = |element| inward(element, -16_777_217.0, 16_777_219.0);
    assert_eq!(of(ElementType::F32), RealRange { lo: -16_777_216.0, hi: 16_777_218.0 });
    assert_eq!(of(ElementType::F64), RealRange { lo: -16_777_217.0, hi: 16_777_219.0 });
}

/// Halfway between two doubles that single precision does not tell apart.
#[test]
fn mixed_samples_stay_between_theirs() {
    let graph = float::Graph { nodes: vec![node(ElementType::F64)], outputs: vec![] };
    let sample = |value| vec![Tensor { shape: vec![1], values: Values::Float(vec![value]) }];
    let samples = mixed(&graph, &[sample(16_777_217.0), sample(16_777_217.5)]);
    for value in samples.iter().flatten().flat_map(Tensor::real_values) {
        assert!((16_777_217.0..=16_777_217.5).contains(&value), "{value}");
    }
}
