//! ONNX models.

use apodict_circuits::{
    CompileOptions, compile,
    float::{self, Graph, Tensor, Values},
    onnx::{ImportOptions, Limits, import},
    quantize::{Precision, RealRange},
};

use crate::{Answer, Grammar, Target};

/// Import, then a run of the float graph.
pub(crate) const IMPORT: Target = Target { name: "onnx", run: run_import, seeds, grammar: Grammar::Protobuf };

/// All of the compiler.
pub(crate) const COMPILE: Target = Target { name: "compile", run: run_compile, seeds, grammar: Grammar::Protobuf };

/// So small that a run takes no time: that large ones are refused is the matter of other tests.
const LIMITS: Limits =
    Limits { max_model_bytes: 1 << 17, max_nodes: 64, max_elements: 1 << 14, max_operations: 1 << 18 };

/// Elements of a graph that is compiled.
const MOST_COMPILED: usize = 512;

fn run_import(data: &[u8]) -> Answer {
    let options = ImportOptions { limits: LIMITS, ..ImportOptions::default() };
    let model = import(data, &options).map_err(|error| error.to_string())?;
    let graph = model.graph();
    let inputs: Vec<Tensor> = graph.inputs().map(|(_, node)| halves(&node.shape, node.element)).collect();
    float::execute(graph, &inputs).map(drop).map_err(|error| error.to_string())
}

fn run_compile(data: &[u8]) -> Answer {
    let import_options = ImportOptions { limits: LIMITS, ..ImportOptions::default() };
    let model = import(data, &import_options).map_err(|error| error.to_string())?;
    if elements(model.graph()) > MOST_COMPILED {
        return Err("left out: it has many elements".into());
    }
    let unit = vec![RealRange { lo: -1.0, hi: 1.0 }];
    let input_ranges = model.graph().inputs().map(|(_, node)| (node.tensor.clone(), unit.clone())).collect();
    let options = CompileOptions {
        import: import_options,
        precision: Precision::Bits(6),
        input_ranges,
        ..CompileOptions::default()
    };
    let program = compile(data, &options).map_err(|error| error.to_string())?;
    let lowest: Vec<Vec<i64>> =
        program.graph().inputs().map(|(_, node)| (0..node.len()).map(|at| node.range(at).lo).collect()).collect();
    program.run(&lowest).map(drop).map_err(|error| error.to_string())
}

fn elements(graph: &Graph) -> usize {
    graph.nodes.iter().map(float::Node::len).sum()
}

fn halves(shape: &[usize], element: float::ElementType) -> Tensor {
    let len = shape.iter().product();
    let values = match element {
        element if element.is_float() => Values::Float(vec![0.5; len]),
        element if element.is_integer() => Values::Int(vec![1; len]),
        _ => Values::Bool(vec![true; len]),
    };
    Tensor { shape: shape.to_vec(), values }
}

/// Models of `corpus/onnx`, one or two for each operator.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/onnx");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
}
