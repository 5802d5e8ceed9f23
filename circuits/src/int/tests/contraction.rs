//! MatMul and Conv against sums that are written out, and what is refused of them.

use proptest::prelude::*;

use super::*;
use crate::int::{Error, Factor, Window, execute, limits};

const BYTE: Interval = Interval { lo: -128, hi: 127 };

fn computed(shape: &[usize]) -> Factor {
    Factor::Computed { shape: shape.to_vec() }
}

fn fixed(shape: &[usize], values: &[i64]) -> Factor {
    Factor::Fixed { shape: shape.to_vec(), values: values.to_vec() }
}

fn plain(axes: usize) -> Window {
    Window { strides: vec![1; axes], pads: vec![[0, 0]; axes], dilations: vec![1; axes], groups: 1 }
}

/// A graph of an input for each factor that is not fixed, and the node.
fn graph_of(op: Op, inputs: &[usize], len: usize) -> Result<Graph, Error> {
    let mut builder = Builder::new();
    let mut operands = Vec::new();
    for (at, len) in inputs.iter().enumerate() {
        operands.push(builder.input(&format!("x{at}"), vec![*len], 0, vec![BYTE])?);
    }
    let y = builder.push("y", op, operands, vec![len], 0)?;
    builder.finish(vec![output(y)])
}

#[track_caller]
fn check(op: Op, inputs: &[&[i64]], expected: &[i64]) {
    let lens: Vec<usize> = inputs.iter().map(|x| x.len()).collect();
    let graph = graph_of(op, &lens, expected.len()).unwrap();
    graph.validate().unwrap();
    let inputs: Vec<Vec<i64>> = inputs.iter().map(|x| x.to_vec()).collect();
    assert_eq!(execute(&graph, &inputs).unwrap().values.pop().unwrap(), expected);
}

#[test]
fn matrices_are_multiplied() {
    let right = || fixed(&[3, 2], &[1, 0, -1, 2, 3, 5]);
    let left = || computed(&[2, 3]);
    check(Op::MatMul { left: left(), right: right() }, &[&[1, 2, 3, 4, 5, 6]], &[8, 19, 17, 40]);
    let op = Op::MatMul { left: fixed(&[1, 2], &[10, 1]), right: computed(&[2, 2]) };
    check(op, &[&[1, 2, 3, 4]], &[13, 24]);
    let op = Op::MatMul { left: left(), right: computed(&[3, 1]) };
    check(op, &[&[1, 2, 3, 4, 5, 6], &[1, 0, -1]], &[-2, -2]);
}

#[test]
fn leading_axes_broadcast() {
    // Two matrices of one row, and three of one column.
    let op = Op::MatMul { left: computed(&[2, 1, 1, 2]), right: fixed(&[3, 2, 1], &[1, 0, 0, 1, 1, 1]) };
    check(op, &[&[1, 2, 30, 40]], &[1, 2, 3, 30, 40, 70]);
    let op = Op::MatMul { left: computed(&[1, 1]), right: computed(&[2, 1, 1]) };
    check(op, &[&[5], &[6, 7]], &[30, 35]);
}

#[test]
fn kernels_move() {
    let op = Op::Conv { data: computed(&[1, 1, 5]), kernel: fixed(&[1, 1, 2], &[1, -1]), window: plain(1) };
    check(op, &[&[1, 4, 9, 16, 25]], &[-3, -5, -7, -9]);
    let window = Window { strides: vec![2], pads: vec![[1, 1]], dilations: vec![2], groups: 1 };
    let op = Op::Conv { data: computed(&[1, 1, 5]), kernel: fixed(&[1, 1, 3], &[1, 10, 100]), window };
    // Taps at -1, 1, 3 and at 1, 3, 5.
    check(op, &[&[1, 2, 3, 4, 5]], &[420, 42]);
    // Each channel on its own.
    let window = Window { groups: 2, ..plain(1) };
    let op = Op::Conv { data: computed(&[1, 2, 2]), kernel: fixed(&[2, 1, 1], &[2, 3]), window };
    check(op, &[&[1, 2, 3, 4]], &[2, 4, 9, 12]);
    // Nothing but padding.
    let window = Window { pads: vec![[2, 0]], ..plain(1) };
    let op = Op::Conv { data: computed(&[1, 1, 1]), kernel: computed(&[1, 1, 1]), window };
    check(op, &[&[3], &[5]], &[0, 0, 15]);
}

