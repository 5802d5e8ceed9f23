//! The proof engine's seam: everything above hands it a witness and gets proof bytes, everything below is halo2's
//! `create_proof`. The project's own engine takes its place here, behind `create`.

use std::{
    io,
    time::{Duration, Instant},
};

use apodict_circuits::machine::{Layout, Machine, Witness};
use halo2_proofs::{
    plonk::{ProvingKey, create_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::{Transcript, TranscriptWrite, TranscriptWriterBuffer},
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_core::{CryptoRng, RngCore};

use crate::{
    Error,
    transcript::{EvmChallenge, EvmTranscriptWrite},
};

/// How long the parts of a proof took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineTimes {
    /// Commitments to the witness of both phases, to the permutation products and the random polynomial.
    pub commit: Duration,
    /// The quotient and its commitments.
    pub quotient: Duration,
    /// Evaluations and the opening proof.
    pub open: Duration,
}

/// Makes a proof.
///
/// # Errors
/// halo2's own, for a witness that does not fit the key.
pub(crate) fn create(
    params: &ParamsKZG<Bn256>,
    key: &ProvingKey<G1Affine>,
    layout: &Layout,
    witness: &Witness,
    instances: &[Fr],
    rng: impl RngCore + CryptoRng,
) -> Result<(Vec<u8>, EngineTimes), Error> {
    let start = Instant::now();
    let mut transcript = Clocked { inner: EvmTranscriptWrite::init(Vec::new()), squeezes: Vec::new() };
    let circuit = Machine::with_witness(layout, witness);
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        params,
        key,
        &[circuit],
        &[&[instances]],
        rng,
        &mut transcript,
    )?;
    let end = Instant::now();
    // After the machine's own challenges: theta, beta, gamma; y opens the quotient, x closes it.
    let own = key.get_vk().cs().challenge_phase().len();
    let at = |index: usize| transcript.squeezes.get(own + index).copied().unwrap_or(end);
    let (y, x) = (at(3), at(4));
    let times = EngineTimes { commit: y - start, quotient: x - y, open: end - x };
    Ok((transcript.inner.finalize(), times))
}

/// A transcript that notes when each challenge was drawn, which is how the stages of a foreign prover show.
struct Clocked {
    inner: EvmTranscriptWrite<Vec<u8>>,
    squeezes: Vec<Instant>,
}

impl Transcript<G1Affine, EvmChallenge> for Clocked {
    fn squeeze_challenge(&mut self) -> EvmChallenge {
        self.squeezes.push(Instant::now());
        self.inner.squeeze_challenge()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.inner.common_point(point)
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.inner.common_scalar(scalar)
    }
}

impl TranscriptWrite<G1Affine, EvmChallenge> for Clocked {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.inner.write_point(point)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.inner.write_scalar(scalar)
    }
}
