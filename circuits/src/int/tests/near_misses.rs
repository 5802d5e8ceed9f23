//! Rules of the analysis that know more than intervals do, and graphs to which they nearly apply. Each misses one condition of
//! a rule, and takes values that the rule would deny.
//!
//! Every graph is run on all its inputs: analysis proved a range that a value leaves if it applied the rule.

use proptest::prelude::*;

use super::*;
use crate::int::execute;

/// An input of each range, one after the other, and what `build` makes of it.
fn graph(ranges: &[(i64, i64)], build: impl FnOnce(&mut Builder, NodeId) -> NodeId) -> Graph {
    let mut builder = Builder::new();
    let ranges: Vec<Interval> = ranges.iter().map(|(lo, hi)| Interval::new(*lo, *hi)).collect();
    let x = builder.input("x", vec![ranges.len()], 0, ranges).unwrap();
    let y = build(&mut builder, x);
    builder.finish(vec![output(y)]).unwrap()
}

fn linear(builder: &mut Builder, inputs: &[NodeId], rows: Vec<Row>) -> NodeId {
    let len = rows.len();
    builder.push("sums", Op::Linear { rows }, inputs.to_vec(), vec![len], 0).unwrap()
}

fn max(builder: &mut Builder, x: NodeId, groups: &[&[u32]]) -> NodeId {
    let groups: Vec<Vec<u32>> = groups.iter().map(|group| group.to_vec()).collect();
    let len = groups.len();
    builder.push("max", Op::Max { groups }, vec![x], vec![len], 0).unwrap()
}

/// `elements` of `x`, in that order.
fn moved(builder: &mut Builder, x: NodeId, elements: &[u32]) -> NodeId {
    let sources = elements.iter().map(|element| source(*element)).collect();
    builder.push("moved", Op::Rearrange { sources }, vec![x], vec![elements.len()], 0).unwrap()
}

/// `a / b`, each element by the element of `b` that `divisor` names, with 6 fraction bits.
fn divide(builder: &mut Builder, a: NodeId, b: NodeId, divisor: &[u32]) -> NodeId {
    let op = Op::Divide { shift: 6, divisor: divisor.to_vec(), rounding: Rounding::HalfUp };
    builder.push("share", op, vec![a, b], vec![divisor.len()], 6).unwrap()
}

/// All tensors in these ranges.
fn all_inputs(ranges: &[Interval]) -> Vec<Vec<i64>> {
    ranges.iter().fold(vec![vec![]], |all, range| {
        let longer = |start: &Vec<i64>| {
            let start = start.clone();
            (range.lo..=range.hi).map(move |value| start.iter().copied().chain([value]).collect())
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The least and the greatest that any element of the output is, over all inputs; what analysis says of it.
fn taken_and_proven(graph: &Graph) -> (Interval, Interval) {
    graph.validate().unwrap();
    let y = graph.outputs[0].node;
    let mut taken: Option<Interval> = None;
    let x = graph.node(NodeId(0));
    let ranges: Vec<Interval> = (0..x.len()).map(|element| x.range(element)).collect();
    for input in all_inputs(&ranges) {
        // The executor refuses a value outside its node's range.
        let trace = execute(graph, &[input]).unwrap();
        for value in &trace.values[y.0 as usize] {
            let point = Interval::point(*value);
            taken = Some(taken.map_or(point, |taken| taken.union(point)));
        }
    }
    let proven = graph.node(y).ranges.iter().copied().reduce(Interval::union).unwrap();
    (taken.unwrap(), proven)
}

/// The rule applies: nothing below `bias`, and no range that is wider than that.
#[track_caller]
fn is_at_least(bias: i64, graph: &Graph) {
    let (taken, proven) = taken_and_proven(graph);
    assert_eq!((taken.lo, proven.lo), (bias, bias));
}

/// The rule must not apply: `bias` is passed.
#[track_caller]
fn passes_below(bias: i64, graph: &Graph) {
    let (taken, proven) = taken_and_proven(graph);
    assert!(taken.lo < bias, "no near miss: {taken}");
    assert!(proven.encloses(taken), "{taken} is taken, {proven} was proven");
}

const RANGES: [(i64, i64); 3] = [(-3, 4), (-5, 2), (-2, 6)];

/// `bias + a * max(group) + b * member`, the group of elements 0 and 1 of three.
fn distance(bias: i64, a: i64, b: i64, member: u32) -> Graph {
    graph(&RANGES, |builder, x| {
        let max = max(builder, x, &[&[0, 1]]);
        linear(builder, &[max, x], vec![row(bias, &[(0, 0, a), (1, member, b)])])
    })
}

#[test]
fn the_distance_of_a_member_to_the_maximum_is_not_negative() {
    is_at_least(0, &distance(0, 1, -1, 0));
    is_at_least(0, &distance(0, 1, -1, 1));
    is_at_least(7, &distance(7, 3, -3, 1));
    is_at_least(-7, &distance(-7, 2, -2, 0));
    // In the other order.
    is_at_least(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1]]);
            linear(builder, &[x, max], vec![row(0, &[(0, 0, -1), (1, 0, 1)])])
        }),
    );
    // Moved before and after.
    is_at_least(
        0,
        &graph(&RANGES, |builder, x| {
            let turned = moved(builder, x, &[2, 1, 0]);
            let max = max(builder, turned, &[&[0, 1]]);
            let max = moved(builder, max, &[0, 0]);
            linear(builder, &[max, x], vec![row(0, &[(0, 1, 1), (1, 2, -1)])])
        }),
    );
}

