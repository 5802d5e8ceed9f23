//! Nodes of which one thing is wrong: each is refused for just that, before anything of it is followed.

use super::*;
use crate::int::{Error, Piecewise, limits};

const VALUES: i64 = 1 << limits::VALUE_BITS;

/// What is said of a node that reads `a`, of three elements, and `b`, of two.
#[track_caller]
fn refused(op: Op, operands: &[u32], shape: &[usize]) -> Error {
    let mut builder = Builder::new();
    builder.input("a", vec![3], 0, vec![Interval::new(0, 2)]).unwrap();
    builder.input("b", vec![2], 0, vec![Interval::new(1, 2)]).unwrap();
    let operands = operands.iter().map(|id| NodeId(*id)).collect();
    builder.push("y", op, operands, shape.to_vec(), 0).unwrap_err()
}

#[track_caller]
fn refused_for_its_length(what: &str, op: Op, operands: &[u32], len: usize) {
    match refused(op, operands, &[len]) {
        Error::Length { what: named, .. } => assert_eq!(named, what),
        other => panic!("{other}"),
    }
}

#[track_caller]
fn refused_for_its_source(op: Op, operands: &[u32], len: usize) {
    let error = refused(op, operands, &[len]);
    assert!(matches!(error, Error::NoSuchElement { .. }), "{error}");
}

#[track_caller]
fn refused_for_its_limit(what: &str, op: Op, operands: &[u32], shape: &[usize]) {
    match refused(op, operands, shape) {
        Error::Limit { what: named, .. } => assert_eq!(named, what),
        other => panic!("{other}"),
    }
}

fn element(input: u32, element: u32) -> Source {
    Source { input, element }
}

#[test]
fn lists_are_as_long_as_the_shape_says() {
    refused_for_its_length("values", Op::Constant { values: vec![0; 2] }, &[], 3);
    refused_for_its_length("sources", Op::Rearrange { sources: vec![source(0); 2] }, &[0], 3);
    refused_for_its_length("rows", Op::Linear { rows: vec![row(0, &[]); 2] }, &[0], 3);
    refused_for_its_length("rows", Op::SumOfProducts { rows: vec![vec![]; 2] }, &[0], 3);
    refused_for_its_length("groups", Op::Max { groups: vec![vec![0]; 2] }, &[0], 3);
    refused_for_its_length("groups", Op::ArgMax { groups: vec![vec![0]; 2] }, &[0], 3);
    refused_for_its_length(
        "divisor indices",
        Op::Divide { shift: 0, divisor: vec![0; 2], rounding: Rounding::HalfUp },
        &[0, 1],
        3,
    );
    let shape = "elements of the shape";
    refused_for_its_length(shape, Op::Divide { shift: 0, divisor: vec![0; 2], rounding: Rounding::HalfUp }, &[0, 1], 2);
    refused_for_its_length(shape, Op::Shift { bits: 1 }, &[0], 2);
    refused_for_its_length(shape, Op::Relu, &[0], 2);
    refused_for_its_length(shape, Op::Step, &[0], 2);
    refused_for_its_length(shape, Op::IsZero, &[0], 2);
    refused_for_its_length(shape, Op::SquareRoot { shift: 0 }, &[0], 2);
    refused_for_its_length(shape, Op::Piecewise { table: 0 }, &[0], 2);
    let rows = || vec![vec![0, 0]; 3];
    refused_for_its_length(shape, Op::Gather { rows: rows() }, &[0], 3);
    refused_for_its_length(shape, Op::EmbeddingSum { rows: rows(), groups: vec![vec![0]] }, &[0], 1);
    refused_for_its_length("values in a table row", Op::Gather { rows: vec![vec![0], vec![0, 1], vec![0]] }, &[0], 3);
    refused_for_its_length("values in a table row", Op::Gather { rows: vec![vec![0, 1], vec![0], vec![0]] }, &[0], 6);
}

#[test]
fn elements_that_are_read_exist() {
    refused_for_its_source(Op::Rearrange { sources: vec![element(1, 2)] }, &[0, 1], 1);
    let term = |input, element| Op::Linear { rows: vec![row(0, &[(0, 0, 1), (input, element, 1)])] };
    refused_for_its_source(term(0, 3), &[0, 1], 1);
    refused_for_its_source(term(2, 0), &[0, 1], 1);
    for pair in [(element(1, 2), source(0)), (source(0), element(1, 2)), (source(0), element(2, 0))] {
        refused_for_its_source(Op::SumOfProducts { rows: vec![vec![pair]] }, &[0, 1], 1);
    }
    refused_for_its_source(Op::Max { groups: vec![vec![0, 3]] }, &[0], 1);
    refused_for_its_source(Op::ArgMax { groups: vec![vec![0, 3]] }, &[0], 1);
    // The dividend has a third element, the divisor does not.
    refused_for_its_source(Op::Divide { shift: 0, divisor: vec![0, 1, 2], rounding: Rounding::HalfUp }, &[0, 1], 3);
    refused_for_its_source(Op::EmbeddingSum { rows: vec![vec![0]; 3], groups: vec![vec![0, 3]] }, &[0], 1);
    assert!(matches!(refused(Op::Piecewise { table: 0 }, &[0], &[3]), Error::NoSuchTable { available: 0, .. }));
    for operands in [vec![], vec![0, 1]] {
        for op in [Op::Relu, Op::Step, Op::IsZero, Op::SquareRoot { shift: 0 }] {
            assert!(matches!(refused(op, &operands, &[3]), Error::OperandCount { .. }));
        }
    }
}

