//! Public inputs leave one witness, the honest one; inputs out of range leave none.
//!
//! A forgery shows that one lie is refused. Here the [solver](super::solver) derives every wire from the constraints
//! and the inputs alone: no lie is left to try. What it cannot decide counts as a failure. Of random graphs a few may take a
//! search too long, which is not tried to its end: the day's graphs must not hold up whoever runs the tests.

use std::{cell::Cell, time::SystemTime};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

use super::{
    models::{model, models},
    solver::{Solver, Witnesses},
    *,
};
use crate::{
    int::{self, Builder, Interval, NodeId, Output},
    machine::{Wire, equation::Unit, field::Weight, fr_from_i128, wire::Def},
};

/// Range of the operand that may divide.
const SMALL: Interval = Interval { lo: 1, hi: 30 };

fn to_field(inputs: &[Vec<i64>]) -> Vec<Fr> {
    inputs.iter().flatten().map(|value| fr_from_i128((*value).into())).collect()
}

/// Whether a solver came to an answer within its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Search {
    Done,
    GivenUp,
}

/// The constraints leave the witness of the executor's run, and no other, unless the search is given up.
fn assert_at_most_one_witness(
    solver: &mut Solver<'_>,
    layout: &Layout,
    graph: &Graph,
    inputs: &[Vec<i64>],
    what: &str,
) -> Search {
    let trace = execute(graph, inputs).expect("the inputs are in range");
    let honest = layout.values(&trace).expect("the trace is one of this graph");
    match solver.solve(&to_field(inputs)) {
        Witnesses::One(found) => {
            for (wire, value) in found {
                assert_eq!(value, honest.field(wire), "{what}: {wire:?} is not what the executor computed");
            }
            Search::Done
        }
        Witnesses::GivenUp => Search::GivenUp,
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
                let mut solver = Solver::new(&layout);
                for inputs in &model.inputs {
                    let what = format!("{} {shape}, limbs of {limb_bits} bits, {inputs:?}", model.name);
                    let search = assert_at_most_one_witness(&mut solver, &layout, &model.graph, inputs, &what);
                    assert_eq!(search, Search::Done, "{what}");
                }
                assert_ranges_hold(&layout, &model.graph, &model.inputs[0], model.name);
            }
        }
    }
}

// The solver itself: where a gadget leaves a second witness, it must not call the first one the only one.

/// The running states of a layout, and the bits that are looked up with them.
fn places(layout: &Layout) -> Vec<Wire> {
    let states = |wire: &Wire| matches!(layout.defs[wire.0 as usize], Def::Place { .. });
    let units = layout.units.iter().filter(|unit| unit.table.is_some() && unit.lanes[0].as_ref().is_some_and(states));
    units.flat_map(|unit| unit.lanes).flatten().collect()
}

/// The equations that read a running state or multiply by its bit, by their rows.
fn equations_of_places(layout: &Layout) -> Vec<std::ops::Range<usize>> {
    let places = places(layout);
    let width = layout.shape.units();
    let of_place = |unit: &Unit| {
        let reads = unit.lanes.into_iter().flatten().any(|wire| places.contains(&wire));
        reads && (unit.table.is_some() || !unit.product.is_zero())
    };
    let rows = layout.zero_rows.windows(2).map(|rows| rows[0]..rows[1]);
    rows.filter(|rows| layout.units[rows.start * width..rows.end * width].iter().any(of_place)).collect()
}

/// As `layout`, without the equation in those rows.
fn without(layout: &Layout, rows: std::ops::Range<usize>) -> Layout {
    let mut changed = layout.clone();
    let width = changed.shape.units();
    changed.units.drain(rows.start * width..rows.end * width);
    changed.zero_rows.retain(|row| *row != rows.start);
    changed.zero_rows.iter_mut().filter(|row| **row > rows.start).for_each(|row| *row -= rows.len());
    changed
}

#[test]
fn a_maximum_without_one_of_its_equations_is_not_shown_to_have_one_witness() {
    for name in ["max", "argmax"] {
        let model = model(name);
        let layout = lay_out(&model.graph, Shape::Lean, 5).expect("the graph fits the machine");
        let equations = equations_of_places(&layout);
        // A sum and an equation for each value, of three values, or of four and two.
        assert_eq!(equations.len(), if name == "max" { 4 } else { 8 });
        for rows in equations {
            let changed = without(&layout, rows.clone());
            let found = Solver::new(&changed).solve(&to_field(&model.inputs[0]));
            // Some leave a wire without any bound, or more choices than are tried: no answer is as good as two witnesses.
            assert!(!matches!(found, Witnesses::None | Witnesses::One(_)), "{name} without rows {rows:?}: {found:?}");
        }
    }
}

