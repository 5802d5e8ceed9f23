//! Quotients of either sign, at their extremes, and what analysis says of them.

use super::*;
use crate::int::{Error, execute, limits};

const ROUNDINGS: [Rounding; 2] = [Rounding::HalfUp, Rounding::Floor];

fn quotient(a: Interval, b: Interval, shift: u32, rounding: Rounding) -> Result<Graph, Error> {
    let mut builder = Builder::new();
    let a = builder.input("a", vec![1], 0, vec![a])?;
    let b = builder.input("b", vec![1], 0, vec![b])?;
    let y = builder.push("y", Op::Divide { shift, divisor: vec![0], rounding }, vec![a, b], vec![1], 0)?;
    builder.finish(vec![output(y)])
}

/// By what a quotient is, not by how it is computed: the integer that is nearest, or the greatest that is not greater.
#[track_caller]
fn assert_is_quotient(y: i64, a: i64, b: i64, shift: u32, rounding: Rounding) {
    let (y, a, b) = (i128::from(y), i128::from(a) << shift, i128::from(b));
    let holds = match rounding {
        // -1/2 < a/b - y <= 1/2 with the half upwards: y - 1/2 <= a/b < y + 1/2.
        Rounding::HalfUp => (2 * y - 1) * b <= 2 * a && 2 * a < (2 * y + 1) * b,
        Rounding::Floor => y * b <= a && a < (y + 1) * b,
    };
    assert!(holds, "{a} / {b} is not {y} by {rounding:?}");
}

/// Every dividend and divisor of small ranges, of either sign or both: the range is exactly what is taken.
#[test]
fn ranges_of_quotients_are_exact() {
    let dividends = [(-7, -2), (-7, 0), (-7, 5), (0, 6), (0, 0), (3, 9), (-1, -1)];
    for ((a_lo, a_hi), (b_lo, b_hi)) in
        dividends.into_iter().flat_map(|a| [(1, 1), (1, 4), (2, 5), (7, 7)].map(|b| (a, b)))
    {
        for (rounding, shift) in ROUNDINGS.into_iter().flat_map(|rounding| [0, 1, 3].map(|shift| (rounding, shift))) {
            let graph = quotient(Interval::new(a_lo, a_hi), Interval::new(b_lo, b_hi), shift, rounding).unwrap();
            graph.validate().unwrap();
            let mut taken: Option<Interval> = None;
            for (a, b) in (a_lo..=a_hi).flat_map(|a| (b_lo..=b_hi).map(move |b| (a, b))) {
                let y = execute(&graph, &[vec![a], vec![b]]).unwrap().values[2][0];
                assert_is_quotient(y, a, b, shift, rounding);
                taken = Some(taken.map_or(Interval::point(y), |taken| taken.union(Interval::point(y))));
            }
            assert_eq!(
                Some(graph.nodes[2].ranges[0]),
                taken,
                "[{a_lo}, {a_hi}] / [{b_lo}, {b_hi}], {shift}, {rounding:?}"
            );
        }
    }
}

#[test]
fn negative_quotients_are_rounded_as_stated() {
    let graphs = ROUNDINGS.map(|rounding| quotient(Interval::new(-9, 9), Interval::new(1, 4), 0, rounding).unwrap());
    for (a, b, half_up, floor) in
        [(-1, 4, 0, -1), (-2, 4, 0, -1), (-3, 4, -1, -1), (-3, 2, -1, -2), (-4, 4, -1, -1), (3, 2, 2, 1)]
    {
        let quotients = graphs.each_ref().map(|graph| execute(graph, &[vec![a], vec![b]]).unwrap().values[2][0]);
        assert_eq!(quotients, [half_up, floor], "{a} / {b}");
    }
}

/// Dividends up to the greatest that are allowed, divisors around powers of two.
#[test]
fn quotients_at_the_ends_of_integers_are_exact() {
    let divisors = (0..62u32).flat_map(|bit| [(1i64 << bit) - 1, 1 << bit, (1 << bit) + 1]).filter(|b| *b > 0);
    for b in divisors.chain([limits::magnitude(62).hi]) {
        for (shift, rounding) in
            [(0, Rounding::HalfUp), (0, Rounding::Floor), (40, Rounding::HalfUp), (40, Rounding::Floor)]
        {
            // 2 * a * 2^shift + b stays below 2^62.
            let most = ((limits::magnitude(62).hi - b) >> (shift + 1)).max(0);
            let graph = quotient(Interval::new(-most, most), Interval::point(b), shift, rounding).unwrap();
            for a in [-most, 1 - most, -1, 0, 1, most - 1, most] {
                if a.abs() <= most {
                    let y = execute(&graph, &[vec![a], vec![b]]).unwrap().values[2][0];
                    assert_is_quotient(y, a, b, shift, rounding);
                }
            }
        }
    }
}

#[test]
fn dividends_of_either_sign_are_bounded() {
    let most = 1 << 60;
    for (lo, hi) in [(0, most), (-most, 0), (-most, most)] {
        let b = Interval::new(1, 3);
        quotient(Interval::new(lo / 2, hi / 2), b, 1, Rounding::Floor).unwrap();
        let error = quotient(Interval::new(lo, hi), b, 1, Rounding::Floor).unwrap_err();
        assert!(matches!(error, Error::AccumulatorTooWide { .. }), "{error}");
    }
}

/// `x / (y + epsilon)` with an epsilon that is rounded to 0.
#[test]
fn a_divisor_that_may_be_zero_is_refused_with_advice() {
    for rounding in ROUNDINGS {
        let error = quotient(Interval::new(-5, 5), Interval::new(0, 9), 4, rounding).unwrap_err();
        assert_eq!(
            error.to_string(),
            "node `y`, element 0: the divisor is [0, 9], allowed is [1, 4611686018427387903]: it must be proven to be \
             positive: add a positive constant, and one that is not rounded to 0 (with more fraction bits, --bits, a smaller \
             one is not)"
        );
    }
}

/// A graph that was not validated may say what is not so.
#[test]
fn a_run_stops_at_a_divisor_of_zero() {
    let mut graph = quotient(Interval::new(-5, 5), Interval::new(1, 9), 4, Rounding::Floor).unwrap();
    graph.nodes[1].ranges = vec![Interval::new(-9, 9)];
    for b in [0, -1] {
        let error = execute(&graph, &[vec![3], vec![b]]).unwrap_err();
        assert!(matches!(error, Error::OutsideDomain { what: "the divisor", .. }), "{error}");
    }
}
