//! Float against integer on data of the user's own, without keys or proofs.
//!
//! What the [report] of a program says, it says of the calibration data. Here the same comparison is made on other
//! records, as many as there are: errors with their percentiles, decisions that flip, and inputs that no proof could take,
//! which are counted and left out of the figures.
//!
//! Records are run in parallel, in pieces whose results are put together in the records' order: figures do not depend on how many
//! threads there are. Memory grows with one number for each record and output, and not with what lies between.

mod program;

use std::collections::BTreeMap;

use program::check_interface;
pub use program::measure_program;
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    Error, Program, elements,
    float::{self, Tensor},
    int, quantize,
    quantize::{DeclaredDecision, RealRange, dequantize_outputs, quantize_tensors},
    report::{self, Decision, LayerReport, Measured, OutputReport, Parts},
    tensors::{self, NamedTensors},
};

/// Records that one thread runs at a time.
const PIECE: usize = 16;
/// Records between two words of progress.
const BLOCK: usize = 32 * PIECE;
/// How many of what is counted are named.
const NAMED: usize = 5;
/// Numbers that percentiles are taken of, for all outputs together: 128 MiB.
const MOST_ERRORS: usize = 1 << 24;

/// What is evaluated.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    program: &'a Program,
    model: Option<&'a float::Graph>,
    nodes: &'a [Option<int::NodeId>],
    /// One for each output.
    decisions: Vec<Decision>,
}

impl<'a> Subject<'a> {
    /// A program alone: which records it takes, and what its outputs are. There is nothing to compare them with.
    pub fn program(program: &'a Program) -> Self {
        let declared = &program.report().outputs;
        let decision = |at| declared.get(at).map_or(Decision::None, |output: &OutputReport| output.decision);
        let decisions = (0..program.graph().outputs.len()).map(decision).collect();
        Self { program, model: None, nodes: &[], decisions }
    }

    /// A program beside a model, whoever made it.
    ///
    /// # Errors
    /// A program whose inputs or outputs are not the model's.
    pub fn beside(program: &'a Program, model: &'a float::Graph) -> Result<Self, Error> {
        check_interface(model, program)?;
        Ok(Self { model: Some(model), ..Self::program(program) })
    }

    /// A model and what it was compiled to: layers are told apart.
    pub fn compiled(compiled: &'a crate::Compiled) -> Self {
        Self { model: Some(&compiled.model), nodes: &compiled.nodes, ..Self::program(&compiled.program) }
    }

    /// With other decisions than those that the program says its outputs make: of the outputs that are named.
    ///
    /// # Errors
    /// An output that there is not; a decision that it cannot make. Without a model there is nothing to decide otherwise than.
    pub fn deciding(mut self, declared: &BTreeMap<String, DeclaredDecision>) -> Result<Self, Error> {
        let outputs = &self.program.graph().outputs;
        if let Some(name) = declared.keys().find(|name| outputs.iter().all(|output| output.name != **name)) {
            let known = outputs.iter().map(|output| output.name.clone()).collect();
            return Err(quantize::Error::UnknownName { what: "output", name: name.clone(), known }.into());
        }
        if let Some(model) = self.model {
            let all = report::decisions(model, declared)?;
            for ((own, decision), output) in self.decisions.iter_mut().zip(all).zip(outputs) {
                if declared.contains_key(&output.name) {
                    *own = decision;
                }
            }
        }
        Ok(self)
    }
}

/// How a program does on records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// How many records there are.
    pub records: usize,
    /// How many of them the figures are of: those with every input in its range.
    pub measured: usize,
    /// The others.
    pub out_of_range: OutOfRange,
    /// In the order of the model's outputs.
    pub outputs: Vec<OutputEvaluation>,
    /// In the order of the model's nodes; empty if they are not known to correspond to the program's.
    pub layers: Vec<LayerReport>,
}

/// Records that cannot be proved, since an input of theirs is outside its range.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutOfRange {
    /// How many.
    pub records: usize,
    /// The first value out of range of each of the first of them.
    pub first: Vec<Outside>,
}

/// A value out of range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outside {
    /// Its record, from 0.
    pub record: usize,
    /// The input, with the element's indices as a range is declared by: `X[2]`.
    pub element: String,
    /// The value.
    pub value: f64,
    /// What is allowed.
    pub range: RealRange,
}

/// One output over all records that were measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputEvaluation {
    /// The ONNX output's name.
    pub name: String,
    /// Least and greatest of the program's values; nothing if no record was measured.
    pub values: Option<RealRange>,
    /// How it compares with the model's, if there is one and a record was measured.
    pub comparison: Option<Comparison>,
}

