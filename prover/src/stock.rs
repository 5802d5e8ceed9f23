//! halo2-axiom's own prover on the same programs and inputs, to be measured against.

use std::time::{Duration, Instant};

use apodict_circuits::{Program, machine::Machine};
use apodict_verifier::{SrsPolicy, Verifier};
use halo2_proofs::{
    plonk::{self, create_proof, keygen_pk2},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_core::OsRng;

use crate::{Context, Error, Srs, export, transcript::EvmTranscriptWrite};

/// halo2-axiom's prover for a program.
#[derive(Debug)]
pub struct StockProver<'a> {
    program: &'a Program,
    params: ParamsKZG<Bn256>,
    key: plonk::ProvingKey<G1Affine>,
    verifier: Verifier,
}

impl<'a> StockProver<'a> {
    /// Makes the keys.
    ///
    /// # Errors
    /// [`Error::SrsTooSmall`]; halo2's own.
    pub fn new(program: &'a Program, srs: &Srs) -> Result<Self, Error> {
        let srs = srs.cut_to(program.plan().k)?;
        let params = srs.params();
        let key = keygen_pk2(&params, &Machine::new(program.layout()), false)?;
        let vk = export::verifying_key(key.get_vk(), srs.for_verifiers(), program.layout().num_instances())?;
        Ok(Self { program, params, key, verifier: Verifier::new(vk, SrsPolicy::AllowUnsafe)? })
    }

    /// Proves a decision as [`prove`](crate::prove) does, with `create_proof` in place of the engine. Gives the proof and how
    /// long it took, from inputs to the finished proof; the proof was verified after that.
    ///
    /// # Errors
    /// As there.
    pub fn prove(&self, inputs: &[Vec<i64>], context: Context) -> Result<(Vec<u8>, Duration), Error> {
        let start = Instant::now();
        let trace = self.program.run(inputs)?;
        let layout = self.program.layout();
        let witness = layout.witness(layout.values(&trace)?)?;
        let public: Vec<Fr> = context.instances().into_iter().chain(witness.public.iter().copied()).collect();
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.key,
            &[Machine::with_witness(layout, &witness)],
            &[&[&public]],
            OsRng,
            &mut transcript,
        )?;
        let proof = transcript.finalize();
        let elapsed = start.elapsed();
        let scalars: Vec<_> = public.iter().map(export::scalar).collect();
        self.verifier.verify(&scalars, &proof)?;
        Ok((proof, elapsed))
    }
}
