//! Keys made by the engine are halo2's.

use apodict_circuits::{
    machine::{Machine, Objective, plan},
    synthetic,
};
use apodict_prover::{
    engine::{self, Assembly, Budget, HostBases, HostPrepared, Job, Selectors, Statement},
    transcript::EvmTranscriptWrite,
};
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Fixed, ProvingKey, keygen_pk2},
    poly::{Rotation, kzg::commitment::ParamsKZG},
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};

use crate::{
    circuits::{Ladder, Sealed, Square},
    recorder::Recorder,
    rng,
    tables::Tables,
};

/// The engine's key and halo2's.
fn keys<C: Circuit<Fr>>(k: u32, circuit: &C, selectors: Selectors) -> (HostBases, Assembly, ProvingKey<G1Affine>) {
    let params = ParamsKZG::<Bn256>::setup(k, rng(k.into()));
    let compress = selectors == Selectors::Compressed;
    let halo2 = keygen_pk2(&params, circuit, compress).expect("the circuit fits");
    let assembly = Assembly::new(circuit, k, selectors).expect("the circuit fits");
    (HostBases::of_params(&params, Budget::default()).expect("parameters in memory"), assembly, halo2)
}

fn same<C: Circuit<Fr>>(k: u32, circuit: &C) {
    for selectors in [Selectors::Columns, Selectors::Compressed] {
        let (bases, assembly, halo2) = keys(k, circuit, selectors);
        let vk = bases.verifying_key(&assembly, &Job::default()).expect("as many powers as rows");
        let expected = halo2.get_vk();
        assert_eq!(vk.fixed_commitments(), expected.fixed_commitments());
        assert_eq!(vk.permutation().commitments(), expected.permutation().commitments());
        assert_eq!(vk.transcript_repr(), expected.transcript_repr());
        assert_eq!(vk.compress_selectors(), expected.compress_selectors());
        assert_eq!(format!("{:?}", vk.pinned()), format!("{:?}", expected.pinned()));
    }
}

#[test]
fn keys_are_halo2s() {
    for k in [4, 5, 8] {
        same(k, &Ladder { seed: 1 });
    }
    for k in [3, 10] {
        same(k, &Square { root: 1 });
    }
    same(4, &Sealed { secret: 1 });
    same(6, &Tables { seed: 1 });
    for objective in [Objective::Gas, Objective::Latency] {
        let graph = synthetic::dense(&[6, 6]).expect("a graph");
        let (plan, layout) = plan(&graph, objective).expect("it fits");
        same(plan.k, &Machine::new(&layout));
    }
}

#[test]
fn proofs_with_either_key_are_the_same() {
    let circuit = Tables { seed: 3 };
    let [a, b] = circuit.instances();
    let instances: [&[Fr]; 2] = [&a, &b];
    let (bases, assembly, halo2) = keys(6, &circuit, Selectors::Columns);
    let vk = bases.verifying_key(&assembly, &Job::default()).expect("as many powers as rows");
    let own = HostPrepared::new(vk, assembly, Budget::default()).expect("a good key");
    let of_halo2 = HostPrepared::of_key(&halo2, Budget::default()).expect("a good key");
    let [own, of_halo2] = [own, of_halo2].map(|prepared| {
        let mut recorder = Recorder::new(&circuit, halo2.get_vk().cs(), 6, &instances);
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        let mut statements = [Statement { synthesis: &mut recorder, instances: &instances }];
        let job = Job::default();
        prepared.create(&bases, &mut statements, rng(4), &mut transcript, &job).expect("a good witness");
        transcript.finalize()
    });
    assert!(own == of_halo2);
}

/// Breaks a rule of synthesis.
#[derive(Clone, Copy)]
enum Broken {
    /// Copies a cell of a column that takes part in no permutation.
    Copy,
    /// Assigns a fixed cell in a row that is not usable.
    Row(usize),
    /// Gives up.
    Fails,
}

impl Circuit<Fr> for Broken {
    type Config = (Column<Advice>, Column<Fixed>);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Self::Config {
        let (advice, fixed) = (meta.advice_column(), meta.fixed_column());
        meta.create_gate("zero", |cells| {
            vec![cells.query_fixed(fixed, Rotation::cur()) * cells.query_advice(advice, Rotation::cur())]
        });
        (advice, fixed)
    }

    fn synthesize(&self, (advice, fixed): Self::Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_region(
            || "broken",
            |mut region| {
                match self {
                    Self::Copy => {
                        let value = halo2_proofs::circuit::Value::known(Fr::one());
                        let cell = region.assign_advice(advice, 0, value).cell();
                        region.constrain_equal(cell, cell);
                    }
                    Self::Row(row) => {
                        region.assign_fixed(fixed, *row, Fr::one());
                    }
                    Self::Fails => return Err(Error::Synthesis),
                }
                Ok(())
            },
        )
    }
}

#[test]
fn circuits_that_do_not_fit_are_refused_in_words() {
    let refused = |circuit: Broken, k| Assembly::new(&circuit, k, Selectors::Columns).map(|_| ()).expect_err("broken");
    assert!(matches!(refused(Broken::Copy, 4), engine::Error::Circuit(_)));
    assert!(matches!(refused(Broken::Fails, 4), engine::Error::Circuit(_)));
    assert!(matches!(refused(Broken::Row(14), 4), engine::Error::TooManyRows { k: 4 }));
    assert!(matches!(refused(Broken::Row(1 << 40), 4), engine::Error::TooManyRows { k: 4 }));
    assert!(matches!(refused(Broken::Row(0), 2), engine::Error::Domain));
    assert!(matches!(refused(Broken::Row(0), 29), engine::Error::Domain));
    Assembly::new(&Broken::Row(5), 4, Selectors::Columns).expect("it fits");
    let error = Assembly::new(&Ladder { seed: 1 }, 3, Selectors::Columns).map(|_| ()).expect_err("too small");
    assert!(matches!(error, engine::Error::TooManyRows { k: 3 }), "{error}");

    let (bases, assembly, _) = keys(5, &Square { root: 1 }, Selectors::Columns);
    let error = assembly.with_commitments(Vec::new(), Vec::new()).map(|_| ()).expect_err("none");
    assert!(matches!(error, engine::Error::Commitments { got: [0, 0], .. }), "{error}");
    let larger = Assembly::new(&Square { root: 1 }, 6, Selectors::Columns).expect("it fits");
    let error = bases.verifying_key(&larger, &Job::default()).map(|_| ()).expect_err("too few powers");
    assert!(matches!(error, engine::Error::SrsSize { expected: 64, got: 32 }), "{error}");
}
