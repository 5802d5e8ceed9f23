//! Integers are exact, whatever precision the plan gives to real numbers.

use super::*;
use crate::float::Rounding;

/// One integer input in `[-range, range]`, and what an operator makes of it.
fn exact(name: &str, len: usize, range: i64, build: impl Fn(&mut Model, NodeId) -> NodeId) {
    let mut model = Model::default();
    let x = model.typed_input(&[len], ElementType::I64);
    let y = build(&mut model, x);
    let graph = model.finish(y);
    for bits in [2, 8, 12] {
        let quantized = quantize(&graph, &options(&graph, bits, -range as f64, range as f64)).expect(name);
        for seed in 1..20i64 {
            let inputs = [int_tensor(
                &[len],
                &(0..len as i64).map(|at| (at * 7919 + seed * 104_729) % (2 * range + 1) - range).collect::<Vec<_>>(),
            )];
            assert_eq!(
                real_run(&quantized, &inputs),
                float_run(&graph, &inputs),
                "{name} of {inputs:?} at {bits} bits"
            );
        }
    }
}

fn integers(model: &mut Model, op: Op, inputs: &[NodeId], shape: &[usize]) -> NodeId {
    model.push(op, inputs, shape, ElementType::I64)
}

fn constant(model: &mut Model, shape: &[usize], values: &[f64]) -> NodeId {
    integers(model, Op::Constant { values: values.to_vec() }, &[], shape)
}

#[test]
fn constants_are_not_rounded() {
    exact("a product", 3, 100, |model, x| {
        let factor = constant(model, &[], &[101.0]);
        integers(model, Op::Mul, &[x, factor], &[3])
    });
    exact("a product of matrices", 4, 100, |model, x| {
        let rows = model.push(Op::Rearrange { sources: sources(4) }, &[x], &[2, 2], ElementType::I64);
        let weights = constant(model, &[2, 2], &[1000.0, -999.0, 77_777.0, 1.0]);
        integers(model, Op::MatMul, &[rows, weights], &[2, 2])
    });
    exact("a sum", 2, 100, |model, x| {
        let summand = constant(model, &[2], &[55_555.0, -123_457.0]);
        integers(model, Op::Add, &[x, summand], &[2])
    });
}

#[test]
fn what_reads_integers_reads_them_at_their_own_scale() {
    exact("a remainder's quotient", 3, 100, |model, x| {
        let factor = constant(model, &[], &[128.0]);
        let product = integers(model, Op::Mul, &[x, factor], &[3]);
        let divisor = constant(model, &[], &[7.0]);
        integers(model, Op::FloorDiv, &[product, divisor], &[3])
    });
    exact("a row of a table", 3, 2, |model, x| {
        let (factor, middle) = (constant(model, &[], &[128.0]), constant(model, &[], &[300.0]));
        let product = integers(model, Op::Mul, &[x, factor], &[3]);
        let index = integers(model, Op::Add, &[product, middle], &[3]);
        let table = constant(model, &[600], &(0..600).map(|row| f64::from(row * 31 % 601)).collect::<Vec<_>>());
        integers(model, Op::Gather, &[table, index], &[3])
    });
    exact("a real number that was made an integer", 2, 50, |model, x| {
        let real = model.push(Op::Rearrange { sources: sources(2) }, &[x], &[2], ElementType::F32);
        let factor = model.constant(&[], &[1_048_576.0]);
        let product = model.real(Op::Mul, &[real, factor], &[2]);
        let rounded = model.real(Op::Round { rounding: Rounding::Truncate }, &[product], &[2]);
        let integer = model.push(Op::Rearrange { sources: sources(2) }, &[rounded], &[2], ElementType::I64);
        let divisor = constant(model, &[], &[7.0]);
        integers(model, Op::FloorDiv, &[integer, divisor], &[2])
    });
}

#[test]
fn large_integers_are_rectified_and_clipped_exactly() {
    exact("Relu", 3, 1 << 40, |model, x| integers(model, Op::Relu, &[x], &[3]));
    exact("Clip", 3, 1 << 40, |model, x| {
        integers(model, Op::Clip { min: Some(-1_234_567_891.0), max: Some(9_876_543_211.0) }, &[x], &[3])
    });
}

fn sources(len: u32) -> Vec<crate::float::Source> {
    (0..len).map(|element| crate::float::Source { input: 0, element }).collect()
}

/// Slopes far from 1 on either side: what is positive stays what it is.
#[test]
fn slopes_of_any_size() {
    for alpha in [1e-30, 3e5, -2e4, 0.3] {
        let case = case(Op::LeakyRelu { alpha }, &[between(-2.0, 2.0)], &[3]);
        assert!(case.holds_under_any_plan() > 6, "{alpha}");
    }
}
