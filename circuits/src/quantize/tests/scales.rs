//! Numbers far from one: each feature has a scale of its own, which constants take up.

use super::*;
use crate::quantize::Tolerance;

/// Samples whose features have these sizes, between once and three times as large.
fn samples(sizes: &[f64]) -> Vec<Vec<Tensor>> {
    let value = |at: usize, element: usize, size: &f64| size * (1.0 + ((at * 7 + element * 13) % 31) as f64 / 15.0);
    let sample = |at| {
        let values: Vec<f64> = sizes.iter().enumerate().map(|(element, size)| value(at, element, size)).collect();
        let held: Vec<f64> = values.iter().map(|value| f64::from(*value as f32)).collect();
        vec![real_tensor(&[1, sizes.len()], &held)]
    };
    (0..31).map(sample).collect()
}

fn calibrated(graph: &Graph, sizes: &[f64]) -> Quantized {
    let options = QuantizeOptions { calibration: samples(sizes), ..QuantizeOptions::default() };
    let quantized = quantize(graph, &options).expect("a quantized model");
    quantized.graph.validate().expect("a valid graph");
    let report = &quantized.report;
    assert!(!report.misses_target(), "{report}");
    // What the report says is what the executor does.
    for sample in &options.calibration {
        let (float, got) = (float_run(graph, sample), real_run(&quantized, sample));
        let error = float.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error <= report.outputs[0].max_error, "{error:e}: {report}");
        let bound = report.outputs[0].bound.unwrap_or(f64::INFINITY);
        assert!(error <= bound * (1.0 + 1e-9), "{error:e} is above the bound {bound:e}");
    }
    quantized
}

const SIZES: [f64; 5] = [1e9, 2e3, 4e-6, 0.5, 1e18];

/// A dense layer on raw features, with weights that make the terms alike.
#[test]
fn a_dense_layer_reads_features_of_any_size() {
    let mut model = Model::default();
    let x = model.input(&[1, 5]);
    let factors = [0.7, -0.4, 0.9, 0.3, -0.8, 0.2, 0.5, -0.6, 0.1, 1.1];
    let weights: Vec<f64> = factors.iter().enumerate().map(|(at, factor)| factor / SIZES[at / 2]).collect();
    let w = model.constant(&[5, 2], &weights);
    let b = model.constant(&[2], &[-1.0, 0.25]);
    let product = model.real(Op::MatMul, &[x, w], &[1, 2]);
    let biased = model.real(Op::Add, &[product, b], &[1, 2]);
    let y = model.real(Op::Relu, &[biased], &[1, 2]);
    let quantized = calibrated(&model.finish(y), &SIZES);
    let (_, input) = quantized.graph.inputs().next().unwrap();
    assert_eq!(input.element_bits.len(), 5);
    let significant: Vec<u32> = (0..5).map(|element| input.range(element).bits()).collect();
    assert!(significant.iter().max().unwrap() - significant.iter().min().unwrap() <= 10, "{significant:?}");
}

/// A scaler before a layer is folded into it: the layer's sums read the input.
#[test]
fn a_scaler_takes_no_row() {
    let mut model = Model::default();
    let x = model.input(&[1, 5]);
    let mean = model.constant(&[5], &SIZES.map(|size| 2.0 * size));
    let inverse = model.constant(&[5], &SIZES.map(|size| 1.7 / size));
    let w = model.constant(&[5, 1], &[0.7, -0.4, 0.9, 0.3, -0.8]);
    let centred = model.real(Op::Sub, &[x, mean], &[1, 5]);
    let scaled = model.real(Op::Mul, &[centred, inverse], &[1, 5]);
    let y = model.real(Op::MatMul, &[scaled, w], &[1, 1]);
    let quantized = calibrated(&model.finish(y), &SIZES);
    let kinds = operators(&quantized.graph);
    assert!(kinds.iter().all(|kind| ["Input", "Linear", "MatMul", "Shift"].contains(kind)), "{kinds:?}");
}

/// Products of a plain value that differ widely have scales of their own too, which the next layer takes up.
#[test]
fn a_product_may_spread_what_it_reads() {
    let mut model = Model::default();
    let x = model.input(&[1, 3]);
    let spread = model.constant(&[3], &[1e9, 1.0, 1e-9]);
    let shift = model.constant(&[3], &[1e9, -3.0, 2e-9]);
    let w = model.constant(&[3, 1], &[0.3e-9, 0.7, -0.4e9]);
    let wide = model.real(Op::Mul, &[x, spread], &[1, 3]);
    let moved = model.real(Op::Add, &[wide, shift], &[1, 3]);
    let turned = model.real(pick(&[2, 1, 0]), &[moved], &[1, 3]);
    let back = model.real(pick(&[2, 1, 0]), &[turned], &[1, 3]);
    let y = model.real(Op::MatMul, &[back, w], &[1, 1]);
    calibrated(&model.finish(y), &[1.0, 1.0, 1.0]);
}

/// What needs one scale gets it: exactly, where all elements fit.
#[test]
fn elements_are_aligned_exactly_where_they_fit() {
    let mut model = Model::default();
    let x = model.input(&[1, 2]);
    let y = model.real(Op::Relu, &[x], &[1, 2]);
    let graph = model.finish(y);
    let quantized = calibrated(&graph, &[1e3, 1e-1]);
    assert_eq!(quantized.graph.inputs().next().unwrap().1.element_bits.len(), 2);
    let sample = [real_tensor(&[1, 2], &[1024.0, 0.125])];
    assert_eq!(real_run(&quantized, &sample), [1024.0, 0.125]);
}

/// Where they do not, the small ones lose bits, and the bound says so.
#[test]
fn elements_that_do_not_fit_one_scale_lose_the_smallest() {
    let mut model = Model::default();
    let x = model.input(&[1, 2]);
    let relu = model.real(Op::Relu, &[x], &[1, 2]);
    let y = model.real(Op::ReduceSum { axes: vec![1] }, &[relu], &[1]);
    let quantized = calibrated(&model.finish(y), &[1e12, 1e-12]);
    assert!(quantized.report.outputs[0].relative_error() <= 1.0 / 1024.0);
}

#[test]
fn tiny_and_huge_weights_keep_their_significant_bits() {
    for size in [1e-30, 1e-9, 1e-3, 1.0, 1e6, 1e20] {
        let mut model = Model::default();
        let x = model.input(&[1, 2]);
        let w = model.constant(&[2, 2], &[0.71 * size, -0.32 * size, 0.11 * size, 0.87 * size]);
        let b = model.constant(&[2], &[0.4 * size, -0.1 * size]);
        let product = model.real(Op::MatMul, &[x, w], &[1, 2]);
        let biased = model.real(Op::Add, &[product, b], &[1, 2]);
        let y = model.real(Op::Relu, &[biased], &[1, 2]);
        calibrated(&model.finish(y), &[1.0, 1.0]);
    }
}

/// A few significant bits more than what the samples vary by.
#[test]
fn a_price_that_hardly_moves_is_told_apart() {
    let mut model = Model::default();
    let x = model.input(&[1, 1]);
    let mean = model.constant(&[1], &[2000.0]);
    let y = model.real(Op::Sub, &[x, mean], &[1, 1]);
    let graph = model.finish(y);
    let calibration = (0..9).map(|at| vec![real_tensor(&[1, 1], &[2000.0 + f64::from(at) / 1024.0])]).collect();
    let options = QuantizeOptions { calibration, tolerance: Tolerance::OfSpan(1e-2), ..QuantizeOptions::default() };
    let report = quantize(&graph, &options).unwrap().report;
    assert!(!report.misses_target(), "{report}");
}