/// An output beside the model's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Greatest less least of the model's values: what an error may be held against.
    pub span: f64,
    /// Greatest absolute error of an element.
    pub max_error: f64,
    /// The first record that it is of, from 0.
    pub worst_record: usize,
    /// Mean absolute error of an element.
    pub mean_error: f64,
    /// Of the greatest error in each record: what half of the records do not exceed.
    pub p50: f64,
    /// What 90 % of them do not exceed.
    pub p90: f64,
    /// What 99 % of them do not exceed.
    pub p99: f64,
    /// What counts as a decision.
    pub decision: Decision,
    /// How many there are.
    pub decisions: usize,
    /// How many are not the model's.
    pub flips: usize,
    /// The first records with one, from 0.
    pub first_flips: Vec<usize>,
}

impl Evaluation {
    /// Greatest error of any output, if there is a model to compare with.
    pub fn max_error(&self) -> Option<f64> {
        self.outputs.iter().filter_map(|output| Some(output.comparison.as_ref()?.max_error)).reduce(f64::max)
    }
}

/// Runs `subject` on `records`. `done` is told how many have been run, from time to time.
///
/// # Errors
/// Records that do not fit the inputs by name, shape or type, or that the model cannot compute: by their number. Values outside of an
/// input's range are none.
pub fn evaluate(subject: &Subject<'_>, records: &[NamedTensors], done: impl FnMut(usize)) -> Result<Evaluation, Error> {
    evaluate_within(subject, records, MOST_ERRORS, done)
}

fn evaluate_within(
    subject: &Subject<'_>,
    records: &[NamedTensors],
    limit: usize,
    mut done: impl FnMut(usize),
) -> Result<Evaluation, Error> {
    let bench = Bench::new(subject)?;
    if records.len().saturating_mul(subject.decisions.len()) > limit {
        return Err(tensors::Error::TooLarge { what: "records, times outputs", limit }.into());
    }
    let mut total = Tally::new(subject);
    for (block, of_block) in records.chunks(BLOCK).enumerate() {
        let run = |(piece, of_piece): (usize, &[NamedTensors])| bench.tally(block * BLOCK + piece * PIECE, of_piece);
        let pieces: Vec<Result<Tally, Error>> = of_block.par_chunks(PIECE).enumerate().map(run).collect();
        for piece in pieces {
            total.append(piece?);
        }
        done(block * BLOCK + of_block.len());
    }
    Ok(bench.evaluation(records.len(), total))
}

/// What every record is run on.
struct Bench<'a> {
    subject: &'a Subject<'a>,
    signature: float::Graph,
    integer: int::Executor<'a>,
    float: Option<float::Executor<'a>>,
}

/// What is known after some records.
struct Tally {
    measured: usize,
    out_of_range: OutOfRange,
    outputs: Vec<OutputTally>,
    /// By node of the model: errors, and the greatest magnitude.
    layers: Vec<(Measured, f64)>,
}

#[derive(Clone)]
struct OutputTally {
    /// Of the program, of the model.
    values: [RealRange; 2],
    errors: Measured,
    /// The greatest in each record.
    of_records: Vec<f64>,
    worst: Option<(f64, usize)>,
    first_flips: Vec<usize>,
}

impl<'a> Bench<'a> {
    fn new(subject: &'a Subject<'a>) -> Result<Self, Error> {
        let graph = subject.program.graph();
        let integer = int::Executor::new(graph)?;
        let float = subject.model.map(float::Executor::new).transpose().map_err(quantize::Error::from)?;
        Ok(Self { subject, signature: subject.program.signature(), integer, float })
    }

