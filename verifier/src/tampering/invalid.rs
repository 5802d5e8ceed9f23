//! Mutants of keys that are refused before any proof is read: one for each bound, each reference and each point that
//! [`VerifyingKey::validate`] looks at.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "made for tests from genuine keys: a panic is a failing test"
)]

use super::key::Table;
use crate::{
    Column, ColumnKind, ConstraintSystem, Expression, Fr, G1Affine, G2Affine, KeyError, Query, VerifyingKey,
    validate::{MAX_COLUMNS, MAX_DEGREE, MAX_DEPTH, MAX_GATES, MAX_NODES, MAX_ROTATION},
};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};
use ark_bn254::{Fq, Fq2};
use ark_ff::{One, Zero};

/// One kind of column: how errors name its queries and its columns, and where both are.
struct Kind {
    kind: ColumnKind,
    query: &'static str,
    column: &'static str,
    queries: fn(&mut ConstraintSystem) -> &mut Vec<Query>,
    num_columns: fn(&ConstraintSystem) -> usize,
    /// A gate that reads a query.
    cell: fn(usize) -> Expression,
}

const KINDS: [Kind; 3] = [
    Kind {
        kind: ColumnKind::Advice,
        query: "advice query",
        column: "advice column",
        queries: |cs| &mut cs.advice_queries,
        num_columns: |cs| cs.advice_phases.len(),
        cell: Expression::Advice,
    },
    Kind {
        kind: ColumnKind::Fixed,
        query: "fixed query",
        column: "fixed column",
        queries: |cs| &mut cs.fixed_queries,
        num_columns: |cs| cs.num_fixed_columns,
        cell: Expression::Fixed,
    },
    Kind {
        kind: ColumnKind::Instance,
        query: "instance query",
        column: "instance column",
        queries: |cs| &mut cs.instance_queries,
        num_columns: |cs| cs.num_instance_columns,
        cell: Expression::Instance,
    },
];

fn one_above(what: &'static str, max: usize) -> KeyError {
    let max = u64::try_from(max).expect("small");
    KeyError::Limit { what, max, got: max + 1 }
}