/// By the definition: padded data first, then every tap.
fn convolved(data: &[i64], kernel: &[i64], case: &Case) -> Vec<i64> {
    let Case { samples, channels, filters, axes, window } = case;
    let groups = window.groups;
    let at3 = |axis: usize| axes.get(axis).copied();
    let dim = |axis: usize| at3(axis).map_or(1, |(data, _)| data);
    let taps = |axis: usize| at3(axis).map_or(1, |(_, taps)| taps);
    let pads = |axis: usize| window.pads.get(axis).copied().unwrap_or([0, 0]);
    let stride = |axis: usize| window.strides.get(axis).copied().unwrap_or(1);
    let dilation = |axis: usize| window.dilations.get(axis).copied().unwrap_or(1);
    let padded = |axis: usize| dim(axis) + pads(axis)[0] + pads(axis)[1];
    let value = |sample: usize, channel: usize, at: [usize; 3]| {
        let mut flat = sample * channels * groups + channel;
        for (axis, at) in at.into_iter().enumerate() {
            match at.checked_sub(pads(axis)[0]) {
                Some(at) if at < dim(axis) => flat = flat * dim(axis) + at,
                _ => return 0,
            }
        }
        data[flat]
    };
    let out = |axis: usize| (padded(axis) - (taps(axis) - 1) * dilation(axis) - 1) / stride(axis) + 1;
    let mut outputs = Vec::new();
    for sample in 0..*samples {
        for filter in 0..filters * groups {
            let group = filter / filters;
            for (x, y, z) in indices([out(0), out(1), out(2)]) {
                let mut sum = 0;
                for channel in 0..*channels {
                    for (i, j, k) in indices([taps(0), taps(1), taps(2)]) {
                        let at = |axis: usize, out: usize, tap: usize| out * stride(axis) + tap * dilation(axis);
                        let data = value(sample, group * channels + channel, [at(0, x, i), at(1, y, j), at(2, z, k)]);
                        let tap = (((filter * channels + channel) * taps(0) + i) * taps(1) + j) * taps(2) + k;
                        sum += data * kernel[tap];
                    }
                }
                outputs.push(sum);
            }
        }
    }
    outputs
}

fn indices([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |x| (0..b).flat_map(move |y| (0..c).map(move |z| (x, y, z))))
}

#[derive(Clone, Debug)]
struct Case {
    samples: usize,
    /// Of data, for each group.
    channels: usize,
    /// For each group.
    filters: usize,
    /// Elements of data, and taps.
    axes: Vec<(usize, usize)>,
    window: Window,
}

