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
pub(super) struct Set {
    points: Vec<Fr>,
    polys: Vec<usize>,
    /// Value at each point of each polynomial.
    values: Vec<Vec<Fr>>,
}

pub(super) fn sets(queries: &[Query]) -> Vec<Set> {
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

/// Polynomials folded into one for each set of points: what is left to prove of them, so that they may go.
pub(super) struct Folded<B: Backend> {
    sets: Vec<FoldedSet<B>>,
    /// `sum_j v^j f_j / Z_j`, where `Z_j` vanishes on the points of set `j`.
    quotient: B::Column,
    all_points: Vec<Fr>,
}

/// `f = sum_i y^i (p_i - r_i)`, where `r_i` has low degree and the values of `p_i` at the points.
struct FoldedSet<B: Backend> {
    points: Vec<Fr>,
    folded: B::Column,
    /// `sum_i y^i r_i`.
    remainder: Vec<Fr>,
    /// `v^j`.
    power: Fr,
}

/// Folds `polys`, of which there is one at least.
///
/// # Errors
/// [`Error::Cancelled`].
pub(super) fn fold<B: Backend>(
    (backend, job): (&B, &Job<'_>),
    polys: &[&B::Column],
    queries: &[Query],
    conversation: &mut impl Conversation,
) -> Result<Option<Folded<B>>, Error> {
    let y = conversation.challenge();
    let v = conversation.challenge();
    let sets = sets(queries);
    let mut all_points: Vec<Fr> = sets.iter().flat_map(|set| set.points.iter().copied()).collect();
    all_points.sort_unstable();
    all_points.dedup();

    let mut folded_sets = Vec::with_capacity(sets.len());
    let mut quotient: Option<B::Column> = None;
    for (set, power) in sets.iter().zip(field::powers(v, sets.len())) {
        let factors = field::powers(y, set.polys.len());
        let mut values = vec![Fr::ZERO; set.points.len()];
        for (of_poly, factor) in set.values.iter().zip(&factors) {
            values.iter_mut().zip(of_poly).for_each(|(sum, value)| *sum += *factor * value);
        }
        let remainder = field::interpolate(&set.points, &values);
        let terms: Vec<(&B::Column, Fr)> =
            set.polys.iter().zip(factors).map(|(poly, factor)| (polys[*poly], factor)).collect();
        let negated: Vec<Fr> = remainder.iter().map(|value| -value).collect();
        let folded = backend.combine(job, &terms, &negated);
        let own = backend.divide(job, &folded, &set.points);
        quotient = Some(match quotient {
            Some(before) => backend.combine(job, &[(&before, Fr::ONE), (&own, power)], &[]),
            None => own,
        });
        folded_sets.push(FoldedSet { points: set.points.clone(), folded, remainder, power });
        job.check()?;
    }
    Ok(quotient.map(|quotient| Folded { sets: folded_sets, quotient, all_points }))
}

impl<B: Backend> Folded<B> {
    /// Proves the values.
    ///
    /// # Errors
    /// The transcript's; [`Error::Cancelled`].
    pub(super) fn open(
        self,
        (backend, job): (&B, &Job<'_>),
        bases: &B::Bases,
        conversation: &mut impl Conversation,
    ) -> Result<(), Error> {
        let commit = |poly: &B::Column| {
            let points = backend.commit(job, bases, &[poly]);
            job.check().map(|()| points)
        };
        commit(&self.quotient)?.into_iter().try_for_each(|point| conversation.write(point))?;
        let u = conversation.challenge();
        let linear = self.linear((backend, job), u);
        let opened = backend.divide(job, &linear, &[u]);
        drop(linear);
        commit(&opened)?.into_iter().try_for_each(|point| conversation.write(point))
    }

    /// `sum_j v^j z_j (p_j - r_j(u)) - z(u) h`, where `z_j` vanishes on the points that set `j` lacks; all of it over `z_0`.
    fn linear(self, (backend, job): (&B, &Job<'_>), u: Fr) -> B::Column {
        let Self { sets, quotient, all_points } = self;
        let lacking =
            |set: &FoldedSet<B>| vanishing(all_points.iter().copied().filter(|point| !set.points.contains(point)), u);
        let missing: Vec<Fr> = sets.iter().map(lacking).collect();
        let scale = missing.first().and_then(|z| Option::<Fr>::from(z.invert())).unwrap_or(Fr::ONE);
        let factors: Vec<Fr> = missing.iter().zip(&sets).map(|(z, set)| *z * set.power * scale).collect();
        let mut low = vec![Fr::ZERO; sets.iter().map(|set| set.remainder.len()).max().unwrap_or(0)];
        for (set, factor) in sets.iter().zip(&factors) {
            // f has p - r, where p - r(u) is wanted.
            low.iter_mut().zip(&set.remainder).for_each(|(low, value)| *low += *factor * value);
            low[0] -= *factor * field::horner(&set.remainder, u);
        }
        let mut terms: Vec<(&B::Column, Fr)> = sets.iter().map(|set| &set.folded).zip(factors).collect();
        terms.push((&quotient, -vanishing(all_points, u) * scale));
        backend.combine(job, &terms, &low)
    }
}
