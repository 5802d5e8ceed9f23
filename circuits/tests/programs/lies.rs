//! Files whose content lies. Each has the digest of the lie, so that the one check behind it must find it.

use apodict_circuits::{
    Body, Error, Program,
    int::{self, Factor, Interval, Op, Window},
    machine::{self, MAX_K, Objective},
    synthetic,
};

use crate::file::{body_of, body_with, content, file_of, graph, input, node, sealed};

fn honest() -> Program {
    synthetic::program(3, Objective::Gas).expect("it fits")
}

/// What is said of the honest program with one lie in it.
#[track_caller]
fn refused(lie: impl FnOnce(&mut Body)) -> Error {
    let mut body = body_of(&honest());
    lie(&mut body);
    Program::from_bytes(&file_of(&body)).expect_err("a lie")
}

#[track_caller]
fn refused_content(content: &[u8]) -> String {
    Program::from_bytes(&sealed(content)).expect_err("not what was written").to_string()
}

#[test]
fn what_is_honest_is_read() {
    let program = honest();
    let file = file_of(&body_of(&program));
    assert_eq!(file, program.to_bytes().expect("it encodes"));
    assert_eq!(Program::from_bytes(&file).expect("honest").digest(), program.digest());
}

/// Bounds in the circuit rest on declared ranges: with one that is too narrow, sums could wrap around the field.
#[test]
fn a_range_that_is_too_narrow_is_refused() {
    let narrow = |body: &mut Body| body.graph.nodes[1].ranges = vec![Interval { lo: 0, hi: 0 }];
    let error = refused(narrow);
    let too_narrow = |error: &machine::Error| matches!(error, machine::Error::Graph(int::Error::RangeTooNarrow { declared, .. }) if declared.hi == 0);
    assert!(matches!(&error, Error::Machine(error) if too_narrow(error)), "{error}");
    // Whoever lays a graph out without a file is told the same.
    let mut body = body_of(&honest());
    narrow(&mut body);
    let error = body.plan.lay_out(&body.graph).expect_err("a lie");
    assert!(too_narrow(&error), "{error}");
    let error = machine::plan(&body.graph, Objective::Gas).expect_err("a lie");
    assert!(too_narrow(&error), "{error}");
}

#[test]
fn a_graph_that_is_not_well_formed_is_refused() {
    let error = refused(|body| body.graph.nodes[1].inputs.clear());
    assert!(matches!(error, Error::Machine(machine::Error::Graph(int::Error::NoSuchElement { .. }))), "{error}");
    let error = refused(|body| body.graph.outputs.clear());
    assert!(matches!(error, Error::Machine(machine::Error::Graph(int::Error::Interface { .. }))), "{error}");
}

/// Another `k` is another circuit, of another key.
#[test]
fn another_k_is_refused() {
    let needed = honest().plan().k;
    for k in [needed - 1, needed + 1, 0] {
        let error = refused(|body| body.plan.k = k);
        let expected = |error: &machine::Error| matches!(error, machine::Error::PlanMismatch { expected, got } if *expected == k && (*got == needed || k < needed));
        assert!(matches!(&error, Error::Machine(error) if expected(error)), "{k}: {error}");
    }
    for k in [MAX_K + 1, u32::MAX] {
        let error = refused(|body| body.plan.k = k);
        assert!(matches!(error, Error::Machine(machine::Error::TooLarge { max: MAX_K, .. })), "{k}: {error}");
    }
}

#[test]
fn limbs_that_are_not_planned_for_are_refused() {
    for limb_bits in [0, 1, 3, 15, 64, u32::MAX] {
        let error = refused(|body| body.plan.limb_bits = limb_bits);
        let expected = matches!(error, Error::Machine(machine::Error::LimbBits { got, .. }) if got == limb_bits);
        assert!(expected, "{limb_bits}: {error}");
    }
}

#[test]
fn another_digest_is_refused() {
    let file = honest().to_bytes().expect("it encodes");
    for at in [8, file.len() / 2, file.len() - 33, file.len() - 32, file.len() - 1] {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let error = Program::from_bytes(&damaged).expect_err("damaged").to_string();
        assert!(error.contains("damaged"), "byte {at}: {error}");
    }
}

