//! What every key must satisfy before a proof is verified with it.
//!
//! Decoding and verification both come through here, so that the arithmetic behind may rely on it: indices exist,
//! queries differ, rotations are distinct points, sizes are bounded.

use crate::{ColumnKind, ConstraintSystem, Expression, KeyError, Query, Srs, VerifyingKey, domain::TWO_ADICITY};
use alloc::{vec, vec::Vec};
use ark_ec::AffineRepr;

/// Columns of one kind, queries of one kind, challenges. Some checks compare all pairs of them.
pub(crate) const MAX_COLUMNS: usize = 1024;
/// Gates.
pub(crate) const MAX_GATES: usize = 4096;
/// Nodes of all gates together: what one verification evaluates.
pub(crate) const MAX_NODES: usize = 1 << 16;
/// Nesting of a gate's expression: decoding and evaluation recurse this deep.
pub(crate) const MAX_DEPTH: usize = 256;
/// Degree of a constraint.
pub(crate) const MAX_DEGREE: usize = 64;
/// Distance of a queried row.
pub(crate) const MAX_ROTATION: i32 = 1 << 16;

/// At most `max` of `what`.
pub(crate) fn limit(what: &'static str, got: usize, max: usize) -> Result<(), KeyError> {
    if got <= max { Ok(()) } else { Err(KeyError::Limit { what, max: wide(max), got: wide(got) }) }
}

fn exists(what: &'static str, got: usize, len: usize) -> Result<(), KeyError> {
    if got < len { Ok(()) } else { Err(KeyError::Dangling { what, got, len }) }
}

fn count(what: &'static str, got: usize, expected: usize) -> Result<(), KeyError> {
    if got == expected { Ok(()) } else { Err(KeyError::Count { what, expected: wide(expected), got: wide(got) }) }
}

