//! SHPLONK: one proof that all polynomials have the values claimed at all points, in two commitments.
//!
//! Polynomials that are opened at the same points are folded with powers of `y` into one; the folded ones serve the quotient
//! and the linearisation alike. See Boneh, Drake, Fisch, Gabizon, "Efficient polynomial commitment schemes for multiple
//! points and polynomials", 2020, section 4.

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};

use super::{Error, Job, backend::Backend, field};

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

/// Proves the values of `polys`.
///
/// # Errors
/// The transcript's; [`Error::Cancelled`].
pub(super) fn open<B: Backend>(
    (backend, job): (&B, &Job<'_>),
    bases: &B::Bases,
    polys: &[&B::Column],
    queries: &[Query],
    conversation: &mut impl Conversation,
) -> Result<(), Error> {
    let y = conversation.challenge();
    let v = conversation.challenge();
    let sets = sets(queries);
    let mut all_points: Vec<Fr> = sets.iter().flat_map(|set| set.points.iter().copied()).collect();
    all_points.sort_unstable();
    all_points.dedup();

    // For each set: f = sum_i y^i (p_i - r_i), where r_i has low degree and the values of p_i at the points, and its quotient
    // by the polynomial that vanishes there.
    let (mut folded, mut remainders) = (Vec::with_capacity(sets.len()), Vec::with_capacity(sets.len()));
    let v_powers = field::powers(v, sets.len());
    let mut quotient: Option<B::Column> = None;
    for (set, v_power) in sets.iter().zip(&v_powers) {
        let factors = field::powers(y, set.polys.len());
        let mut values = vec![Fr::ZERO; set.points.len()];
        for (of_poly, factor) in set.values.iter().zip(&factors) {
            values.iter_mut().zip(of_poly).for_each(|(sum, value)| *sum += *factor * value);
        }
        let remainder = field::interpolate(&set.points, &values);
        let terms: Vec<(&B::Column, Fr)> =
            set.polys.iter().zip(factors).map(|(poly, factor)| (polys[*poly], factor)).collect();
        let negated: Vec<Fr> = remainder.iter().map(|value| -value).collect();
        let sum = backend.combine(job, &terms, &negated);
        let own = backend.divide(job, &sum, &set.points);
        quotient = Some(match quotient {
            Some(before) => backend.combine(job, &[(&before, Fr::ONE), (&own, *v_power)], &[]),
            None => own,
        });
        folded.push(sum);
        remainders.push(remainder);
        job.check()?;
    }
    // A proof opens something: its own quotient.
    let Some(quotient) = quotient else { return Ok(()) };
    let mut commit = |poly: &B::Column| -> Result<(), Error> {
        let points = backend.commit(job, bases, &[poly]);
        job.check()?;
        points.into_iter().try_for_each(|point| conversation.write(point))
    };
    commit(&quotient)?;

    let u = conversation.challenge();
    // sum_j v^j z_j (p_j - r_j(u)) - z(u) h, where z_j vanishes on the points that set j lacks; all of it over z_0.
    let missing: Vec<Fr> = (sets.iter())
        .map(|set| vanishing(all_points.iter().copied().filter(|point| !set.points.contains(point)), u))
        .collect();
    let scale = missing.first().and_then(|z| Option::<Fr>::from(z.invert())).unwrap_or(Fr::ONE);
    let factors: Vec<Fr> = missing.iter().zip(&v_powers).map(|(z, v)| *z * v * scale).collect();
    let mut low = vec![Fr::ZERO; remainders.iter().map(Vec::len).max().unwrap_or(0)];
    for (remainder, factor) in remainders.iter().zip(&factors) {
        // f has p - r, where p - r(u) is wanted.
        low.iter_mut().zip(remainder).for_each(|(low, value)| *low += *factor * value);
        low[0] -= *factor * field::horner(remainder, u);
    }
    let mut terms: Vec<(&B::Column, Fr)> = folded.iter().zip(factors).collect();
    terms.push((&quotient, -vanishing(all_points, u) * scale));
    let linear = backend.combine(job, &terms, &low);
    let points = backend.commit(job, bases, &[&backend.divide(job, &linear, &[u])]);
    job.check()?;
    points.into_iter().try_for_each(|point| conversation.write(point))
}
