//! Mutants of verifying keys.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "made for tests from genuine keys: a panic is a failing test"
)]

use crate::{Error, Expression, Fr, G1Affine, KeyError, Quantization, VerifyingKey};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::One;

/// A key that was tampered with, to be tried on a genuine proof of the original.
#[derive(Clone, Debug)]
pub struct KeyMutant {
    /// What was done: unique within the table.
    pub name: String,
    /// The key. Its digest is never the original's, as far as it has one.
    pub key: VerifyingKey,
    /// What [`verify`](crate::verify) must say. `Ok` for what no equation has (the meaning of the public values, `[s]_1`):
    /// there, the digest alone tells.
    pub expected: Result<(), Error>,
}

/// All mutants of a genuine key.
///
/// # Panics
/// If the key is not valid.
pub fn key_mutants(key: &VerifyingKey) -> Vec<KeyMutant> {
    let mut table = Table { key, mutants: Vec::new() };
    table.header();
    table.meaning();
    table.srs();
    table.commitments();
    table.shape();
    table.gates();
    table.invalid();
    table.mutants
}

pub(super) struct Table<'a> {
    pub(super) key: &'a VerifyingKey,
    mutants: Vec<KeyMutant>,
}

const REJECTED: Result<(), Error> = Err(Error::Rejected);

