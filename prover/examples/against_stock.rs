//! Times this engine against halo2's `create_proof` on the machine's circuit, in pairs: the same program, key, witness and
//! transcript, one after the other, eleven times each.
//!
//! `cargo run --release --locked --workspace --example against_stock -- 10 12 14`

#[path = "../tests/matrix/mod.rs"]
mod matrix;

use std::time::{Duration, Instant};

use apodict_circuits::{
    int::Executor,
    machine::{Layout, Machine, Objective, Witness, plan},
};
use apodict_prover::{
    engine::{Budget, EngineTimes, HostBases, HostPrepared, Job, MachineSynthesis},
    transcript::EvmTranscriptWrite,
};
use halo2_proofs::{
    plonk::{ProvingKey, create_proof, keygen_pk2},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
    transcript::TranscriptWriterBuffer,
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_core::OsRng;

use matrix::graph;

const RUNS: usize = 11;

struct Case {
    layout: Layout,
    witness: Witness,
    public: Vec<Fr>,
    params: ParamsKZG<Bn256>,
    key: ProvingKey<G1Affine>,
}

impl Case {
    /// The largest program of this kind that takes `2^k` rows.
    fn new(k: u32) -> Option<Self> {
        let fits = |len: usize| {
            let graph = graph(len);
            let (plan, layout) = plan(&graph, Objective::Gas).ok()?;
            (plan.k == k).then_some((graph, layout))
        };
        let most = 2 << (k / 2);
        let (graph, layout) = (2..=most).rev().find_map(fits)?;
        let inputs: Vec<i64> = (0..graph.nodes[0].len() as i64).map(|at| at * 37 % 256 - 128).collect();
        let trace = Executor::new(&graph).ok()?.run(&[inputs]).ok()?;
        let witness = layout.witness(layout.values(&trace).ok()?).ok()?;
        let public = [Fr::from(5), Fr::from(6)].into_iter().chain(witness.public.iter().copied()).collect();
        let params = ParamsKZG::setup(k, OsRng);
        let key = keygen_pk2(&params, &Machine::new(&layout), false).ok()?;
        Some(Self { layout, witness, public, params, key })
    }

    fn stock(&self) -> Duration {
        let start = Instant::now();
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.key,
            &[Machine::with_witness(&self.layout, &self.witness)],
            &[&[&self.public]],
            OsRng,
            &mut transcript,
        )
        .expect("the witness is good");
        start.elapsed()
    }

    fn engine(&self, bases: &HostBases, prepared: &HostPrepared) -> (Duration, EngineTimes) {
        let start = Instant::now();
        let mut transcript = EvmTranscriptWrite::init(Vec::new());
        let mut synthesis = MachineSynthesis { layout: &self.layout, witness: &self.witness };
        let instances: [&[Fr]; 1] = [&self.public];
        let (vk, job) = (self.key.get_vk(), Job::default());
        let times = prepared
            .create(bases, vk, &mut synthesis, &instances, OsRng, &mut transcript, &job)
            .expect("the witness is good");
        (start.elapsed(), times)
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    1e3 * times[times.len() / 2].as_secs_f64()
}

fn main() {
    let sizes: Vec<u32> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    println!(
        "{:>2} {:>7} {:>11} {:>11} {:>6}  of the engine: commit, quotient, open",
        "k", "rows", "stock", "engine", "ratio"
    );
    for k in if sizes.is_empty() { vec![9, 10, 11, 12] } else { sizes } {
        let multiple_bytes = std::env::var("MULTIPLES").map_or(0, |mib| mib.parse::<usize>().unwrap_or(0) << 20);
        let budget = Budget { multiple_bytes, ..Budget::default() };
        let Some(case) = Case::new(k) else {
            println!("{k:>2} no program of this kind takes 2^{k} rows");
            continue;
        };
        let bases = HostBases::new(&case.params, budget).expect("parameters in memory");
        let prepared = HostPrepared::new(&case.key, Budget::default()).expect("halo2 made the key");
        let (mut stock, mut own, mut stages) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            stock.push(case.stock());
            let (time, stage) = case.engine(&bases, &prepared);
            own.push(time);
            stages.push(stage);
        }
        let (stock, own) = (median(stock), median(own));
        let stage = |of: fn(&EngineTimes) -> Duration| median(stages.iter().map(of).collect());
        println!(
            "{k:>2} {:>7} {stock:>8.1} ms {own:>8.1} ms {:>6.2}  {:.1}, {:.1}, {:.1} ms",
            case.layout.rows(),
            stock / own,
            stage(|t| t.commit),
            stage(|t| t.quotient),
            stage(|t| t.open)
        );
    }
}