fn cases() -> impl Strategy<Value = Case> {
    let axis = (1usize..6, 1usize..4, 1usize..3, 0usize..3, 0usize..3, 1usize..3);
    let axis = axis.prop_filter("the kernel fits", |(data, taps, _, before, after, dilation)| {
        data + before + after > (taps - 1) * dilation
    });
    let all = (1usize..3, 1usize..3, 1usize..3, 1usize..3, prop::collection::vec(axis, 1..=3));
    all.prop_map(|(samples, channels, filters, groups, axes)| {
        let window = Window {
            strides: axes.iter().map(|axis| axis.2).collect(),
            pads: axes.iter().map(|axis| [axis.3, axis.4]).collect(),
            dilations: axes.iter().map(|axis| axis.5).collect(),
            groups,
        };
        let axes = axes.iter().map(|axis| (axis.0, axis.1)).collect();
        Case { samples, channels, filters, axes, window }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn convolutions_are_what_their_definition_says(case in cases(), seed in any::<i64>()) {
        let groups = case.window.groups;
        let data_shape: Vec<usize> =
            [case.samples, case.channels * groups].into_iter().chain(case.axes.iter().map(|axis| axis.0)).collect();
        let kernel_shape: Vec<usize> =
            [case.filters * groups, case.channels].into_iter().chain(case.axes.iter().map(|axis| axis.1)).collect();
        let number = |at: usize| (seed >> (at % 40)).wrapping_mul(at as i64 * 7919 + 31) % 100;
        let data: Vec<i64> = (0..data_shape.iter().product()).map(number).collect();
        let kernel: Vec<i64> = (0..kernel_shape.iter().product()).map(|at: usize| number(at + 1000)).collect();
        let expected = convolved(&data, &kernel, &case);
        let (x, w) = (computed(&data_shape), computed(&kernel_shape));
        let (fixed_x, fixed_w) = (fixed(&data_shape, &data), fixed(&kernel_shape, &kernel));
        let window = case.window;
        check(Op::Conv { data: x.clone(), kernel: fixed_w, window: window.clone() }, &[&data], &expected);
        check(Op::Conv { data: x, kernel: w.clone(), window: window.clone() }, &[&data, &kernel], &expected);
        check(Op::Conv { data: fixed_x, kernel: w, window }, &[&kernel], &expected);
    }

    #[test]
    fn matrices_are_what_their_definition_says(
        (m, k, n) in (1usize..4, 1usize..5, 1usize..4),
        batch in 1usize..4,
        shared in prop::sample::select(vec![[true, false], [false, true], [false, false]]),
        seed in any::<i64>(),
    ) {
        let number = |at: usize| (seed >> (at % 40)).wrapping_mul(at as i64 * 7919 + 31) % 100;
        let [a_batch, b_batch] = shared.map(|shared| if shared { 1 } else { batch });
        let a: Vec<i64> = (0..a_batch * m * k).map(number).collect();
        let b: Vec<i64> = (0..b_batch * k * n).map(|at| number(at + 1000)).collect();
        let mut expected = Vec::new();
        for at in 0..a_batch.max(b_batch) {
            for (i, j, _) in indices([m, n, 1]) {
                let (x, y) = (&a[(at % a_batch) * m * k..], &b[(at % b_batch) * k * n..]);
                expected.push((0..k).map(|t| x[i * k + t] * y[t * n + j]).sum());
            }
        }
        let (left, right) = (computed(&[a_batch, m, k]), computed(&[b_batch, k, n]));
        let op = Op::MatMul { left: left.clone(), right: fixed(&[b_batch, k, n], &b) };
        check(op, &[&a], &expected);
        let op = Op::MatMul { left: fixed(&[a_batch, m, k], &a), right: right.clone() };
        check(op, &[&b], &expected);
        check(Op::MatMul { left, right }, &[&a, &b], &expected);
    }
}

/// A square is not negative, wherever its data was moved.
#[test]
fn ranges_are_exact_and_know_squares() {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(-3, 5)]).unwrap();
    let moved =
        builder.push("moved", Op::Rearrange { sources: vec![source(0), source(1)] }, vec![x], vec![2], 0).unwrap();
    let op = Op::MatMul { left: computed(&[2, 1]), right: computed(&[1, 2]) };
    let y = builder.push("y", op, vec![x, moved], vec![2, 2], 0).unwrap();
    let (square, product) = (Interval::new(0, 25), Interval::new(-15, 25));
    assert_eq!(builder.node(y).ranges, [square, product, product, square]);
    let op = Op::MatMul { left: fixed(&[2, 2], &[2, -1, 0, 0]), right: computed(&[2, 1]) };
    let z = builder.push("z", op, vec![x], vec![2], 0).unwrap();
    assert_eq!(builder.node(z).ranges, [Interval::new(-11, 13), Interval::point(0)]);
}

