//! Program files, behind a digest that is right.

use std::sync::OnceLock;

use apodict_circuits::{
    CompileOptions, Program, compile,
    machine::Objective,
    quantize::{Precision, RealRange},
    synthetic,
};
use sha3::{Digest, Keccak256};

use crate::{Answer, Grammar, Target, targets::onnx};

/// What stands between the file's mark and its digest.
pub(crate) const PROGRAM: Target = Target { name: "program", run, seeds, grammar: Grammar::Bytes };

/// Elements of the inputs of a program that is run.
const MOST_INPUTS: usize = 1 << 12;

/// Rows of a circuit that is filled.
const MOST_ROWS: usize = 1 << 14;

const DIGEST: usize = 32;
const MARK: usize = 8;

/// A file that says what it is: format and version.
fn example() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let program = synthetic::program(2, Objective::Gas).expect("two elements fit");
        program.to_bytes().expect("it encodes")
    })
}

fn run(data: &[u8]) -> Answer {
    let mut file = [&example()[..MARK], data].concat();
    let digest = Keccak256::digest(&file);
    file.extend_from_slice(&digest);
    let program = Program::from_bytes(&file).map_err(|error| error.to_string())?;
    assert!(program.to_bytes().is_ok_and(|bytes| bytes == file), "what is read is not what would be written");
    let elements: usize = program.graph().inputs().map(|(_, node)| node.len()).sum();
    if elements > MOST_INPUTS {
        return Ok(());
    }
    for end in [0, 1] {
        let inputs = program.graph().inputs().map(|(_, node)| {
            let ranges = (0..node.len()).map(|at| node.range(at));
            ranges.map(|range| if end == 0 { range.lo } else { range.hi }).collect()
        });
        let trace = program.run(&inputs.collect::<Vec<Vec<i64>>>()).expect("a validated graph runs on its ranges");
        // Some values need more than 64 bits: that is said, not a panic.
        if program.layout().rows() <= MOST_ROWS
            && let Ok(values) = program.layout().values(&trace)
        {
            program.layout().witness(values).expect("the circuit holds an honest run");
        }
    }
    Ok(())
}

/// Programs of the models of `corpus/onnx` that compile to little.
fn seeds() -> Vec<Vec<u8>> {
    let content = |program: &Program| {
        let bytes = program.to_bytes().ok()?;
        Some(bytes.get(MARK..bytes.len().checked_sub(DIGEST)?)?.to_vec())
    };
    let compiled = onnx::seeds().into_iter().filter_map(|model| {
        let graph = apodict_circuits::onnx::import(&model, &Default::default()).ok()?.into_graph();
        let unit = vec![RealRange { lo: -1.0, hi: 1.0 }];
        let input_ranges = graph.inputs().map(|(_, node)| (node.tensor.clone(), unit.clone())).collect();
        let options = CompileOptions { precision: Precision::Bits(4), input_ranges, ..CompileOptions::default() };
        let program = compile(&model, &options).ok()?;
        content(&program).filter(|content| content.len() < 1 << 13)
    });
    let dense = [2, 5].into_iter().filter_map(|len| content(&synthetic::program(len, Objective::Gas).ok()?));
    compiled.chain(dense).collect()
}
