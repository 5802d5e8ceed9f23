//! The engine against halo2's own prover and verifier.
//!
//! From the same generator both make the same commitments, up to the random polynomial, which halo2 draws from a
//! generator of its own; the whole proof is for halo2's verifier to judge.

mod backends;
#[path = "../differential/circuits.rs"]
mod circuits;
mod jobs;
mod keys;
mod recorder;
mod tables;

use apodict_prover::{
    engine::{self, Budget, HostBases, HostPrepared, Job, Statement, Synthesis, backend::HostColumn},
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
        let prepared = HostPrepared::of_key(&key, Budget::default()).expect("halo2 made the key");
        let bases = HostBases::of_params(&params, Budget::default()).expect("parameters in memory");
        Self { params, bases, key, prepared }
    }

    fn prove(&self, synthesis: &mut dyn Synthesis, instances: &[&[Fr]]) -> Result<Vec<u8>, engine::Error> {
        self.prove_all(&mut [Statement { synthesis, instances }])
    }

    fn prove_all(&self, statements: &mut [Statement<'_>]) -> Result<Vec<u8>, engine::Error> {
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        self.prepared.create(&self.bases, statements, rng(9), &mut transcript, &Job::default())?;
        Ok(transcript.finalize())
    }

    fn stock<C: Circuit<Fr>>(&self, circuits: &[C], instances: &[&[&[Fr]]]) -> Vec<u8> {
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.key,
            circuits,
            instances,
            rng(9),
            &mut transcript,
        )
        .expect("the witness is good");
        transcript.finalize()
    }

    fn accepts(&self, proof: &[u8], instances: &[&[&[Fr]]]) -> bool {
        let mut transcript = EvmTranscriptRead::init(proof);
        let verified = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            self.params.verifier_params(),
            self.key.get_vk(),
            SingleStrategy::new(&self.params),
            instances,
            &mut transcript,
        );
        verified.is_ok() && transcript.finish().is_ok()
    }
}

/// Proves with both; compares the first `same` commitments, and the lengths; lets halo2 judge.
fn compare<C: Circuit<Fr> + Clone>(k: u32, circuit: &C, compress: bool, instances: &[&[Fr]], same: usize) {
    compare_all(k, std::slice::from_ref(circuit), compress, &[instances], same);
}