#[track_caller]
fn refused(op: Op, inputs: &[usize], len: usize) -> Error {
    graph_of(op, inputs, len).unwrap_err()
}

#[test]
fn factors_that_do_not_fit_are_refused() {
    let matmul =
        |left: Factor, right: Factor, inputs: &[usize], len: usize| refused(Op::MatMul { left, right }, inputs, len);
    let two = || computed(&[1, 2]);
    for (left, right, what) in [
        (computed(&[2]), fixed(&[2, 1], &[1, 1]), "two dimensions"),
        (two(), fixed(&[1], &[1]), "two dimensions"),
        (two(), fixed(&[1, 2], &[1, 1]), "as long as a column"),
        (computed(&[2, 1, 1]), fixed(&[3, 1, 1], &[1, 1, 1]), "leading dimensions"),
    ] {
        let error = matmul(left, right, &[2], 2);
        assert!(matches!(error, Error::Factors { what: said, .. } if said.contains(what)), "{what}: {error}");
    }
    let error = matmul(two(), fixed(&[2, 1], &[1]), &[2], 1);
    assert!(matches!(error, Error::Length { what: "elements of a factor", expected: 2, got: 1, .. }), "{error}");
    let error = matmul(computed(&[1, 3]), fixed(&[3, 1], &[1; 3]), &[2], 1);
    assert!(matches!(error, Error::Length { what: "elements of a factor", expected: 3, got: 2, .. }), "{error}");
    let error = matmul(two(), fixed(&[2, 1], &[1, 1]), &[2], 2);
    assert!(matches!(error, Error::Length { expected: 1, got: 2, .. }), "{error}");
    let error = matmul(two(), fixed(&[2, 1], &[1, 1 << 40]), &[2], 1);
    assert!(matches!(error, Error::Limit { what: "a weight", .. }), "{error}");
    let error = matmul(fixed(&[1, 1], &[1]), fixed(&[1, 1], &[1]), &[], 1);
    assert!(matches!(error, Error::OperandCount { got: 0, .. }), "{error}");
    let error = matmul(fixed(&[1, 1], &[1]), fixed(&[1, 1], &[1]), &[1], 1);
    assert!(matches!(error, Error::OperandCount { got: 1, .. }), "{error}");
    let error = matmul(two(), computed(&[2, 1]), &[2], 1);
    assert!(matches!(error, Error::OperandCount { got: 1, .. }), "{error}");
    let error = matmul(computed(&[1, 0]), fixed(&[0, 1], &[]), &[2], 1);
    assert!(matches!(error, Error::Limit { what: "the number of a factor's elements", value: 0, .. }), "{error}");
    let error = matmul(computed(&[usize::MAX, 2]), fixed(&[2, 1], &[1, 1]), &[2], 1);
    assert!(matches!(error, Error::Limit { what: "the number of a factor's elements", .. }), "{error}");
    let error = matmul(computed(&[1; 33]), fixed(&[1, 1], &[1]), &[1], 1);
    assert!(matches!(error, Error::Limit { value: 33, .. }), "{error}");
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let conv = |data: &[usize], kernel: &[usize], window: Window| {
        let values = vec![1; kernel.iter().product()];
        let len = data.iter().product();
        refused(Op::Conv { data: computed(data), kernel: fixed(kernel, &values), window }, &[len], 1)
    };
    let window = |change: fn(&mut Window)| {
        let mut window = plain(1);
        change(&mut window);
        window
    };
    for (data, kernel, window, what) in [
        (&[1, 1][..], &[1, 1][..], plain(0), "one to three axes"),
        (&[4], &[1, 1, 1], plain(1), "one to three axes"),
        (&[1, 1, 1, 1, 1, 1], &[1, 1, 1, 1, 1, 1], plain(4), "one to three axes"),
        (&[1, 1, 3], &[1, 1, 1, 1], plain(1), "one to three axes"),
        (&[1, 1, 3], &[1, 1, 1], plain(2), "for each axis"),
        (&[1, 1, 3], &[1, 1, 1], window(|w| w.pads.clear()), "for each axis"),
        (&[1, 1, 3], &[1, 1, 1], window(|w| w.strides[0] = 0), "1 at the least"),
        (&[1, 1, 3], &[1, 1, 1], window(|w| w.dilations[0] = 0), "1 at the least"),
        (&[1, 1, 3], &[1, 1, 4], plain(1), "must not be longer"),
        (&[1, 1, 3], &[1, 1, 2], window(|w| w.dilations[0] = usize::MAX), "must not be longer"),
        (&[1, 1, 3], &[1, 1, 1], window(|w| w.pads[0] = [usize::MAX, 0]), "must not be longer"),
        (&[1, 1, 3], &[1, 1, 1], window(|w| w.groups = 0), "groups must divide"),
        (&[1, 3, 1], &[2, 1, 1], window(|w| w.groups = 2), "groups must divide"),
        (&[1, 2, 1], &[3, 1, 1], window(|w| w.groups = 2), "groups must divide"),
        (&[1, 2, 1], &[2, 2, 1], window(|w| w.groups = 2), "as many channels"),
    ] {
        let error = conv(data, kernel, window);
        assert!(matches!(error, Error::Factors { what: said, .. } if said.contains(what)), "{what}: {error}");
    }
    // One more element for each pad: not the one that the node has.
    let error = conv(&[1, 1, 1], &[1, 1, 1], window(|w| w.pads[0] = [usize::MAX - 2, 1]));
    assert!(matches!(error, Error::Length { what: "elements of the shape", got: 1, .. }), "{error}");
}

