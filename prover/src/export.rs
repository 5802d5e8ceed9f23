//! From halo2's keys to the verifier library's.
//!
//! halo2 keeps a verifying key in a form that only the circuit's own Rust type can read back. The verifier's key says
//! the same in full: shape, gates, commitments. Values cross between halo2curves and arkworks as canonical bytes, never
//! by transmuting one Montgomery form into the other.

use apodict_verifier::{Column, ColumnKind, ConstraintSystem, Expression, KeyError, Layout, Query, Srs, VerifyingKey};
use ark_ff::PrimeField as _;
use halo2_proofs::{
    plonk::{self, Any},
    poly::{Rotation, commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use halo2curves::{
    bn256::{self, Bn256},
    ff::PrimeField,
    group::prime::PrimeCurveAffine,
};
use thiserror::Error;

/// Why a key cannot be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// halo2's permuted lookups, which the verifiers do not have.
    #[error("the circuit has {count} permuted lookups: verifiers support none, state them as LogUp gates")]
    Lookups {
        /// How many.
        count: usize,
    },
    /// A selector that key generation should have replaced by a fixed column.
    #[error("gate {gate} contains a virtual selector: take the constraint system from a generated key")]
    Selector {
        /// Position among the gates' polynomials.
        gate: usize,
    },
    /// A gate refers to a cell that the constraint system does not open.
    #[error("a gate queries {kind} column {column} at rotation {rotation}, which is not among the queries")]
    UnknownQuery {
        /// "fixed", "advice" or "instance".
        kind: &'static str,
        /// Index of the column.
        column: usize,
        /// Rows ahead.
        rotation: i32,
    },
    /// The structured reference string has no first power.
    #[error("the structured reference string has fewer than two powers")]
    EmptySrs,
    /// What came out is not a key that the verifier accepts.
    #[error("the circuit cannot be verified: {0}")]
    Key(#[from] KeyError),
}

/// A scalar of halo2curves as arkworks'.
pub fn scalar(scalar: &bn256::Fr) -> apodict_verifier::Fr {
    apodict_verifier::Fr::from_le_bytes_mod_order(&scalar.to_repr())
}

/// A scalar of arkworks as halo2curves'.
pub fn halo2_scalar(scalar: &apodict_verifier::Fr) -> bn256::Fr {
    let ark_ff::BigInt(limbs) = scalar.into_bigint();
    bn256::Fr::from_raw(limbs)
}

fn coordinate(coordinate: &bn256::Fq) -> ark_bn254::Fq {
    ark_bn254::Fq::from_le_bytes_mod_order(&coordinate.to_repr())
}

fn quadratic(coordinate2: &bn256::Fq2) -> ark_bn254::Fq2 {
    ark_bn254::Fq2::new(coordinate(&coordinate2.c0), coordinate(&coordinate2.c1))
}

/// A point of halo2curves as arkworks'. The identity stays the identity.
pub fn g1(point: &bn256::G1Affine) -> ark_bn254::G1Affine {
    // halo2curves stores the identity as (0, 0), arkworks has a flag for it.
    if bool::from(point.is_identity()) {
        return ark_bn254::G1Affine::identity();
    }
    ark_bn254::G1Affine::new_unchecked(coordinate(&point.x), coordinate(&point.y))
}

/// A point of halo2curves as arkworks'. The identity stays the identity.
pub fn g2(point: &bn256::G2Affine) -> ark_bn254::G2Affine {
    if bool::from(point.is_identity()) {
        return ark_bn254::G2Affine::identity();
    }
    ark_bn254::G2Affine::new_unchecked(quadratic(&point.x), quadratic(&point.y))
}

/// What a verifier needs of a structured reference string.
///
/// # Errors
/// [`ExportError::EmptySrs`].
pub fn srs(params: &ParamsKZG<Bn256>) -> Result<Srs, ExportError> {
    let [first, second, ..] = params.get_g() else { return Err(ExportError::EmptySrs) };
    Ok(Srs { g1: g1(first), s_g1: g1(second), g2: g2(&params.g2()), s_g2: g2(&params.s_g2()) })
}

/// The verifier's key for halo2's, for proofs with `num_instances` public values, of which nothing is said: who compiled the
/// circuit adds layout and program.
///
/// # Errors
/// [`ExportError`] if the circuit uses what the verifiers do not support: permuted lookups, several instance columns,
/// a gate above the key's degree (halo2 caps it at 5 unless told otherwise).
pub fn verifying_key(
    vk: &plonk::VerifyingKey<bn256::G1Affine>,
    srs: Srs,
    num_instances: usize,
) -> Result<VerifyingKey, ExportError> {
    let domain = vk.get_domain();
    let key = VerifyingKey {
        k: domain.k,
        constraint_system: constraint_system(vk.cs(), domain.get_quotient_poly_degree() + 1)?,
        num_instances,
        transcript_repr: scalar(&vk.transcript_repr()),
        fixed_commitments: vk.fixed_commitments().iter().map(g1).collect(),
        permutation_commitments: vk.permutation().commitments().iter().map(g1).collect(),
        srs,
        layout: Layout::default(),
        program_digest: [0; 32],
    };
    key.validate()?;
    Ok(key)
}

/// The shape of a constraint system whose selectors are fixed columns already, as [`plonk::VerifyingKey::cs`] holds it.
///
/// `degree` is that of the key's domain: halo2 computes it once, from an environment variable among others.
///
/// # Errors
/// As [`verifying_key`].
pub fn constraint_system(
    cs: &plonk::ConstraintSystem<bn256::Fr>,
    degree: usize,
) -> Result<ConstraintSystem, ExportError> {
    if !cs.lookups().is_empty() {
        return Err(ExportError::Lookups { count: cs.lookups().len() });
    }
    let polynomials = cs.gates().iter().flat_map(|gate| gate.polynomials());
    let shape = ConstraintSystem {
        num_fixed_columns: cs.num_fixed_columns(),
        num_instance_columns: cs.num_instance_columns(),
        advice_phases: cs.advice_column_phase(),
        challenge_phases: cs.challenge_phase(),
        advice_queries: queries(cs.advice_queries()),
        fixed_queries: queries(cs.fixed_queries()),
        instance_queries: queries(cs.instance_queries()),
        permutation_columns: cs.permutation().get_columns().into_iter().map(column).collect(),
        gates: polynomials
            .enumerate()
            .map(|(gate, polynomial)| expression(cs, gate, polynomial))
            .collect::<Result<_, _>>()?,
        degree,
        blinding_factors: cs.blinding_factors(),
    };
    shape.validate()?;
    Ok(shape)
}

fn queries<C: plonk::ColumnType>(queries: &[(plonk::Column<C>, Rotation)]) -> Vec<Query> {
    queries.iter().map(|(column, rotation)| Query { column: column.index(), rotation: rotation.0 }).collect()
}

fn column(column: plonk::Column<Any>) -> Column {
    let kind = match column.column_type() {
        Any::Fixed => ColumnKind::Fixed,
        Any::Advice(_) => ColumnKind::Advice,
        Any::Instance => ColumnKind::Instance,
    };
    Column { kind, index: column.index() }
}

/// Position of a cell among the queries of its kind: halo2 knows it, but does not tell.
fn query_index<C: plonk::ColumnType>(
    kind: &'static str,
    queries: &[(plonk::Column<C>, Rotation)],
    column: usize,
    rotation: Rotation,
) -> Result<usize, ExportError> {
    queries
        .iter()
        .position(|(candidate, at)| candidate.index() == column && *at == rotation)
        .ok_or(ExportError::UnknownQuery { kind, column, rotation: rotation.0 })
}

fn expression(
    cs: &plonk::ConstraintSystem<bn256::Fr>,
    gate: usize,
    polynomial: &plonk::Expression<bn256::Fr>,
) -> Result<Expression, ExportError> {
    let operand = |polynomial| expression(cs, gate, polynomial).map(Box::new);
    Ok(match polynomial {
        plonk::Expression::Constant(constant) => Expression::Constant(scalar(constant)),
        plonk::Expression::Selector(_) => return Err(ExportError::Selector { gate }),
        plonk::Expression::Fixed(query) => {
            Expression::Fixed(query_index("fixed", cs.fixed_queries(), query.column_index(), query.rotation())?)
        }
        plonk::Expression::Advice(query) => {
            Expression::Advice(query_index("advice", cs.advice_queries(), query.column_index(), query.rotation())?)
        }
        plonk::Expression::Instance(query) => Expression::Instance(query_index(
            "instance",
            cs.instance_queries(),
            query.column_index(),
            query.rotation(),
        )?),
        plonk::Expression::Challenge(challenge) => Expression::Challenge(challenge.index()),
        plonk::Expression::Negated(a) => Expression::Negated(operand(a)?),
        plonk::Expression::Sum(a, b) => Expression::Sum(operand(a)?, operand(b)?),
        plonk::Expression::Product(a, b) => Expression::Product(operand(a)?, operand(b)?),
        plonk::Expression::Scaled(a, constant) => Expression::Scaled(operand(a)?, scalar(constant)),
    })
}
