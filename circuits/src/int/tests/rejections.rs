//! One rejection per error.

use super::*;
use crate::int::{Error, Piecewise, execute};

const RANGE: Interval = Interval { lo: -100, hi: 100 };

fn relu() -> Graph {
    unary(2, RANGE, Op::Relu, 2).unwrap()
}

/// `relu()` with one defect; what `validate` says.
#[track_caller]
fn refused(spoil: impl FnOnce(&mut Graph)) -> Error {
    let mut graph = relu();
    spoil(&mut graph);
    let error = graph.validate().unwrap_err();
    assert!(execute(&graph, &[vec![0, 0]]).is_err() || matches!(error, Error::RangeTooNarrow { .. }), "{error}");
    error
}

#[test]
fn order_and_operands() {
    assert!(matches!(refused(|g| g.nodes[1].inputs = vec![NodeId(1)]), Error::OperandOrder { operand: 1, .. }));
    assert!(matches!(refused(|g| g.nodes[1].inputs = vec![NodeId(9)]), Error::OperandOrder { operand: 9, .. }));
    assert!(matches!(refused(|g| g.nodes[1].inputs = vec![]), Error::OperandCount { got: 0, .. }));
    assert!(matches!(refused(|g| g.nodes[0].inputs = vec![NodeId(0)]), Error::OperandCount { got: 1, .. }));
}

#[test]
fn shapes_and_lengths() {
    assert!(matches!(refused(|g| g.nodes[1].shape = vec![3]), Error::Length { expected: 2, got: 3, .. }));
    assert!(matches!(refused(|g| g.nodes[1].shape = vec![0]), Error::Limit { value: 0, .. }));
    assert!(matches!(refused(|g| g.nodes[1].shape = vec![usize::MAX, 2]), Error::Limit { .. }));
    assert!(matches!(refused(|g| g.nodes[1].shape = vec![1; 33]), Error::Limit { value: 33, .. }));
    assert!(matches!(refused(|g| g.nodes[0].ranges = vec![]), Error::Length { got: 0, .. }));
    let constant = Op::Constant { values: vec![1] };
    let error = refused(|g| (g.nodes[1].op, g.nodes[1].inputs) = (constant, vec![]));
    assert!(matches!(error, Error::Length { what: "values", expected: 2, got: 1, .. }));
}

#[test]
fn sources_and_tables() {
    let far = Op::Rearrange { sources: vec![source(0), source(2)] };
    let error = refused(|g| g.nodes[1].op = far);
    assert!(matches!(error, Error::NoSuchElement { element: 1, source_element: 2, available: 2, .. }));
    let wrong_operand = Source { input: 1, element: 0 };
    let error = refused(|g| g.nodes[1].op = Op::Rearrange { sources: vec![wrong_operand; 2] });
    assert!(matches!(error, Error::NoSuchElement { input: 1, available: 0, .. }));
    assert!(matches!(refused(|g| g.nodes[1].op = Op::Piecewise { table: 0 }), Error::NoSuchTable { .. }));
    let error = refused(|g| g.nodes[1].op = Op::Max { groups: vec![vec![0], vec![]] });
    assert!(matches!(error, Error::Limit { what: "the length of a group", .. }));
    let error = refused(|g| g.nodes[1].op = Op::Gather { rows: vec![] });
    assert!(matches!(error, Error::Limit { what: "the number of table rows", .. }));
    let error = refused(|g| g.nodes[1].op = Op::Gather { rows: vec![vec![0], vec![0, 1]] });
    assert!(matches!(error, Error::Length { expected: 1, got: 2, .. }));
}