impl Table<'_> {
    pub(super) fn invalid(&mut self) {
        self.sizes();
        self.phases();
        for kind in &KINDS {
            self.queries(kind);
        }
        self.copied_columns();
        self.expressions();
        self.rotations();
        self.instances();
        self.points();
    }

    /// A mutant of the shape.
    fn add_shape(&mut self, name: impl Into<String>, change: impl FnOnce(&mut ConstraintSystem), error: KeyError) {
        self.add_invalid(name, |key| change(&mut key.constraint_system), error);
    }

    fn sizes(&mut self) {
        let many = MAX_COLUMNS + 1;
        let limit = |what| one_above(what, MAX_COLUMNS);
        self.add_shape("fixed columns: too many", |cs| cs.num_fixed_columns = many, limit("fixed columns"));
        self.add_shape("instance columns: 2", |cs| cs.num_instance_columns = 2, one_above("instance columns", 1));
        self.add_shape("advice columns: too many", |cs| cs.advice_phases.resize(many, 0), limit("advice columns"));
        self.add_shape("challenges: too many", |cs| cs.challenge_phases.resize(many, 0), limit("challenges"));
        let column = Column { kind: ColumnKind::Advice, index: 0 };
        self.add_shape(
            "permutation columns: too many",
            |cs| cs.permutation_columns.resize(many, column),
            limit("columns of the permutation argument"),
        );
        self.add_shape(
            "gates: too many",
            |cs| cs.gates.resize(MAX_GATES + 1, Expression::Constant(Fr::one())),
            one_above("gates", MAX_GATES),
        );
        self.add_shape("degree: too high", |cs| cs.degree = MAX_DEGREE + 1, one_above("degree", MAX_DEGREE));
    }

    fn phases(&mut self) {
        self.add_shape("advice columns: one in phase 3", |cs| cs.advice_phases.push(3), one_above("phase", 2));
        self.add_shape(
            "advice columns: none in phase 0",
            |cs| cs.advice_phases.fill(1),
            KeyError::EmptyPhase { phase: 0 },
        );
        if self.key.constraint_system.advice_phases.iter().all(|phase| *phase == 0) {
            self.add_shape(
                "advice columns: one in phase 2, none in phase 1",
                |cs| cs.advice_phases.push(2),
                KeyError::EmptyPhase { phase: 1 },
            );
        }
    }

    fn queries(&mut self, kind: &Kind) {
        let cs = &mut self.key.constraint_system.clone();
        let Kind { query, column, queries, num_columns, .. } = *kind;
        let (columns, first) = (num_columns(cs), queries(cs).first().copied());
        let len = queries(cs).len();

        let name = format!("{query} of a column that does not exist");
        let nowhere = Query { column: columns, rotation: 0 };
        let error = KeyError::Dangling { what: column, got: columns, len: columns };
        self.add_shape(name, |cs| queries(cs).push(nowhere), error);

        let name = format!("{query}: too many");
        let error = one_above(query, MAX_COLUMNS);
        self.add_shape(name, |cs| queries(cs).resize(MAX_COLUMNS + 1, nowhere), error);

        if let Some(first) = first {
            let name = format!("{query} 0 twice");
            let error = KeyError::Duplicate { what: query, index: len };
            self.add_shape(name, |cs| queries(cs).push(first), error);
        }
        if columns > 0 {
            for rotation in [MAX_ROTATION + 1, -MAX_ROTATION - 1, i32::MIN] {
                let far = Query { column: 0, rotation };
                let (max, got) = (MAX_ROTATION.unsigned_abs().into(), rotation.unsigned_abs().into());
                let error = KeyError::Limit { what: "distance of a queried row", max, got };
                self.add_shape(format!("{query} of row {rotation}"), |cs| queries(cs).push(far), error);
            }
        }
    }

    fn copied_columns(&mut self) {
        let cs = &self.key.constraint_system;
        for Kind { kind, column, num_columns, .. } in &KINDS {
            let len = num_columns(cs);
            self.add_shape(
                format!("permutation columns: {column} that does not exist"),
                |cs| cs.permutation_columns.push(Column { kind: *kind, index: len }),
                KeyError::Dangling { what: column, got: len, len },
            );
        }
        let index = cs.permutation_columns.len();
        if let Some(first) = cs.permutation_columns.first() {
            let error = KeyError::Duplicate { what: "column of the permutation argument", index };
            self.add_shape("permutation column 0 twice", |cs| cs.permutation_columns.push(*first), error);
        }
        let copied = Column { kind: ColumnKind::Fixed, index: cs.num_fixed_columns };
        let error = KeyError::PermutationColumnNotQueried { index };
        let add_column = |cs: &mut ConstraintSystem| {
            cs.num_fixed_columns += 1;
            cs.permutation_columns.push(copied);
        };
        self.add_shape("permutation columns: one that is not queried", add_column, error.clone());
        self.add_shape(
            "permutation columns: one that is queried on the next row only",
            |cs| {
                add_column(cs);
                cs.fixed_queries.push(Query { column: copied.index, rotation: 1 });
            },
            error,
        );
    }

    fn expressions(&mut self) {
        for Kind { query, queries, cell, .. } in &KINDS {
            let len = queries(&mut self.key.constraint_system.clone()).len();
            self.add_shape(
                format!("a gate that reads {query} {len}, which does not exist"),
                |cs| cs.gates.push(cell(len)),
                KeyError::Dangling { what: query, got: len, len },
            );
        }
        let len = self.key.constraint_system.challenge_phases.len();
        self.add_shape(
            "a gate that reads a challenge that does not exist",
            |cs| cs.gates.push(Expression::Challenge(len)),
            KeyError::Dangling { what: "challenge", got: len, len },
        );
        let nested = |nodes: usize| {
            (1..nodes).fold(Expression::Constant(Fr::one()), |inner, _| Expression::Negated(Box::new(inner)))
        };
        self.add_shape(
            "a gate that is nested too deep",
            |cs| cs.gates.push(nested(MAX_DEPTH + 1)),
            one_above("nesting of a gate", MAX_DEPTH),
        );
        self.add_shape(
            "gates of too many nodes",
            |cs| cs.gates = vec![nested(MAX_DEPTH); MAX_NODES.div_ceil(MAX_DEPTH) + 1],
            one_above("nodes of all gates", MAX_NODES),
        );
    }

    /// Two rotations that are one row: one point with two claims.
    fn rotations(&mut self) {
        let cs = &self.key.constraint_system;
        let Some(rows) = 1i32.checked_shl(self.key.k).filter(|rows| *rows <= MAX_ROTATION) else { return };
        let queried = [&cs.advice_queries, &cs.fixed_queries, &cs.instance_queries];
        let lowest = queried.into_iter().flatten().map(|query| query.rotation).min().unwrap_or(0).min(0);
        let last = -i32::try_from(cs.blinding_factors).expect("small") - 1;
        let last_is_opened = cs.num_permutation_products() > 1;
        let lowest = if last_is_opened { lowest.min(last) } else { lowest };
        let error = |highest: i32| KeyError::Limit {
            what: "distance of two queried rows",
            max: u64::from(rows.unsigned_abs()) - 1,
            got: highest.abs_diff(lowest).into(),
        };
        if cs.num_instance_columns > 0 {
            // The instance column is not opened: only its queries tell.
            let query = Query { column: 0, rotation: rows };
            self.add_shape("instance query a turn ahead", |cs| cs.instance_queries.push(query), error(rows));
        }
        if last_is_opened && cs.num_fixed_columns > 0 && lowest == last {
            // The last row is opened and not queried.
            let query = Query { column: 0, rotation: last + rows };
            let name = "fixed query of the last usable row, a turn ahead";
            self.add_shape(name, |cs| cs.fixed_queries.push(query), error(query.rotation));
        }
    }

    /// Values that no column holds would be absorbed and bind nothing.
    fn instances(&mut self) {
        let cs = &self.key.constraint_system;
        let usable = 1usize.checked_shl(self.key.k).expect("small") - cs.blinding_factors - 1;
        if cs.num_instance_columns > 0 {
            let error = one_above("instances", usable);
            self.add_invalid("instances: more than usable rows", |key| key.num_instances = usable + 1, error);
        }
        self.add_invalid(
            "an instance without a column",
            |key| {
                let cs = &mut key.constraint_system;
                cs.num_instance_columns = 0;
                cs.instance_queries.clear();
                cs.gates.clear();
                cs.permutation_columns.clear();
                key.permutation_commitments.clear();
                key.num_instances = 1;
            },
            one_above("instances", 0),
        );
    }

    fn points(&mut self) {
        let off_curve = G1Affine::new_unchecked(Fq::one(), Fq::one());
        for column in 0..self.key.fixed_commitments.len() {
            self.add_invalid(
                format!("fixed commitment {column}: off the curve"),
                |key| key.fixed_commitments[column] = off_curve,
                KeyError::NotOnCurve { what: "a fixed commitment" },
            );
        }
        for column in 0..self.key.permutation_commitments.len() {
            let what = "a permutation commitment";
            self.add_invalid(
                format!("permutation commitment {column}: off the curve"),
                |key| key.permutation_commitments[column] = off_curve,
                KeyError::NotOnCurve { what },
            );
            self.add_invalid(
                format!("permutation commitment {column}: the identity"),
                |key| key.permutation_commitments[column] = G1Affine::identity(),
                KeyError::Identity { what },
            );
        }

        type Place<P> = fn(&mut VerifyingKey) -> &mut P;
        let g1: [(&str, Place<G1Affine>); 2] = [("[1]_1", |key| &mut key.srs.g1), ("[s]_1", |key| &mut key.srs.s_g1)];
        for (what, place) in g1 {
            let name = |how| format!("srs: {what} {how}");
            self.add_invalid(name("off the curve"), |key| *place(key) = off_curve, KeyError::NotOnCurve { what });
            let identity = G1Affine::identity();
            self.add_invalid(name("the identity"), |key| *place(key) = identity, KeyError::Identity { what });
        }
        let g2: [(&str, Place<G2Affine>); 2] = [("[1]_2", |key| &mut key.srs.g2), ("[s]_2", |key| &mut key.srs.s_g2)];
        for (what, place) in g2 {
            let name = |how| format!("srs: {what} {how}");
            let off_curve = |key: &mut VerifyingKey| place(key).x += Fq2::one();
            self.add_invalid(name("off the curve"), off_curve, KeyError::NotOnCurve { what });
            let identity = G2Affine::identity();
            self.add_invalid(name("the identity"), |key| *place(key) = identity, KeyError::Identity { what });
            let outside = outside_subgroup();
            let error = KeyError::NotInSubgroup { what };
            self.add_invalid(name("outside the subgroup"), |key| *place(key) = outside, error);
        }
    }
}

/// The twist has a cofactor of 254 bits: the first point found by its x is not in G2.
fn outside_subgroup() -> G2Affine {
    let mut x = Fq2::zero();
    loop {
        x += Fq2::one();
        if let Some(point) = G2Affine::get_point_from_x_unchecked(x, false) {
            assert!(!point.is_in_correct_subgroup_assuming_on_curve());
            return point;
        }
    }
}
