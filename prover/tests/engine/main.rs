//! The engine against halo2's own prover and verifier.
//!
//! From the same generator both make the same commitments, up to the random polynomial, which halo2 draws from a
//! generator of its own; the whole proof is for halo2's verifier to judge.

mod backends;
#[path = "../differential/circuits.rs"]
mod circuits;
mod jobs;
mod recorder;
mod tables;

use apodict_prover::{
    engine::{self, Budget, HostBases, HostPrepared, Job, Synthesis, backend::HostColumn},
    transcript::{EvmTranscriptRead, EvmTranscriptWrite},
};
use halo2_proofs::{
    plonk::{Circuit, ProvingKey, create_proof, keygen_pk2, verify_proof},
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
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use circuits::{Ladder, Sealed, Square};
use recorder::Recorder;
use tables::Tables;

/// Bytes of a point in a proof.
const POINT: usize = 64;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

struct Setup {
    params: ParamsKZG<Bn256>,
    bases: HostBases,
    key: ProvingKey<G1Affine>,
    prepared: HostPrepared,
}

impl Setup {
    fn new<C: Circuit<Fr>>(k: u32, circuit: &C, compress: bool) -> Self {
        let params = ParamsKZG::setup(k, rng(k.into()));
        let key = keygen_pk2(&params, circuit, compress).expect("the circuit fits");
        let prepared = HostPrepared::new(&key, Budget::default()).expect("halo2 made the key");
        let bases = HostBases::new(&params, Budget::default()).expect("parameters in memory");
        Self { params, bases, key, prepared }
    }

    fn prove(&self, synthesis: &mut impl Synthesis, instances: &[&[Fr]]) -> Result<Vec<u8>, engine::Error> {
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        let (vk, job) = (self.key.get_vk(), Job::default());
        self.prepared.create(&self.bases, vk, synthesis, instances, rng(9), &mut transcript, &job)?;
        Ok(transcript.finalize())
    }

    fn stock<C: Circuit<Fr>>(&self, circuit: C, instances: &[&[Fr]]) -> Vec<u8> {
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.key,
            &[circuit],
            &[instances],
            rng(9),
            &mut transcript,
        )
        .expect("the witness is good");
        transcript.finalize()
    }

    fn accepts(&self, proof: &[u8], instances: &[&[Fr]]) -> bool {
        let mut transcript = EvmTranscriptRead::init(proof);
        let verified = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            self.params.verifier_params(),
            self.key.get_vk(),
            SingleStrategy::new(&self.params),
            &[instances],
            &mut transcript,
        );
        verified.is_ok() && transcript.finish().is_ok()
    }
}

/// Proves with both; compares the first `same` commitments, and the lengths; lets halo2 judge.
fn compare<C: Circuit<Fr> + Clone>(k: u32, circuit: &C, compress: bool, instances: &[&[Fr]], same: usize) {
    let setup = Setup::new(k, circuit, compress);
    let mut synthesis = Recorder::new(circuit, setup.key.get_vk().cs(), k, instances);
    let proof = setup.prove(&mut synthesis, instances).expect("the witness is good");
    let stock = setup.stock(circuit.clone(), instances);
    assert_eq!(proof.len(), stock.len());
    assert_eq!(proof[..same * POINT], stock[..same * POINT], "k {k}: commitments differ");
    assert!(setup.accepts(&stock, instances), "k {k}: halo2 refuses its own proof");
    assert!(setup.accepts(&proof, instances), "k {k}: halo2 refuses the engine's proof");
}

#[test]
fn phases_challenges_rotations_and_several_products() {
    // Five advice columns in two phases, three permutation products.
    for k in [4, 5, 8] {
        let circuit = Ladder { seed: 3 + u64::from(k) };
        compare(k, &circuit, false, &[&circuit.instances()], 8);
        compare(k, &circuit, true, &[&circuit.instances()], 8);
    }
}

#[test]
fn one_column_at_the_smallest_degree() {
    for k in [3, 4, 11] {
        let circuit = Square { root: 12 };
        compare(k, &circuit, false, &[&[Fr::from(144)]], 2);
    }
}

#[test]
fn no_instances_and_no_permutation() {
    for k in [4, 6] {
        compare(k, &Sealed { secret: 77 }, true, &[], 2);
    }
}

#[test]
fn several_lookups_instance_columns_and_far_rotations() {
    for k in [5, 7, 13] {
        let circuit = Tables { seed: 5 };
        let [a, b] = circuit.instances();
        // Of permuted columns the order is free: only the advice columns can be compared.
        compare(k, &circuit, false, &[&a, &b], 3);
    }
}

#[test]
fn bad_witnesses_do_not_make_good_proofs() {
    let circuit = Ladder { seed: 4 };
    let setup = Setup::new(5, &circuit, false);
    let mut instances = circuit.instances();
    instances[1] += Fr::one();
    let mut synthesis = Recorder::new(&circuit, setup.key.get_vk().cs(), 5, &[&instances]);
    let proof = setup.prove(&mut synthesis, &[&instances]).expect("a proof is written all the same");
    assert!(!setup.accepts(&proof, &[&instances]));
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let circuit = Tables { seed: 5 };
    let setup = Setup::new(5, &circuit, false);
    let [a, b] = circuit.instances();
    let mut recorder = Recorder::new(&circuit, setup.key.get_vk().cs(), 5, &[&a, &b]);
    let long = [Fr::one(); 32];

    let error = setup.prove(&mut recorder, &[&a]).expect_err("a column is missing");
    assert!(matches!(error, engine::Error::InstanceColumns { expected: 2, got: 1 }), "{error}");
    let error = setup.prove(&mut recorder, &[&a, &long]).expect_err("more than the usable rows");
    assert!(matches!(error, engine::Error::TooManyInstances { got: 32, .. }), "{error}");

    let small = HostBases::new(&ParamsKZG::setup(4, rng(1)), Budget::default()).expect("parameters in memory");
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let instances: [&[Fr]; 2] = [&a, &b];
    let (vk, job) = (setup.key.get_vk(), Job::default());
    let error = (setup.prepared)
        .create(&small, vk, &mut recorder, &instances, rng(1), &mut transcript, &job)
        .expect_err("too few powers");
    assert!(matches!(error, engine::Error::SrsSize { expected: 32, got: 16 }), "{error}");

    let mut outside = Recorder::new(&Tables { seed: 5 }, setup.key.get_vk().cs(), 5, &[&a, &b]);
    outside.tamper(0, 0, Fr::from(1 << 40));
    let error = setup.prove(&mut outside, &[&a, &b]).expect_err("no such entry");
    assert!(matches!(error, engine::Error::NotInTable { .. }), "{error}");

    struct Short;
    impl Synthesis for Short {
        fn phase(&mut self, _: engine::Phase<'_>) -> Result<Vec<HostColumn>, engine::Error> {
            Ok(Vec::new())
        }
    }
    let error = setup.prove(&mut Short, &[&a, &b]).expect_err("no columns");
    assert!(matches!(error, engine::Error::Phase { phase: 0, .. }), "{error}");
}