/// For messages.
fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl ConstraintSystem {
    /// Checks that all references exist, that nothing that must differ is equal, and that sizes are sane.
    ///
    /// # Errors
    /// The first [`KeyError`] found.
    pub fn validate(&self) -> Result<(), KeyError> {
        limit("fixed columns", self.num_fixed_columns, MAX_COLUMNS)?;
        limit("instance columns", self.num_instance_columns, 1)?;
        limit("advice columns", self.advice_phases.len(), MAX_COLUMNS)?;
        limit("challenges", self.challenge_phases.len(), MAX_COLUMNS)?;
        limit("columns of the permutation argument", self.permutation_columns.len(), MAX_COLUMNS)?;
        limit("gates", self.gates.len(), MAX_GATES)?;
        limit("degree", self.degree, MAX_DEGREE)?;
        if self.degree < 3 {
            return Err(KeyError::TooFew { what: "degree", min: 3, got: wide(self.degree) });
        }
        self.validate_phases()?;
        validate_queries("advice query", "advice column", &self.advice_queries, self.advice_phases.len())?;
        validate_queries("fixed query", "fixed column", &self.fixed_queries, self.num_fixed_columns)?;
        validate_queries("instance query", "instance column", &self.instance_queries, self.num_instance_columns)?;
        count("blinding factors", self.blinding_factors, self.required_blinding_factors())?;
        self.validate_permutation()?;
        self.validate_gates()
    }

    /// halo2's rule: every advice column is opened at most so often, a permutation product three times, each
    /// polynomial once more in the opening argument, and one is added for safety.
    pub fn required_blinding_factors(&self) -> usize {
        let openings = (0..self.advice_phases.len())
            .map(|column| self.advice_queries.iter().filter(|query| query.column == column).count())
            .max()
            .unwrap_or(1);
        openings.max(3).saturating_add(2)
    }

    fn validate_phases(&self) -> Result<(), KeyError> {
        let phases = self.advice_phases.iter().copied();
        let last = phases.max().unwrap_or(0);
        limit("phase", last.into(), 2)?;
        // The transcript's rule for an empty buffer relies on something being absorbed before each phase's challenges.
        for phase in 0..=last {
            if !self.advice_phases.contains(&phase) {
                return Err(KeyError::EmptyPhase { phase });
            }
        }
        // halo2 would leave a challenge of a later phase at zero.
        for phase in &self.challenge_phases {
            limit("phase of a challenge", (*phase).into(), last.into())?;
        }
        Ok(())
    }

    fn validate_permutation(&self) -> Result<(), KeyError> {
        for (index, column) in self.permutation_columns.iter().enumerate() {
            let (what, len, queries) = match column.kind {
                ColumnKind::Advice => ("advice column", self.advice_phases.len(), &self.advice_queries),
                ColumnKind::Fixed => ("fixed column", self.num_fixed_columns, &self.fixed_queries),
                ColumnKind::Instance => ("instance column", self.num_instance_columns, &self.instance_queries),
            };
            exists(what, column.index, len)?;
            if self.permutation_columns.iter().take(index).any(|earlier| earlier == column) {
                return Err(KeyError::Duplicate { what: "column of the permutation argument", index });
            }
            if !queries.contains(&Query { column: column.index, rotation: 0 }) {
                return Err(KeyError::PermutationColumnNotQueried { index });
            }
        }
        Ok(())
    }

    fn validate_gates(&self) -> Result<(), KeyError> {
        let mut nodes = 0usize;
        for (gate, expression) in self.gates.iter().enumerate() {
            // By an explicit stack: the depth of a key that was built by hand is not known yet.
            let mut stack = vec![(expression, 1usize)];
            while let Some((node, depth)) = stack.pop() {
                nodes = nodes.saturating_add(1);
                limit("nodes of all gates", nodes, MAX_NODES)?;
                limit("nesting of a gate", depth, MAX_DEPTH)?;
                let below = depth.saturating_add(1);
                match node {
                    Expression::Constant(_) => {}
                    Expression::Fixed(query) => exists("fixed query", *query, self.fixed_queries.len())?,
                    Expression::Advice(query) => exists("advice query", *query, self.advice_queries.len())?,
                    Expression::Instance(query) => exists("instance query", *query, self.instance_queries.len())?,
                    Expression::Challenge(index) => exists("challenge", *index, self.challenge_phases.len())?,
                    Expression::Negated(a) | Expression::Scaled(a, _) => stack.push((a, below)),
                    Expression::Sum(a, b) | Expression::Product(a, b) => stack.extend([(&**a, below), (&**b, below)]),
                }
            }
            let got = expression.degree();
            if got > self.degree {
                return Err(KeyError::GateDegree { gate, max: self.degree, got });
            }
        }
        Ok(())
    }

    /// All rotations at which something is opened or evaluated, and 0.
    fn rotations(&self) -> Vec<i32> {
        let queries = [&self.advice_queries, &self.fixed_queries, &self.instance_queries];
        let queried = queries.into_iter().flatten().map(|query| query.rotation);
        let opened = self.opening_groups().into_iter().flat_map(|group| group.rotations);
        queried.chain(opened).chain([0]).collect()
    }
}

impl Expression {
    /// Degree as a polynomial in the columns.
    pub fn degree(&self) -> usize {
        match self {
            Expression::Constant(_) | Expression::Challenge(_) => 0,
            Expression::Fixed(_) | Expression::Advice(_) | Expression::Instance(_) => 1,
            Expression::Negated(a) | Expression::Scaled(a, _) => a.degree(),
            Expression::Sum(a, b) => a.degree().max(b.degree()),
            Expression::Product(a, b) => a.degree().saturating_add(b.degree()),
        }
    }
}

fn validate_queries(
    what: &'static str,
    column: &'static str,
    queries: &[Query],
    num_columns: usize,
) -> Result<(), KeyError> {
    limit(what, queries.len(), MAX_COLUMNS)?;
    for (index, query) in queries.iter().enumerate() {
        exists(column, query.column, num_columns)?;
        if query.rotation.unsigned_abs() > MAX_ROTATION.unsigned_abs() {
            let (max, got) = (MAX_ROTATION.unsigned_abs().into(), query.rotation.unsigned_abs().into());
            return Err(KeyError::Limit { what: "distance of a queried row", max, got });
        }
        if queries.iter().take(index).any(|earlier| earlier == query) {
            return Err(KeyError::Duplicate { what, index });
        }
    }
    Ok(())
}

