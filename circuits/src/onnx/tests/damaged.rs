//! Damaged files: every truncation is refused, and no mutation makes anything panic.

use std::path::Path;

use tract_onnx::pb::tensor_proto::DataType;

use super::super::fixture::{float, int, ints};
use super::super::{Error, ImportOptions, Limits, import};
use super::{Dim, Fixture};
use crate::float::{ElementType, Tensor, Values, execute};

/// Models that use every operator between them.
fn models() -> Vec<Vec<u8>> {
    let dense = Fixture::new(13)
        .typed_input("x", DataType::Float, &[Dim::Symbol("batch"), Dim::Number(2)])
        .weights("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
        .weights("b", &[2], &[0.5, -0.5])
        .node("Gemm", &["x", "w", "b"], "g", &[int("transB", 1), float("alpha", 0.5)])
        .node("LeakyRelu", &["g"], "l", &[float("alpha", 0.1)])
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
        .node("Constant", &[], "one", &[float("value_float", 1.0)])
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
    [dense, shapes, lookup].iter().map(Fixture::bytes).collect()
}

#[test]
fn every_truncation_is_refused() {
    for model in models() {
        import(&model, &ImportOptions::default()).unwrap();
        for cut in 0..model.len() {
            let error = import(&model[..cut], &ImportOptions::default()).unwrap_err();
            let known = matches!(error, Error::Truncated { .. } | Error::NotOnnx { .. } | Error::Opset { got: 0, .. });
            assert!(known, "cut at {cut} of {}: {error}", model.len());
        }
    }
}

/// As [`every_truncation_is_refused`], with a model that PyTorch wrote; at each byte of its structure, and at some of its weights.
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

/// Whatever a mutant is, import yields a consistent graph or an error, and the graph can be run.
#[test]
fn no_mutation_panics() {
    let limits = Limits { max_elements: 1 << 12, max_operations: 1 << 16, ..Limits::default() };
    let options = ImportOptions { limits, ..Default::default() };
    let mut random = Random(0x61_70_6f_64_69_63_74);
    let mut accepted = 0;
    for model in models() {
        for _ in 0..20_000 {
            let mut mutant = model.clone();
            mutate(&mut mutant, &mut random);
            let Ok(model) = import(&mutant, &options) else { continue };
            accepted += 1;
            model.graph().check().unwrap();
            let zeros = |len, element| match element {
                ElementType::F32 | ElementType::F64 => Values::Float(vec![0.0; len]),
                ElementType::I32 | ElementType::I64 => Values::Int(vec![0; len]),
                ElementType::Bool => Values::Bool(vec![false; len]),
            };
            let inputs: Vec<_> = model
                .graph()
                .inputs()
                .map(|(_, node)| Tensor { shape: node.shape.clone(), values: zeros(node.len(), node.element) })
                .collect();
            // Values may overflow: an error, too.
            let _ = execute(model.graph(), &inputs);
        }
    }
    // Mutants of names and weights are models like any other, and the others were refused.
    assert!((10_000..50_000).contains(&accepted), "{accepted} of 60000 accepted");
}
