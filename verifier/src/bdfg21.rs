//! SHPLONK: many polynomials opened at many points with two group elements (Boneh, Drake, Fisch, Gabizon,
//! "Efficient polynomial commitment schemes for multiple points and polynomials", eprint 2020/081, section 4).
//!
//! Polynomials that are opened at the same set of points form a group. With `T` the vanishing polynomial of all
//! points, `Z_i` that of group `i` and `r_ij` the interpolation of the claimed evaluations of `C_ij`, the prover has
//! shown `W = sum_i v^i sum_j y^j (C_ij - r_ij) / Z_i` and opens, at `u`, a polynomial that is zero there. Divided by
//! `T/Z_0` at `u`, what remains to check is
//!
//! `e(W', [s]_2) = e(sum_i v^i (Z_0/Z_i)(u) sum_j y^j (C_ij - r_ij(u)) - Z_0(u) W + u W', [1]_2)`
//!
//! # Soundness
//! A commitment must not be opened twice at one point: two claims would then be averaged instead of compared. Claims
//! are grouped by *which polynomial* they are about, never by the value of its commitment; the queries of a column
//! are distinct rotations ([`ConstraintSystem::validate`]) and distinct rotations are distinct points
//! ([`VerifyingKey::validate`](crate::VerifyingKey::validate)).

use crate::{
    ConstraintSystem, Evaluation,
    domain::{inverted, powers},
};
use alloc::{vec, vec::Vec};
use ark_bn254::Fr;
use ark_ff::Zero;

/// A committed polynomial that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Polynomial {
    /// An advice column.
    Advice(usize),
    /// A permutation product, by chunk.
    Product(usize),
    /// A fixed column.
    Fixed(usize),
    /// The permutation polynomial of a column of the permutation argument.
    Permutation(usize),
    /// The quotient: `sum_i x^(n*i) * [h_i]`.
    Quotient,
    /// The random polynomial.
    Random,
}

/// A polynomial and its claimed values at the points of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What is opened.
    pub polynomial: Polynomial,
    /// Its value at each of the group's rotations, in their order.
    pub evaluations: Vec<Evaluation>,
}

/// Polynomials that are opened at the same points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningGroup {
    /// The points are `x * omega^rotation`, ascending.
    pub rotations: Vec<i32>,
    /// Power `j` of SHPLONK's `y` multiplies opening `j`.
    pub openings: Vec<Opening>,
}

impl ConstraintSystem {
    /// The groups in halo2's order, which is the order of the powers of SHPLONK's `v`: polynomials in the order of
    /// their first query, groups in the order of their first polynomial.
    pub fn opening_groups(&self) -> Vec<OpeningGroup> {
        // The last usable row, seen from row 0.
        let last = i32::try_from(self.blinding_factors).unwrap_or(i32::MAX).saturating_add(1).saturating_neg();
        let num_products = self.num_permutation_products();

        let advice = self
            .advice_queries
            .iter()
            .enumerate()
            .map(|(index, query)| (Polynomial::Advice(query.column), query.rotation, Evaluation::Advice(index)));
        let products = (0..num_products).flat_map(|chunk| {
            let polynomial = Polynomial::Product(chunk);
            let not_final = chunk.saturating_add(1) < num_products;
            [(polynomial, 0, Evaluation::Product(chunk)), (polynomial, 1, Evaluation::ProductNext(chunk))]
                .into_iter()
                .chain(not_final.then_some((polynomial, last, Evaluation::ProductLast(chunk))))
        });
        let fixed = self
            .fixed_queries
            .iter()
            .enumerate()
            .map(|(index, query)| (Polynomial::Fixed(query.column), query.rotation, Evaluation::Fixed(index)));
        let permutation = (0..self.permutation_columns.len())
            .map(|column| (Polynomial::Permutation(column), 0, Evaluation::Permutation(column)));
        let vanishing = [(Polynomial::Quotient, 0, Evaluation::Quotient), (Polynomial::Random, 0, Evaluation::Random)];

        let mut polynomials: Vec<(Polynomial, Vec<(i32, Evaluation)>)> = Vec::new();
        for (polynomial, rotation, evaluation) in
            advice.chain(products).chain(fixed).chain(permutation).chain(vanishing)
        {
            match polynomials.iter_mut().find(|(known, _)| *known == polynomial) {
                Some((_, claims)) => claims.push((rotation, evaluation)),
                None => polynomials.push((polynomial, vec![(rotation, evaluation)])),
            }
        }

        let mut groups: Vec<OpeningGroup> = Vec::new();
        for (polynomial, mut claims) in polynomials {
            claims.sort_unstable();
            let (rotations, evaluations): (Vec<_>, Vec<_>) = claims.into_iter().unzip();
            let opening = Opening { polynomial, evaluations };
            match groups.iter_mut().find(|group| group.rotations == rotations) {
                Some(group) => group.openings.push(opening),
                None => groups.push(OpeningGroup { rotations, openings: vec![opening] }),
            }
        }
        groups
    }
}