#[test]
fn rows_are_normal_and_weights_bounded() {
    let linear = |row: Row| Op::Linear { rows: vec![row, Row::default()] };
    let error = refused(|g| g.nodes[1].op = linear(row(0, &[(0, 0, 1), (0, 0, 2)])));
    assert!(matches!(error, Error::NotNormal { what: "a source occurs twice", .. }));
    let error = refused(|g| g.nodes[1].op = linear(row(0, &[(0, 0, 0)])));
    assert!(matches!(error, Error::NotNormal { what: "a weight is zero", .. }));
    let error = refused(|g| g.nodes[1].op = linear(row(0, &[(0, 0, 1 << 40)])));
    assert!(matches!(error, Error::Limit { what: "a weight", .. }));
    let error = refused(|g| g.nodes[1].op = linear(row(i64::MIN, &[])));
    assert!(matches!(error, Error::Limit { what: "a bias", .. }));
    let error = refused(|g| g.nodes[1].op = Op::Shift { bits: 41 });
    assert!(matches!(error, Error::Limit { value: 41, .. }));
    assert!(matches!(refused(|g| g.nodes[1].op = Op::Shift { bits: 0 }), Error::Limit { value: 0, .. }));
}

#[test]
fn names_are_unique_and_outputs_exist() {
    assert!(matches!(refused(|g| g.outputs.clear()), Error::Interface { .. }));
    assert!(matches!(refused(|g| g.outputs[0].node = NodeId(7)), Error::Interface { .. }));
    assert!(matches!(refused(|g| g.outputs.push(g.outputs[0].clone())), Error::Interface { .. }));
    assert!(matches!(refused(|g| g.nodes[1] = g.nodes[0].clone()), Error::Interface { .. }));
}

#[test]
fn declared_ranges_enclose_the_computed() {
    let computed = Interval::new(0, 100);
    let error = refused(|g| g.nodes[1].ranges = vec![computed, Interval::new(0, 99)]);
    assert!(matches!(&error, Error::RangeTooNarrow { element: 1, computed: c, .. } if *c == computed), "{error}");
    let mut wider = relu();
    wider.nodes[1].ranges = vec![computed, Interval::new(-1, 200)];
    wider.validate().unwrap();
    let error = refused(|g| g.nodes[0].ranges = vec![Interval { lo: 1, hi: 0 }]);
    assert!(matches!(error, Error::Limit { .. }));
    let error = refused(|g| g.nodes[0].ranges = vec![Interval { lo: i64::MIN, hi: 0 }]);
    assert!(matches!(error, Error::Limit { .. }));
}

#[test]
fn accumulators_that_can_leave_62_bits_say_what_to_do() {
    let huge = Interval::new(-(1 << 30), 1 << 30);
    let rows = vec![row(0, &[(0, 0, 1 << 32)])];
    let error = unary(1, huge, Op::Linear { rows }, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the accumulator of node `y` (element 0) can reach 2^62.0, the limit is 2^62: \
         use fewer fraction bits (--bits) or declare narrower input ranges"
    );
    // The sum of these is small, but a partial sum is not.
    let rows = vec![row(0, &[(0, 0, 1 << 32), (0, 1, -(1 << 32))])];
    assert!(unary(2, Interval::point(1 << 30), Op::Linear { rows }, 1).is_err());
    let pairs = vec![vec![(source(0), source(0))]];
    assert!(unary(1, Interval::new(0, 1 << 31), Op::SumOfProducts { rows: pairs.clone() }, 1).is_err());
    unary(1, Interval::new(0, (1 << 31) - 1), Op::SumOfProducts { rows: pairs }, 1).unwrap();
}

