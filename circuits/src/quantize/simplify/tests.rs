//! What each rule does, and where it must not.

use super::*;
use crate::int::{Factor, Interval, Piecewise, Row, Source, Term, execute};

fn source(input: u32, element: u32) -> Source {
    Source { input, element }
}

fn sum(bias: i64, terms: &[(u32, u32, i64)]) -> Row {
    let term = |(input, element, weight): &(u32, u32, i64)| Term { source: source(*input, *element), weight: *weight };
    Row { bias, terms: terms.iter().map(term).collect() }
}

fn finish(builder: Builder, node: NodeId) -> Graph {
    builder.finish(vec![Output { name: "y".into(), node }]).unwrap()
}

fn input(builder: &mut Builder, len: usize) -> NodeId {
    builder.input("x", vec![len], 0, vec![Interval::new(-100, 100)]).unwrap()
}

/// The simplified graph, after checking that it computes the same on a few inputs.
fn simplified(graph: &Graph) -> Graph {
    let simple = simplify(graph).unwrap().graph;
    let len = graph.nodes[0].len() as i64;
    for seed in 0..5 {
        let x: Vec<i64> = (0..len).map(|element| (element * 37 + seed * 53) % 201 - 100).collect();
        let output =
            |graph: &Graph| execute(graph, std::slice::from_ref(&x)).unwrap().outputs(graph).next().unwrap().to_vec();
        assert_eq!(output(graph), output(&simple));
    }
    simple
}

#[test]
fn sums_of_sums_become_one() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 2);
    let rows = vec![sum(1, &[(0, 0, 2), (0, 1, 3)]), sum(0, &[(0, 1, 5)])];
    let inner = builder.push("inner", Op::Linear { rows }, vec![x], vec![2], 0).unwrap();
    let rows = vec![sum(7, &[(0, 0, 10), (0, 1, -6)])];
    let outer = builder.push("outer", Op::Linear { rows }, vec![inner], vec![1], 0).unwrap();
    let simple = simplified(&finish(builder, outer));
    assert_eq!(simple.nodes.len(), 2);
    assert_eq!(simple.nodes[1].op, Op::Linear { rows: vec![sum(17, &[(0, 0, 20)])] });
}

#[test]
fn a_sum_that_many_read_stays() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 4);
    let inner = Op::Linear { rows: vec![sum(0, &[(0, 0, 1), (0, 1, 1), (0, 2, 1), (0, 3, 1)])] };
    let inner = builder.push("inner", inner, vec![x], vec![1], 0).unwrap();
    let rows = (1..4).map(|w| sum(w, &[(0, 0, w)])).collect();
    let outer = builder.push("outer", Op::Linear { rows }, vec![inner], vec![3], 0).unwrap();
    assert_eq!(simplified(&finish(builder, outer)).nodes.len(), 3);
}

#[test]
fn weights_too_large_to_be_merged_stay_apart() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 1);
    let big = |node| Op::Linear { rows: vec![sum(node, &[(0, 0, 1 << 22)])] };
    let inner = builder.push("inner", big(0), vec![x], vec![1], 0).unwrap();
    let outer = builder.push("outer", big(1), vec![inner], vec![1], 0).unwrap();
    assert_eq!(simplified(&finish(builder, outer)).nodes.len(), 3);
}

#[test]
fn moved_data_is_read_where_it_comes_from() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 3);
    let reversed = Op::Rearrange { sources: vec![source(0, 2), source(0, 1), source(0, 0)] };
    let reversed = builder.push("reversed", reversed, vec![x], vec![3], 0).unwrap();
    let max = builder.push("max", Op::ArgMax { groups: vec![vec![0, 1, 2]] }, vec![reversed], vec![1], 0).unwrap();
    let simple = simplified(&finish(builder, max));
    assert_eq!(simple.nodes[1].op, Op::ArgMax { groups: vec![vec![2, 1, 0]] });
}

/// The same element twice, through a broadcast: one term with the sum of weights, or none if they cancel.
#[test]
fn broadcast_terms_are_merged() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 1);
    let copies = Op::Rearrange { sources: vec![source(0, 0); 3] };
    let copies = builder.push("copies", copies, vec![x], vec![3], 0).unwrap();
    let rows = vec![sum(0, &[(0, 0, 2), (0, 1, 3)]), sum(4, &[(0, 0, 2), (0, 2, -2)])];
    let y = builder.push("y", Op::Linear { rows }, vec![copies], vec![2], 0).unwrap();
    let simple = simplified(&finish(builder, y));
    assert_eq!(simple.nodes[1].op, Op::Linear { rows: vec![sum(0, &[(0, 0, 5)]), sum(4, &[])] });
}

