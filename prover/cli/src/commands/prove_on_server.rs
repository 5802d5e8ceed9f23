//! `apodict prove --server`: the proof is made elsewhere, and verified here.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_circuits::report::Accuracy;
use apodict_circuits::{Program, escaped, int};
use apodict_prover::disk::{self, PendingFile, origin_name};
use apodict_prover::public_layout;
use apodict_verifier::files::{Bytes32, Decision};
use apodict_verifier::{Layout, Statement, Verifier};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::accuracy::FiguresFrom;
use crate::arguments::{Backend, Prove, ServerArguments};
use crate::commands::model::{file_name, hand_in, log};
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};
use crate::program::{Input, ProgramOrModel, read_program_or_model};
use crate::remote::{self, Error, JobName, Kept, Model, Remote, prove_request};

/// What is printed: what `prove` prints, but for what only the server knows.
#[derive(Serialize)]
struct Report {
    program_digest: Bytes32,
    key_digest: Bytes32,
    context: Bytes32,
    shape: &'static str,
    k: u32,
    rows: usize,
    srs: &'static str,
    /// Decoded from the proof's instances, which were verified here.
    outputs: Map<String, Value>,
    #[serde(flatten)]
    accuracy: Accuracy,
    accuracy_from: FiguresFrom,
    /// As the server says.
    stages_ms: Map<String, Value>,
    /// As the server says.
    prove_ms: f64,
    proof_bytes: usize,
    proof: PathBuf,
    verifying_key: PathBuf,
    server: String,
    model: String,
    job: String,
}

/// The first option that does not apply.
fn not_on_server(arguments: &Prove) -> Option<&'static str> {
    [
        ("--srs", arguments.srs.path.is_some()),
        ("--backend", arguments.backend != Backend::Auto),
        ("--memory", arguments.memory_mib.is_some()),
    ]
    .into_iter()
    .find_map(|(option, given)| given.then_some(option))
}

pub(crate) fn run(arguments: &Prove, server: &ServerArguments, console: &Console) -> Result<Outcome, Failure> {
    if let Some(option) = not_on_server(arguments) {
        return Err(Failure::NotOnServer { option });
    }
    // A place that cannot be written is found before the work. The file is made after it: Ctrl-C leaves none.
    drop(PendingFile::create(&arguments.output)?);
    let input = Input::read(&arguments.input)?;
    let remote = Remote::open(server, console)?;
    let ((model, program), _) = console.stage("compile", || find(&remote, arguments))?;
    console.warn_of_accuracy(program.report());
    // What does not fit is told here, as it is without a server.
    let integers = input.quantize(&program)?;
    let inputs = input.named(&program)?;

    let (key, key_bytes) = remote.key(&model)?;
    arguments.srs.pin.check(key.srs.digest())?;
    let policy = arguments.srs.pin.policy();
    let origin = policy.origin(&key.srs.digest());
    let verifier = Verifier::new(key, policy)?;
    check_key(verifier.key().program_digest, &verifier.key().layout, &program)?;
    let verifying_key = key_path(arguments);
    let keeps = Kept::look(&verifying_key, &verifier)?;
    console.warn_of_origin(origin);

    let decision = remote::Decision { inputs: &inputs, context: Some(arguments.context) };
    let body = prove_request(&model.id, &[decision], BTreeMap::new());
    let job = remote.submit(&body, JobName::OfContent)?;
    let (job, _) = console.stage("prove", || remote.succeeded(remote.follow(&job.id, &mut |line| log(line))?))?;
    let [reference] = job.proofs() else {
        return Err(Error::Lied { what: format!("one proof was asked for, and {} came", job.proofs().len()) }.into());
    };
    let (file, statement, bytes) = remote.proof(&reference.id, &verifier)?;
    let fits = |source: int::Error| Failure::Input { path: arguments.input.clone(), source: source.into() };
    let trace = program.run(&integers).map_err(fits)?;
    let computed: Vec<&[i64]> = trace.outputs(program.graph()).collect();
    check_statement(&statement, &integers, arguments.context, &computed)?;

    if let Some(folder) = &arguments.keys {
        disk::make_folder(folder)?;
    }
    keeps.write(&verifying_key, &key_bytes)?;
    PendingFile::create(&arguments.output)?.commit(&bytes)?;
    let Decision { context, outputs, .. } = Decision::new(&verifier.key().layout, &statement);
    console.result(&Report {
        program_digest: Bytes32(program.digest()),
        key_digest: Bytes32(verifier.digest()),
        context,
        shape: program.plan().shape.name(),
        k: program.plan().k,
        rows: program.layout().rows(),
        srs: origin_name(origin),
        outputs,
        accuracy: Accuracy::of(program.report()),
        accuracy_from: FiguresFrom::Claimed,
        stages_ms: reference.stages_ms.clone(),
        prove_ms: reference.prove_ms,
        proof_bytes: file.proof.len(),
        proof: arguments.output.clone(),
        verifying_key,
        server: remote.server(),
        model: model.id,
        job: job.id.clone(),
    })?;
    Ok(Outcome::Done)
}