    /// Runs some records, of which the first is `first`.
    fn tally(&self, first: usize, records: &[NamedTensors]) -> Result<Tally, Error> {
        let mut tally = Tally::new(self.subject);
        for (record, tensors) in (first..).zip(records) {
            let failed = |source: Error| Error::Record { record, source: Box::new(source) };
            let inputs = tensors.conform(&self.signature).map_err(|error| failed(error.into()))?;
            match quantize_tensors(self.subject.program.graph(), &inputs) {
                Ok(integers) => self.add(&mut tally, record, &inputs, &integers).map_err(failed)?,
                Err(quantize::Error::InputValue { input, element, value, allowed }) => {
                    let shape = self.signature.inputs().find(|(_, node)| node.tensor == input);
                    let shape = shape.map_or(&[][..], |(_, node)| node.shape.as_slice());
                    let element = format!("{input}{}", elements::index(shape, element));
                    tally.out_of_range.add(1, [Outside { record, element, value, range: allowed }]);
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
        Ok(tally)
    }

    fn add(&self, tally: &mut Tally, record: usize, inputs: &[Tensor], integers: &[Vec<i64>]) -> Result<(), Error> {
        let graph = self.subject.program.graph();
        let trace = self.integer.run(integers)?;
        let outputs = dequantize_outputs(graph, trace.outputs(graph));
        tally.measured += 1;
        for (output, got) in tally.outputs.iter_mut().zip(&outputs) {
            widen(&mut output.values[0], got);
        }
        let (Some(model), Some(float)) = (self.subject.model, &self.float) else { return Ok(()) };
        let float = float.run(inputs).map_err(quantize::Error::from)?;
        let references = model.outputs.iter().map(|output| float.of(output.node));
        let pairs = references.zip(&outputs).zip(&self.subject.decisions);
        for (output, ((reference, got), decision)) in tally.outputs.iter_mut().zip(pairs) {
            output.compare(record, *decision, reference, got);
        }
        for ((layer, id), values) in tally.layers.iter_mut().zip(self.subject.nodes).zip(&float.values) {
            let Some(id) = id else { continue };
            let got = quantize::real(graph.node(*id), &trace.values[id.0 as usize]);
            layer.0.add(Decision::None.compare(values, &got));
            layer.1 = values.iter().fold(layer.1, |most, value| most.max(value.abs()));
        }
        Ok(())
    }

    fn evaluation(&self, records: usize, tally: Tally) -> Evaluation {
        let graph = self.subject.program.graph();
        let outputs = graph.outputs.iter().zip(tally.outputs).zip(&self.subject.decisions);
        let outputs = outputs.map(|((output, tally), decision)| {
            let values = Some(tally.values[0]).filter(|_| tally.values[0].lo <= tally.values[0].hi);
            OutputEvaluation { name: output.name.clone(), values, comparison: tally.comparison(*decision) }
        });
        let layers = match self.subject.model {
            Some(model) if !self.subject.nodes.is_empty() && tally.measured > 0 => {
                let parts = Parts { float: model, graph, nodes: self.subject.nodes, bounds: &[] };
                parts.layer_reports(&tally.layers)
            }
            _ => Vec::new(),
        };
        let Tally { measured, out_of_range, .. } = tally;
        Evaluation { records, measured, out_of_range, outputs: outputs.collect(), layers }
    }
}

impl Tally {
    fn new(subject: &Subject<'_>) -> Self {
        let nothing = RealRange { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
        let output = OutputTally {
            values: [nothing; 2],
            errors: Measured::default(),
            of_records: Vec::new(),
            worst: None,
            first_flips: Vec::new(),
        };
        let nodes = if subject.nodes.is_empty() { 0 } else { subject.model.map_or(0, |model| model.nodes.len()) };
        Self {
            measured: 0,
            out_of_range: OutOfRange::default(),
            outputs: vec![output; subject.program.graph().outputs.len()],
            layers: vec![Default::default(); nodes],
        }
    }

    /// Adds what is known of the records that follow.
    fn append(&mut self, next: Self) {
        self.measured += next.measured;
        self.out_of_range.add(next.out_of_range.records, next.out_of_range.first);
        for (output, next) in self.outputs.iter_mut().zip(next.outputs) {
            output.append(next);
        }
        for (layer, next) in self.layers.iter_mut().zip(next.layers) {
            layer.0.add(next.0);
            layer.1 = layer.1.max(next.1);
        }
    }
}

impl OutOfRange {
    fn add(&mut self, records: usize, first: impl IntoIterator<Item = Outside>) {
        self.records += records;
        let room = NAMED.saturating_sub(self.first.len());
        self.first.extend(first.into_iter().take(room));
    }
}

impl OutputTally {
    fn compare(&mut self, record: usize, decision: Decision, reference: &[f64], got: &[f64]) {
        widen(&mut self.values[1], reference);
        let measured = decision.compare(reference, got);
        self.errors.add(measured);
        self.of_records.push(measured.max_error);
        if self.worst.is_none_or(|(error, _)| measured.max_error > error) {
            self.worst = Some((measured.max_error, record));
        }
        if measured.flips > 0 && self.first_flips.len() < NAMED {
            self.first_flips.push(record);
        }
    }

    fn append(&mut self, next: Self) {
        for (values, next) in self.values.iter_mut().zip(next.values) {
            *values = RealRange { lo: values.lo.min(next.lo), hi: values.hi.max(next.hi) };
        }
        self.errors.add(next.errors);
        self.of_records.extend(next.of_records);
        if let Some((error, record)) = next.worst
            && self.worst.is_none_or(|(worst, _)| error > worst)
        {
            self.worst = Some((error, record));
        }
        let room = NAMED.saturating_sub(self.first_flips.len());
        self.first_flips.extend(next.first_flips.into_iter().take(room));
    }

    fn comparison(mut self, decision: Decision) -> Option<Comparison> {
        let (max_error, worst_record) = self.worst?;
        self.of_records.sort_by(f64::total_cmp);
        let percentile = |percent| nearest_rank(&self.of_records, percent);
        Some(Comparison {
            span: self.values[1].hi - self.values[1].lo,
            max_error,
            worst_record,
            mean_error: self.errors.mean_error(),
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            decision,
            decisions: self.errors.decisions,
            flips: self.errors.flips,
            first_flips: self.first_flips,
        })
    }
}

fn widen(range: &mut RealRange, values: &[f64]) {
    for value in values {
        *range = RealRange { lo: range.lo.min(*value), hi: range.hi.max(*value) };
    }
}

/// The least of the sorted `values` that `percent` of a hundred of them do not exceed.
fn nearest_rank(values: &[f64], percent: usize) -> f64 {
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
