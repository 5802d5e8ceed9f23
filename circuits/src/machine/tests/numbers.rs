//! Lies about steps, zeros, roots and quotients, each with the one equation or the one list of limbs that refuses it.
//!
//! As in [attacks](super::attacks) the liar makes all else follow.

use super::{attacks::BROKEN_EQUATION, liar::Liar, *};
use crate::{
    int::{Builder, Interval, NodeId, Op, Output, Rounding},
    machine::{Wire, equation::Unit, fr_from_i128, wire::Def},
};

const LIMB_BITS: u32 = 5;

/// The node that is lied about, after inputs of these ranges.
fn graph(inputs: &[(i64, i64)], build: impl FnOnce(&mut Builder, &[NodeId]) -> NodeId) -> Graph {
    let mut builder = Builder::new();
    let inputs: Vec<NodeId> = (inputs.iter().enumerate())
        .map(|(at, (lo, hi))| builder.input(&format!("x{at}"), vec![1], 0, vec![Interval::new(*lo, *hi)]))
        .collect::<Result<_, _>>()
        .expect("well-formed inputs");
    let y = build(&mut builder, &inputs);
    builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph")
}

fn unary(range: (i64, i64), op: Op) -> Graph {
    graph(&[range], |builder, x| builder.push("y", op, x.to_vec(), vec![1], 0).expect("a well-formed node"))
}

/// Equations, the last one 0, in which something is looked up that its table does not have.
fn without_entry(layout: &Layout, values: &Values) -> Vec<usize> {
    let width = layout.shape.units();
    let is_found = |unit: &Unit| {
        let (Some(table), Some(key)) = (unit.table, unit.lanes[0]) else { return true };
        let table = layout.tables.get(table);
        let row = values.small(key).and_then(|key| table.row_of(key));
        row.is_some_and(|row| unit.lanes[1].is_none_or(|output| values.field(output) == table.entry(row).1))
    };
    let equations = layout.zero_rows.windows(2).rev().map(|rows| &layout.units[rows[0] * width..rows[1] * width]);
    equations.enumerate().filter(|(_, units)| !units.iter().all(is_found)).map(|(at, _)| at).collect()
}

/// Equations, the last one 0, that do not hold in the field.
fn broken(layout: &Layout, values: &Values) -> Vec<usize> {
    let width = layout.shape.units();
    let of = |wire: Option<Wire>| wire.map_or(Fr::zero(), |wire| values.field(wire));
    let is_zero = |units: &[Unit]| {
        let sum = units.iter().fold(Fr::zero(), |sum, unit| {
            let [u, v] = unit.lanes.map(of);
            sum + unit.weights[0].to_fr() * u + unit.weights[1].to_fr() * v + unit.product.to_fr() * u * v
        });
        sum == Fr::zero()
    };
    let equations = layout.zero_rows.windows(2).rev().map(|rows| &layout.units[rows[0] * width..rows[1] * width]);
    equations.enumerate().filter(|(_, units)| !is_zero(units)).map(|(at, _)| at).collect()
}

/// What refuses a lie.
#[derive(Clone, Debug, PartialEq)]
enum Refused {
    /// Nothing.
    Not,
    /// Just equations, the last one 0: these do not hold.
    BySum(Vec<usize>),
    /// Just limbs: of these equations, the last one 0.
    ByLimbs(Vec<usize>),
    /// Something else.
    Otherwise(Vec<String>),
}

