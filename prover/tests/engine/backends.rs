//! Whole proofs from the same generator are the same on every backend.

use apodict_circuits::{
    int::Executor,
    machine::{Machine, Objective, plan},
    synthetic,
};
#[cfg(target_arch = "x86_64")]
use apodict_prover::engine::backend::Avx512;
use apodict_prover::{
    engine::{
        Bases, Budget, Job, MachineSynthesis, Prepared, Statement, Synthesis,
        backend::{Backend, Naive, Portable},
        create,
    },
    transcript::EvmTranscriptWrite,
};
use halo2_proofs::{
    plonk::{Circuit, ProvingKey, keygen_pk2},
    poly::kzg::commitment::ParamsKZG,
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};

use crate::{
    circuits::{Ladder, Sealed, Square},
    recorder::Recorder,
    rng,
    tables::Tables,
};

fn proof<B: Backend + Copy>(
    backend: B,
    budget: Budget,
    (params, key): (&ParamsKZG<Bn256>, &ProvingKey<G1Affine>),
    mut synthesis: impl Synthesis,
    instances: &[&[Fr]],
) -> (Vec<u8>, u64) {
    let bases = Bases::of_params(backend, params, budget).expect("parameters in memory");
    let prepared = Prepared::of_key(backend, key, budget).expect("halo2 made the key");
    let mut transcript = EvmTranscriptWrite::init(Vec::new());
    let mut statements = [Statement { synthesis: &mut synthesis, instances }];
    let job = Job::default();
    let times = create(&bases, &prepared, &mut statements, rng(7), &mut transcript, &job).expect("a good witness");
    assert_eq!(times.multiplications(), job.multiplications());
    (transcript.finalize(), job.multiplications())
}

/// All backends, with all caches and with none.
fn same<S: Synthesis>(
    of_key: (&ParamsKZG<Bn256>, &ProvingKey<G1Affine>),
    synthesis: impl Fn() -> S,
    instances: &[&[Fr]],
) {
    let full = Budget { multiple_bytes: 64 << 20, coset_bytes: 64 << 20, work_bytes: 64 << 20 };
    let none = Budget { multiple_bytes: 0, coset_bytes: 0, work_bytes: 0 };
    let (expected, _) = proof(Naive, none, of_key, synthesis(), instances);
    // Between them: a coset at a time, parts of cosets with what is kept, some of it and nothing.
    let some = [(0, 1 << 15), (64 << 20, 0), (1 << 15, 1 << 14), (0, 1 << 14)];
    let some = some.map(|(coset_bytes, work_bytes)| Budget { multiple_bytes: 0, coset_bytes, work_bytes });
    for budget in [full, none].into_iter().chain(some) {
        let (bytes, multiplications) = proof(Portable, budget, of_key, synthesis(), instances);
        assert!(bytes == expected, "portable, {budget:?}");
        assert!(multiplications > 0);
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            let (bytes, same) = proof(backend, budget, of_key, synthesis(), instances);
            assert!(bytes == expected, "avx512, {budget:?}");
            // They are the algorithms', not a processor's; where memory is short, backends may go different ways.
            assert!(budget != full || same == multiplications, "{same}, {multiplications}");
        }
    }
}

fn same_of_circuit<C: Circuit<Fr>>(k: u32, circuit: &C, instances: &[&[Fr]]) {
    let params = ParamsKZG::setup(k, rng(k.into()));
    let key = keygen_pk2(&params, circuit, false).expect("the circuit fits");
    let recorder = || Recorder::new(circuit, key.get_vk().cs(), k, instances);
    same((&params, &key), recorder, instances);
}

#[test]
fn circuits_of_every_kind() {
    let ladder = Ladder { seed: 6 };
    same_of_circuit(5, &ladder, &[&ladder.instances()]);
    same_of_circuit(6, &ladder, &[&ladder.instances()]);
    same_of_circuit(3, &Square { root: 5 }, &[&[Fr::from(25)]]);
    same_of_circuit(4, &Sealed { secret: 9 }, &[]);
    let tables = Tables { seed: 2 };
    let [a, b] = tables.instances();
    same_of_circuit(6, &tables, &[&a, &b]);
}

#[test]
fn the_machine() {
    for objective in [Objective::Gas, Objective::Latency] {
        let graph = synthetic::dense(&[6, 6]).expect("a graph");
        let (plan, layout) = plan(&graph, objective).expect("it fits");
        let inputs = synthetic::inputs(6);
        let trace = Executor::new(&graph).expect("a graph").run(&inputs).expect("inputs in range");
        let witness = layout.witness(layout.values(&trace).expect("a trace")).expect("a witness");
        let public: Vec<Fr> = [Fr::from(5), Fr::from(6)].into_iter().chain(witness.public.iter().copied()).collect();
        let params = ParamsKZG::setup(plan.k, rng(1));
        let key = keygen_pk2(&params, &Machine::new(&layout), false).expect("it fits");
        let synthesis = || MachineSynthesis { layout: &layout, witness: witness.clone() };
        same((&params, &key), synthesis, &[&public]);
    }
}
