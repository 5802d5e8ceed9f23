//! Public inputs leave one witness, the honest one; inputs out of range leave none.
//!
//! A forgery shows that one lie is refused. Here the [solver](super::solver) derives every wire from the constraints
//! and the inputs alone: no lie is left to try. What it cannot decide counts as a failure.

use std::time::SystemTime;

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

use super::{
    models::models,
    solver::{Solver, Witnesses},
    *,
};
use crate::{
    int::{self, Builder, Interval, NodeId, Output},
    machine::fr_from_i128,
};

/// Range of the operand that may divide.
const SMALL: Interval = Interval { lo: 1, hi: 30 };

fn to_field(inputs: &[Vec<i64>]) -> Vec<Fr> {
    inputs.iter().flatten().map(|value| fr_from_i128((*value).into())).collect()
}

/// The constraints leave the witness of the executor's run, and no other.
fn assert_one_witness(layout: &Layout, graph: &Graph, inputs: &[Vec<i64>], what: &str) {
    let trace = execute(graph, inputs).expect("the inputs are in range");
    let honest = layout.values(&trace).expect("the trace is one of this graph");
    match Solver::new(layout).solve(&to_field(inputs)) {
        Witnesses::One(found) => {
            for (wire, value) in found {
                assert_eq!(value, honest.field(wire), "{what}: {wire:?} is not what the executor computed");
            }
        }
        other => panic!("{what}: {other:?}"),
    }
}

/// Each input in turn, one below and one above its range, leaves no witness.
fn assert_ranges_hold(layout: &Layout, graph: &Graph, inputs: &[Vec<i64>], what: &str) {
    let ranges = graph.inputs().flat_map(|(_, node)| (0..node.len()).map(|element| node.range(element)));
    let mut solver = Solver::new(layout);
    for (at, Interval { lo, hi }) in ranges.enumerate() {
        for outside in [lo - 1, hi + 1] {
            let mut forged = to_field(inputs);
            forged[at] = fr_from_i128(outside.into());
            let found = solver.solve(&forged);
            assert!(matches!(found, Witnesses::None), "{what}: input {at} = {outside}: {found:?}");
        }
    }
}

#[test]
fn every_operator_has_one_witness() {
    for model in models() {
        for shape in Shape::ALL {
            for limb_bits in [4, 5, 7] {
                let layout = lay_out(&model.graph, shape, limb_bits).expect("the graph fits the machine");
                for inputs in &model.inputs {
                    let what = format!("{} {shape}, limbs of {limb_bits} bits, {inputs:?}", model.name);
                    assert_one_witness(&layout, &model.graph, inputs, &what);
                }
                assert_ranges_hold(&layout, &model.graph, &model.inputs[0], model.name);
            }
        }
    }
}

/// Graphs of each seed.
const CASES: u32 = 60;

/// Whose graphs are always tried.
const SEEDS: [u64; 2] = [0x6d61_6368_696e_6500, 1];

/// A seed to replay, in place of today's.
const REPLAY: &str = "APODICT_TEST_SEED";

/// Days since 1970, so that every day tries other graphs, and everybody the same ones.
fn seed_of_the_day() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_secs() / (24 * 60 * 60)
}

/// A random graph, where its inputs stand in their ranges, and how it is laid out.
#[derive(Clone, Debug)]
struct Draw {
    genes: Vec<int::tests::random::Gene>,
    ranges: Vec<(i64, i64)>,
    positions: Vec<f64>,
    limb_bits: u32,
    shape: Shape,
}

fn draws() -> impl Strategy<Value = Draw> {
    let ranges = prop::collection::vec((-3000i64..3000, 0i64..3000), 3);
    let positions = prop::collection::vec(0f64..=1.0, 4);
    let shape = prop::sample::select(Shape::ALL.to_vec());
    let all = (int::tests::random::genes(), ranges, positions, 4u32..9, shape);
    all.prop_map(|(genes, ranges, positions, limb_bits, shape)| Draw { genes, ranges, positions, limb_bits, shape })
}

/// Operators in any order, each node an output or not.
fn assert_random_graph_has_one_witness(draw: &Draw) -> Result<(), TestCaseError> {
    let ranges: Vec<Interval> = draw.ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
    let mut builder = Builder::new();
    builder.input("x", vec![3], 0, ranges.clone()).expect("a well-formed input");
    builder.input("small", vec![1], 0, vec![SMALL]).expect("a well-formed input");
    draw.genes.iter().for_each(|gene| int::tests::random::grow(&mut builder, gene));
    let nodes = builder.graph().nodes.len() as u32;
    let shown = (nodes / 2..nodes).map(|node| Output { name: format!("y{node}"), node: NodeId(node) });
    let graph = builder.finish(shown.collect()).expect("a well-formed graph");

    // Some graphs need weights or sums that the machine refuses.
    let layout = lay_out(&graph, draw.shape, draw.limb_bits);
    let Ok(layout) = layout else { return Err(TestCaseError::reject("the machine refuses it")) };
    let at = |range: &Interval, t: f64| range.lo + ((range.hi - range.lo) as f64 * t).round() as i64;
    let x = ranges.iter().zip(&draw.positions).map(|(range, t)| at(range, *t)).collect();
    let inputs = [x, vec![at(&SMALL, draw.positions[3])]];
    assert_one_witness(&layout, &graph, &inputs, "random graph");
    assert_ranges_hold(&layout, &graph, &inputs, "random graph");
    Ok(())
}

fn assert_random_graphs_have_one_witness(seed: u64, cases: u32) {
    let config = ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let found = TestRunner::new(config).run(&draws(), |draw| assert_random_graph_has_one_witness(&draw));
    if let Err(error) = found {
        panic!("{error}\nto see it again: {REPLAY}={seed} cargo test --release -p apodict-circuits uniqueness");
    }
}

#[test]
fn random_graphs_of_fixed_seeds_have_one_witness() {
    SEEDS.into_iter().for_each(|seed| assert_random_graphs_have_one_witness(seed, CASES));
}

#[test]
fn random_graphs_of_the_day_have_one_witness() {
    let replayed = std::env::var(REPLAY).ok();
    let seed = replayed.map(|seed| seed.parse().unwrap_or_else(|_| panic!("{REPLAY} is `{seed}`: give a number")));
    assert_random_graphs_have_one_witness(seed.unwrap_or_else(seed_of_the_day), CASES);
}
