//! `apodict inspect vk.json`: what a key's digest is made of, and what its public values mean.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use apodict_prover::disk;
use apodict_solidity::key_code_hash;
use apodict_verifier::files::{self, Bytes32};
use apodict_verifier::{Layout, Quantization, Run, VerifyingKey};
use serde::Serialize;

use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};

#[derive(Serialize)]
struct Report {
    key_digest: Bytes32,
    circuit_digest: Bytes32,
    srs_digest: Bytes32,
    ports_hash: Bytes32,
    shapes_digest: Bytes32,
    program_digest: Bytes32,
    /// Of the shape, which one contract serves.
    shape_digest: Bytes32,
    /// Of the key's data contract, which carries key digest and ports hash.
    key_code_hash: Bytes32,
    k: u32,
    instances: usize,
    inputs: Vec<Described>,
    outputs: Vec<Described>,
}

#[derive(Serialize)]
struct Described {
    name: String,
    shape: Vec<usize>,
    runs: Vec<DescribedRun>,
}

/// Neighbouring elements that are read alike: `q = round(x * num / den) + zero`, from `lo` to `hi`.
#[derive(Serialize)]
struct DescribedRun {
    count: usize,
    num: String,
    den: String,
    zero: i64,
    lo: String,
    hi: String,
}

pub(super) fn run(path: &Path, console: &Console) -> Result<Outcome, Failure> {
    let key = files::read_key(path)
        .map_err(|source| disk::Error::VerifyingKey { path: path.to_owned(), source: source.into() })?;
    console.result(&Report::new(&key)?)?;
    Ok(Outcome::Done)
}

impl Report {
    fn new(key: &VerifyingKey) -> Result<Self, Failure> {
        let Layout { inputs, outputs } = &key.layout;
        Ok(Self {
            key_digest: Bytes32(key.digest()?),
            circuit_digest: Bytes32(key.circuit_digest()?),
            srs_digest: Bytes32(key.srs.digest()),
            ports_hash: Bytes32(key.layout.ports_hash()),
            shapes_digest: Bytes32(key.layout.shapes_digest()),
            program_digest: Bytes32(key.program_digest),
            shape_digest: Bytes32(key.constraint_system.shape_digest()?),
            key_code_hash: Bytes32(key_code_hash(key)?),
            k: key.k,
            instances: key.num_instances,
            inputs: inputs.iter().map(Described::new).collect(),
            outputs: outputs.iter().map(Described::new).collect(),
        })
    }
}

impl Described {
    fn new(tensor: &apodict_verifier::Tensor) -> Self {
        let run = |run: &Run| {
            let Quantization { num, den, zero, lo, hi } = run.quantization;
            let [num, den] = [num, den].map(|number| number.to_string());
            DescribedRun { count: run.count, num, den, zero, lo: lo.to_string(), hi: hi.to_string() }
        };
        Self { name: tensor.name.clone(), shape: tensor.shape.clone(), runs: tensor.runs.iter().map(run).collect() }
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "key      {}   pin this", self.key_digest)?;
        for (part, digest) in [
            ("circuit", &self.circuit_digest),
            ("srs", &self.srs_digest),
            ("ports", &self.ports_hash),
            ("shapes", &self.shapes_digest),
            ("program", &self.program_digest),
        ] {
            writeln!(formatter, "  {part:<8} {digest}")?;
        }
        writeln!(formatter, "code     {}   hash of its data contract", self.key_code_hash)?;
        write!(formatter, "k = {}, {} instances", self.k, format_count(self.instances as u64))?;
        for (role, tensors) in [("input ", &self.inputs), ("output", &self.outputs)] {
            for Described { name, shape, runs } in tensors {
                write!(formatter, "\n{role}   {name:?} {shape:?}")?;
                for DescribedRun { count, num, den, zero, lo, hi } in runs {
                    write!(formatter, "\n  {count} of  q = round(x * {num} / {den}) + {zero},  {lo} <= q <= {hi}")?;
                }
            }
        }
        Ok(())
    }
}
