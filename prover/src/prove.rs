//! From inputs to a proof.

use std::time::{Duration, Instant};

use apodict_circuits::{Program, int::Trace};
use halo2_proofs::transcript::TranscriptWriterBuffer;
use halo2curves::bn256::Fr;
use rand_core::OsRng;
use tracing::info_span;

use crate::{
    Context, Error, ProvingKey, Srs,
    engine::{EngineTimes, Job, MachineSynthesis, Statement, Step},
    export,
    transcript::{EvmTranscriptWrite, scalar_to_be_bytes},
};

/// A decision with its proof.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Public values as 32-byte big-endian numbers: context, inputs, outputs.
    pub instances: Vec<[u8; 32]>,
    /// The run that was proved.
    pub trace: Trace,
    /// How long each stage took.
    pub times: Times,
    /// The engine's part of it, with the multiplications of each stage.
    pub stages: EngineTimes,
}

/// How long the stages of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Executor and witness columns.
    pub witness: Duration,
    /// Commitments before the quotient.
    pub commit: Duration,
    /// The quotient.
    pub quotient: Duration,
    /// Evaluations and opening.
    pub open: Duration,
    /// From inputs to the finished proof.
    pub total: Duration,
    /// Verification of the proof just made, not part of `total`.
    pub self_check: Duration,
}

/// Proves the decision of `program` on `inputs`, one flat tensor of integers per input of the graph, for `context`.
/// `job` hears how far it is, and may stop it. The proof is verified before it is returned: a falsified output cannot leave.
///
/// # Errors
/// A key or a string that was not made for the program; inputs out of range; halo2's own.
pub fn prove(
    srs: &Srs,
    key: &ProvingKey,
    program: &Program,
    inputs: &[Vec<i64>],
    context: Context,
    job: &Job<'_>,
) -> Result<Proof, Error> {
    key.check_made_for(program, srs)?;
    let cut;
    let srs = if srs.k() == program.plan().k {
        srs
    } else {
        cut = srs.cut_to(program.plan().k)?;
        &cut
    };
    let start = Instant::now();
    let span = info_span!("witness").entered();
    let trace = program.run(inputs)?;
    job.check()?;
    let layout = program.layout();
    let witness = layout.witness(layout.values(&trace)?)?;
    let public: Vec<Fr> = context.instances().into_iter().chain(witness.public.iter().copied()).collect();
    let witnessed = start.elapsed();
    drop(span);
    job.done(Step::Witness, 0.0)?;

    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let mut synthesis = MachineSynthesis { layout, witness };
    let mut statements = [Statement { synthesis: &mut synthesis, instances: &[&public] }];
    let stages = key.prepared.create(srs.bases(), &mut statements, OsRng, &mut transcript, job)?;
    let bytes = transcript.finalize();
    let total = start.elapsed();

    let checking = Instant::now();
    let scalars: Vec<_> = public.iter().map(export::scalar).collect();
    key.verifier.verify(&scalars, &bytes)?;
    let times = Times {
        witness: witnessed,
        commit: stages.commit.time,
        quotient: stages.quotient.time,
        open: stages.open.time,
        total,
        self_check: checking.elapsed(),
    };
    let instances = public.iter().map(scalar_to_be_bytes).collect();
    Ok(Proof { bytes, instances, trace, times, stages })
}
