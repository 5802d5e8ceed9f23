//! `apodict evaluate`: float against integer on data of the user's own.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use apodict_circuits::evaluate::{Comparison, Evaluation, OutputEvaluation, Subject, evaluate};
use apodict_circuits::report::Decision;
use apodict_circuits::tensors::NamedTensors;
use apodict_circuits::{CompileOptions, Compiled, Error, Program, escaped, explain_batch, onnx};
use apodict_verifier::files::Bytes32;
use serde::Serialize;

use crate::arguments::Evaluate;
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};
use crate::program::{self, ProgramOrModel, STANDARD_INPUT};

/// How many records a model is compiled on that has no other data: they set ranges, and the precision is chosen on them.
const CALIBRATED_ON: usize = 256;

#[derive(Serialize)]
struct Report {
    program_digest: Bytes32,
    k: u32,
    rows: usize,
    /// How many of the records the model was compiled on, if there were no other data.
    calibrated_on: Option<usize>,
    #[serde(flatten)]
    evaluation: Evaluation,
    evaluate_ms: f64,
}

pub(crate) fn run(arguments: &Evaluate, console: &Console) -> Result<Outcome, Failure> {
    let options = &arguments.options;
    if arguments.data == Path::new(STANDARD_INPUT) && options.calibrate.as_deref() == Some(Path::new(STANDARD_INPUT)) {
        return Err(Failure::StandardInputTwice);
    }
    match program::read_program_or_model(&arguments.program)? {
        ProgramOrModel::Program(program) => of_program(arguments, &program, console),
        ProgramOrModel::Model(model) => of_model(arguments, &model, console),
    }
}

/// A program alone, or beside a model.
fn of_program(arguments: &Evaluate, program: &Program, console: &Console) -> Result<Outcome, Failure> {
    // An open dimension of the model that it is compared with needs its number, and what counts can be said at any time.
    let mut given = arguments.options.given();
    if let Some(option) = given.find(|option| arguments.model.is_none() || !["--dim", "--decision"].contains(option)) {
        return Err(Failure::NotCompiling { option });
    }
    let records = program::read_records(&arguments.data)?;
    let Some(path) = &arguments.model else {
        return report(arguments, &Subject::program(program), program, None, &records, console, |error| error);
    };
    let cannot = |source: Error| Failure::Compile { path: path.clone(), source };
    let bytes = program::read_model(path)?;
    let import = program::import_options(&arguments.options);
    let model = onnx::import(&bytes, &import).map_err(|source| cannot(source.into()))?;
    let decisions = program::decisions(&arguments.options)?;
    let subject = Subject::beside(program, model.graph()).and_then(|subject| subject.deciding(&decisions));
    let subject = subject.map_err(cannot)?;
    report(arguments, &subject, program, None, &records, console, |error| explain_batch(error, &bytes, &import))
}

