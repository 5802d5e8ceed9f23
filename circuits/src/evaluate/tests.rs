use tract_onnx::pb::tensor_proto::DataType;

use super::*;
use crate::{
    CompileOptions, Compiled, compile_with_model,
    onnx::fixture::{Dim, Fixture},
    quantize::{DeclaredDecision, Precision},
    tensors::Limits,
};

/// `y = 0.3 a + b`, and the class of two scores, of an input of two features.
fn model() -> Vec<u8> {
    let shape = [Dim::Number(1), Dim::Number(2)];
    Fixture::new(14)
        .typed_input("x", DataType::Float, &shape)
        .weights("w", &[2, 1], &[0.3, 1.0])
        .weights("v", &[2, 2], &[0.7, 0.1, 0.2, 0.9])
        .node("MatMul", &["x", "w"], "y", &[])
        .node("MatMul", &["x", "v"], "scores", &[])
        .output("y")
        .output("scores")
        .bytes()
}

fn record(a: f64, b: f64) -> NamedTensors {
    let text = format!("{{\"inputs\": {{\"x\": [[{a:?}, {b:?}]]}}}}");
    NamedTensors::from_json(text.as_bytes(), &Limits::default()).unwrap()
}

/// Between -1 and 1, with near ties of the scores among them.
fn records(count: usize) -> Vec<NamedTensors> {
    let part = |at: usize, by: usize| (at * by % 1009) as f64 / 504.5 - 1.0;
    (0..count).map(|at| record(part(at, 101), part(at, 733))).collect()
}

fn compiled(calibration: Vec<NamedTensors>, bits: u32) -> Compiled {
    let options = CompileOptions {
        calibration,
        precision: Precision::Bits(bits),
        decisions: [("scores".to_owned(), DeclaredDecision::ArgMax)].into(),
        ..CompileOptions::default()
    };
    compile_with_model(&model(), &options, |_| ()).unwrap()
}

#[test]
fn figures_are_those_of_the_report_on_the_same_samples() {
    let samples = records(1100);
    let compiled = compiled(samples.clone(), 4);
    let mut progress = Vec::new();
    let evaluation = evaluate(&Subject::compiled(&compiled), &samples, |done| progress.push(done)).unwrap();
    assert_eq!(progress, [512, 1024, 1100]);
    assert_eq!((evaluation.records, evaluation.measured, evaluation.out_of_range.records), (1100, 1100, 0));
    let report = compiled.program.report();
    for (output, reported) in evaluation.outputs.iter().zip(&report.outputs) {
        let comparison = output.comparison.as_ref().unwrap();
        assert_eq!(comparison.max_error, reported.max_error);
        assert!((comparison.mean_error - reported.mean_error).abs() < 1e-12 * reported.mean_error);
        assert_eq!((comparison.decisions, comparison.flips), (reported.decisions, reported.flips));
        assert_eq!(comparison.decision, reported.decision);
    }
    assert_eq!(evaluation.max_error(), Some(report.max_error()));
    assert_eq!(evaluation.layers.len(), report.layers.len());
    for (layer, reported) in evaluation.layers.iter().zip(&report.layers) {
        assert_eq!((&layer.name, layer.max_error), (&reported.name, reported.max_error));
        assert_eq!(layer.relative_error, reported.relative_error);
    }
}

/// Percentiles, flips and the worst record, against a naive run of one record after the other.
#[test]
fn figures_are_those_of_single_records() {
    let compiled = compiled(records(40), 3);
    let samples = records(777);
    let evaluation = evaluate(&Subject::compiled(&compiled), &samples, |_| ()).unwrap();
    let graph = compiled.program.graph();
    for (at, output) in evaluation.outputs.iter().enumerate() {
        let runs = samples.iter().map(|sample| {
            let inputs = sample.conform(&compiled.model).unwrap();
            let float = float::execute(&compiled.model, &inputs).unwrap();
            let trace = compiled.program.run(&compiled.program.quantize(sample).unwrap()).unwrap();
            let got = dequantize_outputs(graph, trace.outputs(graph)).swap_remove(at);
            (float.of(compiled.model.outputs[at].node).to_vec(), got)
        });
        let runs: Vec<_> = runs.collect();
        let of_record = |(float, got): &(Vec<f64>, Vec<f64>)| {
            float.iter().zip(got).map(|(float, got)| (float - got).abs()).fold(0.0, f64::max)
        };
        let errors: Vec<f64> = runs.iter().map(of_record).collect();
        let mut sorted = errors.clone();
        sorted.sort_by(f64::total_cmp);
        let comparison = output.comparison.as_ref().unwrap();
        // ceil(777 / 2) = 389, ceil(699.3) = 700, ceil(769.23) = 770: counted from 1.
        assert_eq!([comparison.p50, comparison.p90, comparison.p99], [sorted[388], sorted[699], sorted[769]]);
        assert_eq!(comparison.max_error, sorted[776]);
        assert_eq!(comparison.worst_record, errors.iter().position(|error| *error == sorted[776]).unwrap());
        let of_model = || runs.iter().flat_map(|run| &run.0).copied();
        let of_program = || runs.iter().flat_map(|run| &run.1).copied();
        let span = of_model().fold(f64::MIN, f64::max) - of_model().fold(f64::MAX, f64::min);
        assert_eq!(comparison.span, span);
        let values = output.values.unwrap();
        assert_eq!(values.lo, of_program().fold(f64::MAX, f64::min));
        assert_eq!(values.hi, of_program().fold(f64::MIN, f64::max));
    }
    let scores = evaluation.outputs[1].comparison.as_ref().unwrap();
    assert_eq!(scores.decision, Decision::Argmax { length: 2 });
    assert!(scores.flips > 5 && scores.first_flips.len() == 5, "{scores:?}");
    assert!(scores.first_flips.is_sorted());
}

