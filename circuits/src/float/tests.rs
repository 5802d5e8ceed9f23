//! The executor and tract against the outputs that PyTorch computed for the shared models, and the executor's refusals.

use std::path::{Path, PathBuf};

use super::{ElementType, Error, Graph, Node, NodeId, Op, Output, Source, Tensor, Values, execute};
use crate::onnx::{ImportOptions, Reference, import};
use crate::tensors::{Limits, NamedTensors, read_calibration, read_inputs};

/// What `read` makes of a file of the models that stand beside the repository. Without them there is nothing to test:
/// said in one line, or a failure where CI is to run everything.
pub(crate) fn shared<T>(path: &Path, read: impl FnOnce(&Path) -> T) -> Option<T> {
    if path.exists() {
        return Some(read(path));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing, and CI=true", path.display());
    eprintln!("not tested: {} is missing", path.display());
    None
}

fn folder(model: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/models")).join(model)
}

fn flat(value: &serde_json::Value, into: &mut Vec<f64>) {
    match value {
        serde_json::Value::Array(values) => values.iter().for_each(|value| flat(value, into)),
        number => into.push(number.as_f64().unwrap()),
    }
}

fn assert_agrees(got: &[f64], expected: &serde_json::Value, what: &str) {
    let mut wanted = vec![];
    flat(expected, &mut wanted);
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (got, wanted) in got.iter().zip(&wanted) {
        assert!((got - wanted).abs() <= 1e-5 * wanted.abs().max(1.0), "{what}: {got}, PyTorch has {wanted}");
    }
}

/// Both implementations, on the input and on all held-out inputs; and the calibration file fits.
fn agrees_with_pytorch(model: &str) {
    agrees_with_pytorch_on(model, 31, 20);
}

/// The same of a model with another number of inputs and of records to calibrate with.
fn agrees_with_pytorch_on(model: &str, inputs: usize, records: usize) {
    let folder = folder(model);
    let Some(bytes) = shared(&folder.join("model.onnx"), |path| std::fs::read(path).unwrap()) else { return };
    let model = import(&bytes, &ImportOptions::default()).unwrap();
    let graph = model.graph();
    let reference = Reference::new(&model).unwrap();
    let limits = Limits::default();
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    assert_eq!(graph.outputs[0].name, expected["output"].as_str().unwrap());
    let mut samples =
        vec![(read_inputs(&folder.join("input.json"), graph, &limits).unwrap(), &expected["output_float"])];
    for heldout in expected["heldout"].as_array().unwrap() {
        let record = serde_json::json!({"inputs": heldout["inputs"]}).to_string();
        let inputs = NamedTensors::from_json(record.as_bytes(), &limits).unwrap().conform(graph).unwrap();
        samples.push((inputs, &heldout["output_float"]));
    }
    assert_eq!(samples.len(), inputs);
    for (inputs, expected) in samples {
        let trace = execute(graph, &inputs).unwrap();
        assert_eq!(trace.values.len(), graph.nodes.len());
        assert_agrees(trace.of(graph.outputs[0].node), expected, "the executor");
        match &reference.run(&inputs).unwrap()[0].values {
            Values::Float(values) => assert_agrees(values, expected, "tract"),
            other => panic!("tract yields {}", other.kind()),
        }
    }
    assert_eq!(read_calibration(&folder.join("calibration.json"), graph, &limits).unwrap().len(), records);
}

#[test]
fn linear_pid_agrees_with_pytorch() {
    agrees_with_pytorch("linear_pid");
}

#[test]
fn risk_mlp_agrees_with_pytorch() {
    agrees_with_pytorch("risk_mlp");
}

#[test]
fn risk_mlp_big_agrees_with_pytorch() {
    agrees_with_pytorch("risk_mlp_big");
}

#[test]
fn gov_bag_agrees_with_pytorch() {
    agrees_with_pytorch("gov_bag");
}

#[test]
fn lenet_agrees_with_pytorch() {
    agrees_with_pytorch_on("lenet", 9, 8);
}

#[test]
fn tiny_transformer_agrees_with_pytorch() {
    agrees_with_pytorch("tiny_transformer");
}

#[test]
fn models_of_later_versions_are_refused_by_operator() {
    let path = folder("gbdt").join("model.onnx");
    let Some(bytes) = shared(&path, |path| std::fs::read(path).unwrap()) else { return };
    let error = import(&bytes, &ImportOptions::default()).unwrap_err().to_string();
    assert!(
        error.contains("operator `ai.onnx.ml:TreeEnsembleRegressor`") && error.contains("supported are"),
        "{error}"
    );
}

fn node(op: Op, inputs: &[u32], shape: &[usize], element: ElementType) -> Node {
    let name = op.name().to_owned();
    let inputs = inputs.iter().map(|&id| NodeId(id)).collect();
    Node { tensor: name.clone(), name, op, inputs, shape: shape.to_vec(), element }
}

fn graph(nodes: Vec<Node>) -> Graph {
    let last = NodeId(nodes.len() as u32 - 1);
    Graph { nodes, outputs: vec![Output { name: "y".into(), node: last }] }
}

fn ints(values: &[i64]) -> Tensor {
    Tensor { shape: vec![values.len()], values: Values::Int(values.to_vec()) }
}

#[test]
fn refuses_inputs_that_do_not_fit() {
    let graph = graph(vec![node(Op::Input, &[], &[2], ElementType::I64)]);
    let float = Tensor { shape: vec![2], values: Values::Float(vec![0.0; 2]) };
    let short = Tensor { shape: vec![2], values: Values::Int(vec![0]) };
    assert!(matches!(execute(&graph, &[]), Err(Error::InputCount { expected: 1, got: 0 })));
    assert!(matches!(execute(&graph, &[ints(&[1, 2]), ints(&[1])]), Err(Error::InputCount { expected: 1, got: 2 })));
    assert!(matches!(execute(&graph, &[ints(&[1, 2, 3])]), Err(Error::InputShape { .. })));
    assert!(matches!(execute(&graph, &[short]), Err(Error::InputShape { values: 1, .. })));
    assert!(matches!(execute(&graph, &[float]), Err(Error::InputType { got: "float", .. })));
    assert_eq!(execute(&graph, &[ints(&[16_777_217, -1])]).unwrap().values[0], [16_777_217.0, -1.0]);
}

/// An integer that double precision would round is not computed with.
#[test]
fn refuses_integers_that_are_not_exact() {
    let square = |element| graph(vec![node(Op::Input, &[], &[1], element), node(Op::Mul, &[0, 0], &[1], element)]);
    assert!(execute(&square(ElementType::I64), &[ints(&[94_906_265])]).is_ok());
    for (element, value) in [
        (ElementType::I64, 94_906_266),
        (ElementType::I64, i64::MAX),
        (ElementType::I64, i64::MIN),
        (ElementType::I32, 46_341),
        (ElementType::I32, 1 << 31),
    ] {
        assert!(matches!(execute(&square(element), &[ints(&[value])]), Err(Error::Overflow { .. })), "{value}");
    }
    let odd = graph(vec![node(Op::Input, &[], &[1], ElementType::I64)]);
    assert!(matches!(execute(&odd, &[ints(&[(1 << 53) + 1])]), Err(Error::Overflow { .. })));
}

#[test]
fn refuses_values_that_are_not_finite_and_indices_outside() {
    let square =
        graph(vec![node(Op::Input, &[], &[2], ElementType::F32), node(Op::Mul, &[0, 0], &[2], ElementType::F32)]);
    let x = |values: [f64; 2]| Tensor { shape: vec![2], values: Values::Float(values.to_vec()) };
    assert!(matches!(execute(&square, &[x([0.0, f64::NAN])]), Err(Error::NonFinite { element: 1, .. })));
    assert!(matches!(execute(&square, &[x([1e300, 0.0])]), Err(Error::NonFinite { element: 0, .. })));
    let lookup = graph(vec![
        node(Op::Input, &[], &[1], ElementType::I64),
        node(Op::Constant { values: vec![1.0, 2.0] }, &[], &[2, 1], ElementType::F32),
        node(Op::Gather, &[1, 0], &[1, 1], ElementType::F32),
    ]);
    for (index, row) in [(0, 1.0), (1, 2.0), (-1, 2.0), (-2, 1.0)] {
        assert_eq!(execute(&lookup, &[ints(&[index])]).unwrap().values[2], [row]);
    }
    for index in [2, -3, 1 << 40] {
        assert!(matches!(execute(&lookup, &[ints(&[index])]), Err(Error::Index { rows: 2, .. })), "{index}");
    }
}

/// Graphs that no import makes: each rule of `check` broken once.
#[test]
fn refuses_inconsistent_graphs() {
    use ElementType::F32;
    let x = || node(Op::Input, &[], &[2, 3], F32);
    let unary = |op, shape: &[usize]| graph(vec![x(), node(op, &[0], shape, F32)]);
    let source = |input, element| Source { input, element };
    let mut missing_output = graph(vec![x()]);
    missing_output.outputs[0].node = NodeId(1);
    for (what, graph) in [
        ("reads itself", graph(vec![node(Op::Relu, &[0], &[1], F32)])),
        ("shape", unary(Op::Relu, &[3, 2])),
        ("rank", unary(Op::Rearrange { sources: vec![source(0, 0)] }, &[1; 33])),
        ("shape that overflows", unary(Op::Relu, &[usize::MAX, 2, 0])),
        ("operands", graph(vec![x(), node(Op::Add, &[0], &[2, 3], F32)])),
        ("broadcast", graph(vec![x(), node(Op::Input, &[], &[2], F32), node(Op::Add, &[0, 1], &[2, 3], F32)])),
        ("inner dimensions", graph(vec![x(), node(Op::MatMul, &[0, 0], &[2, 3], F32)])),
        ("rank of a product", graph(vec![node(Op::Input, &[], &[2], F32), node(Op::MatMul, &[0, 0], &[2], F32)])),
        ("infinite constant", graph(vec![node(Op::Constant { values: vec![f64::INFINITY] }, &[], &[1], F32)])),
        ("short constant", graph(vec![node(Op::Constant { values: vec![1.0] }, &[], &[2], F32)])),
        ("alpha", unary(Op::LeakyRelu { alpha: f64::NAN }, &[2, 3])),
        ("empty clip", unary(Op::Clip { min: Some(1.0), max: Some(0.0) }, &[2, 3])),
        ("NaN clip", unary(Op::Clip { min: Some(f64::NAN), max: None }, &[2, 3])),
        ("softmax axis", unary(Op::Softmax { axis: 2 }, &[2, 3])),
        ("no axes", unary(Op::ReduceSum { axes: vec![] }, &[2, 3])),
        ("axes order", unary(Op::ReduceMean { axes: vec![1, 0] }, &[])),
        ("reduced shape", unary(Op::ReduceSum { axes: vec![1] }, &[3])),
        ("sources", unary(Op::Rearrange { sources: vec![source(0, 6)] }, &[1])),
        ("source operand", unary(Op::Rearrange { sources: vec![source(1, 0)] }, &[1])),
        ("source count", unary(Op::Rearrange { sources: vec![source(0, 0)] }, &[2])),
        (
            "computed table",
            graph(vec![x(), node(Op::Input, &[], &[1], ElementType::I64), node(Op::Gather, &[0, 1], &[1, 3], F32)]),
        ),
        ("output", missing_output),
    ] {
        assert!(matches!(graph.check(), Err(Error::Malformed { .. })), "{what}: {:?}", graph.check());
    }
}
