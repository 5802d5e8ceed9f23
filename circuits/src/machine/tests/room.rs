//! What is counted beforehand is never more than what is built, or models that fit would be refused.

use proptest::prelude::*;

use super::{models::models, *};
use crate::{
    int::{self, Builder, Interval, NodeId, Op, Output},
    machine::{lower::lower_within, room::Room},
    quantize::cost,
};

fn room(shape: Shape) -> Room {
    Room { width: shape.units(), ..Room::LARGEST }
}

/// Rows that the equations of `graph` take, and rows that are counted: by its ranges, and without them.
fn taken_and_counted(graph: &Graph, shape: Shape, limb_bits: u32) -> Result<[usize; 3], Error> {
    let (taken, _) = Layout::size(&lower(graph, limb_bits)?, shape);
    let by_ranges = graph.nodes.iter().map(|node| room(shape).rows_by_ranges(graph, node, limb_bits)).sum();
    let least = graph.nodes.iter().map(|node| room(shape).least_rows(node)).sum();
    Ok([taken, by_ranges, least])
}

fn is_falling(counts: &[usize; 3]) -> bool {
    counts.is_sorted_by(|more, less| more >= less)
}

#[test]
fn no_operator_takes_less_than_is_counted() {
    for model in models() {
        for shape in Shape::ALL {
            for limb_bits in [4, 5, 9, 14] {
                let counts = taken_and_counted(&model.graph, shape, limb_bits).expect("it fits");
                let what = format!("{} {shape}, limbs of {limb_bits} bits: {counts:?}", model.name);
                assert!(is_falling(&counts), "{what}");
                // Nor is it nothing: all but sums, and shifts without a rectifier, is counted.
                assert!(8 * counts[1] >= counts[0], "{what}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_graph_takes_less_than_is_counted(
        genes in int::tests::random::genes(),
        ranges in prop::collection::vec((-3000i64..3000, 0i64..3000), 3),
        limb_bits in 4u32..=14,
        shape in prop::sample::select(Shape::ALL.to_vec()),
    ) {
        let ranges: Vec<Interval> = ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
        let mut builder = Builder::new();
        builder.input("x", vec![3], 0, ranges).expect("a well-formed input");
        builder.input("small", vec![1], 0, vec![Interval::new(1, 30)]).expect("a well-formed input");
        genes.iter().for_each(|gene| int::tests::random::grow(&mut builder, gene));
        let last = NodeId(builder.graph().nodes.len() as u32 - 1);
        let graph = builder.finish(vec![Output { name: "y".into(), node: last }]).expect("a well-formed graph");
        // Some graphs need weights or sums that the machine refuses.
        if let Ok(counts) = taken_and_counted(&graph, shape, limb_bits) {
            prop_assert!(is_falling(&counts), "{counts:?}");
        }
    }
}

#[test]
fn lowering_stops_where_there_is_no_more_room() {
    for model in models() {
        let equations = lower(&model.graph, 5).expect("it fits");
        for shape in Shape::ALL {
            let (rows, k) = Layout::size(&equations, shape);
            let public = equations.public.len() + crate::machine::CONTEXT_INSTANCES;
            let needed = rows.max(equations.tables.rows()).max(public);
            let within = |rows| lower_within(&model.graph, 5, Room { rows, k: 9, ..room(shape) });
            within(needed).expect("just enough");
            let error = within(needed - 1).expect_err("one too few");
            assert!(matches!(error, Error::TooLarge { k: least, max: 9 } if least <= k), "{}: {error}", model.name);
        }
    }
}

#[test]
fn a_maximum_takes_what_its_page_says() {
    for len in [2u32, 3, 4, 7, 50] {
        let mut builder = Builder::new();
        let x = builder.input("x", vec![len as usize], 0, vec![Interval::new(-128, 127)]).expect("an input");
        let groups = vec![(0..len).collect()];
        let y = builder.push("y", Op::Max { groups }, vec![x], vec![1], 0).expect("a well-formed node");
        let graph = builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph");
        for (limb_bits, limbs) in [(4, 2), (8, 1)] {
            let equations = lower(&graph, limb_bits).expect("it fits");
            let units = len as usize * (4 + limbs);
            assert_eq!(equations.units[1], units, "{len} values, limbs of {limb_bits} bits");
            assert_eq!(
                cost::per_node(&graph, limb_bits)[1],
                units as f64,
                "what a search for a precision takes it for"
            );
        }
    }
}
