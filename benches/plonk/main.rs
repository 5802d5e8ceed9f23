//! Whole proofs of a standard plonk circuit with permuted lookups: the engine against halo2-axiom's `create_proof`.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]

mod circuit;

use apodict_prover::{
    engine::{Budget, HostBases, HostPrepared, Job, Statement},
    transcript::{EvmTranscriptRead, EvmTranscriptWrite},
};
use criterion::{Criterion, criterion_group, criterion_main};
use halo2_proofs::{
    plonk::{ProvingKey, create_proof, keygen_pk2, verify_proof},
    poly::{
        commitment::ParamsProver,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::{ProverSHPLONK, VerifierSHPLONK},
            strategy::SingleStrategy,
        },
    },
    transcript::{TranscriptReadBuffer, TranscriptWriterBuffer},
};
use halo2curves::bn256::{Bn256, G1Affine};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use circuit::Plonk;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(3)
}

fn stock(params: &ParamsKZG<Bn256>, key: &ProvingKey<G1Affine>, circuit: &Plonk) -> Vec<u8> {
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        params,
        key,
        &[*circuit],
        &[&[]],
        rng(),
        &mut transcript,
    )
    .expect("a good witness");
    transcript.finalize()
}

fn engine(bases: &HostBases, prepared: &HostPrepared, circuit: &mut Plonk) -> Vec<u8> {
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let mut statements = [Statement { synthesis: circuit, instances: &[] }];
    prepared.create(bases, &mut statements, rng(), &mut transcript, &Job::default()).expect("a good witness");
    transcript.finalize()
}

fn assert_valid(params: &ParamsKZG<Bn256>, key: &ProvingKey<G1Affine>, proof: &[u8]) {
    let mut transcript = EvmTranscriptRead::init(proof);
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        params.verifier_params(),
        key.get_vk(),
        SingleStrategy::new(params),
        &[&[]],
        &mut transcript,
    )
    .expect("a valid proof");
}

fn plonk(criterion: &mut Criterion) {
    for k in [12, 16] {
        let mut circuit = Plonk { k };
        let params = ParamsKZG::setup(k, rng());
        let key = keygen_pk2(&params, &circuit, false).expect("the circuit fits");
        let bases = HostBases::of_params(&params, Budget::default()).expect("parameters in memory");
        let prepared = HostPrepared::of_key(&key, Budget::default()).expect("halo2 made the key");
        assert_valid(&params, &key, &stock(&params, &key, &circuit));
        assert_valid(&params, &key, &engine(&bases, &prepared, &mut circuit));
        let mut group = criterion.benchmark_group(format!("plonk with lookups, k = {k}"));
        group.sample_size(10);
        group.bench_function("engine", |b| b.iter(|| engine(&bases, &prepared, &mut circuit)));
        group.bench_function("halo2-axiom", |b| b.iter(|| stock(&params, &key, &circuit)));
    }
}

criterion_group!(proofs, plonk);
criterion_main!(proofs);
