//! `apodict inspect`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::iter;

use apodict_circuits::int::Node;
use apodict_circuits::quantize::RealRange;
use apodict_circuits::report::ErrorReport;
use apodict_circuits::{Program, escaped};
use apodict_prover::{public_layout, shape_constraint_system};
use apodict_verifier::files::Bytes32;
use apodict_verifier::{Layout, Tensor};
use serde::Serialize;

use crate::accuracy::FiguresFrom;
use crate::arguments::Inspect;
use crate::commands::inspect_key;
use crate::comparison::{self, Comparison, Evidence};
use crate::console::{Console, format_bytes, format_count};
use crate::cost::Prediction;
use crate::failure::{Failure, Outcome};
use crate::program::{self, Columns};

#[derive(Serialize)]
struct Report {
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
    /// How often each operator of the integer graph occurs.
    operators: BTreeMap<&'static str, usize>,
    inputs: Vec<Ranged>,
    outputs: Vec<Ranged>,
    /// Who says what `accuracy` says, and of which model the program is.
    report: Evidence,
    accuracy: ErrorReport,
    predicted: Prediction,
}

/// A tensor among the instances, and what it can be.
#[derive(Serialize)]
struct Ranged {
    name: String,
    shape: Vec<usize>,
    /// An instance `v` stands for `v * 2^-frac_bits`.
    frac_bits: i32,
    /// Those of each element, where they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    element_bits: Vec<i32>,
    /// The type of an input's elements in the model, as the program says: a number is first rounded to what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<String>,
    /// In the model's units: the least and the greatest of any element.
    range: [f64; 2],
}

pub(crate) fn run(arguments: &Inspect, console: &Console) -> Result<Outcome, Failure> {
    if arguments.program.extension().is_some_and(|extension| extension == "json") {
        let model = arguments.model.as_ref().map(|_| "--model");
        if let Some(option) = model.or_else(|| arguments.options.given().next()) {
            return Err(Failure::NotOfKey { option });
        }
        return inspect_key::run(&arguments.program, console);
    }
    let program = program::read(&arguments.program)?;
    let plan = program.plan();
    let layout = program.layout();
    let shape = shape_constraint_system(plan.shape)?;
    let mut operators = BTreeMap::new();
    for node in &program.graph().nodes {
        *operators.entry(node.op.name()).or_default() += 1;
    }
    let (report, accuracy) = match (&arguments.model, arguments.options.given().next()) {
        (Some(model), _) => {
            let compare = || comparison::compare(&program, model, &arguments.options);
            console.stage("compare", compare)?.0
        }
        (None, Some(option)) => return Err(Failure::NotCompiling { option }),
        (None, None) => (Evidence::CLAIMED, program.report().clone()),
    };
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
        report,
        accuracy,
        predicted: Prediction::new(&program, &shape)?,
    })?;
    Ok(Outcome::Done)
}

fn ranged(program: &Program) -> (Vec<Ranged>, Vec<Ranged>) {
    let graph = program.graph();
    let Layout { inputs, outputs } = public_layout(program);
    let inputs = inputs.into_iter().zip(graph.inputs().map(|(_, node)| node));
    let outputs = outputs.into_iter().zip(graph.outputs.iter().map(|output| graph.node(output.node)));
    let types = program.signature().nodes.into_iter().map(|node| Some(node.element.to_string()));
    let ranged = |((tensor, node), element): ((Tensor, &Node), Option<String>)| {
        let Tensor { name, shape, .. } = tensor;
        let (frac_bits, element_bits) = (node.frac_bits, node.element_bits.clone());
        Ranged { name, shape, frac_bits, element_bits, element, range: range_of(node) }
    };
    (inputs.zip(types).map(ranged).collect(), outputs.zip(iter::repeat(None)).map(ranged).collect())
}

fn range_of(node: &Node) -> [f64; 2] {
    let RealRange { lo, hi } = RealRange::of(node);
    [lo, hi]
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "program {}", self.program_digest)?;
        write!(formatter, "model   {}", self.model_digest)?;
        match &self.report.comparison {
            None => writeln!(formatter, ", claimed by the program's maker")?,
            Some(Comparison { model, digest, is_claimed_model, .. }) => {
                let model = escaped(model.display());
                match is_claimed_model {
                    true => writeln!(formatter, ", that of {model}")?,
                    false => {
                        writeln!(formatter, ", claimed by the program's maker: it is not that of {model}, {digest}")?
                    }
                }
            }
        }
        for (role, tensors) in [("input ", &self.inputs), ("output", &self.outputs)] {
            for Ranged { name, shape, frac_bits, element_bits, element, range: [low, high] } in tensors {
                let step = |bits: &i32| format!("2^{}", -bits);
                let steps = match (element_bits.iter().max(), element_bits.iter().min()) {
                    (Some(finest), Some(coarsest)) => format!("{} to {}", step(finest), step(coarsest)),
                    _ => step(frac_bits),
                };
                let element = element.as_ref().map_or_else(String::new, |element| format!(" {element}"));
                writeln!(
                    formatter,
                    "{role}  {}{element} {shape:?} from {low} to {high} in steps of {steps}",
                    escaped(name)
                )?;
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
        match (self.report.source, &self.report.comparison) {
            (FiguresFrom::Claimed, _) | (_, None) => writeln!(
                formatter,
                "Claimed by the program's maker, checked by nobody (with --model MODEL.onnx it is):"
            )?,
            (FiguresFrom::Compiled, Some(Comparison { model, .. })) => writeln!(
                formatter,
                "Compiled again: it is the program that {} compiles to with these options.",
                escaped(model.display())
            )?,
            (FiguresFrom::Measured, Some(Comparison { model, compiles_to, does_not_compile, .. })) => {
                let model = escaped(model.display());
                match (compiles_to, does_not_compile) {
                    (Some(other), _) => writeln!(
                        formatter,
                        "NOT the program that {model} compiles to with these options, which is {other}."
                    )?,
                    (None, reason) => writeln!(
                        formatter,
                        "{model} does not compile with these options: {}.",
                        escaped(reason.as_deref().unwrap_or_default())
                    )?,
                }
                writeln!(formatter, "Measured here instead, which says nothing of other inputs:")?;
            }
        }
        write!(formatter, "{}", self.accuracy)
    }
}