fn refused(graph: &Graph, inputs: &[i64], lie: impl Fn(&mut Liar<'_>)) -> Refused {
    let inputs: Vec<Vec<i64>> = inputs.iter().map(|input| vec![*input]).collect();
    let found = Shape::ALL.map(|shape| {
        let (layout, values) = run(graph, shape, LIMB_BITS, &inputs);
        let mut liar = Liar::new(&layout, values);
        lie(&mut liar);
        let witness = liar.witness();
        let failed = failures(&layout, &witness);
        let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
        match (failed.as_slice(), without_entry(&layout, &witness.values)) {
            ([], equations) if equations.is_empty() => Refused::Not,
            (["lookup bounds"], equations) => Refused::ByLimbs(equations),
            (failed, equations) if failed == BROKEN_EQUATION && equations.is_empty() => {
                Refused::BySum(broken(&layout, &witness.values))
            }
            (failed, _) => Refused::Otherwise(failed.iter().map(|name| (*name).to_owned()).collect()),
        }
    });
    let [first, others @ ..] = &found;
    assert!(others.iter().all(|other| other == first), "{found:?}");
    first.clone()
}

fn fr(x: i64) -> Fr {
    fr_from_i128(x.into())
}

/// `numerator / denominator` in the field.
fn fraction(numerator: i64, denominator: i64) -> Fr {
    fr(numerator) * fr(denominator).invert().expect("not zero")
}

/// Limbs of the last equation, lowest first.
fn last_limbs(liar: &Liar<'_>, count: usize) -> Vec<Wire> {
    let limbs = liar.wires(|def| matches!(def, Def::Digit { .. }));
    limbs[limbs.len() - count..].to_vec()
}

fn sign(liar: &Liar<'_>) -> Wire {
    let outputs = liar.wires(|def| matches!(def, Def::Lookup { .. }));
    *outputs.last().expect("a sign")
}

// Steps. An equation of two limbs: -512 to 511.

fn step() -> Graph {
    unary((-300, 300), Op::Step)
}

/// Of a shift by 3, which is not computed: -4 is where it becomes 0.
fn step_of_a_shift() -> Graph {
    graph(&[(-300, 300)], |builder, x| {
        let shifted = builder.push("shifted", Op::Shift { bits: 3 }, x.to_vec(), vec![1], 0);
        let shifted = shifted.expect("a well-formed node");
        builder.push("y", Op::Step, vec![shifted], vec![1], 0).expect("a well-formed node")
    })
}

#[test]
fn rejects_the_other_side_of_zero() {
    for (graph, zero) in [(step(), 0), (step_of_a_shift(), -4)] {
        for x in [-300, zero - 2, zero - 1, zero, zero + 1, 300] {
            let truth = i64::from(x >= zero);
            assert_eq!(refused(&graph, &[x], |liar| liar.claim(sign(liar), truth)), Refused::Not, "{x}");
            for lie in [1 - truth, 2, -1] {
                let found = refused(&graph, &[x], |liar| liar.claim(sign(liar), lie));
                assert_eq!(found, Refused::ByLimbs(vec![0]), "{x} is {lie}");
            }
        }
    }
}

/// The limbs of 0 for those of -1: all that refuses it is their sum.
#[test]
fn rejects_the_side_of_another_value() {
    for (graph, zero) in [(step(), 0), (step_of_a_shift(), -4)] {
        let found = refused(&graph, &[zero - 1], |liar| {
            let limbs = last_limbs(liar, 2);
            liar.claim(limbs[0], 0);
            liar.claim(limbs[1], 16);
            liar.claim(sign(liar), 1);
        });
        assert_eq!(found, Refused::BySum(vec![0]));
    }
}

/// `511 = 16 * 32 - 1`: a limb below 0 passes -1 as positive, one above 31 passes 0 as negative.
#[test]
fn rejects_limbs_that_borrow_or_carry_across_zero() {
    for (graph, zero) in [(step(), 0), (step_of_a_shift(), -4)] {
        for (x, lie, limbs) in [(zero - 1, 1, [-1, 16]), (zero, 0, [32, 15])] {
            let found = refused(&graph, &[x], |liar| {
                last_limbs(liar, 2).into_iter().zip(limbs).for_each(|(limb, value)| liar.claim(limb, value));
                liar.claim(sign(liar), lie);
            });
            assert_eq!(found, Refused::ByLimbs(vec![0]), "{x}");
        }
    }
}

// Zeros. `x*v + y - 1 = 0`, `x*y = 0`, `v*y = 0`.

const SUM: usize = 2;
const NOT_BOTH: usize = 1;
const PINNED: usize = 0;

fn inverse_of(liar: &Liar<'_>) -> Wire {
    liar.wires(|def| matches!(def, Def::Inverse { .. }))[0]
}

#[test]
fn rejects_each_lie_about_zero_by_one_equation() {
    let graph = unary((-300, 300), Op::IsZero);
    let said = |x: i64, y: i64, v: Fr| {
        refused(&graph, &[x], |liar| {
            liar.claim(liar.element(1, 0), y);
            liar.claim_field(inverse_of(liar), v);
        })
    };
    for x in [-300, -1, 1, 2, 300] {
        let v = fraction(1, x);
        assert_eq!(said(x, 0, v), Refused::Not);
        // Something is called nothing.
        assert_eq!(said(x, 1, Fr::zero()), Refused::BySum(vec![NOT_BOTH]), "{x}");
        assert_eq!(said(x, 1, v), Refused::BySum(vec![PINNED, NOT_BOTH, SUM]), "{x}");
        assert_eq!(said(x, 3, -(v + v)), Refused::BySum(vec![PINNED, NOT_BOTH]), "{x}");
        assert_eq!(said(x, 0, v + Fr::one()), Refused::BySum(vec![SUM]), "{x}");
    }
    assert_eq!(said(0, 1, Fr::zero()), Refused::Not);
    // Nothing is called something.
    for v in [0, 1, -7].map(fr) {
        assert_eq!(said(0, 0, v), Refused::BySum(vec![SUM]));
    }
    // No lie, but a second proof.
    for v in [1, -7].map(fr) {
        assert_eq!(said(0, 1, v), Refused::BySum(vec![PINNED]));
    }
}

// Roots. The last equation but one has the limbs of the remainder, the last those of what the next square is off.

const REMAINDER: usize = 1;
const LACK: usize = 0;

fn square_root() -> Graph {
    unary((0, 4200), Op::SquareRoot { shift: 0 })
}

const ARGUMENTS: [i64; 10] = [0, 1, 2, 3, 4, 63, 64, 4095, 4096, 4200];

#[test]
fn rejects_a_root_too_great_by_its_remainder_alone() {
    for x in ARGUMENTS {
        for by in [1, 2] {
            let found = refused(&square_root(), &[x], |liar| liar.claim(liar.element(1, 0), x.isqrt() + by));
            assert_eq!(found, Refused::ByLimbs(vec![REMAINDER]), "{x}, root {} + {by}", x.isqrt());
        }
    }
}

#[test]
fn rejects_a_root_too_small_by_what_it_lacks_alone() {
    for x in ARGUMENTS.into_iter().filter(|x| *x > 0) {
        let found = refused(&square_root(), &[x], |liar| liar.claim(liar.element(1, 0), x.isqrt() - 1));
        assert_eq!(found, Refused::ByLimbs(vec![LACK]), "{x}");
    }
}

/// Its square is the same.
#[test]
fn rejects_a_negative_root() {
    for x in ARGUMENTS.into_iter().filter(|x| *x > 0) {
        let found = refused(&square_root(), &[x], |liar| liar.claim(liar.element(1, 0), -x.isqrt()));
        assert_eq!(found, Refused::ByLimbs(vec![LACK]), "{x}");
    }
}

/// `2*y = r + g` may be odd in the field; then `y^2` is no integer, and neither is a remainder.
#[test]
fn rejects_half_of_an_odd_number_as_a_root() {
    for x in ARGUMENTS {
        for odd in [1, 3, 2 * x.isqrt() + 1, 2 * x.isqrt() - 1, 127] {
            let found = refused(&square_root(), &[x], |liar| {
                liar.claim_field(liar.element(1, 0), fraction(odd, 2));
            });
            assert_eq!(found, Refused::ByLimbs(vec![LACK, REMAINDER]), "{x}: {odd}/2");
        }
    }
}

/// 3 and 12 have true roots in the field of which nobody knows an integer: any root leaves no remainder, and lacks too much.
#[test]
fn rejects_a_root_of_the_field() {
    for x in ARGUMENTS.into_iter().filter(|x| x.isqrt() * x.isqrt() != *x) {
        let Some(root) = Option::<Fr>::from(halo2_proofs::halo2curves::ff::Field::sqrt(&fr(x))) else { continue };
        for root in [root, -root] {
            let found = refused(&square_root(), &[x], |liar| liar.claim_field(liar.element(1, 0), root));
            assert_eq!(found, Refused::ByLimbs(vec![LACK]), "{x}");
        }
    }
}

/// The limbs of another remainder, and of another lack: all that refuses each is its own equation.
#[test]
fn rejects_a_remainder_that_is_not_what_is_left() {
    for (root, x) in [(63, 4000), (64, 4150)] {
        for equation in [REMAINDER, LACK] {
            let found = refused(&square_root(), &[x], |liar| {
                let limbs = last_limbs(liar, 4);
                let limb = limbs[if equation == REMAINDER { 0 } else { 2 }];
                assert_eq!(liar.value(liar.element(1, 0)), root);
                let all: Vec<(Wire, i64)> = limbs.iter().map(|limb| (*limb, liar.value(*limb))).collect();
                all.into_iter().for_each(|(limb, value)| liar.claim(limb, value));
                liar.claim(limb, (liar.value(limb) + 1) % 32);
            });
            assert_eq!(found, Refused::BySum(vec![equation]), "{x}");
        }
    }
}

/// Every root up to the greatest whose limbs there are, and below 0.
#[test]
fn rejects_all_roots_but_one() {
    let graph = unary((0, 40), Op::SquareRoot { shift: 1 });
    for x in (0..=12).chain([39, 40]) {
        for root in -2..=10 {
            let found = refused(&graph, &[x], |liar| liar.claim(liar.element(1, 0), root));
            assert_eq!(found == Refused::Not, root == (2 * x).isqrt(), "{x}: {root}");
        }
    }
}

// Quotients. The last equation has the limbs of the quotient, the one before those of the gap to the divisor, the one before
// that the remainder's.

const QUOTIENT: usize = 0;
const GAP: usize = 1;
const REST: usize = 2;
const DIVISION: usize = 3;

/// What limbs hold that are to hold what is below the divisor, or twice the divisor.
fn most_in_limbs(rounding: Rounding) -> i64 {
    if rounding == Rounding::HalfUp { 1023 } else { 31 }
}

/// What is left of the dividend, or of twice the dividend and half of the divisor.
fn rest(a: i64, b: i64, y: i64, rounding: Rounding) -> i64 {
    if rounding == Rounding::HalfUp { 2 * a + b - 2 * y * b } else { a - y * b }
}

/// `a / b` with `a` in [-200, 200] and `b` in [1, 20].
fn quotient(rounding: Rounding) -> Graph {
    graph(&[(-200, 200), (1, 20)], |builder, inputs| {
        let op = Op::Divide { shift: 0, divisor: vec![0], rounding };
        builder.push("y", op, inputs.to_vec(), vec![1], 0).expect("a well-formed node")
    })
}

/// Ties, exact quotients, what rounds to 0, the ends.
const FRACTIONS: [(i64, i64); 12] = [
    (-3, 2),
    (3, 2),
    (-1, 2),
    (-1, 20),
    (1, 20),
    (-20, 20),
    (-200, 1),
    (200, 1),
    (-200, 20),
    (-19, 20),
    (-7, 3),
    (0, 7),
];

fn rounded(a: i64, b: i64, rounding: Rounding) -> i64 {
    match rounding {
        Rounding::HalfUp => (2 * a + b).div_euclid(2 * b),
        Rounding::Floor => a.div_euclid(b),
    }
}

const ROUNDINGS: [Rounding; 2] = [Rounding::HalfUp, Rounding::Floor];

/// Towards 0 among them, which is what a truncated division of negative numbers is.
#[test]
fn rejects_a_quotient_of_either_sign_that_is_too_great() {
    for (rounding, (a, b)) in ROUNDINGS.into_iter().flat_map(|rounding| FRACTIONS.map(|pair| (rounding, pair))) {
        let lie = rounded(a, b, rounding) + 1;
        let found = refused(&quotient(rounding), &[a, b], |liar| liar.claim(liar.element(2, 0), lie));
        let gap = b * if rounding == Rounding::HalfUp { 2 } else { 1 } - 1 - rest(a, b, lie, rounding);
        // Of large divisors the gap may take more limbs, too.
        let expected = if gap > most_in_limbs(rounding) { vec![GAP, REST] } else { vec![REST] };
        assert_eq!(found, Refused::ByLimbs(expected), "{a} / {b} = {lie}, {rounding:?}");
    }
}

#[test]
fn rejects_a_quotient_of_either_sign_that_is_too_small() {
    // What is left is then at most twice what may be, which its limbs hold, rounded up as they are, for small divisors.
    for (rounding, (a, b)) in ROUNDINGS.into_iter().flat_map(|rounding| FRACTIONS.map(|pair| (rounding, pair))) {
        let lie = rounded(a, b, rounding) - 1;
        let found = refused(&quotient(rounding), &[a, b], |liar| liar.claim(liar.element(2, 0), lie));
        let mut expected = vec![GAP];
        if rest(a, b, lie, rounding) > most_in_limbs(rounding) {
            expected.push(REST);
        }
        // Below all quotients, which their limbs begin with.
        if lie < -200 {
            expected.insert(0, QUOTIENT);
        }
        assert_eq!(found, Refused::ByLimbs(expected), "{a} / {b} = {lie}, {rounding:?}");
    }
}

/// Another remainder has a quotient in the field, whatever the remainder.
#[test]
fn rejects_a_quotient_of_the_field() {
    for (rounding, multiple) in [(Rounding::HalfUp, 2), (Rounding::Floor, 1)] {
        for (a, b) in FRACTIONS.into_iter().filter(|(_, b)| *b > 1) {
            let y = rounded(a, b, rounding);
            let rest = rest(a, b, y, rounding);
            let other = if rest == 0 { 1 } else { 0 };
            let lie = fr(y) + fraction(rest - other, multiple * b);
            let found = refused(&quotient(rounding), &[a, b], |liar| liar.claim_field(liar.element(2, 0), lie));
            assert_eq!(found, Refused::ByLimbs(vec![QUOTIENT]), "{a} / {b}, {rounding:?}");
        }
    }
}

/// A remainder that is in its range and not what is left.
#[test]
fn rejects_a_remainder_of_another_dividend() {
    for rounding in ROUNDINGS {
        for (a, b) in [(-3, 4), (7, 20), (-199, 20)] {
            let found = refused(&quotient(rounding), &[a, b], |liar| {
                let y = liar.element(2, 0);
                let remainder = liar.wires(|def| matches!(def, Def::Quadratic { .. }))[0];
                liar.claim(y, liar.value(y));
                let other = if liar.value(remainder) == 0 { 1 } else { liar.value(remainder) - 1 };
                liar.claim(remainder, other);
            });
            assert_eq!(found, Refused::BySum(vec![DIVISION]), "{a} / {b}, {rounding:?}");
        }
    }
}

/// Every quotient near the true one and near 0.
#[test]
fn rejects_all_quotients_but_one() {
    for rounding in ROUNDINGS {
        let graph = graph(&[(-9, 9), (1, 4)], |builder, inputs| {
            let op = Op::Divide { shift: 1, divisor: vec![0], rounding };
            builder.push("y", op, inputs.to_vec(), vec![1], 0).expect("a well-formed node")
        });
        for (a, b) in (-5..=5).flat_map(|a| (1..=3).map(move |b| (a, b))) {
            let truth = rounded(2 * a, b, rounding);
            for claimed in truth - 2..=truth + 2 {
                let found = refused(&graph, &[a, b], |liar| liar.claim(liar.element(2, 0), claimed));
                assert_eq!(found == Refused::Not, claimed == truth, "{a} / {b}: {claimed}");
            }
        }
    }
}

// What is known beforehand has no equations.

/// Ranges on both sides of what makes a value known, and every value of each: what is public is what the executor says.
#[test]
fn nothing_is_taken_for_known_that_is_not() {
    for (lo, hi) in (-2..=5i64).flat_map(|lo| (lo..=5).map(move |hi| (lo, hi))) {
        let roots = [0, 1].map(|shift| Op::SquareRoot { shift });
        for op in [Op::Step, Op::IsZero].into_iter().chain(roots.into_iter().filter(|_| lo >= 0)) {
            let graph = unary((lo, hi), op.clone());
            for x in lo..=hi {
                let (layout, values) = run(&graph, Shape::Lean, LIMB_BITS, &[vec![x]]);
                let public = layout.witness(values).expect("the equations hold").public;
                let y = execute(&graph, &[vec![x]]).expect("in range").values[1][0];
                assert_eq!(public, [fr(x), fr(y)], "{op:?} of {x} in [{lo}, {hi}]");
            }
        }
    }
}
