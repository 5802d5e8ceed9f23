//! What is asked of outputs, and what is said of them.

use super::*;
use crate::{
    quantize::{DeclaredDecision, Error, Tolerance},
    report::Decision,
};

/// Two outputs of one input in `[-1, 1]`: `y = 0.37 x` and `z = 3700 x`.
fn two_spans() -> Graph {
    let mut model = Model::default();
    let x = model.input(&[1]);
    let small = model.constant(&[1], &[0.37]);
    let large = model.constant(&[1], &[3700.0]);
    let y = model.real(Op::Mul, &[x, small], &[1]);
    let z = model.real(Op::Mul, &[x, large], &[1]);
    let mut graph = model.finish(y);
    graph.outputs.push(Output { name: "z".into(), node: z });
    graph
}

fn with(graph: &Graph, edit: impl FnOnce(&mut QuantizeOptions)) -> Result<Quantized, Error> {
    let mut options = QuantizeOptions { precision: Precision::Auto, ..options(graph, 8, -1.0, 1.0) };
    edit(&mut options);
    quantize(graph, &options)
}

#[test]
fn each_output_has_a_target_of_its_own_span() {
    let report = with(&two_spans(), |_| {}).unwrap().report;
    for (output, magnitude) in report.outputs.iter().zip([0.37, 3700.0]) {
        assert!(output.span > 1.8 * magnitude && output.span <= 2.0 * magnitude, "{report}");
        assert_eq!(output.target, Some(output.span / 1024.0));
        assert!(output.max_error <= output.span / 1024.0 && !output.misses_target(), "{report}");
    }
}

#[test]
fn an_output_may_be_given_a_target_by_name() {
    let tight = |options: &mut QuantizeOptions| {
        options.tolerance = Tolerance::Absolute(100.0);
        options.tolerances.insert("y".into(), Tolerance::OfSpan(1e-5));
    };
    let report = with(&two_spans(), tight).unwrap().report;
    assert_eq!(report.outputs[1].target, Some(100.0));
    assert!(report.outputs[0].relative_error() <= 1e-5 && report.outputs[0].target.unwrap() < 1e-5, "{report}");
    let unknown = with(&two_spans(), |options| _ = options.tolerances.insert("w".into(), Tolerance::default()));
    assert!(matches!(unknown, Err(Error::UnknownName { what: "output", name, .. }) if name == "w"));
}

/// The figure of the warning is the report's.
#[test]
fn a_missed_target_is_told_by_output() {
    let report = with(&two_spans(), |options| _ = options.tolerances.insert("y".into(), Tolerance::Absolute(1e-12)));
    let report = report.unwrap().report;
    let missed: Vec<bool> = report.outputs.iter().map(|output| output.misses_target()).collect();
    assert_eq!(missed, [true, false], "{report}");
    let told = report.missed_target().unwrap();
    assert!(
        told.contains(&format!("`y` is off by {:.2e}", report.outputs[0].max_error)) && !told.contains("`z`"),
        "{told}"
    );
}

/// A probability is kept within 0.0005 where that takes no larger circuit, though a span of one would allow for twice that.
#[test]
fn probabilities_keep_their_promise() {
    let mut model = Model::default();
    let x = model.input(&[1]);
    let y = model.real(Op::Sigmoid, &[x], &[1]);
    let graph = model.finish(y);
    let report = with(&graph, |options| {
        options.input_ranges.insert("x0".into(), vec![RealRange { lo: -8.0, hi: 8.0 }]);
    });
    let report = report.unwrap().report;
    assert!(report.outputs[0].max_error <= 5e-4, "{report}");
    assert_eq!(report.outputs[0].target, Some(report.outputs[0].span / 1024.0));
}

fn vector(op: Option<Op>) -> Graph {
    let mut model = Model::default();
    let x = model.input(&[2, 3]);
    let relu = model.real(Op::Relu, &[x], &[2, 3]);
    let last = op.map_or(relu, |op| model.real(op, &[relu], &[2, 3]));
    let y = model.real(pick(&[0, 1, 2, 3, 4, 5]), &[last], &[1, 2, 3]);
    model.finish(y)
}

#[test]
fn softmax_chooses_and_other_vectors_do_not() {
    let decision = |graph: &Graph, declared: Option<DeclaredDecision>| {
        let set = |options: &mut QuantizeOptions| {
            options.decisions = declared.map(|as_is| ("y".into(), as_is)).into_iter().collect()
        };
        with(graph, set).map(|quantized| quantized.report.outputs[0].decision)
    };
    let softmax = |axis| vector(Some(Op::Softmax { axis }));
    assert_eq!(decision(&softmax(1), None), Ok(Decision::Argmax { length: 3 }));
    assert_eq!(decision(&softmax(0), None), Ok(Decision::None));
    assert_eq!(decision(&vector(None), None), Ok(Decision::None));
    assert_eq!(decision(&vector(None), Some(DeclaredDecision::ArgMax)), Ok(Decision::Argmax { length: 3 }));
    assert_eq!(decision(&softmax(1), Some(DeclaredDecision::None)), Ok(Decision::None));
    let at = DeclaredDecision::Threshold(0.5);
    assert_eq!(decision(&softmax(1), Some(at)), Ok(Decision::Threshold { at: 0.5 }));
    let refused = |declared| matches!(decision(&two_spans(), Some(declared)), Err(Error::BadDecision { .. }));
    assert!(refused(DeclaredDecision::ArgMax) && refused(DeclaredDecision::Threshold(f64::NAN)));
}