/// If a position did not say what the next one is, several bits could be set.
#[test]
fn a_maximum_without_links_between_positions_has_several_witnesses() {
    let model = model("max");
    let mut layout = lay_out(&model.graph, Shape::Lean, 5).expect("the graph fits the machine");
    let places = places(&layout);
    for unit in layout.units.iter_mut().filter(|unit| unit.product.is_zero()) {
        for (wire, weight) in unit.lanes.iter().zip(&mut unit.weights) {
            if wire.is_some_and(|wire| places.contains(&wire)) {
                *weight = Weight::ZERO;
            }
        }
    }
    let found = Solver::new(&layout).solve(&to_field(&model.inputs[0]));
    assert!(matches!(found, Witnesses::Several), "{found:?}");
}

/// Graphs of each seed.
const CASES: u32 = 60;

/// States that the searches of one graph may look at. Most take a handful; each costs about a millisecond.
const GRAPH_STATES: usize = 400;

/// States that the searches of all graphs of a seed may look at: whatever the seed, a few seconds.
const SEED_STATES: usize = 3_000;

/// Graphs of a seed that may be given up: one in twenty.
const MAX_GIVEN_UP: u32 = CASES / 20;

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

/// What the graphs of a seed took so far.
#[derive(Default)]
struct Effort {
    states: Cell<usize>,
    given_up: Cell<u32>,
}

/// Operators in any order, each node an output or not.
fn assert_random_graph_has_one_witness(draw: &Draw, effort: &Effort) -> Result<(), TestCaseError> {
    let ranges: Vec<Interval> = draw.ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
    let mut builder = Builder::new();
    builder.input("x", vec![3], 0, ranges.clone()).expect("a well-formed input");
    builder.input("small", vec![1], 0, vec![SMALL]).expect("a well-formed input");
    draw.genes.iter().for_each(|gene| int::tests::random::grow(&mut builder, gene));
    let nodes = builder.graph().nodes.len() as u32;
    let shown = (nodes / 2..nodes).map(|node| Output { name: format!("y{node}"), node: NodeId(node) });
    let graph = builder.finish(shown.collect()).expect("a well-formed graph");

    let layout = match lay_out(&graph, draw.shape, draw.limb_bits) {
        Ok(layout) => layout,
        // Some graphs need weights or sums that the machine refuses.
        Err(error @ (Error::Wraps { .. } | Error::WeightOverflow)) => {
            return Err(TestCaseError::reject(error.to_string()));
        }
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let at = |range: &Interval, t: f64| range.lo + ((range.hi - range.lo) as f64 * t).round() as i64;
    let x = ranges.iter().zip(&draw.positions).map(|(range, t)| at(range, *t)).collect();
    let inputs = [x, vec![at(&SMALL, draw.positions[3])]];
    let left = SEED_STATES.saturating_sub(effort.states.get());
    let mut solver = Solver::new(&layout).with_max_states(left.min(GRAPH_STATES));
    if assert_at_most_one_witness(&mut solver, &layout, &graph, &inputs, "random graph") == Search::GivenUp {
        effort.given_up.set(effort.given_up.get() + 1);
    }
    effort.states.set(effort.states.get() + solver.states());
    assert_ranges_hold(&layout, &graph, &inputs, "random graph");
    Ok(())
}

fn assert_random_graphs_have_one_witness(seed: u64) {
    let config = ProptestConfig {
        cases: CASES,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let effort = Effort::default();
    let found = TestRunner::new(config).run(&draws(), |draw| assert_random_graph_has_one_witness(&draw, &effort));
    let again = format!("to see it again: {REPLAY}={seed} cargo test --release -p apodict-circuits uniqueness");
    if let Err(error) = found {
        panic!("{error}\n{again}");
    }
    let (states, given_up) = (effort.states.get(), effort.given_up.get());
    println!("seed {seed}: {states} states, {given_up} of {CASES} graphs given up");
    assert!(given_up <= MAX_GIVEN_UP, "{given_up} of {CASES} graphs take a search too long\n{again}");
}

#[test]
fn random_graphs_of_fixed_seeds_have_one_witness() {
    SEEDS.into_iter().for_each(assert_random_graphs_have_one_witness);
}

#[test]
fn random_graphs_of_the_day_have_one_witness() {
    let replayed = std::env::var(REPLAY).ok();
    let seed = replayed.map(|seed| seed.parse().unwrap_or_else(|_| panic!("{REPLAY} is `{seed}`: give a number")));
    assert_random_graphs_have_one_witness(seed.unwrap_or_else(seed_of_the_day));
}
