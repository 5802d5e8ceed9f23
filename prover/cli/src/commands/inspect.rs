//! `apodict inspect`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use apodict_circuits::Program;
use apodict_circuits::int::{Interval, Node};
use apodict_circuits::report::ErrorReport;
use apodict_prover::{public_layout, shape_constraint_system};
use apodict_verifier::{Layout, Tensor};
use serde::Serialize;

use crate::arguments::Inspect;
use crate::commands::inspect_key;
use crate::console::{Console, format_bytes, format_count};
use crate::cost::Prediction;
use crate::failure::{Failure, Outcome};
use crate::program::{self, Columns};
use apodict_verifier::files::Bytes32;

#[derive(Serialize)]
struct Report<'a> {
    program_digest: Bytes32,
    model_digest: Bytes32,
    shape: &'static str,
    k: u32,
    rows: usize,
    table_rows: usize,
    lookups: usize,
    limb_bits: u32,
    columns: Columns,
    instances: usize,
    /// How often each operator occurs.
    operators: BTreeMap<&'a str, usize>,
    inputs: Vec<Ranged>,
    outputs: Vec<Ranged>,
    accuracy: &'a ErrorReport,
    predicted: Prediction,
}

/// A tensor among the instances, and what it can be.
#[derive(Serialize)]
struct Ranged {
    name: String,
    shape: Vec<usize>,
    /// An instance `v` stands for `v * 2^-frac_bits`.
    frac_bits: i32,
    /// In the model's units: the least and the greatest of any element.
    range: [f64; 2],
}

pub(crate) fn run(arguments: &Inspect, console: &Console) -> Result<Outcome, Failure> {
    if arguments.program.extension().is_some_and(|extension| extension == "json") {
        return inspect_key::run(&arguments.program, console);
    }
    let program = program::read(&arguments.program)?;
    let plan = program.plan();
    let layout = program.layout();
    let shape = shape_constraint_system(plan.shape)?;
    let mut operators = BTreeMap::new();
    for layer in &program.report().layers {
        *operators.entry(layer.operator.as_str()).or_default() += 1;
    }
    let (inputs, outputs) = ranged(&program);
    console.result(&Report {
        program_digest: Bytes32(program.digest()),
        model_digest: Bytes32(program.model_digest()),
        shape: plan.shape.name(),
        k: plan.k,
        rows: layout.rows(),
        table_rows: layout.table_rows(),
        lookups: layout.lookups(),
        limb_bits: plan.limb_bits,
        columns: Columns::of(&shape),
        instances: layout.num_instances(),
        operators,
        inputs,
        outputs,
        accuracy: program.report(),
        predicted: Prediction::new(&program, &shape)?,
    })?;
    Ok(Outcome::Done)
}

fn ranged(program: &Program) -> (Vec<Ranged>, Vec<Ranged>) {
    let graph = program.graph();
    let ranged = |(tensor, node): (Tensor, &Node)| {
        let Tensor { name, shape, .. } = tensor;
        Ranged { name, shape, frac_bits: node.frac_bits, range: range_of(node) }
    };
    let Layout { inputs, outputs } = public_layout(program);
    let inputs = inputs.into_iter().zip(graph.inputs().map(|(_, node)| node)).map(ranged);
    let outputs = outputs.into_iter().zip(graph.outputs.iter().map(|output| graph.node(output.node))).map(ranged);
    (inputs.collect(), outputs.collect())
}

fn range_of(node: &Node) -> [f64; 2] {
    let Interval { lo, hi } = node.ranges.iter().copied().reduce(Interval::union).unwrap_or(Interval::point(0));
    [lo, hi].map(|end| end as f64 * (-f64::from(node.frac_bits)).exp2())
}

impl Display for Report<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "program {}", self.program_digest)?;
        writeln!(formatter, "model   {}", self.model_digest)?;
        for (role, tensors) in [("input ", &self.inputs), ("output", &self.outputs)] {
            for Ranged { name, shape, frac_bits, range: [low, high] } in tensors {
                writeln!(formatter, "{role}  {name} {shape:?} from {low} to {high} in steps of 2^-{frac_bits}")?;
            }
        }
        let operators: Vec<String> =
            self.operators.iter().map(|(operator, count)| format!("{count} {operator}")).collect();
        writeln!(formatter, "\n{}", operators.join(", "))?;
        let Columns { advice, fixed, instance } = self.columns;
        writeln!(
            formatter,
            "{} shape, k = {}: {} rows, {} rows of tables, {} lookups; {advice} advice, {fixed} fixed, {instance} instance \
             columns",
            self.shape,
            self.k,
            format_count(self.rows as u64),
            format_count(self.table_rows as u64),
            format_count(self.lookups as u64),
        )?;
        let Prediction { prove_ms, peak_memory_bytes, proof_bytes, gas } = self.predicted;
        writeln!(
            formatter,
            "about {prove_ms:.0} ms to prove on two cores, {} of memory; {} bytes of proof; about {} gas\n",
            format_bytes(peak_memory_bytes),
            format_count(proof_bytes as u64),
            format_count(gas),
        )?;
        write!(formatter, "{}", self.accuracy)
    }
}
