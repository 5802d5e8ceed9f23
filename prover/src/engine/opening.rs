//! SHPLONK: one proof that all polynomials have the values claimed at all points, in two commitments.
//!
//! Polynomials that are opened at the same points are folded with powers of `y` into one; the folded ones serve the quotient
//! and the linearisation alike. See Boneh, Drake, Fisch, Gabizon, "Efficient polynomial commitment schemes for multiple
//! points and polynomials", 2020, section 4.

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};

use super::{Error, field, msm};

/// A polynomial, by index, and a point with the value there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub(super) poly: usize,
    pub(super) point: Fr,
    pub(super) value: Fr,
}

/// Polynomials with the same points, in the order of their first queries.
struct Set {
    points: Vec<Fr>,
    polys: Vec<usize>,
    /// Value at each point of each polynomial.
    values: Vec<Vec<Fr>>,
}

fn sets(queries: &[Query]) -> Vec<Set> {
    let mut by_poly: Vec<(usize, Vec<(Fr, Fr)>)> = Vec::new();
    for query in queries {
        let entry = (query.point, query.value);
        match by_poly.iter_mut().find(|(poly, _)| *poly == query.poly) {
            Some((_, points)) => points.push(entry),
            None => by_poly.push((query.poly, vec![entry])),
        }
    }
    let mut sets: Vec<Set> = Vec::new();
    for (poly, mut points) in by_poly {
        // Points in one order, whatever that of the queries.
        points.sort_unstable();
        let (points, values): (Vec<Fr>, Vec<Fr>) = points.into_iter().unzip();
        match sets.iter_mut().find(|set| set.points == points) {
            Some(set) => {
                set.polys.push(poly);
                set.values.push(values);
            }
            None => sets.push(Set { points, polys: vec![poly], values: vec![values] }),
        }
    }
    sets
}

/// What the prover and the verifier say to each other while opening.
pub(super) trait Conversation {
    fn challenge(&mut self) -> Fr;
    fn write(&mut self, point: G1Affine) -> Result<(), Error>;
}

/// `prod (at - point)`.
fn vanishing(points: impl IntoIterator<Item = Fr>, at: Fr) -> Fr {
    points.into_iter().map(|point| at - point).product()
}

pub(super) fn open(
    bases: &[G1Affine],
    polys: &[&[Fr]],
    queries: &[Query],
    conversation: &mut impl Conversation,
) -> Result<(), Error> {
    let size = bases.len();
    let y = conversation.challenge();
    let v = conversation.challenge();
    let sets = sets(queries);
    let mut all_points: Vec<Fr> = sets.iter().flat_map(|set| set.points.iter().copied()).collect();
    all_points.sort_unstable();
    all_points.dedup();

    // For each set: sum_i y^i p_i, and sum_i y^i r_i with r_i of low degree and the values of p_i at the points.
    let (mut folded, mut remainders) = (Vec::with_capacity(sets.len()), Vec::with_capacity(sets.len()));
    let mut quotients = Vec::with_capacity(sets.len());
    for set in &sets {
        let factors = field::powers(y, set.polys.len());
        let of_set: Vec<&[Fr]> = set.polys.iter().map(|poly| polys[*poly]).collect();
        let sum = field::combine(&of_set, &factors, size);
        let mut values = vec![Fr::ZERO; set.points.len()];
        for (of_poly, factor) in set.values.iter().zip(&factors) {
            values.iter_mut().zip(of_poly).for_each(|(sum, value)| *sum += *factor * value);
        }
        let remainder = field::interpolate(&set.points, &values);
        let mut quotient = sum.clone();
        quotient.iter_mut().zip(&remainder).for_each(|(a, b)| *a -= b);
        set.points.iter().for_each(|point| field::divide(&mut quotient, *point));
        folded.push(sum);
        remainders.push(remainder);
        quotients.push(quotient);
    }
    let v_powers = field::powers(v, sets.len());
    let views: Vec<&[Fr]> = quotients.iter().map(Vec::as_slice).collect();
    let quotient = field::combine(&views, &v_powers, size);
    drop(quotients);
    let commit = |poly: &[Fr]| msm::multi_scalar_multiply(bases, &[poly]).into_iter();
    for point in commit(&quotient) {
        conversation.write(point)?;
    }

    let u = conversation.challenge();
    // sum_j v^j z_j (p_j - r_j(u)) - z(u) h, where z_j vanishes on the points that set j lacks.
    let missing: Vec<Fr> = (sets.iter())
        .map(|set| vanishing(all_points.iter().copied().filter(|point| !set.points.contains(point)), u))
        .collect();
    let mut factors: Vec<Fr> = missing.iter().zip(&v_powers).map(|(z, v)| *z * v).collect();
    let constant: Fr =
        factors.iter().zip(&remainders).map(|(factor, remainder)| *factor * field::horner(remainder, u)).sum();
    factors.push(-vanishing(all_points, u));
    let views: Vec<&[Fr]> = folded.iter().chain([&quotient]).map(Vec::as_slice).collect();
    let mut linear = field::combine(&views, &factors, size);
    linear[0] -= constant;
    field::divide(&mut linear, u);
    let scale = missing.first().and_then(|z| Option::<Fr>::from(z.invert())).unwrap_or(Fr::ONE);
    linear.iter_mut().for_each(|value| *value *= scale);
    for point in commit(&linear) {
        conversation.write(point)?;
    }
    Ok(())
}