/// A model, and what it compiles to.
fn of_model(arguments: &Evaluate, model: &[u8], console: &Console) -> Result<Outcome, Failure> {
    let path = &arguments.program;
    if arguments.model.is_some() {
        return Err(Failure::ModelBesideModel { path: path.clone() });
    }
    let mut options = program::compile_options(&arguments.options)?;
    let records = program::read_records(&arguments.data)?;
    let calibrated_on = match options.calibration.is_empty() && options.input_ranges.is_empty() {
        true => {
            options.calibration = spread(&records, CALIBRATED_ON);
            Some(options.calibration.len())
        }
        false => None,
    };
    let compile = |begins: &dyn Fn(&'static str)| compile(arguments, model, &options, calibrated_on, begins);
    let (compiled, _) = console.steps("compile", compile)?;
    if let Some(count) = calibrated_on {
        console.warn(format_args!(
            "warning: no --calibrate and no --range: compiled on {} of these records, which the program therefore fits better than others",
            format_count(count as u64)
        ));
    }
    console.warn_of_accuracy(compiled.program.report());
    let explain = |error| explain_batch(error, model, &options.import);
    report(arguments, &Subject::compiled(&compiled), &compiled.program, calibrated_on, &records, console, explain)
}

/// Tensors that do not fit are those of the records where the model is compiled on them.
fn compile(
    arguments: &Evaluate,
    model: &[u8],
    options: &CompileOptions,
    calibrated_on: Option<usize>,
    begins: &dyn Fn(&'static str),
) -> Result<Compiled, Failure> {
    let compiled = program::compile_read(&arguments.program, model, &arguments.options, options, begins);
    compiled.map_err(|failure| match failure {
        Failure::Compile { source: source @ (Error::Tensors(_) | Error::OpenBatch { .. }), .. }
            if calibrated_on.is_some() =>
        {
            program::unusable(&arguments.data, source)
        }
        other => other,
    })
}

/// At most `count` of the records, evenly spread, in their order.
fn spread(records: &[NamedTensors], count: usize) -> Vec<NamedTensors> {
    records.iter().step_by(records.len().div_ceil(count).max(1)).cloned().collect()
}

fn report(
    arguments: &Evaluate,
    subject: &Subject<'_>,
    program: &Program,
    calibrated_on: Option<usize>,
    records: &[NamedTensors],
    console: &Console,
    explain: impl Fn(Error) -> Error,
) -> Result<Outcome, Failure> {
    let run = |done: &mut dyn FnMut(usize)| evaluate(subject, records, done);
    let (evaluation, evaluate_ms) = console
        .counted("evaluate", records.len(), run)
        .map_err(|error| program::unusable(&arguments.data, explain(error)))?;
    console.result(&Report {
        program_digest: Bytes32(program.digest()),
        k: program.plan().k,
        rows: program.layout().rows(),
        calibrated_on,
        evaluation,
        evaluate_ms,
    })?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Evaluation { records, measured, out_of_range, outputs, layers } = &self.evaluation;
        let count = |count: usize| format_count(count as u64);
        write!(formatter, "{} records in {:.0} ms", count(*records), self.evaluate_ms)?;
        match out_of_range.records {
            0 => write!(formatter, ", every input in its range")?,
            outside => {
                write!(
                    formatter,
                    ": {} measured, {} with an input out of its range, which no proof could take",
                    count(*measured),
                    count(outside)
                )?;
                for outside in &out_of_range.first {
                    let (element, value) = (escaped(&outside.element), outside.value);
                    write!(formatter, "\n  record {}: {element} = {value}, outside {}", outside.record, outside.range)?;
                }
                let named = out_of_range.first.len();
                if outside > named {
                    write!(
                        formatter,
                        "\n  and {} more; --range 'NAME[INDEX]=LOW,HIGH' at compile widens one",
                        count(outside - named)
                    )?;
                } else {
                    write!(formatter, "\n  --range 'NAME[INDEX]=LOW,HIGH' at compile widens one")?;
                }
            }
        }
        for output in outputs {
            write_output(formatter, output, *measured)?;
        }
        if outputs.iter().all(|output| output.comparison.is_none()) && *measured > 0 {
            write!(formatter, "\nnothing to compare with: --model MODEL.onnx shows errors and flipped decisions")?;
        }
        if !layers.is_empty() {
            write!(
                formatter,
                "\n\n{:<28} {:<12} {:>8} {:>5} {:>10} {:>10} {:>9}",
                "layer", "operator", "elements", "bits", "max error", "mean", "relative"
            )?;
        }
        let weakest = layers.iter().filter(|layer| layer.added > 0.0).max_by(|a, b| a.added.total_cmp(&b.added));
        for layer in layers {
            let mark = if weakest.is_some_and(|weakest| std::ptr::eq(weakest, layer)) { "  <- loses most" } else { "" };
            write!(
                formatter,
                "\n{:<28} {:<12} {:>8} {:>5} {:>10.2e} {:>10.2e} {:>8.3}%{mark}",
                escaped(&layer.name),
                layer.operator,
                layer.elements,
                layer.bits,
                layer.max_error,
                layer.mean_error,
                100.0 * layer.relative_error,
            )?;
        }
        write!(formatter, "\nthe program {}, k = {}", self.program_digest, self.k)
    }
}

fn write_output(formatter: &mut Formatter<'_>, output: &OutputEvaluation, measured: usize) -> fmt::Result {
    write!(formatter, "\noutput {}: ", escaped(&output.name))?;
    let Some(values) = output.values else { return write!(formatter, "nothing was measured") };
    let count = |count: usize| format_count(count as u64);
    if let Some(comparison) = &output.comparison {
        let Comparison { span, max_error, worst_record, mean_error, p50, p90, p99, .. } = comparison;
        if comparison.decision != Decision::Exact {
            write!(formatter, "max error {max_error:.2e}")?;
            if *span > 0.0 {
                write!(formatter, ", {:.3} % of the span {span:.4}", 100.0 * max_error / span)?;
            }
            write!(formatter, ", in record {worst_record}; mean {mean_error:.2e}")?;
            write!(
                formatter,
                "\n  50 % of the records within {p50:.2e}, 90 % within {p90:.2e}, 99 % within {p99:.2e}\n  "
            )?;
        }
        let (flips, decisions) = (count(comparison.flips), count(comparison.decisions));
        match comparison.decision {
            Decision::None => write!(formatter, "no decision declared")?,
            Decision::Exact => write!(formatter, "{flips} of {decisions} integers differ")?,
            Decision::Argmax { .. } => write!(formatter, "{flips} of {decisions} choices flip")?,
            Decision::Threshold { at } => write!(formatter, "{flips} of {decisions} flip at the threshold {at}")?,
        }
        if !comparison.first_flips.is_empty() {
            let first: Vec<String> = comparison.first_flips.iter().map(usize::to_string).collect();
            write!(formatter, ", first in record {}", first.join(", "))?;
        }
        write!(formatter, "; ")?;
    }
    write!(formatter, "values from {} to {} in {} records", values.lo, values.hi, count(measured))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_to_compile_on_are_spread() {
        let records = |count| vec![NamedTensors::default(); count];
        for (count, most, expected) in [(0, 4, 0), (1, 4, 1), (4, 4, 4), (5, 4, 3), (9, 4, 3), (1000, 256, 250)] {
            assert_eq!(spread(&records(count), most).len(), expected, "{count}");
        }
    }
}
