//! Additive masks before a softmax.

use super::*;

/// Softmax of four scores, of which a mask of truth values keeps some: `score + (1 - kept) * taken`.
fn masked(taken: f64) -> Graph {
    let mut model = Model::default();
    let scores = model.input(&[1, 4]);
    let kept = model.typed_input(&[1, 4], ElementType::Bool);
    let one = model.constant(&[], &[1.0]);
    let taken = model.constant(&[], &[taken]);
    let out = model.real(Op::Sub, &[one, kept], &[1, 4]);
    let mask = model.real(Op::Mul, &[out, taken], &[1, 4]);
    let sum = model.real(Op::Add, &[scores, mask], &[1, 4]);
    let y = model.real(Op::Softmax { axis: 1 }, &[sum], &[1, 4]);
    model.finish(y)
}

fn inputs(scores: [f64; 4], kept: [bool; 4]) -> [Tensor; 2] {
    [real_tensor(&[1, 4], &scores), Tensor { shape: vec![1, 4], values: Values::Bool(kept.to_vec()) }]
}

/// Calibrated on scores within 6 and masks that keep something.
fn within(graph: &Graph) -> Quantized {
    with_precision(graph, Precision::default())
}

fn with_precision(graph: &Graph, precision: Precision) -> Quantized {
    let sample = |at: i64| {
        let score = |element: i64| 6.0 * (((at * 37 + element * 53) % 101) as f64 / 50.0 - 1.0);
        let [scores, kept] = inputs([0, 1, 2, 3].map(score), [0, 1, 2, 3].map(|bit| (at % 15 + 1) & (1 << bit) != 0));
        if graph.inputs().count() == 1 { vec![scores] } else { vec![scores, kept] }
    };
    let calibration = (0..60).map(sample).collect();
    let options = QuantizeOptions { precision, calibration, ..QuantizeOptions::default() };
    let quantized = quantize(graph, &options).expect("a quantized model");
    quantized.graph.validate().expect("a valid graph");
    quantized
}

#[test]
fn a_position_that_is_masked_gets_exactly_nothing() {
    for taken in [-1e4, -1e9, f64::from(f32::MIN)] {
        let graph = masked(taken);
        let quantized = within(&graph);
        assert!(!quantized.report.misses_target(), "{}", quantized.report);
        for (scores, kept) in [
            ([6.0, -6.0, 0.0, 1.0], [true, true, true, true]),
            ([6.0, -6.0, 0.0, 1.0], [false, true, true, false]),
            ([6.0, -6.0, 5.9, 6.0], [false, true, false, false]),
            ([1.0, 2.0, 3.0, 4.0], [false, false, true, true]),
            ([1.0, 2.0, 3.0, 4.0], [false, false, false, false]),
        ] {
            // Where nothing counts, what the model gives hangs on what its floating point keeps of the scores.
            if taken < -1e9 && !kept.contains(&true) {
                continue;
            }
            let tensors = inputs(scores, kept);
            let (got, expected) = (real_run(&quantized, &tensors), float_run(&graph, &tensors));
            for ((got, expected), kept_here) in got.iter().zip(&expected).zip(kept) {
                assert!((got - expected).abs() <= 2e-3, "{taken} {scores:?} {kept:?}: {got} is not {expected}");
                assert!(kept_here || !kept.contains(&true) || *got == 0.0, "{taken} {scores:?} {kept:?}: {got}");
            }
        }
    }
}

/// However large its number, a mask takes no bits.
#[test]
fn a_mask_costs_the_same_whatever_stands_for_it() {
    let widest = |taken| {
        let graph = with_precision(&masked(taken), Precision::Bits(12)).graph;
        graph
            .nodes
            .iter()
            .filter(|node| !node.name.contains("exp"))
            .flat_map(|node| &node.ranges)
            .map(|range| range.bits())
            .max()
    };
    assert_eq!(widest(-1e4), widest(-1e9));
    assert_eq!(widest(-1e4), widest(f64::from(f32::MIN)));
}

#[test]
fn a_constant_mask_is_a_selection_and_other_constants_are_not() {
    let with = |mask: [f64; 4]| {
        let mut model = Model::default();
        let scores = model.input(&[1, 4]);
        let mask = model.constant(&[4], &mask);
        let sum = model.real(Op::Add, &[scores, mask], &[1, 4]);
        let y = model.real(Op::Softmax { axis: 1 }, &[sum], &[1, 4]);
        let graph = model.finish(y);
        let sample = [real_tensor(&[1, 4], &[1.0, 2.0, -3.0, 0.5])];
        (real_run(&within(&graph), &sample), float_run(&graph, &sample))
    };
    for mask in [[0.0, -1e9, 0.0, -1e9], [0.5, 0.0, -1.0, 0.0], [0.0; 4]] {
        let (got, expected) = with(mask);
        for (got, expected) in got.iter().zip(&expected) {
            assert!(
                (got - expected).abs() <= 2e-3 && (*expected > 0.0 || *got == 0.0),
                "{mask:?}: {got}, not {expected}"
            );
        }
    }
}