/// The right side of the check, as multiples of the commitments.
pub(crate) struct Combination {
    /// Of each opened polynomial's commitment.
    pub(crate) polynomials: Vec<(Polynomial, Fr)>,
    /// Of `[1]_1`.
    pub(crate) g1: Fr,
    /// Of `W`. That of `W'` is `u`.
    pub(crate) opening_quotient: Fr,
}

/// SHPLONK's challenges.
pub(crate) struct Challenges {
    pub(crate) y: Fr,
    pub(crate) v: Fr,
    pub(crate) u: Fr,
}

/// Combines all groups; `point` maps a rotation to `x * omega^rotation`, `evaluation` a claim to its value.
///
/// `None` if `u` is one of the points, or if `evaluation` knows no answer.
pub(crate) fn combine(
    groups: &[OpeningGroup],
    challenges: &Challenges,
    point: impl Fn(i32) -> Fr,
    evaluation: impl Fn(Evaluation) -> Option<Fr>,
) -> Option<Combination> {
    let Challenges { y, v, u } = *challenges;
    let points: Vec<Vec<Fr>> =
        groups.iter().map(|group| group.rotations.iter().map(|rotation| point(*rotation)).collect()).collect();

    // L_l(u) = Z(u) / ((u - p_l) * prod_{m != l} (p_l - p_m)): all denominators, then all Z_i(u), inverted at once.
    let vanishing: Vec<Fr> = points.iter().map(|points| points.iter().map(|point| u - point).product()).collect();
    let denominators = points.iter().flat_map(|points| {
        points.iter().enumerate().map(move |(l, here)| {
            let others = points.iter().enumerate().filter(|(m, _)| *m != l);
            (u - here) * others.map(|(_, other)| *here - other).product::<Fr>()
        })
    });
    let mut inverses = inverted(denominators.chain(vanishing.iter().copied()).collect())?;
    let vanishing_inverses = inverses.split_off(inverses.len().checked_sub(groups.len())?);
    let mut denominator_inverses = inverses.into_iter();

    let z_0 = vanishing.first().copied()?;
    let mut polynomials = Vec::new();
    let mut g1 = Fr::zero();
    let per_group = groups.iter().zip(&vanishing).zip(&vanishing_inverses).zip(powers(v));
    for (((group, z), z_inverse), power_of_v) in per_group {
        let basis: Vec<Fr> = denominator_inverses.by_ref().take(group.rotations.len()).map(|d| d * z).collect();
        let group_factor = power_of_v * z_0 * z_inverse;
        let mut interpolated = Fr::zero();
        for (opening, power_of_y) in group.openings.iter().zip(powers(y)) {
            let mut value = Fr::zero();
            for (claim, basis) in opening.evaluations.iter().zip(&basis) {
                value += evaluation(*claim)? * basis;
            }
            interpolated += power_of_y * value;
            polynomials.push((opening.polynomial, group_factor * power_of_y));
        }
        g1 -= group_factor * interpolated;
    }
    Some(Combination { polynomials, g1, opening_quotient: -z_0 })
}