#[test]
fn what_is_out_of_range_is_counted_named_and_left_out() {
    let compiled = compiled(records(100), 6);
    let inside = records(700);
    let mut mixed = inside.clone();
    for at in [3, 20, 300, 301, 302, 303, 690] {
        mixed.insert(at, record(0.5, 3e3));
    }
    let (with, without) = (Subject::compiled(&compiled), Subject::compiled(&compiled));
    let with = evaluate(&with, &mixed, |_| ()).unwrap();
    let without = evaluate(&without, &inside, |_| ()).unwrap();
    assert_eq!((with.records, with.measured, with.out_of_range.records), (707, 700, 7));
    let named: Vec<usize> = with.out_of_range.first.iter().map(|outside| outside.record).collect();
    assert_eq!(named, [3, 20, 300, 301, 302]);
    let Outside { element, value, range, .. } = &with.out_of_range.first[0];
    assert_eq!((element.as_str(), *value), ("x[1]", 3e3));
    assert!(range.lo <= -1.0 && range.hi >= 1.0 && range.hi < 3e3, "{range}");
    let (a, b) = (with.outputs[0].comparison.as_ref().unwrap(), without.outputs[0].comparison.as_ref().unwrap());
    assert_eq!((a.max_error, a.p50, a.p99, a.span), (b.max_error, b.p50, b.p99, b.span));

    let none = evaluate(&Subject::compiled(&compiled), &vec![record(3e3, 0.0); 2], |_| ()).unwrap();
    assert_eq!((none.measured, none.out_of_range.records, none.layers.len(), none.max_error()), (0, 2, 0, None));
    assert!(none.outputs.iter().all(|output| output.values.is_none() && output.comparison.is_none()));
}

#[test]
fn a_program_is_evaluated_alone_or_beside_a_model() {
    let compiled = compiled(records(40), 6);
    let (samples, program) = (records(60), &compiled.program);
    let alone = evaluate(&Subject::program(program), &samples, |_| ()).unwrap();
    let beside = evaluate(&Subject::beside(program, &compiled.model).unwrap(), &samples, |_| ()).unwrap();
    let whole = evaluate(&Subject::compiled(&compiled), &samples, |_| ()).unwrap();
    assert!(alone.layers.is_empty() && beside.layers.is_empty() && !whole.layers.is_empty());
    assert_eq!(beside.outputs, whole.outputs);
    for (alone, whole) in alone.outputs.iter().zip(&whole.outputs) {
        assert_eq!((&alone.values, &alone.comparison), (&whole.values, &None));
    }
    let other = Fixture::new(14).input("z", &[1, 2]).node("Relu", &["z"], "y", &[]).output("y").bytes();
    let other = crate::onnx::import(&other, &Default::default()).unwrap().into_graph();
    let error = Subject::beside(program, &other).unwrap_err().to_string();
    assert!(error.contains("no program of this model"), "{error}");
}

/// What counts may be said when it is evaluated, whatever a program says of itself.
#[test]
fn decisions_may_be_others_than_the_programs() {
    let compiled = compiled(records(40), 3);
    let samples = records(300);
    let declared = |output: &str, decision| [(output.to_owned(), decision)].into();
    let with = |decisions| {
        let subject = Subject::beside(&compiled.program, &compiled.model)?.deciding(&decisions)?;
        evaluate(&subject, &samples, |_| ())
    };
    let own = with(std::collections::BTreeMap::new()).unwrap();
    let at = with(declared("y", DeclaredDecision::Threshold(0.1))).unwrap();
    let (own_y, y) = (own.outputs[0].comparison.as_ref().unwrap(), at.outputs[0].comparison.as_ref().unwrap());
    assert_eq!((own_y.decision, own_y.decisions), (Decision::None, 0));
    assert_eq!((y.decision, y.decisions), (Decision::Threshold { at: 0.1 }, 300));
    assert!(y.flips > 0, "{y:?}");
    // The others stay what they are.
    assert_eq!(at.outputs[1], own.outputs[1]);
    assert!(own.outputs[1].comparison.as_ref().unwrap().flips > 0);
    let none = with(declared("scores", DeclaredDecision::None)).unwrap();
    assert_eq!(none.outputs[1].comparison.as_ref().unwrap().decisions, 0);
    for (output, decision, says) in [
        ("score", DeclaredDecision::None, "no output `score`"),
        ("y", DeclaredDecision::ArgMax, "output `y` has one element"),
    ] {
        let error = with(declared(output, decision)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_record_that_does_not_fit_is_named() {
    let compiled = compiled(records(40), 6);
    let mut samples = records(1000);
    samples[900] = NamedTensors::from_json(br#"{"inputs": {"x": [[1, 2, 3]]}}"#, &Limits::default()).unwrap();
    samples[950] = NamedTensors::from_json(br#"{"inputs": {"z": [[1, 2]]}}"#, &Limits::default()).unwrap();
    let error = evaluate(&Subject::compiled(&compiled), &samples, |_| ()).unwrap_err();
    assert!(matches!(&error, Error::Record { record: 900, .. }), "{error}");
    assert!(error.to_string().contains("record 900: input `x` needs shape [1, 2]"), "{error}");
    let error = evaluate_within(&Subject::program(&compiled.program), &records(9), 16, |_| ()).unwrap_err();
    assert!(error.to_string().contains("more than 16 records, times outputs"), "{error}");
    evaluate_within(&Subject::program(&compiled.program), &records(8), 16, |_| ()).unwrap();
}