#[test]
fn bytes_after_the_content_are_refused() {
    let file = honest().to_bytes().expect("it encodes");
    for more in [&[0][..], &[0; 32], b"and more"] {
        let error = refused_content(&[content(&file), more].concat());
        assert!(error.contains("bytes follow its content"), "{error}");
    }
    let cut = &content(&file)[..content(&file).len() - 1];
    assert!(refused_content(cut).contains("does not decode"));
}

/// `5` may be written as `85 00`: then one program has two digests.
#[test]
fn numbers_written_longer_than_needed_are_refused() {
    let file = honest().to_bytes().expect("it encodes");
    let content = content(&file);
    // After the model's digest, the number of nodes.
    let at = 32;
    assert_eq!(usize::from(content[at]), honest().graph().nodes.len());
    for long in [&[content[at] | 0x80, 0][..], &[content[at] | 0x80, 0x80, 0]] {
        let error = refused_content(&[&content[..at], long, &content[at + 1..]].concat());
        assert!(error.contains("written otherwise"), "{error}");
    }
}

/// Whoever reads the scale takes `2^-frac_bits`, and `-i32::MIN` is none.
#[test]
fn scales_without_end_are_refused() {
    for frac_bits in [i32::MIN, i32::MIN + 1, -1023, 1023, i32::MAX] {
        for at in 0..2 {
            let error = refused(|body| body.graph.nodes[at].frac_bits = frac_bits);
            let expected = |error: &machine::Error| matches!(error, machine::Error::Graph(int::Error::Limit { value, .. }) if *value == i128::from(frac_bits));
            assert!(matches!(&error, Error::Machine(error) if expected(error)), "{frac_bits}: {error}");
        }
    }
}

/// Elements with scales of their own have one each, and a real input's is not 0, by which integers are told.
#[test]
fn scales_of_elements_are_as_many_as_elements_and_real() {
    let two = || {
        let (zero, mut x) = (Interval { lo: 0, hi: 1 }, input(2, Interval { lo: 0, hi: 1 }));
        (x.frac_bits, x.element_bits) = (3, vec![3, -40]);
        let mut body = body_with(graph(vec![x, node(Op::Relu, &[0], 2, zero)]));
        body.plan.k = 4;
        body.plan.limb_bits = 4;
        body
    };
    let program = Program::from_bytes(&file_of(&two())).expect("one scale for each element");
    assert_eq!(program.graph().nodes[0].frac_bits_of(1), -40);
    let refused = |element_bits: Vec<i32>| {
        let mut body = two();
        body.graph.nodes[0].element_bits = element_bits;
        Program::from_bytes(&file_of(&body)).expect_err("no scale for each element")
    };
    for wrong in [vec![3], vec![3, 4, 5]] {
        let error = refused(wrong);
        assert!(matches!(&error, Error::Machine(machine::Error::Graph(int::Error::Length { .. }))), "{error}");
    }
    for wrong in [i32::MIN, -1023, 1023, i32::MAX] {
        let error = refused(vec![3, wrong]);
        assert!(matches!(&error, Error::Machine(machine::Error::Graph(int::Error::Limit { .. }))), "{error}");
    }
    assert!(matches!(refused(vec![3, 0]), Error::Program { .. }));
}

/// A row of a table that no token selects may hold anything: `4 * -2^61` is the least integer, which has no negative.
#[test]
fn a_table_with_the_least_integer_is_refused() {
    let zero = Interval { lo: 0, hi: 0 };
    let op = Op::EmbeddingSum { rows: vec![vec![0], vec![-(1 << 61)]], groups: vec![(0..4).collect()] };
    let body = body_with(graph(vec![input(4, zero), node(op, &[0], 1, zero)]));
    let error = Program::from_bytes(&file_of(&body)).expect_err("no coefficient is so large");
    assert!(matches!(error, Error::Machine(machine::Error::WeightOverflow)), "{error}");
}

fn convolution(data: &[usize], kernel: Factor, strides: &[usize], pads: &[[usize; 2]]) -> Op {
    let (strides, pads) = (strides.to_vec(), pads.to_vec());
    let dilations = vec![1; strides.len()];
    Op::Conv {
        data: Factor::Computed { shape: data.to_vec() },
        kernel,
        window: Window { strides, pads, dilations, groups: 1 },
    }
}

