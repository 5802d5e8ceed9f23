//! Public inputs leave one witness, the honest one; inputs out of range leave none.
//!
//! A forgery shows that one lie is refused. Here the [solver](super::solver) derives every wire from the constraints
//! and the inputs alone: no lie is left to try. What it cannot decide counts as a failure.

use proptest::{prelude::*, test_runner::RngSeed};

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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(0x6d61_6368_696e_6500),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Operators in any order, each node an output or not.
    #[test]
    fn random_graphs_have_one_witness(
        genes in int::tests::random::genes(),
        ranges in prop::collection::vec((-3000i64..3000, 0i64..3000), 3),
        positions in prop::collection::vec(0f64..=1.0, 4),
        limb_bits in 4u32..9,
        shape in prop::sample::select(Shape::ALL.to_vec()),
    ) {
        let ranges: Vec<Interval> = ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
        let mut builder = Builder::new();
        builder.input("x", vec![3], 0, ranges.clone()).expect("a well-formed input");
        builder.input("small", vec![1], 0, vec![SMALL]).expect("a well-formed input");
        genes.iter().for_each(|gene| int::tests::random::grow(&mut builder, gene));
        let nodes = builder.graph().nodes.len() as u32;
        let shown = (nodes / 2..nodes).map(|node| Output { name: format!("y{node}"), node: NodeId(node) });
        let graph = builder.finish(shown.collect()).expect("a well-formed graph");

        // Some graphs need weights or sums that the machine refuses.
        let layout = lay_out(&graph, shape, limb_bits);
        prop_assume!(layout.is_ok());
        let layout = layout.expect("just checked");
        let at = |range: &Interval, t: f64| range.lo + ((range.hi - range.lo) as f64 * t).round() as i64;
        let inputs = [ranges.iter().zip(&positions).map(|(range, t)| at(range, *t)).collect(), vec![at(&SMALL, positions[3])]];
        assert_one_witness(&layout, &graph, &inputs, "random graph");
        assert_ranges_hold(&layout, &graph, &inputs, "random graph");
    }
}
