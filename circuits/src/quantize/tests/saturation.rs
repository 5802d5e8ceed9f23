//! Inputs that are clamped in the circuit, and inputs that never vary.

use super::*;
use crate::quantize::Error;

/// `y = 0.5 x0 + x1` with `x0` of two elements.
fn model() -> Graph {
    let mut model = Model::default();
    let x = model.input(&[1, 2]);
    let z = model.input(&[1, 2]);
    let half = model.constant(&[1], &[0.5]);
    let scaled = model.real(Op::Mul, &[x, half], &[1, 2]);
    let y = model.real(Op::Add, &[scaled, z], &[1, 2]);
    model.finish(y)
}

fn calibrated(saturate: &[&str], second: f64) -> Result<Quantized, Error> {
    let at = |at: u8| f64::from(at) / 4.0 - 1.0;
    let sample =
        |step| vec![real_tensor(&[1, 2], &[at(step), 1e4 * at(step)]), real_tensor(&[1, 2], &[at(step), second])];
    let options = QuantizeOptions {
        calibration: (0..9).map(sample).collect(),
        saturate: saturate.iter().map(|name| (*name).to_owned()).collect(),
        ..QuantizeOptions::default()
    };
    quantize(&model(), &options)
}

#[test]
fn an_input_that_saturates_is_clamped_in_the_circuit() {
    let quantized = calibrated(&["x0"], 0.5).unwrap();
    quantized.graph.validate().unwrap();
    let run = |x: [f64; 2]| real_run(&quantized, &[real_tensor(&[1, 2], &x), real_tensor(&[1, 2], &[0.0, 0.0])]);
    let near = |got: Vec<f64>, expected: [f64; 2]| {
        assert!((got[0] - expected[0]).abs() < 0.1 && (got[1] - expected[1]).abs() < 40.0, "{got:?}, not {expected:?}");
    };
    near(run([0.5, 5000.0]), [0.25, 2500.0]);
    // The ranges are up to 2 and 2^14: by its own range each element is clamped.
    near(run([100.0, 1e6]), [1.0, 8192.0]);
    near(run([-100.0, -1e6]), [-1.0, -8192.0]);
    // The other input is refused as ever.
    let refused =
        quantize_tensors(&quantized.graph, &[real_tensor(&[1, 2], &[0.0, 0.0]), real_tensor(&[1, 2], &[9.0, 0.0])]);
    assert!(matches!(refused, Err(Error::InputValue { .. })));
    assert!(matches!(calibrated(&["z"], 0.5), Err(Error::UnknownName { what: "input", .. })));
}

#[test]
fn what_never_varies_is_named() {
    let warned = |second| calibrated(&[], second).unwrap().report.warnings.join("; ");
    assert!(warned(0.5).contains("element 1 of input `x1`"), "{}", warned(0.5));
    let mut model = Model::default();
    let x = model.input(&[1]);
    let z = model.input(&[1]);
    let y = model.real(Op::Add, &[x, z], &[1]);
    let graph = model.finish(y);
    let sample = |at: u8| vec![real_tensor(&[1], &[f64::from(at)]), real_tensor(&[1], &[0.0])];
    let options = QuantizeOptions { calibration: (0..5).map(sample).collect(), ..QuantizeOptions::default() };
    let warnings = quantize(&graph, &options).unwrap().report.warnings.join("; ");
    assert!(warnings.contains("calibration data: input `x1`;") && !warnings.contains("`x0`"), "{warnings}");
}
