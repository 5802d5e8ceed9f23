//! Lies with a purpose, named after it, each with the constraint that refuses it.
//!
//! The [liar](super::liar) makes all else follow: remainders, limbs and later values are computed anew, so that each
//! attack meets the one check that it is about.

use std::cmp::Ordering;

use super::{
    liar::Liar,
    models::{model, sum_and_difference},
    *,
};
use crate::{
    int::{Builder, Interval, Op, Output},
    machine::{Wire, wire::Def},
};

/// Tells `lie` in an honest run, in each shape; `expected` fails and nothing else.
fn assert_fails_only(expected: &str, graph: &Graph, limb_bits: u32, inputs: &[&[i64]], lie: impl Fn(&mut Liar<'_>)) {
    assert_fails(&[expected], graph, limb_bits, inputs, lie);
}

/// An equation that does not hold leaves the running sum wrong from there on, and it ends beyond the last.
pub(super) const BROKEN_EQUATION: [&str; 2] = ["accumulate", "equation"];

/// As [`assert_fails_only`], for a lie that several constraints refuse.
fn assert_fails(expected: &[&str], graph: &Graph, limb_bits: u32, inputs: &[&[i64]], lie: impl Fn(&mut Liar<'_>)) {
    let inputs: Vec<Vec<i64>> = inputs.iter().map(|input| input.to_vec()).collect();
    for shape in Shape::ALL {
        let (layout, values) = run(graph, shape, limb_bits, &inputs);
        let mut liar = Liar::new(&layout, values);
        lie(&mut liar);
        assert_eq!(failures(&layout, &liar.witness()), expected, "{shape}");
    }
}

/// As [`assert_fails_only`], with limbs of 5 bits, for a lie that puts a value where no table has it.
fn assert_not_in_table(name: &str, inputs: &[&[i64]], lie: impl Fn(&mut Liar<'_>)) {
    assert_fails_only("lookup bounds", &model(name).graph, 5, inputs, lie);
}

/// `1 / x`.
fn inverse(x: i64) -> Fr {
    fr(x).invert().expect("not zero")
}

fn fr(x: i64) -> Fr {
    crate::machine::fr_from_i128(x.into())
}

/// Outputs of lookups that have a cell of their own.
fn outputs(liar: &Liar<'_>) -> Vec<Wire> {
    liar.wires(|def| matches!(def, Def::Lookup { .. }))
}

// Requantization: 5 / 8 is 1 with remainder 1 after rounding.

#[test]
fn rejects_rounding_down_by_one() {
    assert_not_in_table("dense", &[&[0, 0, 0]], |liar| liar.claim(liar.element(2, 0), 0));
}

#[test]
fn rejects_rounding_up_by_one() {
    assert_not_in_table("dense", &[&[0, 0, 0]], |liar| liar.claim(liar.element(2, 0), 2));
}

/// `9 = 8*y + 2` has a solution in the field, `y = 7/8`: only the quotient's own range refuses it.
#[test]
fn rejects_a_quotient_that_wraps_around() {
    assert_not_in_table("dense", &[&[0, 0, 0]], |liar| liar.claim_field(liar.element(2, 0), fr(1) - inverse(8)));
}

// Rectifier: the sign is what the lookup of the highest limb gives.

/// Zero rectified is zero either way, but a sign that can be chosen is one free bit of the proof.
#[test]
fn rejects_a_zero_of_the_other_sign() {
    assert_not_in_table("plain rectifier", &[&[0, 1]], |liar| liar.claim(outputs(liar)[0], 0));
}

#[test]
fn rejects_a_negative_passed_as_positive() {
    assert_not_in_table("plain rectifier", &[&[-100, 1]], |liar| liar.claim(outputs(liar)[0], 1));
}

#[test]
fn rejects_a_positive_passed_as_negative() {
    assert_not_in_table("plain rectifier", &[&[1, 1]], |liar| liar.claim(outputs(liar)[0], 0));
}

// Max and argmax: a position is before the greatest (state 1), the greatest (2, with the bit 1), or after it (0).

/// The states and bits of the first group, of `len` values.
fn places(liar: &Liar<'_>, len: usize) -> Vec<(Wire, Wire)> {
    let states = liar.wires(|def| matches!(def, Def::Place { .. }));
    let bit = |state| liar.wires(|def| matches!(def, Def::Lookup { key, .. } if *key == state))[0];
    states[..len].iter().map(|state| (*state, bit(*state))).collect()
}

/// Claims states, each with the bit that its table gives it.
fn claim_states(liar: &mut Liar<'_>, states: &[i64]) {
    for ((state, bit), claimed) in places(liar, states.len()).into_iter().zip(states) {
        liar.claim(state, *claimed);
        liar.claim(bit, (*claimed == 2).into());
    }
}

#[test]
fn rejects_the_later_of_two_greatest() {
    assert_not_in_table("argmax", &[&[5, 20, 20, -20]], |liar| claim_states(liar, &[1, 1, 2, 0]));
}

#[test]
fn rejects_the_later_of_two_greatest_for_a_maximum() {
    assert_not_in_table("max", &[&[5, 7, 7]], |liar| claim_states(liar, &[1, 1, 2]));
}

#[test]
fn rejects_a_smaller_value_as_the_greatest() {
    assert_not_in_table("max", &[&[5, 7, 7]], |liar| claim_states(liar, &[2, 0, 0]));
}

/// `5 + 7 = 12` is more than each of them: only that states must follow on each other refuses two greatest.
#[test]
fn rejects_the_sum_of_two_as_the_greatest() {
    for states in [[2, 2, 0], [2, 1, 2], [1, 2, 2], [2, 2, 2]] {
        assert_not_in_table("max", &[&[5, 7, 7]], |liar| claim_states(liar, &states));
    }
}

/// The sum of none is 0, which is more than each of these.
#[test]
fn rejects_none_as_the_greatest() {
    for states in [[1, 0, 0], [1, 1, 0], [1, 1, 1]] {
        assert_not_in_table("max", &[&[-5, -7, -7]], |liar| claim_states(liar, &states));
    }
}

/// None is the greatest if the first position says that it was before: its table does not have that.
#[test]
fn rejects_a_greatest_before_the_first() {
    assert_not_in_table("max", &[&[-5, -7, -7]], |liar| claim_states(liar, &[0, 0, 0]));
}

/// `-5 + 7 + 7 = 9`: bits that are no bits mix the values.
#[test]
fn rejects_a_mixture_as_the_greatest() {
    assert_not_in_table("max", &[&[5, 7, 7]], |liar| {
        for ((_, bit), value) in places(liar, 3).into_iter().zip([-1, 1, 1]) {
            liar.claim(bit, value);
        }
    });
}

/// The maximum has a cell of its own, which nothing but the sum of the bits' values ties to them.
#[test]
fn rejects_a_maximum_that_no_member_has() {
    for claimed in [6, 8, 20] {
        let graph = &model("max").graph;
        let mut expected = BROKEN_EQUATION.to_vec();
        // The difference to the greatest is negative then.
        expected.extend((claimed < 7).then_some("lookup bounds"));
        assert_fails(&expected, graph, 5, &[&[5, 7, 7]], |liar| {
            claim_states(liar, &[1, 2, 0]);
            liar.claim(liar.element(1, 0), claimed);
        });
    }
}

/// A position is what the bits say.
#[test]
fn rejects_a_position_that_the_bits_do_not_have() {
    for claimed in [0, 2, 3, 4] {
        assert_fails(&BROKEN_EQUATION, &model("argmax").graph, 5, &[&[5, 20, 20, -20]], |liar| {
            liar.claim(liar.element(1, 0), claimed);
        });
    }
}

/// A member twice is first where it stands first.
#[test]
fn rejects_the_second_place_of_a_repeated_member() {
    let graph = greatest(Kind::ArgMax, &[(-20, 20)], &[0, 0, 0]);
    for states in [[1, 2, 0], [1, 1, 2]] {
        assert_fails_only("lookup bounds", &graph, 5, &[&[7]], |liar| claim_states(liar, &states));
    }
}

/// `m - x` is as large as it gets where both ends are, and where it is negative it wraps around the field.
#[test]
fn rejects_a_smaller_value_as_the_greatest_at_the_ends_of_integers() {
    const END: i64 = (1 << 62) - 1;
    for (ranges, values) in
        [([(-END, END); 2], [END, -END]), ([(-END, END); 2], [0, -1]), ([(-END, -END), (END, END)], [-END, END])]
    {
        for kind in [Kind::Max, Kind::ArgMax] {
            let graph = greatest(kind, &ranges, &[0, 1]);
            let lie = if values[0] > values[1] { [1, 2] } else { [2, 0] };
            assert_fails_only("lookup bounds", &graph, 7, &[&values], |liar| claim_states(liar, &lie));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Max,
    ArgMax,
}

/// The greatest of `group`, members of an input of these ranges, or where it stands.
fn greatest(kind: Kind, ranges: &[(i64, i64)], group: &[u32]) -> Graph {
    let mut builder = Builder::new();
    let ranges: Vec<Interval> = ranges.iter().map(|(lo, hi)| Interval::new(*lo, *hi)).collect();
    let x = builder.input("x", vec![ranges.len()], 0, ranges).expect("an input");
    let groups = vec![group.to_vec()];
    let op = if kind == Kind::Max { Op::Max { groups } } else { Op::ArgMax { groups } };
    let y = builder.push("y", op, vec![x], vec![1], 0).expect("a well-formed node");
    builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph")
}

/// All tuples of `len` of these.
fn tuples<T: Copy>(of: &[T], len: usize) -> Vec<Vec<T>> {
    (0..len).fold(vec![vec![]], |all, _| {
        all.iter().flat_map(|start: &Vec<T>| of.iter().map(|next| [&start[..], &[*next]].concat())).collect()
    })
}

/// Groups of two and three with ties of each kind, and every way to call each position before, at or after the greatest.
#[test]
fn rejects_all_states_but_one() {
    for values in tuples(&[-2, 3], 2).into_iter().chain(tuples(&[-2, 3], 3)) {
        let group: Vec<u32> = (0..values.len() as u32).collect();
        let ranges = vec![(-4, 4); values.len()];
        for kind in [Kind::Max, Kind::ArgMax] {
            let graph = greatest(kind, &ranges, &group);
            let (layout, honest) = run(&graph, Shape::Wide, 4, std::slice::from_ref(&values));
            let greatest = values.iter().max().expect("not empty");
            let first = values.iter().position(|value| value == greatest).expect("it is one of them");
            for states in tuples(&[0, 1, 2], values.len()) {
                let mut liar = Liar::new(&layout, honest.clone());
                claim_states(&mut liar, &states);
                let found = failures(&layout, &liar.witness());
                let state_at = |at: usize| match at.cmp(&first) {
                    Ordering::Less => 1,
                    Ordering::Equal => 2,
                    Ordering::Greater => 0,
                };
                let is_true = states.iter().enumerate().all(|(at, state)| *state == state_at(at));
                let expected: &[&str] = if is_true { &[] } else { &["lookup bounds"] };
                assert_eq!(found, expected, "{kind:?} {values:?}: {states:?}");
            }
        }
    }
}

/// Pairs of a state and a bit that no table has, and those of which each number is in one: each is refused, whatever it does
/// to the sum.
#[test]
fn rejects_all_pairs_that_no_table_has() {
    let graph = greatest(Kind::ArgMax, &[(-4, 4); 2], &[0, 1]);
    let pairs: Vec<(i64, i64)> = tuples(&[-1, 0, 1, 2, 3], 2).iter().map(|pair| (pair[0], pair[1])).collect();
    for values in [[3, 3], [-2, 3], [3, -2]] {
        let (layout, honest) = run(&graph, Shape::Wide, 4, &[values.to_vec()]);
        let expected = if values[0] >= values[1] { [(2, 1), (0, 0)] } else { [(1, 0), (2, 1)] };
        for claimed in tuples(&pairs, 2) {
            let mut liar = Liar::new(&layout, honest.clone());
            for ((state, bit), (s, b)) in places(&liar, 2).into_iter().zip(&claimed) {
                liar.claim(state, *s);
                liar.claim(bit, *b);
            }
            let found = failures(&layout, &liar.witness());
            assert_eq!(found.is_empty(), claimed == expected, "{values:?}: {claimed:?}: {found:?}");
        }
    }
}

// Division: 3 * 2^6 / 128 is 1.5, which rounds to 2 with remainder 0 of 256.

/// The remainder then is a whole divisor, which its limbs hold: only the gap to the divisor refuses it.
#[test]
fn rejects_a_quotient_too_small_by_one() {
    assert_not_in_table("divide", &[&[1, 3], &[128]], |liar| liar.claim(liar.element(2, 1), 1));
}

#[test]
fn rejects_a_quotient_too_large_by_one() {
    assert_not_in_table("divide", &[&[1, 3], &[128]], |liar| liar.claim(liar.element(2, 1), 3));
}

/// As for a shift: remainder 1 has a quotient in the field.
#[test]
fn rejects_a_division_that_wraps_around() {
    assert_not_in_table("divide", &[&[1, 3], &[128]], |liar| {
        liar.claim_field(liar.element(2, 1), fr(2) - inverse(256));
    });
}

// Inputs, from -3 to 9: four bits hold 10 as well.

#[test]
fn rejects_an_input_above_its_range() {
    assert_not_in_table("odd range", &[&[-3, 9]], |liar| liar.claim(liar.element(0, 1), 10));
}

#[test]
fn rejects_an_input_below_its_range() {
    assert_not_in_table("odd range", &[&[-3, 9]], |liar| liar.claim(liar.element(0, 0), -4));
}

// Embeddings: columns are packed as digits of 8 bits here, in limbs of 5 and 3.

/// One column's unit is 2^8 of the column before: their sum is what the table says.
#[test]
fn rejects_a_carry_between_packed_columns() {
    assert_not_in_table("gather", &[&[0, 9]], |liar| {
        let digits = liar.wires(|def| matches!(def, Def::Quadratic { .. }));
        liar.claim(digits[0], liar.value(digits[0]) + (1 << 8));
        liar.claim(digits[1], liar.value(digits[1]) - 1);
    });
}

#[test]
fn rejects_a_borrow_between_packed_columns() {
    assert_not_in_table("gather", &[&[0, 9]], |liar| {
        let digits = liar.wires(|def| matches!(def, Def::Quadratic { .. }));
        liar.claim(digits[0], liar.value(digits[0]) - (1 << 8));
        liar.claim(digits[1], liar.value(digits[1]) + 1);
    });
}

#[test]
fn rejects_the_row_of_another_token() {
    assert_not_in_table("gather", &[&[0, 9]], |liar| {
        let (digits, rows) = (liar.wires(|def| matches!(def, Def::Quadratic { .. })), outputs(liar));
        liar.claim_field(rows[0], liar.field(rows[1]));
        digits[..5].iter().zip(&digits[5..]).for_each(|(digit, other)| liar.claim(*digit, liar.value(*other)));
    });
}

// Piecewise functions: 0 is mapped to 40, which has 4 bits too many: to 3, with remainder 0 after rounding.

#[test]
fn rejects_rounding_a_piecewise_function_down_by_one() {
    assert_not_in_table("piecewise", &[&[0, 31]], |liar| liar.claim(liar.element(1, 0), 2));
}

#[test]
fn rejects_a_piecewise_function_that_wraps_around() {
    assert_not_in_table("piecewise", &[&[0, 31]], |liar| {
        liar.claim_field(liar.element(1, 0), fr(3) - inverse(16));
    });
}

// The same in limbs that do not divide the segment's bits: 5 = 4 + 1.

fn segments(liar: &Liar<'_>) -> Vec<Wire> {
    liar.wires(|def| matches!(def, Def::Digit { bits: 62, .. }))
}

/// 0 begins the third segment; as `t = 32` of the second it is mapped to 4 and not to 3.
#[test]
fn rejects_an_argument_beyond_the_end_of_its_segment() {
    assert_fails_only("lookup bounds", &model("piecewise").graph, 4, &[&[0, 31]], |liar| {
        liar.claim(segments(liar)[0], 1);
        liar.claim(liar.element(1, 0), 4);
    });
}

/// -1 ends the second segment; as `t = -1` of the third it is mapped to 1 and not to 3.
#[test]
fn rejects_an_argument_before_the_start_of_its_segment() {
    assert_fails_only("lookup bounds", &model("piecewise").graph, 4, &[&[-1, 31]], |liar| {
        liar.claim(segments(liar)[0], 2);
        liar.claim(liar.element(1, 0), 1);
    });
}

/// The slope of one segment with the base of another.
#[test]
fn rejects_the_base_of_another_segment() {
    assert_fails_only("lookup bounds", &model("piecewise").graph, 4, &[&[0, 31]], |liar| {
        liar.claim(outputs(liar)[0], -200);
        liar.claim(liar.element(1, 0), -12);
    });
}

// Equations.

/// What one output has too much the next has too little: the running sum is 0 again after both.
#[test]
fn rejects_an_error_made_up_for_by_the_next_equation() {
    assert_fails_only("equation", &sum_and_difference(), 5, &[&[3, 4]], |liar| {
        liar.claim(liar.element(1, 0), 8);
        liar.claim(liar.element(1, 1), -2);
    });
}
