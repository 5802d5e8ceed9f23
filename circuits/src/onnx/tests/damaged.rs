//! Damaged files: every truncation is refused, and no mutation makes anything panic.

use std::path::Path;

use prost::Message;
use tract_onnx::pb::{ModelProto, tensor_proto::DataType};

use super::super::fixture::{self, int, ints, value_info};
use super::super::{Error, ImportOptions, Limits, Model, import};
use super::{Dim, Fixture};
use crate::float::{self, ElementType, Node, Tensor, Values, execute};
use crate::onnx::Reference;

/// Models that use every operator between them.
fn models() -> Vec<ModelProto> {
    let dense = Fixture::new(13)
        .typed_input("x", DataType::Float, &[Dim::Symbol("batch"), Dim::Number(2)])
        .weights("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
        .weights("b", &[2], &[0.5, -0.5])
        .node("Gemm", &["x", "w", "b"], "g", &[int("transB", 1), fixture::float("alpha", 0.5)])
        .node("LeakyRelu", &["g"], "l", &[fixture::float("alpha", 0.1)])
        .node("MatMul", &["l", "w"], "m", &[])
        .node("Sub", &["m", "b"], "s", &[])
        .node("Softmax", &["s"], "p", &[int("axis", -1)])
        .node("ArgMax", &["p"], "best", &[int("axis", 1)])
        .output("p")
        .output("best");
    let shapes = Fixture::new(11)
        .input("x", &[1, 2, 2])
        .integers("shape", &[2], &[2, -1])
        .node("Reshape", &["x", "shape"], "r", &[])
        .node("Transpose", &["r"], "t", &[ints("perm", &[1, 0])])
        .node("Concat", &["r", "t"], "c", &[int("axis", 1)])
        .node("Unsqueeze", &["c"], "u", &[ints("axes", &[0])])
        .node("Squeeze", &["u"], "q", &[ints("axes", &[0])])
        .node("Flatten", &["q"], "f", &[int("axis", 0)])
        .node("Softmax", &["x"], "old", &[int("axis", 1)])
        .node("ReduceSum", &["old"], "sum", &[ints("axes", &[1, 2])])
        .node("Clip", &["sum"], "clipped", &[])
        .node("Mul", &["f", "clipped"], "y", &[])
        .output("y");
    let lookup = Fixture::new(18)
        .typed_input("tokens", DataType::Int64, &[Dim::Number(1), Dim::Number(3)])
        .weights("table", &[2, 4], &[1.0; 8])
        .integers("axes", &[1], &[1])
        .node("Constant", &[], "one", &[fixture::float("value_float", 1.0)])
        .node("Gather", &["table", "tokens"], "rows", &[int("axis", 1)])
        .node("ReduceMean", &["rows", "axes"], "mean", &[int("keepdims", 0)])
        .node("Sigmoid", &["mean"], "a", &[])
        .node("Tanh", &["a"], "b", &[])
        .node("Relu", &["b"], "d", &[])
        .node("Add", &["d", "one"], "e", &[])
        .node("Identity", &["e"], "y", &[])
        .node("Cast", &["tokens"], "floats", &[int("to", 1)])
        .output("y")
        .output("floats");
    [dense, shapes, lookup].map(|fixture| fixture.proto).into()
}

#[test]
fn every_truncation_is_refused() {
    for model in models() {
        let model = model.encode_to_vec();
        import(&model, &ImportOptions::default()).unwrap();
        for cut in 0..model.len() {
            let error = import(&model[..cut], &ImportOptions::default()).unwrap_err();
            let known = matches!(error, Error::Truncated { .. } | Error::NotOnnx { .. } | Error::Opset { got: 0, .. });
            assert!(known, "cut at {cut} of {}: {error}", model.len());
        }
    }
}

/// As [`every_truncation_is_refused`], with a model that PyTorch wrote; at each byte of its structure, and at some of
/// its weights.
#[test]
fn truncations_of_an_exported_model_are_refused() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/models/risk_mlp/model.onnx"));
    let Some(model) = crate::float::tests::shared(path, |path| std::fs::read(path).unwrap()) else { return };
    for cut in (0..model.len()).filter(|cut| *cut < 512 || model.len() - cut < 512 || cut % 61 == 0) {
        assert!(import(&model[..cut], &ImportOptions::default()).is_err(), "cut at {cut} of {}", model.len());
    }
}

/// Splitmix64: reproducible, and good enough to pick bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            4 => bytes.insert(at, random.below(256) as u8),
            _ if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => {}
        }
    }
}

/// A graph that import accepts is consistent and can be run; values may overflow, which is an error, too.
fn run_if_accepted(mutant: &[u8]) -> Option<Model> {
    let limits = Limits { max_elements: 1 << 12, max_operations: 1 << 16, ..Limits::default() };
    let model = import(mutant, &ImportOptions { limits, ..Default::default() }).ok()?;
    model.graph().check().unwrap();
    let _ = execute(model.graph(), &zeros(&model));
    Some(model)
}

