//! Many additions of points in affine coordinates at once.
//!
//! An addition needs one inversion. Of many independent ones the denominators are multiplied together, the product is
//! inverted, and each takes its inverse out of it (Montgomery's trick): three multiplications each instead of an
//! inversion, and three more for the addition. Equal points are doubled, opposite ones cancel, infinity, which is
//! `(0, 0)` here, adds nothing: every case is told apart by value, none is assumed away.

use halo2curves::{
    bn256::{Fq, G1, G1Affine},
    ff::Field,
    group::{Group, prime::PrimeCurveAffine},
};

use crate::engine::{
    Job,
    backend::cpu::msm::{Entry, Sorted, Weighted},
};

/// Additions that share an inversion: their operands stay in the first-level cache.
const BATCH: usize = 256;

/// Buckets that a running sum goes through before its parts are put together.
const SEGMENT: usize = 16;

fn infinite(point: &G1Affine) -> bool {
    point.x == Fq::ZERO && point.y == Fq::ZERO
}

/// A pair's denominator, if it needs an inverse: 1 otherwise, which does no harm to the product.
fn denominator(a: &G1Affine, b: &G1Affine) -> Fq {
    let difference = b.x - a.x;
    if infinite(a) || infinite(b) {
        Fq::ONE
    } else if difference != Fq::ZERO {
        difference
    } else if a.y == b.y {
        // No point of a curve of odd order has y = 0.
        a.y.double()
    } else {
        Fq::ONE
    }
}

/// `a + b`, given the inverse of their denominator.
fn sum(a: &G1Affine, b: &G1Affine, inverse: &Fq) -> G1Affine {
    let numerator = if infinite(b) {
        return *a;
    } else if infinite(a) {
        return *b;
    } else if a.x != b.x {
        b.y - a.y
    } else if a.y == b.y {
        let square = a.x.square();
        square.double() + square
    } else {
        return G1Affine::identity();
    };
    let slope = numerator * inverse;
    let x = slope.square() - a.x - b.x;
    G1Affine { x, y: slope * (a.x - x) - a.y }
}

/// `lefts[i] += rights[i]`.
fn add_batch(lefts: &mut [G1Affine], rights: &[G1Affine], products: &mut Vec<(Fq, Fq)>) {
    products.clear();
    let mut product = Fq::ONE;
    for (a, b) in lefts.iter().zip(rights) {
        let denominator = denominator(a, b);
        products.push((product, denominator));
        product *= denominator;
    }
    // No factor is zero.
    let mut inverse = Option::<Fq>::from(product.invert()).unwrap_or(Fq::ONE);
    for ((a, b), (product, denominator)) in lefts.iter_mut().zip(rights).zip(products.iter()).rev() {
        *a = sum(a, b, &(inverse * product));
        inverse *= denominator;
    }
}

/// `lefts[i] += rights[i]`.
pub(super) fn add_all(lefts: &mut [G1Affine], rights: &[G1Affine]) {
    let mut products = Vec::with_capacity(BATCH);
    for (lefts, rights) in lefts.chunks_mut(BATCH).zip(rights.chunks(BATCH)) {
        add_batch(lefts, rights, &mut products);
    }
}

/// The sum of each bucket.
pub(super) fn sum_buckets(job: &Job<'_>, mut sorted: Sorted, bases: &[G1Affine]) -> Vec<G1Affine> {
    let point = |entry: &Entry| {
        let base = bases[entry.point()];
        if entry.negated() { -base } else { base }
    };
    let mut all = Vec::with_capacity(sorted.lengths.len());
    let (mut points, mut pending) = (Vec::new(), Pending::default());
    for (entries, lengths) in sorted.ranges().take_while(|_| !job.cancelled()) {
        points.clear();
        points.extend(entries.iter().map(point));
        // Pair by pair, until every bucket has one point at most. What a round makes is never longer than what it reads, so
        // that it is written over it.
        while lengths.iter().any(|length| *length > 1) {
            let (mut read, mut written) = (0usize, 0usize);
            for length in &mut *lengths {
                let pairs = *length / 2;
                for _ in 0..pairs {
                    pending.push(points[read], points[read + 1], written as u32);
                    read += 2;
                    written += 1;
                    if pending.targets.len() == BATCH {
                        pending.flush(&mut points);
                    }
                }
                if *length % 2 == 1 {
                    points[written] = points[read];
                    read += 1;
                    written += 1;
                }
                *length = pairs + *length % 2;
            }
            pending.flush(&mut points);
            points.truncate(written);
        }
        let mut sums = points.iter();
        all.extend(lengths.iter().map(|length| {
            let sum = if *length == 0 { None } else { sums.next() };
            sum.copied().unwrap_or(G1Affine::identity())
        }));
    }
    all
}

/// Additions that wait for a batch.
#[derive(Default)]
struct Pending {
    lefts: Vec<G1Affine>,
    rights: Vec<G1Affine>,
    targets: Vec<u32>,
    products: Vec<(Fq, Fq)>,
}

impl Pending {
    fn push(&mut self, left: G1Affine, right: G1Affine, target: u32) {
        self.lefts.push(left);
        self.rights.push(right);
        self.targets.push(target);
    }

    /// Adds what has gathered, and puts the sums where they belong: always below what is still to be read.
    fn flush(&mut self, points: &mut [G1Affine]) {
        add_batch(&mut self.lefts, &self.rights, &mut self.products);
        for (target, sum) in self.targets.drain(..).zip(self.lefts.drain(..)) {
            points[target as usize] = sum;
        }
        self.rights.clear();
    }
}

/// For each range of buckets, `sum_i (i + 1) * buckets[i]` and their sum. All have the same size, a power of two.
pub(super) fn weighted(ranges: &[&[G1Affine]]) -> Vec<Weighted> {
    let size = ranges.first().map_or(1, |range| range.len());
    // Within a segment of buckets B_1 .. B_L, from the end: T = sum B_j, U = sum j * B_j. All segments go in step.
    let segment = SEGMENT.min(size);
    let mut totals = vec![G1Affine::identity(); ranges.len() * (size / segment)];
    let mut weighted = totals.clone();
    let mut next = totals.clone();
    for at in (0..segment).rev() {
        let segments = ranges.iter().flat_map(|range| range.chunks_exact(segment));
        next.iter_mut().zip(segments).for_each(|(next, segment)| *next = segment[at]);
        add_all(&mut totals, &next);
        add_all(&mut weighted, &totals);
    }
    let segments = size / segment;
    let of_range = |(totals, weighted): (&[G1Affine], &[G1Affine])| {
        // sum_s U_s + L * sum_s s * T_s
        let (mut running, mut sum) = (G1::identity(), G1::identity());
        for total in totals.iter().skip(1).rev() {
            running += total;
            sum += running;
        }
        for _ in 0..segment.trailing_zeros() {
            sum = sum.double();
        }
        Weighted { weighted: weighted.iter().fold(sum, |sum, part| sum + part), total: running + totals[0] }
    };
    totals.chunks_exact(segments).zip(weighted.chunks_exact(segments)).map(of_range).collect()
}