/// Shapes that a file states lead no index outside of what there is.
#[test]
fn factors_that_do_not_fit_are_refused() {
    let range = Interval { lo: -4, hi: 4 };
    let fixed = |shape: &[usize], len: usize| Factor::Fixed { shape: shape.to_vec(), values: vec![1; len] };
    let computed = |shape: &[usize]| Factor::Computed { shape: shape.to_vec() };
    let huge = usize::MAX / 2 + 1;
    let ops = [
        Op::MatMul { left: computed(&[2, 2]), right: fixed(&[2, 2], 3) },
        Op::MatMul { left: computed(&[2, 3]), right: fixed(&[3, 2], 6) },
        Op::MatMul { left: computed(&[2, 2]), right: fixed(&[1, 4], 4) },
        Op::MatMul { left: computed(&[huge, 2, 2, 2]), right: fixed(&[2, 2], 4) },
        Op::MatMul { left: computed(&[4]), right: fixed(&[4, 1], 4) },
        Op::MatMul { left: fixed(&[2, 2], 4), right: fixed(&[2, 2], 4) },
        Op::MatMul { left: computed(&[2, 2]), right: computed(&[2, 2]) },
        convolution(&[1, 1, 4], fixed(&[1, 1, 1], 2), &[1], &[[0, 0]]),
        convolution(&[1, 1, 5], fixed(&[1, 1, 2], 2), &[1], &[[0, 0]]),
        convolution(&[1, 1, 4], fixed(&[1, 1, 1], 1), &[0], &[[0, 0]]),
        convolution(&[1, 1, 4], fixed(&[1, 1, 1], 1), &[1], &[[huge, huge]]),
        convolution(&[1, 1, 4], fixed(&[1, 1, 1], 1), &[1, 1], &[[0, 0]]),
        convolution(&[1, 2, 2], fixed(&[1, 1, 1], 1), &[1], &[[0, 0]]),
        convolution(&[1, 1, 4], fixed(&[1, 1, 5], 5), &[1], &[[0, 0]]),
    ];
    for op in ops {
        let body = body_with(graph(vec![input(4, range), node(op.clone(), &[0], 4, Interval { lo: -99, hi: 99 })]));
        let error = Program::from_bytes(&file_of(&body)).expect_err("a lie");
        let expected = matches!(
            error,
            Error::Machine(machine::Error::Graph(
                int::Error::Factors { .. }
                    | int::Error::Length { .. }
                    | int::Error::Limit { .. }
                    | int::Error::OperandCount { .. }
            ))
        );
        assert!(expected, "{op:?}: {error}");
    }
}

/// The range of a sum is computed from the weights again.
#[test]
fn a_range_of_products_that_is_too_narrow_is_refused() {
    let weights = Factor::Fixed { shape: vec![2, 1], values: vec![3, -5] };
    let op = Op::MatMul { left: Factor::Computed { shape: vec![1, 2] }, right: weights };
    for (lo, hi) in [(-32, 31), (-31, 32)] {
        let sum = node(op.clone(), &[0], 1, Interval { lo, hi });
        let body = body_with(graph(vec![input(2, Interval { lo: -4, hi: 4 }), sum]));
        let error = Program::from_bytes(&file_of(&body)).expect_err("a lie");
        let expected = matches!(&error, Error::Machine(machine::Error::Graph(int::Error::RangeTooNarrow { computed, .. })) if (computed.lo, computed.hi) == (-32, 32));
        assert!(expected, "{error}");
    }
}

#[test]
fn a_file_beyond_the_largest_is_not_looked_at() {
    let error = Program::from_bytes(&vec![0; apodict_circuits::MAX_PROGRAM_BYTES + 1]).expect_err("too long");
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
}

#[test]
fn other_files_are_refused() {
    let mut file = honest().to_bytes().expect("it encodes");
    file[7] += 1;
    assert!(Program::from_bytes(&file).expect_err("of a later version").to_string().contains("another version"));
    assert!(Program::from_bytes(b"apodict").expect_err("too short").to_string().contains("too short"));
    assert!(Program::from_bytes(b"apodict\x03").expect_err("no digest").to_string().contains("truncated"));
    assert!(Program::from_bytes(&[0; 200]).expect_err("no program").to_string().contains("begins otherwise"));
}