#[test]
fn domains_are_proven() {
    let index = unary(1, Interval::new(0, 2), Op::Gather { rows: vec![vec![1], vec![2]] }, 1).unwrap_err();
    assert!(matches!(index, Error::OutsideDomain { allowed: Interval { lo: 0, hi: 1 }, .. }));
    let bag = Op::EmbeddingSum { rows: vec![vec![1]], groups: vec![vec![0]] };
    assert!(matches!(unary(1, Interval::new(-1, 0), bag, 1), Err(Error::OutsideDomain { .. })));

    let mut builder = Builder::new();
    let table = Piecewise { name: "t".into(), lo: 0, segment_bits: 2, base: vec![0], slope: vec![1], out_shift: 0 };
    let table = builder.table(table).unwrap();
    let x = builder.input("x", vec![1], 0, vec![Interval::new(0, 4)]).unwrap();
    let error = builder.push("y", Op::Piecewise { table }, vec![x], vec![1], 0).unwrap_err();
    assert!(error.to_string().contains("argument of the table is [0, 4], allowed is [0, 3]"), "{error}");

    for (a, b) in [(Interval::new(-1, 1), Interval::new(0, 1)), (Interval::new(0, 1), Interval::new(-1, 1))] {
        let mut builder = Builder::new();
        let a = builder.input("a", vec![1], 0, vec![a]).unwrap();
        let b = builder.input("b", vec![1], 0, vec![b]).unwrap();
        let op = Op::Divide { shift: 0, divisor: vec![0], rounding: Rounding::HalfUp };
        assert!(matches!(builder.push("y", op, vec![a, b], vec![1], 0), Err(Error::OutsideDomain { .. })));
    }
}

#[test]
fn runs_refuse_wrong_inputs() {
    let graph = relu();
    assert!(matches!(execute(&graph, &[]), Err(Error::InputCount { expected: 1, got: 0 })));
    assert!(matches!(execute(&graph, &[vec![0]]), Err(Error::InputLength { expected: 2, got: 1, .. })));
    let error = execute(&graph, &[vec![0, 101]]).unwrap_err();
    assert_eq!(error.to_string(), "input `x`, element 1: value 101 is outside its declared range [-100, 100]");
}

#[test]
fn runs_stop_at_a_value_outside_its_declared_range() {
    let mut graph = relu();
    graph.nodes[1].ranges = vec![Interval::new(1, 50), Interval::new(0, 100)];
    assert_eq!(execute(&graph, &[vec![50, 100]]).unwrap().values[1], [50, 100]);
    for x in [51, 0] {
        let error = execute(&graph, &[vec![x, 0]]).unwrap_err();
        assert!(matches!(error, Error::ValueOutOfRange { element: 0, value, .. } if value == x.into()), "{error}");
    }
}

#[test]
fn runs_never_wrap_even_if_ranges_lie() {
    let rows = vec![row(0, &[(0, 0, 1 << 39)]), row(0, &[(0, 1, 1 << 39)])];
    let mut graph = unary(2, Interval::new(0, 1 << 20), Op::Linear { rows }, 2).unwrap();
    graph.nodes[0].ranges = vec![Interval::new(0, 1 << 40)];
    let error = execute(&graph, &[vec![0, 1 << 40]]).unwrap_err();
    assert!(matches!(error, Error::ValueOutOfRange { element: 1, value, .. } if value == 1 << 79), "{error}");
}

#[test]
fn square_roots_are_of_what_is_not_negative_and_not_too_great() {
    let root = |lo, hi, shift| unary(1, Interval::new(lo, hi), Op::SquareRoot { shift }, 1);
    assert_eq!(
        root(-1, 5, 0).unwrap_err().to_string(),
        "node `y`, element 0: the argument of the square root is [-1, 5], allowed is [0, 4611686018427387903]: \
         it must be proven not to be negative: apply Relu before"
    );
    root(0, (1 << 22) - 1, 40).unwrap();
    assert_eq!(
        root(0, 1 << 22, 40).unwrap_err().to_string(),
        "node `y`, element 0: the argument of the square root is [0, 4194304], allowed is [0, 4194303]: \
         use fewer fraction bits (--bits) or declare narrower input ranges"
    );
    // One that was not validated.
    let mut graph = root(0, 5, 0).unwrap();
    graph.nodes[0].ranges = vec![Interval::new(-5, 5)];
    let error = execute(&graph, &[vec![-1]]).unwrap_err();
    assert!(matches!(error, Error::OutsideDomain { what: "the argument of the square root", .. }), "{error}");
}
