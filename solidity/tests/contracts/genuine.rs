//! Genuine proofs.

use apodict_prover::{export, transcript::EvmTranscriptWrite};
use apodict_solidity::Fixture;
use apodict_verifier::{SrsOrigin, Verifier};
use halo2_proofs::{
    plonk::{Circuit, create_proof, keygen_pk, keygen_vk_custom},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// A proof with fixed randomness over a structured reference string whose secret is everybody's: the same bytes every
/// time. The verifier library accepts it, or this panics.
pub(crate) fn fixture<C: Circuit<Fr>>(k: u32, circuit: C, instances: &[Fr]) -> Fixture {
    let params = ParamsKZG::<Bn256>::setup(k, ChaCha20Rng::seed_from_u64(1));
    let vk = keygen_vk_custom(&params, &circuit, false).expect("key");
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
    let srs = export::srs(&params, SrsOrigin::Unsafe, [0x5a; 32]).expect("points");
    let key = export::verifying_key(&vk, srs, instances.len()).expect("supported");
    let instances: Vec<_> = instances.iter().map(export::scalar).collect();
    let proof = transcript.finalize();
    Verifier::new(key.clone()).expect("valid").verify(&instances, &proof).expect("genuine");
    Fixture { key, proof, instances }
}