/// The same the other way round, as models write it before an exponential.
#[test]
fn no_member_is_above_the_maximum() {
    for (bias, graph) in [
        (0, distance(0, -1, 1, 0)),
        (7, distance(7, -3, 3, 1)),
        (
            -7,
            graph(&RANGES, |builder, x| {
                let max = max(builder, x, &[&[0, 1]]);
                linear(builder, &[x, max], vec![row(-7, &[(0, 1, 2), (1, 0, -2)])])
            }),
        ),
    ] {
        let (taken, proven) = taken_and_proven(&graph);
        assert_eq!((taken.hi, proven.hi), (bias, bias));
    }
    // Of another group, or not by the same weight.
    for graph in [distance(0, -1, 1, 2), distance(0, -1, 2, 0), distance(0, -2, 1, 0), distance(0, 1, 1, 0)] {
        let (taken, proven) = taken_and_proven(&graph);
        assert!(taken.hi > 0 && proven.encloses(taken), "{taken} is taken, {proven} was proven");
    }
}

#[test]
fn the_distance_of_another_value_to_the_maximum_may_be_negative() {
    passes_below(0, &distance(0, 1, -1, 2));
    // A member of another group, or of the same position in another tensor.
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1], &[2]]);
            linear(builder, &[max, x], vec![row(0, &[(0, 0, 1), (1, 2, -1)])])
        }),
    );
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1]]);
            let doubled = linear(builder, &[x], (0..2).map(|e| row(0, &[(0, e, 2)])).collect());
            linear(builder, &[max, doubled], vec![row(0, &[(0, 0, 1), (1, 0, -1)])])
        }),
    );
    // Element 0 by its position, element 2 by where it comes from.
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1]]);
            let turned = moved(builder, x, &[2, 1, 0]);
            linear(builder, &[max, turned], vec![row(0, &[(0, 0, 1), (1, 0, -1)])])
        }),
    );
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let turned = moved(builder, x, &[2, 1, 0]);
            let max = max(builder, turned, &[&[0, 1]]);
            linear(builder, &[max, x], vec![row(0, &[(0, 0, 1), (1, 0, -1)])])
        }),
    );
    // Another maximum by its position.
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1], &[2]]);
            let turned = moved(builder, max, &[1, 0]);
            linear(builder, &[turned, x], vec![row(0, &[(0, 0, 1), (1, 0, -1)])])
        }),
    );
}

#[test]
fn only_a_difference_to_the_maximum_is_not_negative() {
    for (a, b) in [(1, -2), (2, -1), (-1, 1), (1, 1), (-1, -1), (-2, 1), (-1, 2), (-3, 3)] {
        passes_below(0, &distance(0, a, b, 0));
    }
    // More terms, fewer terms, another operator than the greatest.
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1]]);
            linear(builder, &[max, x], vec![row(0, &[(0, 0, 1), (1, 0, -1), (1, 1, -1)])])
        }),
    );
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let max = max(builder, x, &[&[0, 1]]);
            linear(builder, &[max], vec![row(0, &[(0, 0, 1)])])
        }),
    );
    passes_below(
        0,
        &graph(&RANGES, |builder, x| {
            let sum = linear(builder, &[x], vec![row(0, &[(0, 0, 1), (0, 1, 1)])]);
            linear(builder, &[sum, x], vec![row(0, &[(0, 0, 1), (1, 0, -1)])])
        }),
    );
}

