//! Sums of points by bucket, and of buckets by weight.

use halo2curves::{
    bn256::{Fq, G1},
    ff::Field,
    group::Group,
};

use super::{
    Avx512,
    points::{Adder, Operand, Point},
};
use crate::engine::backend::msm::Entry;

/// Buckets that a running sum goes through before its parts are put together.
const SEGMENT: usize = 16;

fn operand(entry: Entry, points: &[Point]) -> Operand<'_> {
    Operand { point: &points[entry.point()], negated: entry.negated() }
}

fn plain(point: &Point) -> Operand<'_> {
    Operand { point, negated: false }
}

/// Sums of points by bucket.
pub(super) fn sum(
    simd: Avx512,
    buckets: usize,
    entries: impl Iterator<Item = (usize, Entry)> + Clone,
    bases: &[Point],
) -> Vec<Point> {
    let adder = &mut Adder::new();
    // Sorted by bucket, by counting.
    let mut ends = vec![0u32; buckets + 1];
    for (bucket, _) in entries.clone() {
        ends[bucket + 1] += 1;
    }
    for bucket in 0..buckets {
        ends[bucket + 1] += ends[bucket];
    }
    let mut next = ends.clone();
    let mut sorted = vec![Entry::default(); ends[buckets] as usize];
    for (bucket, entry) in entries {
        sorted[next[bucket] as usize] = entry;
        next[bucket] += 1;
    }
    let mut lengths: Vec<u32> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();

    // Pair by pair, until every bucket has one point at most.
    let mut pairs = Vec::new();
    let mut sums = halve(simd, adder, &mut lengths, &mut pairs, |at| operand(sorted[at], bases));
    while lengths.iter().any(|length| *length > 1) {
        sums = halve(simd, adder, &mut lengths, &mut pairs, |at| plain(&sums[at]));
    }
    let mut sums = sums.into_iter();
    lengths.iter().map(|length| if *length == 0 { None } else { sums.next() }.unwrap_or(Point::INFINITY)).collect()
}

/// Adds neighbours within each bucket; one without a neighbour stays.
fn halve<'a>(
    simd: Avx512,
    adder: &mut Adder,
    lengths: &mut [u32],
    pairs: &mut Vec<(u32, u32)>,
    points: impl Fn(usize) -> Operand<'a>,
) -> Vec<Point> {
    pairs.clear();
    let len: u32 = lengths.iter().map(|length| length.div_ceil(2)).sum();
    let mut sums = vec![Point::INFINITY; len as usize];
    let (mut read, mut written) = (0u32, 0u32);
    for length in lengths {
        for _ in 0..*length / 2 {
            pairs.push((read, written));
            read += 2;
            written += 1;
        }
        if *length % 2 == 1 {
            let single = points(read as usize);
            sums[written as usize] = if single.negated { single.point.opposite() } else { *single.point };
            read += 1;
            written += 1;
        }
        *length = length.div_ceil(2);
    }
    let operands = |at: usize| {
        let read = pairs[at].0 as usize;
        [points(read), points(read + 1)]
    };
    adder.add(simd, pairs.len(), operands, &mut sums, |at| pairs[at].1 as usize);
    sums
}

/// `lefts[i] += rights[i]`.
fn add_all(simd: Avx512, adder: &mut Adder, lefts: &mut Vec<Point>, rights: &[Point]) {
    let mut sums = vec![Point::INFINITY; lefts.len()];
    adder.add(simd, lefts.len(), |at| [plain(&lefts[at]), plain(&rights[at])], &mut sums, |at| at);
    *lefts = sums;
}

/// For each set of `size` buckets, `sum_i (i + 1) * buckets[i]`.
pub(super) fn weigh(simd: Avx512, buckets: &[Point], size: usize) -> Vec<G1> {
    let adder = &mut Adder::new();
    let segment = SEGMENT.min(size);
    let segments = size / segment;
    // Within a segment of buckets B_1 .. B_L, from the end: T = sum B_j, U = sum j * B_j. All segments go in step.
    let (totals, mut weighted) = running(simd, adder, buckets, segment);
    // Sum of the U.
    let mut lengths = vec![segments as u32; buckets.len() / size];
    let mut pairs = Vec::new();
    while lengths.iter().any(|length| *length > 1) {
        weighted = halve(simd, adder, &mut lengths, &mut pairs, |at| plain(&weighted[at]));
    }
    let sixteenth = Option::<Fq>::from(Fq::from(16).invert()).unwrap_or(Fq::ONE);
    let affine = |point: &Point| point.to_affine(&sixteenth);
    if segments == 1 {
        return weighted.iter().map(|point| affine(point).into()).collect();
    }
    // L * sum_s s * T_s, with s from 0.
    let shifted =
        |totals: &[Point]| -> Vec<Point> { totals.iter().skip(1).copied().chain([Point::INFINITY]).collect() };
    let shifted: Vec<Point> = totals.chunks_exact(segments).flat_map(shifted).collect();
    let (_, above) = running(simd, adder, &shifted, segments);
    let sum = |(weighted, above): (&Point, &Point)| {
        let high: G1 = affine(above).into();
        (0..segment.trailing_zeros()).fold(high, |sum, _| sum.double()) + affine(weighted)
    };
    weighted.iter().zip(&above).map(sum).collect()
}

/// For each segment of buckets `B_1 ..`: `sum B_j` and `sum j * B_j`.
fn running(simd: Avx512, adder: &mut Adder, buckets: &[Point], segment: usize) -> (Vec<Point>, Vec<Point>) {
    let mut totals: Vec<Point> = buckets.chunks_exact(segment).map(|segment| segment[segment.len() - 1]).collect();
    let mut weighted = totals.clone();
    let mut next = totals.clone();
    for at in (0..segment - 1).rev() {
        next.iter_mut().zip(buckets.chunks_exact(segment)).for_each(|(next, segment)| *next = segment[at]);
        add_all(simd, adder, &mut totals, &next);
        add_all(simd, adder, &mut weighted, &totals);
    }
    (totals, weighted)
}
