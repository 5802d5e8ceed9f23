//! The shape of a circuit: its columns, gates, queries and copy-constrained columns, without any value.
//!
//! Everything that a proof's layout and a verifier's arithmetic depend on is here, so one verifier contract is
//! rendered from a [`ConstraintSystem`] alone. What differs between two models of a shape (size, commitments,
//! structured reference string) stands in [`VerifyingKey`](crate::VerifyingKey).

use crate::Fr;
use alloc::{boxed::Box, vec::Vec};

/// What kind of column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnKind {
    /// Committed in the key.
    Fixed,
    /// Committed in the proof.
    Advice,
    /// Public: the verifier evaluates it itself.
    Instance,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column {
    /// Which list `index` counts in.
    pub kind: ColumnKind,
    /// Position among the columns of its kind, from 0.
    pub index: usize,
}

/// A column opened at `x * omega^rotation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Query {
    /// Position among the columns of the kind that the list of queries is for.
    pub column: usize,
    /// Rows ahead (positive) or behind (negative).
    pub rotation: i32,
}

/// A polynomial in the queried cells and the challenges; a gate holds where it is zero.
///
/// `Fixed`, `Advice` and `Instance` hold an index into the list of queries of that kind, not a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A constant.
    Constant(Fr),
    /// Index into [`ConstraintSystem::fixed_queries`].
    Fixed(usize),
    /// Index into [`ConstraintSystem::advice_queries`].
    Advice(usize),
    /// Index into [`ConstraintSystem::instance_queries`].
    Instance(usize),
    /// Index into [`ConstraintSystem::challenge_phases`].
    Challenge(usize),
    /// `-a`
    Negated(Box<Expression>),
    /// `a + b`
    Sum(Box<Expression>, Box<Expression>),
    /// `a * b`
    Product(Box<Expression>, Box<Expression>),
    /// `a * constant`
    Scaled(Box<Expression>, Fr),
}

/// The shape: what a verifier contract is rendered from.
///
/// The order of every list matters: it is the order of the proof's bytes and of the terms that challenges combine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintSystem {
    /// Fixed columns, selectors included (they are fixed columns here).
    pub num_fixed_columns: usize,
    /// Public columns: 0 or 1.
    pub num_instance_columns: usize,
    /// For each advice column, the phase in which it is committed: 0, 1 or 2, without gaps.
    pub advice_phases: Vec<u8>,
    /// For each challenge, the phase after whose commitments it is drawn.
    pub challenge_phases: Vec<u8>,
    /// Openings of advice columns, in the order of their evaluations in the proof. No two are equal.
    pub advice_queries: Vec<Query>,
    /// Openings of fixed columns, in the order of their evaluations in the proof. No two are equal.
    pub fixed_queries: Vec<Query>,
    /// Evaluations of the instance column that the verifier computes. No two are equal.
    pub instance_queries: Vec<Query>,
    /// Columns of the permutation argument (copy constraints), each of them queried at rotation 0.
    pub permutation_columns: Vec<Column>,
    /// Polynomials that vanish on every row, gate after gate.
    pub gates: Vec<Expression>,
    /// Largest degree of a constraint, at least 3: the quotient has `degree - 1` pieces, and a permutation product
    /// covers `degree - 2` columns.
    pub degree: usize,
    /// Rows at the end of each column that hold randomness; `l_last` stands on row `n - blinding_factors - 1`.
    pub blinding_factors: usize,
}