#[test]
fn numbers_stand_within_their_limits() {
    for value in [VALUES, -VALUES, i64::MIN] {
        refused_for_its_limit("a constant", Op::Constant { values: vec![0, value] }, &[], &[2]);
        refused_for_its_limit("a bias", Op::Linear { rows: vec![row(value, &[])] }, &[0], &[1]);
        refused_for_its_limit("a table value", Op::Gather { rows: vec![vec![0], vec![0], vec![value]] }, &[0], &[3]);
    }
    for weight in [1 << limits::WEIGHT_BITS, -(1 << limits::WEIGHT_BITS)] {
        refused_for_its_limit("a weight", Op::Linear { rows: vec![row(0, &[(0, 0, weight)])] }, &[0], &[1]);
    }
    refused_for_its_limit("the number of bits shifted out", Op::Shift { bits: 41 }, &[0], &[3]);
    let quotient = Op::Divide { shift: 41, divisor: vec![0; 3], rounding: Rounding::HalfUp };
    refused_for_its_limit("the fraction bits of the quotient", quotient, &[0, 1], &[3]);
    let root = Op::SquareRoot { shift: 41 };
    refused_for_its_limit("the bits by which an argument is scaled", root, &[0], &[3]);
    refused_for_its_limit("the number of dimensions", Op::Constant { values: vec![0] }, &[], &[1; 33]);
    for shape in [&[0][..], &[1 << 32, 1 << 32], &[limits::TOTAL_ELEMENTS + 1]] {
        refused_for_its_limit("the number of elements", Op::Constant { values: vec![] }, &[], shape);
    }
    refused_for_its_limit("the number of table rows", Op::Gather { rows: vec![] }, &[0], &[3]);
    refused_for_its_limit("the length of a group", Op::Max { groups: vec![vec![]] }, &[0], &[1]);
}

#[test]
fn rows_name_each_source_once() {
    for terms in [&[(0, 0, 1), (0, 0, 2)][..], &[(0, 1, 1), (0, 0, 1), (0, 1, 2)], &[(1, 0, 1), (0, 0, 1), (1, 0, 1)]] {
        let error = refused(Op::Linear { rows: vec![row(0, terms)] }, &[0, 1], &[1]);
        assert!(matches!(error, Error::NotNormal { what: "a source occurs twice", .. }), "{error}");
    }
}

#[test]
fn ranges_of_inputs_stand_within_their_limits() {
    let ranges = [(VALUES, VALUES), (0, VALUES), (-VALUES, 0), (i64::MIN, i64::MAX), (1, 0)];
    for (lo, hi) in ranges {
        let error = Builder::new().input("x", vec![1], 0, vec![Interval { lo, hi }]).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "[{lo}, {hi}]: {error}");
    }
    let error = Builder::new().input("x", vec![3], 0, vec![Interval::point(0); 2]).unwrap_err();
    assert!(matches!(error, Error::Length { expected: 3, got: 2, .. }), "{error}");
}

#[test]
fn elements_of_all_nodes_are_counted_together() {
    let mut builder = Builder::new();
    builder.input("x", vec![limits::TOTAL_ELEMENTS - 1], 0, vec![Interval::point(0)]).unwrap();
    builder.input("y", vec![1], 0, vec![Interval::point(0)]).unwrap();
    let error = builder.input("z", vec![1], 0, vec![Interval::point(0)]).unwrap_err();
    assert!(matches!(error, Error::Limit { what: "the number of elements up to here", .. }), "{error}");
}

#[test]
fn tables_stand_within_their_limits() {
    let table =
        Piecewise { name: "t".into(), lo: 0, segment_bits: 2, base: vec![0; 2], slope: vec![1; 2], out_shift: 0 };
    type Spoil = fn(&mut Piecewise);
    let spoiled: [(&str, Spoil); 11] = [
        ("log2 of the table's segment length", |t| t.segment_bits = limits::SEGMENT_BITS + 1),
        ("the table's output shift", |t| t.out_shift = limits::SHIFT_BITS + 1),
        ("the number of table segments", |t| (t.base, t.slope) = (vec![], vec![])),
        ("the number of table slopes", |t| t.slope.truncate(1)),
        ("the table's domain", |t| t.lo = -VALUES),
        ("the table's domain", |t| t.lo = VALUES - 4),
        ("the table's domain", |t| t.lo = i64::MAX),
        ("a base of the table", |t| t.base[1] = 1 << limits::WEIGHT_BITS),
        ("a base of the table", |t| t.base[1] = -(1 << limits::WEIGHT_BITS)),
        ("a slope of the table", |t| t.slope[1] = 1 << limits::SLOPE_BITS),
        ("a slope of the table", |t| t.slope[1] = -(1 << limits::SLOPE_BITS)),
    ];
    Builder::new().table(table.clone()).unwrap();
    for (expected, spoil) in spoiled {
        let mut table = table.clone();
        spoil(&mut table);
        let error = Builder::new().table(table.clone()).unwrap_err();
        assert!(matches!(&error, Error::Limit { what, .. } if *what == expected), "{error}");
        let mut graph = unary(1, Interval::point(0), Op::Relu, 1).unwrap();
        graph.piecewise.push(table);
        assert!(matches!(graph.validate(), Err(Error::Limit { what, .. }) if what == expected), "{expected}");
    }
}