/// Whether a key can be a program's, as far as it says.
fn check_key(program_digest: [u8; 32], layout: &Layout, program: &Program) -> Result<(), Error> {
    let lied = |what: &str| Err(Error::Lied { what: what.to_owned() });
    if program_digest != program.digest() {
        return lied("the key is another program's");
    }
    if *layout != public_layout(program) {
        return lied("the key names other inputs and outputs than the program");
    }
    Ok(())
}

/// Whether a proof that holds says what was asked for. Its key is the server's: that it is of the program's circuit is its word alone, but what the
/// program computes of the inputs is known here.
fn check_statement(
    statement: &Statement,
    inputs: &[Vec<i64>],
    context: [u8; 32],
    computed: &[&[i64]],
) -> Result<(), Error> {
    let lied = |what: &str| Err(Error::Lied { what: what.to_owned() });
    let given = inputs.iter().flatten().copied().map(i128::from);
    if statement.context != context || !statement.inputs.iter().flatten().copied().eq(given) {
        return lied("the proof is of other inputs, or bound to another context");
    }
    let computed = computed.iter().copied().flatten().copied().map(i128::from);
    if !statement.outputs.iter().flatten().copied().eq(computed) {
        return lied("the proof's outputs are not what the program computes");
    }
    Ok(())
}

/// The model on the server that has the program, which is compiled there if need be.
fn find(remote: &Remote, arguments: &Prove) -> Result<(Model, Program), Failure> {
    match read_program_or_model(&arguments.model)? {
        ProgramOrModel::Program(program) => match arguments.options.given().next() {
            Some(option) => Err(Failure::NotCompiling { option }),
            None => Ok((remote.model_of(program.digest())?, *program)),
        },
        ProgramOrModel::Model(onnx) => {
            let model = hand_in(remote, &onnx, &file_name(&arguments.model), &arguments.options, None)?;
            let model = remote.ready(model, &mut |line| log(line))?;
            let (program, _) = remote.program(&model)?;
            Ok((model, program))
        }
    }
}

/// `vk.json` in the folder that is named, else beside the proof, under its name.
fn key_path(arguments: &Prove) -> PathBuf {
    match &arguments.keys {
        Some(folder) => folder.join("vk.json"),
        None => arguments.output.with_extension("vk.json"),
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.outputs {
            writeln!(formatter, "{} = {value}", escaped(name))?;
        }
        writeln!(formatter, "accuracy, as the program's file says: {}", self.accuracy.summary)?;
        let rows = format_count(self.rows as u64);
        let proof_bytes = format_count(self.proof_bytes as u64);
        writeln!(
            formatter,
            "proved by {} in {:.1} ms: {rows} rows, k = {}, {proof_bytes} bytes; verified here",
            escaped(&self.server),
            self.prove_ms,
            self.k
        )?;
        writeln!(formatter, "proof: {}", escaped(self.proof.display()))?;
        write!(
            formatter,
            "verify it with: apodict verify {} --key {}",
            escaped(self.proof.display()),
            escaped(self.verifying_key.display())
        )
    }
}

#[cfg(test)]
mod tests {
    use apodict_circuits::machine::Objective;
    use apodict_circuits::synthetic;

    use super::*;

    fn says(result: Result<(), Error>, words: &str) {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }

    #[test]
    fn a_key_must_name_the_program_and_what_is_public_of_it() {
        let program = synthetic::program(4, Objective::default()).unwrap();
        let layout = public_layout(&program);
        check_key(program.digest(), &layout, &program).unwrap();
        says(check_key([0; 32], &layout, &program), "another program's");
        // The same integers, in other units.
        let mut scaled = layout;
        scaled.outputs[0].runs[0].quantization.num *= 1000;
        says(check_key(program.digest(), &scaled, &program), "other inputs and outputs");
    }

    #[test]
    fn a_proof_must_be_of_what_was_asked_and_say_what_the_program_computes() {
        let (inputs, context) = (vec![vec![3, -4], vec![5]], [7; 32]);
        let computed: [&[i64]; 2] = [&[-1], &[2, 9]];
        let wide = |values: &[&[i64]]| values.iter().map(|of| of.iter().copied().map(i128::from).collect()).collect();
        let honest = Statement { context, inputs: wide(&[&[3, -4], &[5]]), outputs: wide(&computed) };
        let check = |statement: &Statement| check_statement(statement, &inputs, context, &computed);
        check(&honest).unwrap();
        says(check(&Statement { context: [8; 32], ..honest.clone() }), "of other inputs, or bound");
        says(check(&Statement { inputs: wide(&[&[3, -4], &[6]]), ..honest.clone() }), "of other inputs, or bound");
        for outputs in [&[&[-1][..], &[2, 10]][..], &[&[-1], &[2]], &[&[-1], &[2, 9, 0]]] {
            says(check(&Statement { outputs: wide(outputs), ..honest.clone() }), "not what the program computes");
        }
    }
}