impl VerifyingKey {
    /// Checks the shape, that the sizes fit each other, and that every point is one.
    ///
    /// It does not, and cannot, say that the key belongs to a trusted circuit: compare [`digest`](Self::digest) with a
    /// value that you have from elsewhere.
    ///
    /// # Errors
    /// The first [`KeyError`] found.
    pub fn validate(&self) -> Result<(), KeyError> {
        let cs = &self.constraint_system;
        cs.validate()?;
        if self.k > TWO_ADICITY {
            return Err(KeyError::Limit { what: "k", max: TWO_ADICITY.into(), got: self.k.into() });
        }
        self.validate_rows()?;
        count("fixed commitments", self.fixed_commitments.len(), cs.num_fixed_columns)?;
        count("permutation commitments", self.permutation_commitments.len(), cs.permutation_columns.len())?;
        // A column of zeros commits to the identity, so a fixed commitment may be it. A permutation polynomial takes
        // 2^k nonzero values: its commitment is the identity only if the secret is a root of a known polynomial.
        if self.fixed_commitments.iter().any(|point| !point.is_on_curve()) {
            return Err(KeyError::NotOnCurve { what: "a fixed commitment" });
        }
        for point in &self.permutation_commitments {
            on_curve_and_not_identity("a permutation commitment", point, point.is_on_curve())?;
        }
        self.srs.validate()?;
        let described = self.layout.num_instances()?;
        if self.layout.is_empty() {
            return Ok(());
        }
        count("described instances", described, self.num_instances)
    }

    fn validate_rows(&self) -> Result<(), KeyError> {
        let cs = &self.constraint_system;
        let rows = 1u64.checked_shl(self.k).unwrap_or(u64::MAX);
        // The rows that hold randomness, the last usable one, row 0 and one more.
        let needed = wide(cs.blinding_factors).saturating_add(3);
        if rows < needed {
            return Err(KeyError::TooFew { what: "rows", min: needed, got: rows });
        }
        // Two rotations that are equal modulo the number of rows would be one point with two claims.
        let (lowest, highest) = cs.rotations().iter().fold((0, 0), |(low, high), r| (*r.min(&low), *r.max(&high)));
        let spread = u64::from(highest.abs_diff(lowest));
        if spread >= rows {
            return Err(KeyError::Limit {
                what: "distance of two queried rows",
                max: rows.saturating_sub(1),
                got: spread,
            });
        }
        let usable = rows.saturating_sub(wide(cs.blinding_factors).saturating_add(1));
        let max = if cs.num_instance_columns == 0 { 0 } else { usable };
        let got = wide(self.num_instances);
        if got > max { Err(KeyError::Limit { what: "instances", max, got }) } else { Ok(()) }
    }
}

impl Srs {
    /// Checks that its points are points of their groups, and none the identity. That they belong to one secret, the whole
    /// string's pairings say; here, a digest that somebody pinned.
    ///
    /// # Errors
    /// The first [`KeyError`] found.
    pub fn validate(&self) -> Result<(), KeyError> {
        for (what, point) in [("[1]_1", &self.g1), ("[s]_1", &self.s_g1)] {
            on_curve_and_not_identity(what, point, point.is_on_curve())?;
        }
        for (what, point) in [("[1]_2", &self.g2), ("[s]_2", &self.s_g2)] {
            on_curve_and_not_identity(what, point, point.is_on_curve())?;
            if !point.is_in_correct_subgroup_assuming_on_curve() {
                return Err(KeyError::NotInSubgroup { what });
            }
        }
        Ok(())
    }
}

fn on_curve_and_not_identity(what: &'static str, point: &impl AffineRepr, on_curve: bool) -> Result<(), KeyError> {
    if !on_curve {
        return Err(KeyError::NotOnCurve { what });
    }
    if point.is_zero() { Err(KeyError::Identity { what }) } else { Ok(()) }
}