/// Softmax relies on `max - x` being seen as such.
#[test]
fn a_distance_to_a_maximum_keeps_its_form_and_range() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 2);
    let scaled = Op::Linear { rows: vec![sum(3, &[(0, 0, 2)]), sum(0, &[(0, 1, 2)])] };
    let scaled = builder.push("scaled", scaled, vec![x], vec![2], 0).unwrap();
    let max = builder.push("max", Op::Max { groups: vec![vec![0, 1]] }, vec![scaled], vec![1], 0).unwrap();
    let rows = (0..2).map(|e| sum(0, &[(0, 0, 1), (1, e, -1)])).collect();
    let distance = builder.push("distance", Op::Linear { rows }, vec![max, scaled], vec![2], 0).unwrap();
    let rows = (0..2).map(|e| sum(50, &[(0, e, -1)])).collect();
    let room = builder.push("room", Op::Linear { rows }, vec![distance], vec![2], 0).unwrap();
    let simple = simplified(&finish(builder, room));
    let room = simple.nodes.last().unwrap();
    assert!(room.ranges.iter().all(|range| range.hi == 50), "{:?}", room.ranges);
}

#[test]
fn a_shift_moves_into_a_table_that_only_it_reads() {
    let table =
        Piecewise { name: "t".into(), lo: -128, segment_bits: 7, base: vec![0, 640], slope: vec![5, -3], out_shift: 0 };
    let build = |read_twice: bool| {
        let mut builder = Builder::new();
        let x = input(&mut builder, 2);
        let table = builder.table(table.clone()).unwrap();
        let y = builder.push("y", Op::Piecewise { table }, vec![x], vec![2], 4).unwrap();
        let shifted = builder.push("shifted", Op::Shift { bits: 3 }, vec![y], vec![2], 1).unwrap();
        let rows = vec![sum(0, &[(0, 0, 1), (1, 1, 1)])];
        let both = if read_twice { vec![shifted, y] } else { vec![shifted, x] };
        let last = builder.push("last", Op::Linear { rows }, both, vec![1], 1).unwrap();
        simplified(&finish(builder, last))
    };
    let merged = build(false);
    assert!(!merged.nodes.iter().any(|node| matches!(node.op, Op::Shift { .. })));
    assert_eq!(merged.piecewise.iter().map(|table| table.out_shift).collect::<Vec<_>>(), [3]);
    assert!(build(true).nodes.iter().any(|node| matches!(node.op, Op::Shift { .. })));
}

#[test]
fn unlike_sums_of_rows_are_no_bag() {
    let build = |rows: Vec<Row>| {
        let mut builder = Builder::new();
        let x = builder.input("x", vec![2], 0, vec![Interval::new(0, 1)]).unwrap();
        let table = vec![vec![1, 2], vec![3, 4]];
        let gather = builder.push("gather", Op::Gather { rows: table }, vec![x], vec![2, 2], 0).unwrap();
        let y = builder.push("y", Op::Linear { rows }, vec![gather], vec![2], 0).unwrap();
        let simple = simplify(&finish(builder, y)).unwrap().graph;
        simple.nodes.iter().any(|node| matches!(node.op, Op::EmbeddingSum { .. }))
    };
    assert!(build(vec![sum(0, &[(0, 0, 1), (0, 2, 1)]), sum(0, &[(0, 1, 1), (0, 3, 1)])]));
    assert!(build(vec![sum(5, &[(0, 0, 3), (0, 2, 3)]), sum(0, &[(0, 1, 3), (0, 3, 3)])]));
    // Columns crossed, tokens that differ between columns, weights that differ.
    assert!(!build(vec![sum(0, &[(0, 0, 1), (0, 3, 1)]), sum(0, &[(0, 1, 1), (0, 2, 1)])]));
    assert!(!build(vec![sum(0, &[(0, 0, 1), (0, 2, 1)]), sum(0, &[(0, 1, 1)])]));
    assert!(!build(vec![sum(0, &[(0, 0, 1), (0, 2, 2)]), sum(0, &[(0, 1, 1), (0, 3, 1)])]));
}

/// A matrix reads elements in a shape of its own: to give its operand another changes nothing.
#[test]
fn a_matrix_reads_what_was_reshaped() {
    let mut builder = Builder::new();
    let x = input(&mut builder, 4);
    let in_order = |len| (0..len).map(|element| source(0, element)).collect();
    let flat = builder.push("flat", Op::Rearrange { sources: in_order(4) }, vec![x], vec![1, 4], 0).unwrap();
    let turned = vec![source(0, 0), source(0, 2), source(0, 1), source(0, 3)];
    let turned = builder.push("turned", Op::Rearrange { sources: turned }, vec![x], vec![2, 2], 0).unwrap();
    let computed = |shape: [usize; 2]| Factor::Computed { shape: shape.to_vec() };
    let op = Op::MatMul { left: computed([2, 2]), right: computed([2, 2]) };
    let products = builder.push("products", op, vec![flat, turned], vec![2, 2], 0).unwrap();
    let simple = simplified(&finish(builder, products));
    let names: Vec<&str> = simple.nodes.iter().map(|node| node.op.name()).collect();
    assert_eq!(names, ["Input", "Rearrange", "MatMul"]);
    assert_eq!(simple.nodes[2].inputs, [NodeId(0), NodeId(1)]);
}