/// The dividend is element 0, the divisor the sum that `terms` and `bias` state.
fn share(ranges: &[(i64, i64)], bias: i64, terms: &[(u32, i64)]) -> Graph {
    graph(ranges, |builder, x| {
        let a = moved(builder, x, &[0]);
        let terms: Vec<_> = terms.iter().map(|(element, weight)| (0, *element, *weight)).collect();
        let sum = linear(builder, &[x], vec![row(bias, &terms)]);
        divide(builder, a, sum, &[0])
    })
}

/// The rule applies: a share is at most 1, which is reached or nearly so.
#[track_caller]
fn is_a_share(graph: &Graph) {
    let (taken, proven) = taken_and_proven(graph);
    assert_eq!(proven.hi, 64);
    assert!((32..=64).contains(&taken.hi), "{taken}");
}

/// The rule must not apply: some share is more than 1.
#[track_caller]
fn is_more_than_a_share(graph: &Graph) {
    let (taken, proven) = taken_and_proven(graph);
    assert!(taken.hi > 64, "no near miss: {taken}");
    assert!(proven.encloses(taken), "{taken} is taken, {proven} was proven");
}

#[test]
fn a_part_of_a_sum_is_at_most_all_of_it() {
    is_a_share(&share(&[(1, 9), (0, 4)], 0, &[(0, 1), (1, 1)]));
    is_a_share(&share(&[(0, 9), (0, 4)], 1, &[(0, 1), (1, 3)]));
    is_a_share(&share(&[(0, 9)], 1, &[(0, 1)]));
    is_a_share(&graph(&[(1, 9), (1, 4)], |builder, x| {
        let turned = moved(builder, x, &[1, 0]);
        let sum = linear(builder, &[turned], vec![row(0, &[(0, 0, 1), (0, 1, 1)])]);
        divide(builder, x, sum, &[0, 0])
    }));
}

#[test]
fn what_misses_a_condition_of_being_a_part_may_be_more() {
    // A bias below 0; 0 is its border.
    is_more_than_a_share(&share(&[(2, 9), (0, 4)], -1, &[(0, 1), (1, 1)]));
    // A weight below 1: of another term, and there is no other way to be below 1.
    is_more_than_a_share(&share(&[(5, 9), (0, 4)], 0, &[(0, 1), (1, -1)]));
    // A term that may be negative.
    is_more_than_a_share(&share(&[(5, 9), (-4, 0)], 0, &[(0, 1), (1, 1)]));
    is_more_than_a_share(&share(&[(5, 9), (-1, 3)], 0, &[(0, 1), (1, 1)]));
    // The dividend is not among them.
    is_more_than_a_share(&share(&[(5, 9), (1, 4)], 0, &[(1, 1)]));
    is_more_than_a_share(&share(&[(5, 9), (1, 4), (0, 2)], 1, &[(1, 2), (2, 1)]));
    // Or with a negative weight.
    is_more_than_a_share(&share(&[(3, 5), (6, 8)], 0, &[(0, -1), (1, 1)]));
}

