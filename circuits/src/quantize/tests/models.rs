//! Accuracy on held-out samples of the benchmark models, which stand beside the repository (`../shared/models`, or
//! `APODICT_MODELS`). Where they are not, there is nothing to measure and these tests say so.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value as Json;

use crate::{
    float::{self, ElementType, Tensor, Values},
    onnx,
    quantize::{DeclaredDecision, QuantizeOptions, Quantized, quantize},
    report::{self, ErrorReport},
};

struct Benchmark {
    graph: float::Graph,
    calibration: Vec<Vec<Tensor>>,
    heldout: Vec<Vec<Tensor>>,
    /// Outputs of PyTorch in single precision, one list for each held-out sample.
    expected: Vec<Vec<f64>>,
}

fn flatten(json: &Json, shape: &mut Vec<usize>, depth: usize, values: &mut Vec<f64>) {
    match json {
        Json::Array(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            items.iter().for_each(|item| flatten(item, shape, depth + 1, values));
        }
        number => values.push(number.as_f64().expect("a number")),
    }
}

fn reals(json: &Json) -> Vec<f64> {
    let mut values = Vec::new();
    flatten(json, &mut Vec::new(), 0, &mut values);
    values
}

fn sample(graph: &float::Graph, json: &Json) -> Vec<Tensor> {
    let tensor = |(_, node): (_, &float::Node)| {
        let (mut shape, mut values) = (Vec::new(), Vec::new());
        flatten(&json["inputs"][&node.tensor], &mut shape, 0, &mut values);
        let values = match node.element {
            ElementType::F32 => Values::Float(values.iter().map(|value| f64::from(*value as f32)).collect()),
            _ => Values::Int(values.iter().map(|value| *value as i64).collect()),
        };
        Tensor { shape, values }
    };
    graph.inputs().map(tensor).collect()
}

fn load(name: &str) -> Option<Benchmark> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/models");
    let models = std::env::var_os("APODICT_MODELS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let Ok(bytes) = std::fs::read(models.join(name).join("model.onnx")) else {
        eprintln!("{name}: no benchmark models in {}", models.display());
        return None;
    };
    let json = |file: &str| -> Json {
        serde_json::from_slice(&std::fs::read(models.join(name).join(file)).expect("a file")).expect("JSON")
    };
    let graph = onnx::import(&bytes, &onnx::ImportOptions::default()).expect("an ONNX model").into_graph();
    let samples = |json: &Json| json.as_array().expect("a list").iter().map(|s| sample(&graph, s)).collect();
    let (calibration, expected) = (json("calibration.json"), json("expected.json"));
    let heldout = &expected["heldout"];
    Some(Benchmark {
        calibration: samples(&calibration["batches"]),
        heldout: samples(heldout),
        expected: heldout.as_array().expect("a list").iter().map(|s| reals(&s["output_float"])).collect(),
        graph,
    })
}

/// Quantizes by default options and measures on the held-out samples against PyTorch.
fn held_out(name: &str, choices: &[&str]) -> Option<(Quantized, ErrorReport)> {
    let benchmark = load(name)?;
    let decisions = choices.iter().map(|output| ((*output).to_owned(), DeclaredDecision::ArgMax)).collect();
    let options =
        QuantizeOptions { calibration: benchmark.calibration.clone(), decisions, ..QuantizeOptions::default() };
    let start = Instant::now();
    let quantized = quantize(&benchmark.graph, &options).expect("a quantized model");
    let took = start.elapsed();
    let reference = |inputs: &[Tensor]| {
        let at = benchmark.heldout.iter().position(|sample| sample == inputs).expect("a held-out sample");
        Ok(vec![benchmark.expected[at].clone()])
    };
    let report = report::measure(&benchmark.graph, &quantized, &benchmark.heldout, reference).expect("a report");
    println!(
        "== {name}: {:.0} ms, {} nodes\n{}{report}",
        took.as_secs_f64() * 1e3,
        quantized.graph.nodes.len(),
        quantized.report
    );
    quantized.graph.validate().expect("a valid graph");
    println!("{:?}", quantized.plan);
    Some((quantized, report))
}

#[test]
fn linear_pid_is_accurate() {
    let Some((_, report)) = held_out("linear_pid", &[]) else { return };
    assert!(report.outputs[0].relative_error() <= 1e-3, "{report}");
}

#[test]
fn risk_mlp_is_accurate_and_small() {
    let Some((quantized, report)) = held_out("risk_mlp", &[]) else { return };
    assert!(report.outputs[0].max_error <= 1e-3, "{report}");
    // The lean machine has 1,017 usable rows of one unit at k = 10. Measured: 936.
    assert!(quantized.report.units <= 1000.0, "{}", quantized.report);
}

#[test]
fn risk_mlp_big_is_accurate() {
    let Some((_, report)) = held_out("risk_mlp_big", &[]) else { return };
    assert!(report.outputs[0].max_error <= 2e-3, "{report}");
    assert_eq!(report.outputs[0].flips, 0, "{report}");
}

#[test]
fn gov_bag_is_accurate_and_flips_nothing() {
    let Some((quantized, report)) = held_out("gov_bag", &["output"]) else { return };
    assert!(report.outputs[0].relative_error() <= 1.5e-3 && report.outputs[0].decisions == 30, "{report}");
    assert_eq!(report.outputs[0].flips, 0, "{report}");
    let bag = quantized.graph.nodes.iter().any(|node| matches!(node.op, crate::int::Op::EmbeddingSum { .. }));
    assert!(bag, "the mean of gathered rows is one bag");
}
