//! What is counted beforehand is never more than what is built, or models that fit would be refused.

use proptest::prelude::*;

use super::{models::models, *};
use crate::{
    int::{self, Builder, Interval, Node, NodeId, Op, Output, Piecewise},
    machine::{Objective, lower::lower_within, plan, room::Room},
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
        match taken_and_counted(&graph, shape, limb_bits) {
            Ok(counts) => prop_assert!(is_falling(&counts), "{counts:?}"),
            // Some graphs need weights or sums that the machine refuses.
            Err(error) => prop_assert!(matches!(error, Error::Wraps { .. } | Error::WeightOverflow), "{error}"),
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

/// Two nodes of one kind, each of which needs the same tables, and most of the machine for them.
fn twice(ops: [Op; 2], piecewise: &[Piecewise], width: usize) -> Graph {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(0, 599)]).expect("an input");
    piecewise.iter().for_each(|function| {
        builder.table(function.clone()).expect("a well-formed function");
    });
    let outputs = ops.into_iter().enumerate().map(|(at, op)| {
        let node = builder.push("y", op, vec![x], vec![2, width], 0).expect("a well-formed node");
        Output { name: format!("y{at}"), node }
    });
    let outputs = outputs.collect();
    builder.finish(outputs).expect("a well-formed graph")
}

/// Tables that hold the same share their rows, so they must not be counted as if each had its own.
#[test]
fn tables_that_hold_the_same_take_their_rows_once() {
    let rows: Vec<Vec<i64>> = (0..600).map(|at| vec![at]).collect();
    let gathers = twice([0, 1].map(|_| Op::Gather { rows: rows.clone() }), &[], 1);
    // Of 62 columns of 8 bits, 31 fill a pack: both packs hold the same.
    let rows: Vec<Vec<i64>> = (0..600).map(|at| vec![at % 256; 62]).collect();
    let packs = twice([0, 1].map(|_| Op::Gather { rows: rows.clone() }), &[], 62);
    let functions = [0, 1].map(|out_shift| {
        let base = (0..900).map(|at| at * 7).collect();
        Piecewise { name: "f".into(), lo: 0, segment_bits: 0, base, slope: vec![0; 900], out_shift }
    });
    let functions = twice([0, 1].map(|table| Op::Piecewise { table }), &functions, 1);
    for (graph, k) in [(gathers, 10), (packs, 10), (functions, 11)] {
        let (found, layout) = plan(&graph, Objective::Latency).expect("it fits");
        assert_eq!(found.k, k);
        assert!(2 * layout.table_rows() > 1 << k, "{} rows of tables", layout.table_rows());
        found.lay_out(&graph).expect("as it was planned");
    }
}

/// A sum over many tokens takes more bits than one of them, so that fewer columns share a pack: a graph that says so in a few
/// bytes is refused before each column of each token is looked at.
#[test]
fn a_long_bag_is_counted_in_the_packs_that_its_sums_need() {
    let (width, times) = (248, 1 << 19);
    let rows = vec![vec![0; width], vec![1; width]];
    let op = Op::EmbeddingSum { rows, groups: vec![[0, 1].repeat(times)] };
    let node = |op, inputs, len| Node {
        name: String::new(),
        op,
        inputs,
        shape: vec![len],
        frac_bits: 0,
        element_bits: Vec::new(),
        ranges: vec![Interval::new(0, 1)],
    };
    let nodes = vec![node(Op::Input { name: "x".into() }, vec![], 2), node(op, vec![NodeId(0)], width)];
    let graph = Graph { nodes, piecewise: Vec::new(), outputs: vec![Output { name: "y".into(), node: NodeId(1) }] };
    // 21 bits a digit, 11 digits a pack, 23 packs of 2^18 rows each.
    assert_eq!(Room::LARGEST.check_graph(&graph), Err(Error::TooLarge { k: 23, max: 20 }));
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
