//! Genuine proofs.

use apodict_circuits::{
    machine::{Objective, Shape},
    synthetic,
};
use apodict_prover::{Context, ProvingKey, Srs, engine::Job, export, prove, transcript::EvmTranscriptWrite};
use apodict_solidity::Fixture;
use apodict_verifier::{SrsPolicy, Verifier, instances_from_words};
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

/// A decision of a small network that the planner gives `shape`: 16 inputs, one output.
pub(crate) fn decision(shape: Shape, objective: Objective, hidden: &[usize]) -> Fixture {
    let widths = [&[16], hidden, &[1]].concat();
    let program = synthetic::of_graph(synthetic::dense(&widths).expect("a graph"), objective).expect("it fits");
    assert_eq!(program.plan().shape, shape, "the planner's choice");
    let srs = Srs::generate_unsafe(program.plan().k).expect("k is in range");
    let key = ProvingKey::generate(&program, &srs).expect("keys");
    let inputs = synthetic::inputs(16);
    // A context as a gateway makes it: 256 bits of a hash.
    let context = Context([0xa7; 32]);
    let proof = prove(&srs, &key, &program, &inputs, context, &Job::default()).expect("a proof");
    let instances = instances_from_words(&proof.instances).expect("canonical");
    Fixture { key: key.verifying_key().clone(), proof: proof.bytes, instances }
}

/// A proof of a circuit over a structured reference string whose secret is everybody's.
pub(crate) fn circuit<C: Circuit<Fr>>(k: u32, circuit: C, instances: &[Fr]) -> Fixture {
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
    let srs = export::srs(&params).expect("points");
    let key = export::verifying_key(&vk, srs, instances.len()).expect("supported");
    let instances: Vec<_> = instances.iter().map(export::scalar).collect();
    let proof = transcript.finalize();
    Verifier::new(key.clone(), SrsPolicy::AllowUnsafe).expect("valid").verify(&instances, &proof).expect("genuine");
    Fixture { key, proof, instances }
}
