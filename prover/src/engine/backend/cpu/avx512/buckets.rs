//! Sums of points by bucket, and of buckets by weight.

use halo2curves::{
    bn256::{Fq, G1},
    group::Group,
};

use super::{
    Avx512,
    points::{Adder, Operand, Point, sixteenth},
};
use crate::engine::{
    Job,
    backend::cpu::msm::{Entry, Sorted, Weighted},
};

/// Buckets that a running sum goes through before its parts are put together.
const SEGMENT: usize = 16;

fn operand(entry: Entry, points: &[Point]) -> Operand<'_> {
    Operand { point: &points[entry.point()], negated: entry.negated() }
}

fn plain(point: &Point) -> Operand<'_> {
    Operand { point, negated: false }
}

/// The sum of each bucket.
pub(super) fn sum((simd, job): (Avx512, &Job<'_>), mut sorted: Sorted, bases: &[Point]) -> Vec<Point> {
    let mut halving = Halving::default();
    let mut all = Vec::with_capacity(sorted.lengths.len());
    for (entries, lengths) in sorted.ranges().take_while(|_| !job.cancelled()) {
        halving.halve(simd, lengths, |at| operand(entries[at], bases));
        let mut sums = halving.finish(simd, lengths).iter();
        all.extend(lengths.iter().map(|length| {
            let sum = if *length == 0 { None } else { sums.next() };
            sum.copied().unwrap_or(Point::INFINITY)
        }));
    }
    all
}

/// Adds neighbours within each bucket, pair by pair, in memory that is used again.
#[derive(Default)]
struct Halving {
    adder: Adder,
    /// Where two neighbours stand, and where their sum goes.
    pairs: Vec<(u32, u32)>,
    /// Bucket after bucket.
    sums: Vec<Point>,
    next: Vec<Point>,
}

impl Halving {
    /// Adds neighbours; one without a neighbour stays.
    fn halve<'a>(&mut self, simd: Avx512, lengths: &mut [u32], points: impl Fn(usize) -> Operand<'a>) {
        halve((simd, &mut self.adder), lengths, &mut self.pairs, points, &mut self.sums);
    }

    /// Goes on until every bucket has one point at most, and gives those that there are.
    fn finish(&mut self, simd: Avx512, lengths: &mut [u32]) -> &[Point] {
        while lengths.iter().any(|length| *length > 1) {
            let Self { adder, pairs, sums, next } = self;
            halve((simd, adder), lengths, pairs, |at| plain(&sums[at]), next);
            std::mem::swap(sums, next);
        }
        &self.sums
    }
}

fn halve<'a>(
    (simd, adder): (Avx512, &mut Adder),
    lengths: &mut [u32],
    pairs: &mut Vec<(u32, u32)>,
    points: impl Fn(usize) -> Operand<'a>,
    sums: &mut Vec<Point>,
) {
    pairs.clear();
    let len: u32 = lengths.iter().map(|length| length.div_ceil(2)).sum();
    sums.resize(len as usize, Point::INFINITY);
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
    adder.add(simd, pairs.len(), operands, sums, |at| pairs[at].1 as usize);
}

/// `lefts[i] += rights[i]`.
pub(super) fn add_all(simd: Avx512, adder: &mut Adder, lefts: &mut Vec<Point>, rights: &[Point]) {
    let mut sums = vec![Point::INFINITY; lefts.len()];
    adder.add(simd, lefts.len(), |at| [plain(&lefts[at]), plain(&rights[at])], &mut sums, |at| at);
    *lefts = sums;
}

/// For each range of buckets, `sum_i (i + 1) * buckets[i]` and their sum. All have the same size, a power of two.
pub(super) fn weigh(simd: Avx512, ranges: &[&[Point]]) -> Vec<Weighted> {
    weigh_with(simd, &mut Adder::default(), &sixteenth(), ranges)
}

fn weigh_with(simd: Avx512, adder: &mut Adder, sixteenth: &Fq, ranges: &[&[Point]]) -> Vec<Weighted> {
    let size = ranges.first().map_or(1, |range| range.len());
    let projective = |point: &Point| G1::from(point.to_affine(sixteenth));
    let segment = SEGMENT.min(size);
    let segments = size / segment;
    // Within a segment of buckets B_1 .. B_L, from the end: T = sum B_j, U = sum j * B_j. All segments go in step.
    let (totals, weighted) = running(simd, adder, ranges, segment);
    if segments == 1 {
        let range = |(total, weighted)| Weighted { weighted: projective(weighted), total: projective(total) };
        return totals.iter().zip(&weighted).map(range).collect();
    }
    // sum_s U_s + L * sum_s s * T_s, with s from 0.
    let low = reduce(simd, &weighted, segments);
    let from_second =
        |totals: &[Point]| -> Vec<Point> { totals[1..].iter().copied().chain([Point::INFINITY]).collect() };
    let shifted: Vec<Point> = totals.chunks_exact(segments).flat_map(from_second).collect();
    let shifted: Vec<&[Point]> = shifted.chunks_exact(segments).collect();
    let above = weigh_with(simd, adder, sixteenth, &shifted);
    let range = |((low, above), first): ((&Point, Weighted), &Point)| Weighted {
        weighted: (0..segment.trailing_zeros()).fold(above.weighted, |sum, _| sum.double()) + projective(low),
        total: above.total + projective(first),
    };
    low.iter().zip(above).zip(totals.iter().step_by(segments)).map(range).collect()
}

/// The sum of every `size` points.
fn reduce(simd: Avx512, points: &[Point], size: usize) -> Vec<Point> {
    let mut lengths = vec![size as u32; points.len() / size];
    let mut halving = Halving::default();
    halving.halve(simd, &mut lengths, |at| plain(&points[at]));
    halving.finish(simd, &mut lengths).to_vec()
}

/// For each segment of buckets `B_1 ..`: `sum B_j` and `sum j * B_j`.
fn running(simd: Avx512, adder: &mut Adder, ranges: &[&[Point]], segment: usize) -> (Vec<Point>, Vec<Point>) {
    let segments = || ranges.iter().flat_map(|range| range.chunks_exact(segment));
    let mut totals: Vec<Point> = segments().map(|segment| segment[segment.len() - 1]).collect();
    let mut weighted = totals.clone();
    let mut next = totals.clone();
    for at in (0..segment - 1).rev() {
        next.iter_mut().zip(segments()).for_each(|(next, segment)| *next = segment[at]);
        add_all(simd, adder, &mut totals, &next);
        add_all(simd, adder, &mut weighted, &totals);
    }
    (totals, weighted)
}