#[test]
fn products_are_counted_before_they_are_made() {
    // 2^12 * 2^12 products of one node.
    let op = Op::MatMul { left: computed(&[1 << 6, 1 << 12]), right: fixed(&[1 << 12, 1 << 6], &[0; 1 << 18]) };
    let error = refused(op.clone(), &[1 << 18], 1 << 12);
    assert!(matches!(error, Error::Limit { what: "the number of products", value, .. } if value == 1 << 24), "{error}");
    // Half of the limit each: the third is one too many.
    let half = || Op::MatMul { left: computed(&[1 << 6, 1 << 10]), right: fixed(&[1 << 10, 1 << 6], &[0; 1 << 16]) };
    let mut builder = Builder::new();
    let x = builder.input("x", vec![1 << 16], 0, vec![BYTE]).unwrap();
    let add = |builder: &mut Builder| builder.push("y", half(), vec![x], vec![1 << 12], 0);
    add(&mut builder).unwrap();
    add(&mut builder).unwrap();
    let error = add(&mut builder).unwrap_err();
    let expected = limits::TERMS as i128 * 3 / 2;
    assert!(
        matches!(error, Error::Limit { what: "the number of products up to here", value, .. } if value == expected)
    );
}

#[test]
fn sums_that_are_too_wide_are_refused() {
    let weight = (1 << 40) - 1;
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(-(3 << 20), 3 << 20)]).unwrap();
    let mut matmul = |weights: [i64; 2]| {
        let op = Op::MatMul { left: computed(&[1, 2]), right: fixed(&[2, 1], &weights) };
        builder.push("y", op, vec![x], vec![1], 0)
    };
    matmul([weight, 0]).unwrap();
    assert!(matches!(matmul([weight, weight]).unwrap_err(), Error::AccumulatorTooWide { element: 0, .. }));
}

#[test]
fn every_operator_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<&str> = Op::NAMES.into_iter().collect();
    assert_eq!(names.len(), Op::NAMES.len());
}
