//! A genuine proof with both keys, and what each verifier says.

use apodict_prover::{
    export,
    transcript::{EvmTranscriptRead, EvmTranscriptWrite, scalar_to_be_bytes},
};
use apodict_verifier::{Error, SrsPolicy, Verifier, VerifyingKey};
use halo2_proofs::{
    plonk::{self, Circuit, create_proof, keygen_pk, keygen_vk_custom, verify_proof},
    poly::{
        commitment::Params,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::{ProverSHPLONK, VerifierSHPLONK},
            strategy::SingleStrategy,
        },
    },
    transcript::{TranscriptReadBuffer, TranscriptWriterBuffer},
};
use halo2curves::{
    bn256::{Bn256, Fr, G1Affine},
    ff::PrimeField,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// How key generation treats selectors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selectors {
    /// A fixed column each, as for a machine: the gates do not depend on the model.
    Direct,
    /// halo2's packing.
    Compressed,
}

pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) params: ParamsKZG<Bn256>,
    pub(crate) vk: plonk::VerifyingKey<G1Affine>,
    pub(crate) key: VerifyingKey,
    pub(crate) verifier: Verifier,
    pub(crate) instances: Vec<[u8; 32]>,
    pub(crate) proof: Vec<u8>,
}

/// A structured reference string whose secret is everybody's.
pub(crate) fn params(k: u32) -> ParamsKZG<Bn256> {
    ParamsKZG::setup(k, ChaCha20Rng::seed_from_u64(1))
}

impl Sample {
    /// Proves with seeded randomness, as far as halo2-axiom lets one: its random polynomial is drawn elsewhere.
    pub(crate) fn new<C: Circuit<Fr> + std::fmt::Debug>(
        params: ParamsKZG<Bn256>,
        circuit: C,
        instances: &[Fr],
        selectors: Selectors,
    ) -> Self {
        let name = format!("{circuit:?}, k = {}, {selectors:?}", params.k());
        let compress = matches!(selectors, Selectors::Compressed);
        let vk = keygen_vk_custom(&params, &circuit, compress).expect("key");
        let pk = keygen_pk(&params, vk.clone(), &circuit).expect("key");
        let column: &[&[Fr]] = if vk.cs().num_instance_columns() == 0 { &[] } else { &[instances] };
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &params,
            &pk,
            &[circuit],
            &[column],
            ChaCha20Rng::seed_from_u64(2),
            &mut transcript,
        )
        .expect("proof");
        let srs = export::srs(&params).expect("points");
        let key = export::verifying_key(&vk, srs, instances.len()).expect("supported");
        Self {
            name,
            verifier: Verifier::new(key.clone(), SrsPolicy::AllowUnsafe).expect("valid"),
            key,
            vk,
            params,
            instances: instances.iter().map(scalar_to_be_bytes).collect(),
            proof: transcript.finalize(),
        }
    }

    /// This project's verdict.
    pub(crate) fn ours(&self, instances: &[[u8; 32]], proof: &[u8]) -> Result<(), Error> {
        self.verifier.verify_words(instances, proof)
    }

    /// halo2's verdict.
    pub(crate) fn halo2(&self, instances: &[[u8; 32]], proof: &[u8]) -> bool {
        self.halo2_with(&self.vk, instances, proof)
    }

    /// halo2's verdict under another key.
    pub(crate) fn halo2_with(&self, vk: &plonk::VerifyingKey<G1Affine>, instances: &[[u8; 32]], proof: &[u8]) -> bool {
        let scalar = |word: &[u8; 32]| {
            let mut repr = *word;
            repr.reverse();
            Option::<Fr>::from(Fr::from_repr(repr))
        };
        let Some(instances) = instances.iter().map(scalar).collect::<Option<Vec<Fr>>>() else {
            return false;
        };
        let column: &[&[Fr]] = match vk.cs().num_instance_columns() {
            // halo2 has no place for values without a column: refuse them as ours does.
            0 if instances.is_empty() => &[],
            0 => return false,
            _ => &[&instances],
        };
        let mut transcript = EvmTranscriptRead::init(proof);
        let verdict = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            &self.params,
            vk,
            SingleStrategy::new(&self.params),
            &[column],
            &mut transcript,
        );
        verdict.is_ok() && transcript.finish().is_ok()
    }
}