fn zeros(model: &Model) -> Vec<Tensor> {
    let zeros = |len, element| match element {
        ElementType::F32 | ElementType::F64 => Values::Float(vec![0.0; len]),
        ElementType::Bool => Values::Bool(vec![false; len]),
        _ => Values::Int(vec![0; len]),
    };
    let tensor = |node: &Node| Tensor { shape: node.shape.clone(), values: zeros(node.len(), node.element) };
    model.graph().inputs().map(|(_, node)| tensor(node)).collect()
}

#[test]
fn no_mutated_byte_panics() {
    let mut random = Random(0x61_70_6f_64_69_63_74);
    let mut accepted = 0;
    for model in models() {
        for _ in 0..20_000 {
            let mut mutant = model.encode_to_vec();
            mutate(&mut mutant, &mut random);
            accepted += usize::from(run_if_accepted(&mutant).is_some());
        }
    }
    // Mutants of names and weights are models like any other; most others are refused.
    assert!((1_000..30_000).contains(&accepted), "{accepted} of 60000 accepted");
}

/// An integer that a model may hold, likely or not.
fn integer(random: &mut Random) -> i64 {
    const EDGES: [i64; 8] = [i64::MIN, i64::MAX, 1 << 53, 1 << 32, -(1 << 31), 33, 1 << 12, 1 << 20];
    match random.below(8) {
        0 => EDGES[random.below(EDGES.len())],
        _ => random.below(9) as i64 - 4,
    }
}

/// Changes what the model says, and leaves it well-formed: shapes, axes, operands, types, operators, operator set.
fn rewrite(model: &mut ModelProto, random: &mut Random) {
    let value = integer(random);
    if random.below(10) == 0 {
        model.opset_import[0].version = 9 + random.below(13) as i64;
    }
    let graph = model.graph.get_or_insert_default();
    let names: Vec<String> =
        graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output)).cloned().collect();
    let name = names[random.below(names.len())].clone();
    let operators: Vec<String> = graph.node.iter().map(|node| node.op_type.clone()).collect();
    let at = random.below(graph.node.len());
    let node = &mut graph.node[at];
    match random.below(7) {
        0 if !node.attribute.is_empty() => {
            let at = random.below(node.attribute.len());
            node.attribute[at].i = value;
        }
        1 if !node.attribute.is_empty() => {
            let at = random.below(node.attribute.len());
            node.attribute[at].ints.push(value);
        }
        2 if !node.input.is_empty() => {
            let at = random.below(node.input.len());
            node.input[at] = name;
        }
        3 => node.input.push(name),
        4 => node.op_type = operators[random.below(operators.len())].clone(),
        5 if !graph.initializer.is_empty() => {
            let at = random.below(graph.initializer.len());
            let tensor = &mut graph.initializer[at];
            match random.below(4) {
                0 => tensor.dims.push(value),
                1 if !tensor.dims.is_empty() => tensor.dims[0] = value,
                2 if !tensor.int64_data.is_empty() => tensor.int64_data[0] = value,
                _ => tensor.dims.reverse(),
            }
        }
        _ => {
            let at = random.below(graph.input.len());
            let dims = [Dim::Number(value), Dim::Number(random.below(4) as i64), Dim::Symbol("n")];
            let types = [DataType::Float, DataType::Int64, DataType::Int32, DataType::Bool, DataType::Double];
            let (rank, element) = (random.below(4), types[random.below(types.len())]);
            graph.input[at] = value_info(&graph.input[at].name, element, &dims[..rank]);
        }
    }
}

/// The same for models that are well-formed; and tract, which gets the accepted ones, does not panic either.
#[test]
fn no_rewritten_model_panics() {
    let mut random = Random(0x67_72_61_70_68);
    let (mut accepted, mut failures) = (0, 0);
    for model in models() {
        for _ in 0..5_000 {
            let mut mutant = model.clone();
            (0..1 + random.below(2)).for_each(|_| rewrite(&mut mutant, &mut random));
            let Some(model) = run_if_accepted(&mutant.encode_to_vec()) else { continue };
            accepted += 1;
            let outcome = Reference::new(&model).and_then(|reference| reference.run(&zeros(&model)));
            if let Err(float::Error::Reference { stage, reason }) = outcome {
                assert!(!reason.contains("panicked"), "tract panicked when it was to {stage}: {model:?}");
                failures += 1;
            }
        }
    }
    assert!((1_000..10_000).contains(&accepted), "{accepted} of 15000 accepted");
    assert!(failures * 4 < accepted, "tract failed at {failures} of {accepted}");
}
