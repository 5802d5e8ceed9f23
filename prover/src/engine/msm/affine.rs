//! Many additions of points in affine coordinates at once.
//!
//! An addition needs one inversion. Of many independent ones the denominators are multiplied together, the product is
//! inverted, and each takes its inverse out of it (Montgomery's trick): three multiplications each instead of an
//! inversion, and three more for the addition. Equal points are doubled, opposite ones cancel, infinity, which is
//! `(0, 0)` here, adds nothing: every case is told apart by value, none is assumed away.

use halo2curves::{
    bn256::{Fq, G1Affine},
    ff::Field,
    group::prime::PrimeCurveAffine,
};

/// Additions that share an inversion: their operands stay in the first-level cache.
const BATCH: usize = 256;

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

/// Sums of points by bucket. `entries` are `(bucket, point, negated)`; points are indices of `bases`.
pub(super) fn sum_buckets(
    buckets: usize,
    entries: impl Iterator<Item = (usize, usize, bool)> + Clone,
    bases: &[G1Affine],
) -> Vec<G1Affine> {
    // Sorted by bucket, by counting.
    let mut ends = vec![0u32; buckets + 1];
    for (bucket, ..) in entries.clone() {
        ends[bucket + 1] += 1;
    }
    for bucket in 0..buckets {
        ends[bucket + 1] += ends[bucket];
    }
    let mut next = ends.clone();
    let mut points = vec![G1Affine::identity(); ends[buckets] as usize];
    for (bucket, point, negated) in entries {
        let base = bases[point];
        points[next[bucket] as usize] = if negated { -base } else { base };
        next[bucket] += 1;
    }
    let mut lengths: Vec<u32> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();

    // Pair by pair, until every bucket has one point at most. What a round makes is never longer than what it reads, so
    // that it is written over it.
    let (mut lefts, mut rights) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    let mut targets: Vec<u32> = Vec::with_capacity(BATCH);
    let mut products = Vec::with_capacity(BATCH);
    while lengths.iter().any(|length| *length > 1) {
        let (mut read, mut written) = (0usize, 0usize);
        for length in &mut lengths {
            let pairs = *length / 2;
            for _ in 0..pairs {
                lefts.push(points[read]);
                rights.push(points[read + 1]);
                targets.push(written as u32);
                read += 2;
                written += 1;
                if lefts.len() == BATCH {
                    flush(&mut points, &mut lefts, &mut rights, &mut targets, &mut products);
                }
            }
            if *length % 2 == 1 {
                points[written] = points[read];
                read += 1;
                written += 1;
            }
            *length = pairs + *length % 2;
        }
        flush(&mut points, &mut lefts, &mut rights, &mut targets, &mut products);
        points.truncate(written);
    }
    let mut sums = points.into_iter();
    lengths.iter().map(|length| if *length == 0 { None } else { sums.next() }.unwrap_or(G1Affine::identity())).collect()
}

/// Adds what has gathered, and puts the sums where they belong: always below what is still to be read.
fn flush(
    points: &mut [G1Affine],
    lefts: &mut Vec<G1Affine>,
    rights: &mut Vec<G1Affine>,
    targets: &mut Vec<u32>,
    products: &mut Vec<(Fq, Fq)>,
) {
    add_batch(lefts, rights, products);
    for (target, sum) in targets.drain(..).zip(lefts.drain(..)) {
        points[target as usize] = sum;
    }
    rights.clear();
}