impl Table<'_> {
    fn add(&mut self, name: impl Into<String>, change: impl FnOnce(&mut VerifyingKey), expected: Result<(), Error>) {
        let mut key = self.key.clone();
        change(&mut key);
        if key != *self.key {
            self.mutants.push(KeyMutant { name: name.into(), key, expected });
        }
    }

    pub(super) fn add_invalid(
        &mut self,
        name: impl Into<String>,
        change: impl FnOnce(&mut VerifyingKey),
        error: KeyError,
    ) {
        self.add(name, change, Err(Error::Key(error)));
    }

    fn header(&mut self) {
        let num_instances = self.key.num_instances;
        self.add("k: one more", |key| key.k += 1, REJECTED);
        self.add_invalid("k: 29", |key| key.k = 29, KeyError::Limit { what: "k", max: 28, got: 29 });
        let needed = u64::try_from(self.key.constraint_system.blinding_factors).expect("small") + 3;
        self.add_invalid("k: 0", |key| key.k = 0, KeyError::TooFew { what: "rows", min: needed, got: 1 });
        self.add("transcript representation", |key| key.transcript_repr += Fr::one(), REJECTED);
        // A key that describes its instances contradicts itself; of another one, only the proof's instances are too few or many.
        let described = !self.key.layout.is_empty();
        let error = |count: usize| match described {
            true => Error::Key(KeyError::Count {
                what: "described instances",
                expected: u64::try_from(count).expect("small"),
                got: u64::try_from(num_instances).expect("small"),
            }),
            false => Error::InstanceCount { expected: count, got: num_instances },
        };
        if self.key.constraint_system.num_instance_columns == 1 {
            let more = num_instances + 1;
            self.add("instances: one more", |key| key.num_instances = more, Err(error(more)));
        }
        if let Some(fewer) = num_instances.checked_sub(1) {
            self.add("instances: one fewer", |key| key.num_instances = fewer, Err(error(fewer)));
        }
    }

    /// What the public values mean: no equation has it, so the digest must.
    fn meaning(&mut self) {
        self.add("program digest", |key| key.program_digest[0] ^= 1, Ok(()));
        let first = |key: &VerifyingKey| key.layout.outputs.first().cloned();
        let Some(output) = first(self.key) else { return };
        let wrong = |reason| KeyError::Layout { tensor: output.name.clone(), reason };
        let run = |key: &mut VerifyingKey, change: fn(&mut Quantization)| {
            change(&mut key.layout.outputs[0].runs[0].quantization);
        };
        self.add("layout: an output's name", |key| key.layout.outputs[0].name.push('\''), Ok(()));
        self.add("layout: one more dimension of an output", |key| key.layout.outputs[0].shape.push(1), Ok(()));
        self.add("layout: an output's numerator", |key| run(key, |q| q.num *= 2), Ok(()));
        self.add("layout: an output's denominator", |key| run(key, |q| q.den *= 16), Ok(()));
        self.add("layout: an output's zero", |key| run(key, |q| q.zero -= 1), Ok(()));
        self.add("layout: an output's least", |key| run(key, |q| q.lo -= 1), Ok(()));
        self.add("layout: an output's greatest", |key| run(key, |q| q.hi += 1), Ok(()));
        self.add(
            "layout: inputs and outputs exchanged",
            |key| core::mem::swap(&mut key.layout.inputs, &mut key.layout.outputs),
            Ok(()),
        );
        self.add_invalid("layout: a scale of zero", |key| run(key, |q| q.num = 0), wrong("a scale is zero"));
        self.add_invalid("layout: a scale over zero", |key| run(key, |q| q.den = 0), wrong("a scale is zero"));
        self.add_invalid(
            "layout: an empty range",
            |key| run(key, |q| q.hi = q.lo - 1),
            wrong("a range is empty, or wider than 127 bits"),
        );
        self.add_invalid(
            "layout: a range of 128 bits",
            |key| run(key, |q| q.hi = 1 << 126),
            wrong("a range is empty, or wider than 127 bits"),
        );
        self.add_invalid(
            "layout: an element that is not described",
            |key| key.layout.outputs[0].runs[0].count -= 1,
            wrong("its quantizations are not as many as its elements"),
        );
        self.add_invalid(
            "layout: a run of no element",
            |key| {
                let mut run = key.layout.outputs[0].runs[0];
                run.count = 0;
                run.quantization.zero += 1;
                key.layout.outputs[0].runs.push(run);
            },
            wrong("its quantizations are not as many as its elements"),
        );
        self.add_invalid(
            "layout: a run in two pieces",
            |key| {
                let run = key.layout.outputs[0].runs[0];
                key.layout.outputs[0].shape.push(2);
                key.layout.outputs[0].runs.insert(0, run);
            },
            wrong("two runs of its elements are one"),
        );
        self.add_invalid(
            "layout: a dimension of zero",
            |key| key.layout.outputs[0].shape.push(0),
            wrong("no program has its shape"),
        );
        self.add_invalid(
            "layout: more elements than a word counts",
            |key| key.layout.outputs[0].shape.extend([usize::MAX, 2]),
            wrong("no program has its shape"),
        );
        self.add_invalid(
            "layout: an output twice",
            |key| key.layout.outputs.push(key.layout.outputs[0].clone()),
            wrong("it is described twice"),
        );
    }

    fn srs(&mut self) {
        self.add("srs: [s]_1 doubled", |key| key.srs.s_g1 = doubled(key.srs.s_g1), Ok(()));
        self.add("srs: [1]_1 doubled", |key| key.srs.g1 = doubled(key.srs.g1), REJECTED);
        self.add("srs: [1]_2 doubled", |key| key.srs.g2 = doubled(key.srs.g2), REJECTED);
        self.add("srs: [s]_2 doubled", |key| key.srs.s_g2 = doubled(key.srs.s_g2), REJECTED);
        self.add("srs: [s]_2 equal to [1]_2", |key| key.srs.s_g2 = key.srs.g2, REJECTED);
        self.add("srs: [1]_2 and [s]_2 swapped", |key| core::mem::swap(&mut key.srs.g2, &mut key.srs.s_g2), REJECTED);
    }

    fn commitments(&mut self) {
        let cs = &self.key.constraint_system;
        for column in 0..self.key.fixed_commitments.len() {
            // A column that no gate reads is in the key, but says nothing.
            let queried = cs.fixed_queries.iter().any(|query| query.column == column);
            let expected = || if queried { REJECTED } else { Ok(()) };
            let name = |what| format!("fixed commitment {column}: {what}");
            self.add(name("another point"), |key| shift(&mut key.fixed_commitments[column]), expected());
            self.add(name("the identity"), |key| key.fixed_commitments[column] = G1Affine::identity(), expected());
        }
        for column in 0..self.key.permutation_commitments.len() {
            let name = |what| format!("permutation commitment {column}: {what}");
            self.add(name("another point"), |key| shift(&mut key.permutation_commitments[column]), REJECTED);
        }
        let count = |what, got: usize| {
            let got = u64::try_from(got).expect("small");
            KeyError::Count { what, expected: got + 1, got }
        };
        if let Some(fewer) = self.key.fixed_commitments.len().checked_sub(1) {
            let error = count("fixed commitments", fewer);
            self.add_invalid("fixed commitments: one missing", |key| key.fixed_commitments.truncate(fewer), error);
        }
        if let Some(fewer) = self.key.permutation_commitments.len().checked_sub(1) {
            let error = count("permutation commitments", fewer);
            let change = |key: &mut VerifyingKey| key.permutation_commitments.truncate(fewer);
            self.add_invalid("permutation commitments: one missing", change, error);
        }
    }

    fn shape(&mut self) {
        let cs = &self.key.constraint_system;
        let proof_len = cs.proof_len();
        let mut wider = cs.clone();
        wider.degree += 1;
        let length = Error::ProofLength { expected: wider.proof_len(), got: proof_len };
        self.add("degree: one more", |key| key.constraint_system.degree += 1, Err(length));
        self.add_invalid(
            "degree: 2",
            |key| key.constraint_system.degree = 2,
            KeyError::TooFew { what: "degree", min: 3, got: 2 },
        );
        let blinding = u64::try_from(cs.blinding_factors).expect("small");
        self.add_invalid(
            "blinding factors: one fewer",
            |key| key.constraint_system.blinding_factors -= 1,
            KeyError::Count { what: "blinding factors", expected: blinding, got: blinding - 1 },
        );
        let challenges = cs.challenge_phases.len();
        self.add("challenges: one more", |key| key.constraint_system.challenge_phases.push(0), REJECTED);
        self.add_invalid(
            "challenges: one after a phase that does not exist",
            |key| key.constraint_system.challenge_phases.push(3),
            KeyError::Limit {
                what: "phase of a challenge",
                max: cs.advice_phases.iter().copied().max().unwrap_or(0).into(),
                got: 3,
            },
        );
        if challenges > 1 {
            self.add("challenges: swapped", |key| swap_challenges(&mut key.constraint_system.gates), REJECTED);
        }
        for query in 1..cs.advice_queries.len() {
            self.add(
                format!("advice queries {} and {query} swapped", query - 1),
                |key| key.constraint_system.advice_queries.swap(query - 1, query),
                REJECTED,
            );
        }
        for column in 1..cs.permutation_columns.len() {
            self.add(
                format!("permutation columns {} and {column} swapped", column - 1),
                |key| key.constraint_system.permutation_columns.swap(column - 1, column),
                REJECTED,
            );
        }
    }

    fn gates(&mut self) {
        let gates = &self.key.constraint_system.gates;
        for gate in 0..gates.len() {
            self.add(
                format!("gate {gate} negated"),
                |key| change_gate(key, gate, |expression| Expression::Negated(Box::new(expression))),
                REJECTED,
            );
            self.add(
                format!("gate {gate} plus one"),
                |key| {
                    change_gate(key, gate, |expression| {
                        Expression::Sum(Box::new(expression), Box::new(Expression::Constant(Fr::one())))
                    });
                },
                REJECTED,
            );
            self.add(format!("gate {gate} removed"), |key| drop(key.constraint_system.gates.remove(gate)), REJECTED);
        }
        for gate in 1..gates.len() {
            self.add(
                format!("gates {} and {gate} swapped", gate - 1),
                |key| key.constraint_system.gates.swap(gate - 1, gate),
                REJECTED,
            );
        }
        let (gate, max) = (gates.len(), self.key.constraint_system.degree);
        self.add_invalid(
            "a gate above the degree",
            |key| key.constraint_system.gates.push(power(max + 1)),
            KeyError::GateDegree { gate, max, got: max + 1 },
        );
    }
}

