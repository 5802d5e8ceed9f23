//! Lookups in a table other than their own. All tables share three columns, and only tags keep them apart: every other
//! constraint holds in these attacks, and the liar counts each lookup where some table has it.

use std::collections::HashMap;

use halo2_proofs::halo2curves::ff::PrimeField;

use super::{liar::Liar, models::model, *};
use crate::{
    int::{Builder, Interval, Op, Output, Row, Source, Term},
    machine::{Column, Wire, wire::Def},
};

/// What would let a lookup be counted in another table.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    /// All tables have one tag: `(u, v) = (a, b)` is enough.
    OneTag,
    /// A tag scales its tuple and is no part of it: `(tag*u, tag*v) = (T*a, T*b)` is enough.
    TagOnlyScales,
}

/// Tells `lie` in an honest run, in each shape, counts lookups as `flaw` would allow, and sees them refused for their tags.
fn assert_only_tags_refuse(flaw: Flaw, graph: &Graph, limb_bits: u32, inputs: &[&[i64]], lie: impl Fn(&mut Liar<'_>)) {
    let inputs: Vec<Vec<i64>> = inputs.iter().map(|input| input.to_vec()).collect();
    for shape in Shape::ALL {
        let (layout, values) = run(graph, shape, limb_bits, &inputs);
        let mut liar = Liar::new(&layout, values);
        lie(&mut liar);
        let mut forged = liar.witness();
        count_anywhere(flaw, &layout, &mut forged);
        assert_eq!(failures(&layout, &forged), ["lookup bounds"], "{shape}");
    }
}

/// Counts each lookup in its own table, if that has it, or else in any that has it by `flaw`.
fn count_anywhere(flaw: Flaw, layout: &Layout, witness: &mut Witness) {
    let scaled = |tag: u64, [u, v]: [Fr; 2]| match flaw {
        Flaw::OneTag => [u.to_repr(), v.to_repr()],
        Flaw::TagOnlyScales => [(Fr::from(tag) * u).to_repr(), (Fr::from(tag) * v).to_repr()],
    };
    let mut own = HashMap::new();
    let mut any = HashMap::new();
    let mut at = 1;
    for (id, table) in layout.tables.iter() {
        for row in 0..table.len() {
            let (key, output) = table.entry(row);
            let pair = scaled(id.tag(), [key, output]);
            own.insert((id, pair), at);
            any.insert(pair, at);
            at += 1;
        }
    }
    let lanes: Vec<Vec<Fr>> = witness.lanes.iter().map(Column::to_field).collect();
    let width = layout.shape.units();
    let mut counts = vec![0i64; layout.table_rows()];
    let mut confused = 0;
    for (at, unit) in layout.units.iter().enumerate() {
        let Some(id) = unit.table else { continue };
        let pair = scaled(id.tag(), [0, 1].map(|side| lanes[2 * (at % width) + side][at / width]));
        let row = own.get(&(id, pair)).or_else(|| {
            confused += 1;
            any.get(&pair)
        });
        counts[*row.expect("some table has it: else there is no attack")] += 1;
    }
    assert!(confused > 0, "every lookup found its own table");
    counts[0] = witness.multiplicities.small[0];
    witness.multiplicities.small = counts;
}

fn one_input(ranges: &[(i64, i64)], build: impl FnOnce(&mut Builder) -> crate::int::NodeId) -> Graph {
    let mut builder = Builder::new();
    let intervals = ranges.iter().map(|(lo, hi)| Interval::new(*lo, *hi)).collect();
    builder.input("x", vec![ranges.len()], 0, intervals).expect("a well-formed input");
    let y = build(&mut builder);
    builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a well-formed graph")
}

const X: crate::int::NodeId = crate::int::NodeId(0);

/// A byte, and three times it.
fn signed_byte() -> Graph {
    one_input(&[(-128, 127)], |builder| {
        let term = Term { source: Source { input: 0, element: 0 }, weight: 3 };
        let op = Op::Linear { rows: vec![Row { bias: 0, terms: vec![term] }] };
        builder.push("y", op, vec![X], vec![1], 0).expect("a well-formed node")
    })
}

fn outputs(liar: &Liar<'_>) -> Vec<Wire> {
    liar.wires(|def| matches!(def, Def::Lookup { .. }))
}

/// `128 + 128 = 8 * 2^5`: the limb of three bits is looked up among those of five, where 8 stands with highest bit 0.
#[test]
fn rejects_an_input_above_its_range_by_a_limb_of_a_wider_table() {
    assert_only_tags_refuse(Flaw::OneTag, &signed_byte(), 5, &[&[0]], |liar| liar.claim(liar.element(0, 0), 128));
}

/// `128 + 128 = 2 * 2^7`: the limb of one bit has tag 3, so that `3 * 2 = 2 * 3` stands in the table of tag 2.
#[test]
fn rejects_an_input_above_its_range_by_a_limb_of_another_scale() {
    assert_only_tags_refuse(Flaw::TagOnlyScales, &signed_byte(), 7, &[&[0]], |liar| {
        liar.claim(liar.element(0, 0), 128);
    });
}

/// 5 / 8 is 1 with remainder 1 after rounding, and 0 with remainder 9, a limb of five bits.
#[test]
fn rejects_rounding_down_by_a_remainder_of_a_wider_table() {
    assert_only_tags_refuse(Flaw::OneTag, &model("dense").graph, 5, &[&[0, 0, 0]], |liar| {
        liar.claim(liar.element(2, 0), 0);
    });
}

/// Every constant and every bias is a multiple of the wire that holds 1. Limbs may be 0.
#[test]
fn rejects_a_one_that_is_zero() {
    assert_only_tags_refuse(Flaw::OneTag, &model("dense").graph, 5, &[&[0, 0, 0]], |liar| {
        let one = liar.wires(|def| matches!(def, Def::Constant(1)))[0];
        let zeros: Vec<Wire> =
            (0..3).map(|at| liar.element(0, at)).chain((0..2).map(|at| liar.element(2, at))).collect();
        zeros.into_iter().chain([one]).for_each(|wire| liar.claim(wire, 0));
    });
}

/// Of a limb `2^(w-1)`, a table of `w` bits says that its highest bit is set, and one of four bits that it is not.
#[test]
fn rejects_the_sign_that_a_narrower_table_gives() {
    for width in 1..4 {
        let narrow = (0, (1 << (4 + width)) - 1);
        let graph = one_input(&[(-128, 127), narrow], |builder| {
            let sources = vec![Source { input: 0, element: 0 }];
            let x = builder.push("x0", Op::Rearrange { sources }, vec![X], vec![1], 0).expect("a well-formed node");
            builder.push("y", Op::Relu, vec![x], vec![1], 0).expect("a well-formed node")
        });
        let x = (1 << (4 + width - 1)) - 128 + 3;
        assert_only_tags_refuse(Flaw::OneTag, &graph, 4, &[&[x, 0]], |liar| liar.claim(outputs(liar)[0], 1));
    }
}

/// The greatest of none, since the first position says that it was before, as all others may.
#[test]
fn rejects_a_first_position_that_the_table_of_others_has() {
    assert_only_tags_refuse(Flaw::OneTag, &model("max").graph, 5, &[&[-5, -7, -7]], |liar| {
        let states = liar.wires(|def| matches!(def, Def::Place { .. }));
        let bits = outputs(liar);
        assert_eq!((states.len(), bits.len()), (3, 3));
        states.into_iter().chain(bits).for_each(|wire| liar.claim(wire, 0));
        liar.claim(liar.element(1, 0), 0);
    });
}

// Piecewise functions: 0 begins the third segment, with base 40 and slope 27; results lose four bits.

#[test]
fn rejects_the_base_that_the_table_of_slopes_gives() {
    assert_only_tags_refuse(Flaw::OneTag, &model("piecewise").graph, 4, &[&[0, 31]], |liar| {
        liar.claim(outputs(liar)[0], 27);
        liar.claim(liar.element(1, 0), 2);
    });
}

#[test]
fn rejects_the_slope_that_the_table_of_bases_gives() {
    assert_only_tags_refuse(Flaw::OneTag, &model("piecewise").graph, 4, &[&[10, 31]], |liar| {
        liar.claim(outputs(liar)[1], 40);
        liar.claim(liar.element(1, 0), 28);
    });
}

/// The highest bit of 2 among integers of four bits.
#[test]
fn rejects_the_base_that_a_table_of_limbs_gives() {
    assert_only_tags_refuse(Flaw::OneTag, &model("piecewise").graph, 4, &[&[0, 31]], |liar| {
        liar.claim(outputs(liar)[0], 0);
        liar.claim(liar.element(1, 0), 0);
    });
}

/// 32 columns of 8 bits fill two packs of 16: the token selects the same row of both.
#[test]
fn rejects_the_row_of_another_pack() {
    let rows: Vec<Vec<i64>> = (0..2).map(|t| (0..32).map(|d| (t * 131 + d * 37) % 256).collect()).collect();
    let graph = one_input(&[(0, 1)], |builder| {
        builder.push("rows", Op::Gather { rows }, vec![X], vec![1, 32], 0).expect("a well-formed node")
    });
    assert_only_tags_refuse(Flaw::OneTag, &graph, 4, &[&[1]], |liar| {
        let digits = liar.wires(|def| matches!(def, Def::Quadratic { .. }));
        let packed = outputs(liar);
        assert_eq!((digits.len(), packed.len()), (32, 2));
        let second = liar.field(packed[1]);
        liar.claim_field(packed[0], second);
        for (first, second) in digits[..16].iter().zip(&digits[16..]) {
            liar.claim(*first, liar.value(*second));
        }
    });
}
