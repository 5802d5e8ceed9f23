//! halo2-axiom's own prover on the same keys and witnesses, to be measured against.

use std::time::{Duration, Instant};

use apodict_circuits::{Program, machine::Machine};
use halo2_proofs::{
    plonk::create_proof,
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr};
use rand_core::OsRng;

use crate::{Context, Error, ProvingKey, Srs, export, transcript::EvmTranscriptWrite};

/// Proves a decision as [`prove`](crate::prove) does, with halo2-axiom's `create_proof` in place of the engine. Gives the
/// proof and how long it took, from inputs to the finished proof; the proof was verified after that.
///
/// # Errors
/// As there.
pub fn prove_with_stock(
    srs: &Srs,
    key: &ProvingKey,
    program: &Program,
    inputs: &[Vec<i64>],
    context: Context,
) -> Result<(Vec<u8>, Duration), Error> {
    key.check_made_for(program, srs)?;
    let srs = srs.cut_to(program.plan().k)?;
    let start = Instant::now();
    let trace = program.run(inputs)?;
    let layout = program.layout();
    let witness = layout.witness(layout.values(&trace)?)?;
    let public: Vec<Fr> = context.instances().into_iter().chain(witness.public.iter().copied()).collect();
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        &srs.params,
        &key.halo2,
        &[Machine::with_witness(layout, &witness)],
        &[&[&public]],
        OsRng,
        &mut transcript,
    )?;
    let proof = transcript.finalize();
    let elapsed = start.elapsed();
    let scalars: Vec<_> = public.iter().map(export::scalar).collect();
    key.verifier.verify(&scalars, &proof)?;
    Ok((proof, elapsed))
}