/// The same of several circuits in one proof. They are for the verifier alone to judge: halo2-axiom's prover refuses several
/// where there are phases, and elsewhere absorbs public values in another order than the verifier does.
fn compare_all<C: Circuit<Fr>>(k: u32, circuits: &[C], compress: bool, instances: &[&[&[Fr]]], same: usize) {
    let setup = Setup::new(k, &circuits[0], compress);
    let cs = setup.key.get_vk().cs();
    let mut recorders: Vec<Recorder<'_, C>> =
        circuits.iter().zip(instances).map(|(circuit, instances)| Recorder::new(circuit, cs, k, instances)).collect();
    let statements = recorders.iter_mut().zip(instances);
    let mut statements: Vec<Statement<'_>> =
        statements.map(|(recorder, instances)| Statement { synthesis: recorder, instances }).collect();
    let proof = setup.prove_all(&mut statements).expect("the witness is good");
    if circuits.len() == 1 {
        let stock = setup.stock(circuits, instances);
        assert_eq!(proof.len(), stock.len());
        assert_eq!(proof[..same * POINT], stock[..same * POINT], "k {k}: commitments differ");
        assert!(setup.accepts(&stock, instances), "k {k}: halo2 refuses its own proof");
    }
    assert!(setup.accepts(&proof, instances), "k {k}: halo2 refuses the engine's proof");
    let mut other: Vec<Vec<Vec<Fr>>> =
        instances.iter().map(|of| of.iter().map(|column| column.to_vec()).collect()).collect();
    if let Some(value) = other.last_mut().and_then(|of| of.last_mut()).and_then(|column| column.last_mut()) {
        *value += Fr::one();
        let columns: Vec<Vec<&[Fr]>> = other.iter().map(|of| of.iter().map(Vec::as_slice).collect()).collect();
        let other: Vec<&[&[Fr]]> = columns.iter().map(Vec::as_slice).collect();
        assert!(!setup.accepts(&proof, &other), "k {k}: halo2 accepts another value");
    }
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
fn several_circuits_in_one_proof() {
    let ladders = [3, 4, 5].map(|seed| Ladder { seed });
    let instances = ladders.each_ref().map(Ladder::instances);
    let instances = instances.each_ref().map(|values| [values.as_slice()]);
    let instances = instances.each_ref().map(|columns| columns.as_slice());
    compare_all(5, &ladders, false, &instances, 0);
    compare_all(6, &ladders[..2], true, &instances[..2], 0);

    let squares = [2, 3, 4].map(|root| Square { root });
    let values = [4, 9, 16].map(|square| [Fr::from(square)]);
    let instances = values.each_ref().map(|values| [values.as_slice()]);
    compare_all(4, &squares, false, &instances.each_ref().map(|columns| columns.as_slice()), 0);

    let tables = [5, 6].map(|seed| Tables { seed });
    let instances = tables.each_ref().map(Tables::instances);
    let instances = instances.each_ref().map(|[a, b]| [a.as_slice(), b.as_slice()]);
    compare_all(6, &tables, false, &instances.each_ref().map(|columns| columns.as_slice()), 0);
}

#[test]
fn bad_witnesses_do_not_make_good_proofs() {
    let circuit = Ladder { seed: 4 };
    let setup = Setup::new(5, &circuit, false);
    let mut instances = circuit.instances();
    instances[1] += Fr::one();
    let mut synthesis = Recorder::new(&circuit, setup.key.get_vk().cs(), 5, &[&instances]);
    let proof = setup.prove(&mut synthesis, &[&instances]).expect("a proof is written all the same");
    assert!(!setup.accepts(&proof, &[&[&instances]]));
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

    let small = HostBases::of_params(&ParamsKZG::setup(4, rng(1)), Budget::default()).expect("parameters in memory");
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let instances: [&[Fr]; 2] = [&a, &b];
    let mut statements = [Statement { synthesis: &mut recorder, instances: &instances }];
    let error = (setup.prepared)
        .create(&small, &mut statements, rng(1), &mut transcript, &Job::default())
        .expect_err("too few powers");
    assert!(matches!(error, engine::Error::SrsSize { expected: 32, got: 16 }), "{error}");

    let error = (setup.prepared)
        .create(&setup.bases, &mut [], rng(1), &mut transcript, &Job::default())
        .expect_err("nothing to prove");
    assert!(matches!(error, engine::Error::NoCircuit), "{error}");

    let mut outside = Recorder::new(&Tables { seed: 5 }, setup.key.get_vk().cs(), 5, &[&a, &b]);
    outside.tamper(0, 0, Fr::from(1 << 40));
    let error = setup.prove(&mut outside, &[&a, &b]).expect_err("no such entry");
    assert!(matches!(error, engine::Error::NotInTable { .. }), "{error}");

    /// A column, as often as the first phase has columns, and perhaps not so often.
    struct Gives(HostColumn, usize);
    impl Synthesis for Gives {
        fn phase(&mut self, phase: engine::Phase<'_>) -> Result<Vec<HostColumn>, engine::Error> {
            Ok(vec![self.0.clone(); phase.columns.len() - self.1])
        }
    }
    let integers = |large: Vec<(usize, Fr)>| HostColumn::Integers { small: vec![0; 4], large };
    let (one, two) = (Fr::one(), Fr::from(2));
    for (mut wrong, said) in [
        (Gives(integers(vec![]), 1), "columns of"),
        (Gives(HostColumn::Field(vec![one; 32]), 0), "32 rows in column 0"),
        (Gives(integers(vec![(2, one), (1, two)]), 0), "out of order in column 0"),
        (Gives(integers(vec![(2, one), (2, two)]), 0), "out of order in column 0"),
        (Gives(integers(vec![(4, one)]), 0), "out of order in column 0"),
    ] {
        let error = setup.prove(&mut wrong, &[&a, &b]).expect_err("no such columns");
        assert!(matches!(&error, engine::Error::Phase { phase: 0, got } if got.contains(said)), "{error}");
    }
}