#[test]
fn a_part_of_another_sum_may_be_more_than_this_one() {
    // A sum with it, but another one divides.
    is_more_than_a_share(&graph(&[(1, 9), (1, 4)], |builder, x| {
        let sums = linear(builder, &[x], vec![row(0, &[(0, 0, 1), (0, 1, 1)]), row(0, &[(0, 1, 1)])]);
        let a = moved(builder, x, &[0]);
        divide(builder, a, sums, &[1])
    }));
    // The same position in another tensor.
    is_more_than_a_share(&graph(&[(1, 9), (1, 4)], |builder, x| {
        let tripled = linear(builder, &[x], vec![row(0, &[(0, 0, 3)])]);
        let sum = linear(builder, &[x], vec![row(0, &[(0, 0, 1), (0, 1, 1)])]);
        divide(builder, tripled, sum, &[0])
    }));
    // The same position after a move, another value.
    is_more_than_a_share(&graph(&[(1, 9), (1, 4)], |builder, x| {
        let a = moved(builder, x, &[0]);
        let turned = moved(builder, x, &[1]);
        let sum = linear(builder, &[turned], vec![row(0, &[(0, 0, 1)])]);
        divide(builder, a, sum, &[0])
    }));
    // Not a sum, but the greatest of values with it among them would do: a product does not.
    is_more_than_a_share(&graph(&[(1, 9), (1, 4)], |builder, x| {
        let a = linear(builder, &[x], vec![row(0, &[(0, 0, 2)])]);
        let op = Op::SumOfProducts { rows: vec![vec![(source(0), source(1))]] };
        let product = builder.push("product", op, vec![x], vec![1], 0).unwrap();
        divide(builder, a, product, &[0])
    }));
}

#[test]
fn only_squares_are_not_negative() {
    let product = |second: Source, other: bool| {
        graph(&[(-3, 4), (-5, 2)], |builder, x| {
            let negated = linear(builder, &[x], (0..2).map(|e| row(1, &[(0, e, -1)])).collect());
            let op = Op::SumOfProducts { rows: vec![vec![(source(0), second)]] };
            builder.push("y", op, vec![x, if other { negated } else { x }], vec![1], 0).unwrap()
        })
    };
    is_at_least(0, &product(source(0), false));
    // Twice the same operand is the same operand.
    is_at_least(0, &product(Source { input: 1, element: 0 }, false));
    passes_below(0, &product(source(1), false));
    passes_below(0, &product(Source { input: 1, element: 1 }, false));
    passes_below(0, &product(Source { input: 1, element: 0 }, true));
}

/// A graph in the form that a rule asks for, or nearly so.
fn near_rules(ranges: &[(i64, i64)], numbers: &[i64; 6]) -> Option<Graph> {
    let [kind, a, b, bias, element, order] = *numbers;
    let mut builder = Builder::new();
    let ranges: Vec<Interval> = ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
    let x = builder.input("x", vec![ranges.len()], 0, ranges).ok()?;
    let order: [u32; 3] = [[0, 1, 2], [2, 0, 1], [1, 0, 2]][order as usize];
    let element = element as u32;
    let turned = moved(&mut builder, x, &order);
    let y = if kind == 0 {
        let groups = Op::Max { groups: vec![vec![0, 1], vec![2, 0]] };
        let max = builder.push("max", groups, vec![turned], vec![2], 0).ok()?;
        let terms = [(0, u32::from(b > 0), a), (1, element, b)].into_iter().filter(|(_, _, weight)| *weight != 0);
        let rows = vec![row(bias, &terms.collect::<Vec<_>>())];
        builder.push("distance", Op::Linear { rows }, vec![max, x], vec![1], 0).ok()?
    } else {
        let terms = [(0, 0, a), (0, 1, b)].into_iter().filter(|(_, _, weight)| *weight != 0);
        let rows = vec![row(bias, &terms.collect::<Vec<_>>())];
        let sum = builder.push("sum", Op::Linear { rows }, vec![turned], vec![1], 0).ok()?;
        let dividend = moved(&mut builder, x, &[element]);
        let op = Op::Divide { shift: 4, divisor: vec![0], rounding: Rounding::HalfUp };
        builder.push("share", op, vec![dividend, sum], vec![1], 4).ok()?
    };
    builder.finish(vec![output(y)]).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Weights and biases around what the rules ask for, members and terms at random.
    #[test]
    fn no_value_leaves_its_range_near_the_rules(
        kind in 0i64..2,
        weights in (-2i64..3, -2i64..3),
        bias in -2i64..3,
        element in 0i64..3,
        order in 0i64..3,
        ranges in prop::collection::vec((-2i64..4, 0i64..4), 3),
    ) {
        let graph = near_rules(&ranges, &[kind, weights.0, weights.1, bias, element, order]);
        // Some dividends may be negative, and some divisors 0: those are refused.
        if let Some(graph) = graph {
            let (taken, proven) = taken_and_proven(&graph);
            prop_assert!(proven.encloses(taken));
        }
    }
}
