//! What gadgets take is what their pages say, and what a search for a precision takes them for.

use super::*;
use crate::{
    int::{Builder, Interval, NodeId, Op, Output, Rounding, Row, Source, Term},
    quantize::cost,
};

/// Units of the last node, which reads inputs of these ranges.
#[track_caller]
fn assert_units(ranges: &[(i64, i64)], op: &Op, limb_bits: u32, expected: u32) {
    let mut builder = Builder::new();
    let inputs =
        ranges.iter().map(|(lo, hi)| builder.input(&format!("x{lo} {hi}"), vec![1], 0, vec![Interval::new(*lo, *hi)]));
    let inputs: Vec<NodeId> = inputs.collect::<Result<_, _>>().expect("well-formed inputs");
    // The wire that holds 1 is made by whoever needs it first.
    let first = builder.push("first", Op::Step, vec![inputs[0]], vec![1], 0).expect("a well-formed node");
    let y = builder.push("y", op.clone(), inputs, vec![1], 0).expect("a well-formed node");
    let outputs = [first, y].map(|node| Output { name: format!("y{}", node.0), node });
    let graph = builder.finish(outputs.to_vec()).expect("a well-formed graph");
    let equations = lower(&graph, limb_bits).expect("it fits");
    let at = y.0 as usize;
    assert_eq!(equations.units[at], expected as usize, "{op:?}, limbs of {limb_bits} bits");
    assert_eq!(cost::per_node(&graph, limb_bits)[at], f64::from(expected), "{op:?}, estimated");
}

#[test]
fn a_step_takes_a_unit_and_its_limbs() {
    for (range, bits) in [((-100, 100), 8u32), ((-128, 127), 8), ((-129, 5), 9), ((-5, 128), 9), ((-1, 0), 1)] {
        for limb_bits in [4, 5, 8] {
            assert_units(&[range], &Op::Step, limb_bits, bits.div_ceil(limb_bits) + 1);
        }
    }
    for known in [(0, 9), (-9, -1)] {
        assert_units(&[known], &Op::Step, 5, 0);
    }
}

#[test]
fn a_square_root_takes_four_units_and_its_limbs_twice() {
    for limb_bits in [4, 5, 8] {
        // 2 * 31 = 62, 2 * 32 = 64.
        assert_units(&[(0, 1023)], &Op::SquareRoot { shift: 0 }, limb_bits, 4 + 2 * 6u32.div_ceil(limb_bits));
        assert_units(&[(0, 1024)], &Op::SquareRoot { shift: 0 }, limb_bits, 4 + 2 * 7u32.div_ceil(limb_bits));
        assert_units(&[(0, 1024)], &Op::SquareRoot { shift: 4 }, limb_bits, 4 + 2 * 9u32.div_ceil(limb_bits));
    }
    assert_units(&[(4, 8)], &Op::SquareRoot { shift: 0 }, 5, 0);
}

#[test]
fn a_quotient_takes_six_units_and_its_limbs() {
    for limb_bits in [4, 5, 8] {
        for (rounding, rest) in [(Rounding::HalfUp, 6u32), (Rounding::Floor, 5)] {
            let op = Op::Divide { shift: 0, divisor: vec![0], rounding };
            let units = |quotients: u32| 6 + 2 * rest.div_ceil(limb_bits) + quotients.div_ceil(limb_bits);
            assert_units(&[(0, 100), (1, 20)], &op, limb_bits, units(7));
            assert_units(&[(-100, 100), (1, 20)], &op, limb_bits, units(8));
        }
    }
}

#[test]
fn whether_a_value_is_zero_takes_four_units() {
    assert_units(&[(-100, 100)], &Op::IsZero, 5, 4);
    assert_units(&[(-1, 0)], &Op::IsZero, 5, 4);
    assert_units(&[(1, 100)], &Op::IsZero, 5, 0);
    assert_units(&[(0, 0)], &Op::IsZero, 5, 0);
}

/// Its sum, which is decomposed as it is: 100 + 200 + 4 has ten bits with its sign.
#[test]
fn a_shift_before_a_step_takes_nothing() {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(-100, 100)]).expect("an input");
    let term = |element, weight| Term { source: Source { input: 0, element }, weight };
    let rows = vec![Row { bias: 0, terms: vec![term(0, 1), term(1, 2)] }];
    let mut push = |op, operand| builder.push("node", op, vec![operand], vec![1], 0).expect("a well-formed node");
    let sum = push(Op::Linear { rows }, x);
    let shifted = push(Op::Shift { bits: 3 }, sum);
    let y = push(Op::Step, shifted);
    let graph = builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph");
    let equations = lower(&graph, 5).expect("it fits");
    // Two terms and the one, two limbs, and the equation that makes the one.
    assert_eq!(equations.units[1..], [0, 0, 4]);
    // Terms are half a unit of the sum's.
    assert_eq!(cost::per_node(&graph, 5)[1..], [1.0, 0.0, 3.0]);
}
