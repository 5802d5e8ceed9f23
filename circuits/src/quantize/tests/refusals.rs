//! What cannot be quantized, and what is said of it.

use super::*;
use crate::{
    quantize::{DeclaredDecision, Error, Tolerance},
    report::Decision,
};

fn relu() -> Graph {
    let mut model = Model::default();
    let x = model.input(&[2]);
    let y = model.real(Op::Relu, &[x], &[2]);
    model.finish(y)
}

fn with_ranges(ranges: &[(&str, Vec<RealRange>)]) -> QuantizeOptions {
    let input_ranges = ranges.iter().map(|(name, ranges)| ((*name).to_owned(), ranges.clone())).collect();
    QuantizeOptions { input_ranges, ..QuantizeOptions::default() }
}

const UNIT: RealRange = RealRange { lo: -1.0, hi: 1.0 };

#[test]
fn ranges_must_be_given_and_make_sense() {
    let refused = |ranges: &[(&str, Vec<RealRange>)]| quantize(&relu(), &with_ranges(ranges)).unwrap_err();
    assert!(matches!(refused(&[]), Error::NoRange { input } if input == "x0"));
    assert!(matches!(refused(&[("z", vec![UNIT])]), Error::UnknownName { what: "input", name, .. } if name == "z"));
    assert!(matches!(refused(&[("x0", vec![UNIT; 3])]), Error::RangeCount { expected: 2, got: 3, .. }));
    for (lo, hi) in [(1.0, -1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        assert!(matches!(refused(&[("x0", vec![RealRange { lo, hi }])]), Error::BadRange { .. }));
    }
}

#[test]
fn precision_must_make_sense() {
    let refused = |precision| quantize(&relu(), &QuantizeOptions { precision, ..with_ranges(&[("x0", vec![UNIT])]) });
    assert!(matches!(refused(Precision::Bits(0)), Err(Error::Bits { got: 0, .. })));
    assert!(matches!(refused(Precision::Bits(25)), Err(Error::Bits { got: 25, max: 24 })));
    let refused = |tolerance| quantize(&relu(), &QuantizeOptions { tolerance, ..with_ranges(&[("x0", vec![UNIT])]) });
    assert!(matches!(refused(Tolerance::Absolute(0.0)), Err(Error::MaxError { .. })));
    assert!(matches!(refused(Tolerance::OfSpan(f64::NAN)), Err(Error::MaxError { .. })));
}

#[test]
fn calibration_must_fit_the_inputs_and_their_ranges() {
    let options = |values: &[f64]| QuantizeOptions {
        calibration: vec![vec![real_tensor(&[2], &[0.5, 0.5])], vec![real_tensor(&[values.len()], values)]],
        ..with_ranges(&[("x0", vec![UNIT])])
    };
    let refused = |values: &[f64]| quantize(&relu(), &options(values)).unwrap_err();
    assert!(matches!(refused(&[0.0]), Error::Sample { sample: 1, .. }));
    let text = refused(&[0.0, 3.0]).to_string();
    assert!(text.contains("calibration sample 1") && text.contains("input `x0`, element 1: 3"), "{text}");
}

#[test]
fn thresholds_are_decisions_of_outputs_that_exist() {
    let mut options = with_ranges(&[("x0", vec![UNIT])]);
    options.decisions.insert("z".into(), DeclaredDecision::Threshold(0.5));
    assert!(matches!(quantize(&relu(), &options), Err(Error::UnknownName { what: "output", .. })));
    let decisions = [("y".to_owned(), DeclaredDecision::Threshold(0.25))].into();
    let options = QuantizeOptions { decisions, ..with_ranges(&[("x0", vec![UNIT])]) };
    let report = quantize(&relu(), &options).unwrap().report;
    assert_eq!(report.outputs[0].decision, Decision::Threshold { at: 0.25 });
    assert!(report.outputs[0].decisions > 0);
    assert_eq!(report.outputs[0].flips, 0);
}

#[test]
fn a_target_out_of_reach_yields_the_most_accurate_and_a_warning() {
    let mut model = Model::default();
    let x = model.input(&[1]);
    let y = model.real(Op::Sigmoid, &[x], &[1]);
    let graph = model.finish(y);
    let ranges = with_ranges(&[("x0", vec![RealRange { lo: -8.0, hi: 8.0 }])]);
    let options = QuantizeOptions { tolerance: Tolerance::Absolute(1e-9), ..ranges };
    let report = quantize(&graph, &options).unwrap().report;
    assert!(report.warnings.iter().any(|warning| warning.contains("out of reach")), "{:?}", report.warnings);
    assert!(report.misses_target(), "{report}");
    assert!(report.outputs[0].max_error < 1e-3, "{report}");
}

#[test]
fn a_table_must_hold_every_index() {
    let mut model = Model::default();
    let x = model.typed_input(&[1], ElementType::I64);
    let table = model.constant(&[3, 1], &[1.0, 2.0, 3.0]);
    let y = model.real(Op::Gather, &[table, x], &[1, 1]);
    let graph = model.finish(y);
    let error = quantize(&graph, &options(&graph, 8, 0.0, 3.0)).unwrap_err();
    assert!(matches!(error, Error::Int(int::Error::OutsideDomain { .. })), "{error}");
}

#[test]
fn accumulators_too_wide_at_any_precision_name_the_node() {
    let mut model = Model::default();
    let mut x = model.typed_input(&[1], ElementType::I64);
    for _ in 0..3 {
        x = model.push(Op::Mul, &[x, x], &[1], ElementType::I64);
    }
    let graph = model.finish(x);
    let error = quantize(&graph, &options(&graph, 8, 0.0, 1000.0)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("accumulator of node `mul3`"), "{text}");
}