fn doubled<P: AffineRepr>(point: P) -> P {
    (point + point).into_affine()
}

fn shift(point: &mut G1Affine) {
    *point = (*point + G1Affine::generator()).into_affine();
}

fn change_gate(key: &mut VerifyingKey, gate: usize, change: impl FnOnce(Expression) -> Expression) {
    let place = &mut key.constraint_system.gates[gate];
    *place = change(place.clone());
}

/// Challenges 0 and 1 exchanged in every gate.
fn swap_challenges(gates: &mut [Expression]) {
    for gate in gates {
        match gate {
            Expression::Challenge(index @ 0..=1) => *index = 1 - *index,
            Expression::Negated(a) | Expression::Scaled(a, _) => swap_challenges(core::slice::from_mut(a)),
            Expression::Sum(a, b) | Expression::Product(a, b) => {
                swap_challenges(core::slice::from_mut(a));
                swap_challenges(core::slice::from_mut(b));
            }
            Expression::Constant(_)
            | Expression::Fixed(_)
            | Expression::Advice(_)
            | Expression::Instance(_)
            | Expression::Challenge(_) => {}
        }
    }
}

/// The first advice query to a power.
fn power(exponent: usize) -> Expression {
    let cell = || Expression::Advice(0);
    (1..exponent).fold(cell(), |product, _| Expression::Product(Box::new(product), Box::new(cell())))
}
