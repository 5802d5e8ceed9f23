//! Sums of multiples of fixed points: what a commitment is.
//!
//! Pippenger's bucket method with signed digits ([`Digits`]). Buckets are summed pair by pair in affine coordinates, those of
//! many windows at once, so that one inversion serves hundreds of additions: six multiplications each. How points are added
//! is the backend's ([`Sums`]).
//!
//! With multiples `2^(stride * j)` of each base at hand, windows that are a multiple of the stride apart share their buckets:
//! there are fewer sets to weigh, so that digits may be wider, and next to no doublings.
//!
//! # Source
//! Pippenger, "On the evaluation of powers and monomials", 1980; Brickell, Gordon, McCurley, Wilson, "Fast exponentiation with
//! precomputation", 1992.

use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::PrimeField,
    group::{Curve, Group, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

use super::{
    column::Column,
    digits::{self, Digits, Multiples, Signed},
};
use crate::engine::Job;

/// Points that one task sums at least, and about as many as the second-level cache holds.
const TASK: usize = 1 << 13;

/// Points that are summed together, unless they are of one bucket: their sums stay in the second-level cache.
const TOGETHER: usize = 1 << 14;

/// Multiplications of an addition in a batch of them, a square among them.
const ADDITION: usize = 6;

/// Buckets that are not divided further.
const NARROW: usize = 64;

/// A point, by index, and whether its opposite is meant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry(u32);

impl Entry {
    fn new(point: usize, negated: bool) -> Self {
        Self((point as u32) << 1 | u32::from(negated))
    }

    pub(super) fn point(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn negated(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Points, bucket after bucket.
#[derive(Debug, Default)]
pub struct Sorted {
    pub(super) entries: Vec<Entry>,
    /// How many each bucket has.
    pub(super) lengths: Vec<u32>,
}

impl Sorted {
    /// Ranges of buckets whose points are summed together, with how many points each bucket has.
    pub(super) fn ranges(&mut self) -> impl Iterator<Item = (&[Entry], &mut [u32])> {
        let (mut entries, mut lengths) = (&self.entries[..], &mut self.lengths[..]);
        std::iter::from_fn(move || {
            let mut points = 0;
            let fits = |length: &&u32| {
                points += **length as usize;
                points <= TOGETHER
            };
            let buckets = lengths.iter().take_while(fits).count().max(1).min(lengths.len());
            let (own, rest) = std::mem::take(&mut lengths).split_at_mut(buckets);
            lengths = rest;
            let (points, rest) = entries.split_at(own.iter().sum::<u32>() as usize);
            entries = rest;
            (!own.is_empty()).then_some((points, own))
        })
    }
}

/// Sums of a range of buckets.
#[derive(Clone, Copy, Debug)]
pub struct Weighted {
    /// Each bucket as often as its place says, from 1.
    pub(super) weighted: G1,
    /// Each once.
    pub(super) total: G1,
}

/// How a backend adds points.
pub trait Sums: Sync {
    type Point: Clone + std::fmt::Debug + Send + Sync;

    /// The sum of each bucket; of some of them, if the job is cancelled.
    fn by_bucket(&self, job: &Job<'_>, sorted: Sorted, bases: &[Self::Point]) -> Vec<Self::Point>;

    /// `lefts[i] += rights[i]`.
    fn add_all(&self, lefts: &mut Vec<Self::Point>, rights: &[Self::Point]);

    /// For each range of buckets, `sum_i (i + 1) * buckets[i]` and their sum. All have the same size, a power of two.
    fn weighted(&self, ranges: &[&[Self::Point]]) -> Vec<Weighted>;
}

/// Fixed points, with multiples of each if there is room.
#[derive(Debug)]
pub struct Table<P> {
    /// `len` points times 1, then times `2^stride`, and so on.
    points: Vec<P>,
    len: usize,
    multiples: Multiples,
}

impl<P: Clone + Send + Sync> Table<P> {
    /// As many multiples as `bytes` allow, none if they do not pay.
    pub(super) fn new<S: Sums<Point = P>>(sums: &S, bases: Vec<P>, bytes: usize) -> Self {
        let len = bases.len();
        assert!(len < 1 << 31, "an entry has 31 bits for the index of a point");
        let Some(stride) = stride(len, bytes / size_of::<P>()) else {
            return Self { points: bases, len, multiples: Multiples::One };
        };
        let count = Fr::NUM_BITS.div_ceil(stride) as usize;
        let mut points = Vec::with_capacity(count * len);
        let mut last = bases;
        for _ in 1..count {
            let mut next = last.clone();
            next.par_chunks_mut(TASK / 8).for_each(|part| {
                let mut points = part.to_vec();
                for _ in 0..stride {
                    let same = points.clone();
                    sums.add_all(&mut points, &same);
                }
                part.clone_from_slice(&points);
            });
            points.append(&mut last);
            last = next;
        }
        points.append(&mut last);
        Self { points, len, multiples: Multiples::Every(stride) }
    }

    /// The points themselves.
    pub(super) fn points(&self) -> &[P] {
        &self.points[..self.len]
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.points.len() * size_of::<P>()
    }
}

/// Bits between multiples of `len` bases at least: as many as make digits and buckets cost the least, and have divisors; none if
/// multiples do not pay. With many bases they do not: the table leaves the caches, and what a proof saves in buckets it loses in
/// waiting for memory.
fn least_stride(len: usize) -> Option<u32> {
    match len {
        0..0x100 => Some(8),
        0x100..0x2000 => Some(12),
        _ => None,
    }
}

/// Multiples of each of `len` bases that are ever kept.
pub(in crate::engine) fn most_multiples(len: usize) -> usize {
    least_stride(len).map_or(0, |stride| Fr::NUM_BITS.div_ceil(stride) as usize)
}

/// Bits between multiples of `len` bases when `room` points may be kept.
fn stride(len: usize, room: usize) -> Option<u32> {
    let bits = least_stride(len)?;
    let fits = |stride: &u32| Fr::NUM_BITS.div_ceil(*stride) as usize * len <= room;
    (1..=Fr::NUM_BITS / 2 / bits).map(|times| times * bits).find(fits)
}

/// Bytes that commitments to `columns` columns of so many full scalars take at most, without multiples: their digits, and what
/// their buckets sum up to, with the points that every thread sums; while digits are written, the scalars.
pub(in crate::engine) fn bytes(columns: usize, rows: usize, point: usize, threads: usize) -> usize {
    let (width, windows) = digits::of_full_scalars(rows);
    let digits = columns * rows * windows * size_of::<i16>();
    let sorted = threads * rows * size_of::<Entry>();
    let of_task = rows.max(TASK.min(columns * rows * windows / threads));
    let summed = threads * of_task.min(TOGETHER) * point;
    let sums = columns * windows * (1 << (width - 1)) * point;
    digits + (columns * rows * size_of::<Signed>()).max(sorted + summed + sums)
}

/// Some buckets of a set of windows of a part of a column.
struct Unit {
    part: usize,
    set: usize,
    /// From this bucket on, as many as those of the part divided by the number of pieces.
    first: usize,
    buckets: usize,
}

/// `sum_i column[i] * bases[i]` for each column. A column may be shorter than the bases.
pub(super) fn multi_scalar_multiply<S: Sums>(
    sums: &S,
    job: &Job<'_>,
    table: &Table<S::Point>,
    columns: &[&Column],
) -> Vec<G1Affine> {
    let threads = rayon::current_num_threads();
    let digits = |column: &&Column| match job.cancelled() {
        true => Vec::new(),
        false => Digits::of(column.scalars(), table.multiples),
    };
    let digits: Vec<Vec<Digits>> = columns.par_iter().map(digits).collect();
    if job.cancelled() {
        return vec![G1Affine::identity(); columns.len()];
    }
    let counts: Vec<usize> = digits.iter().map(Vec::len).collect();
    let parts: Vec<Digits> = digits.into_iter().flatten().collect();

    let units = units(&parts, threads);
    let tasks = tasks(&units, &parts, threads);
    let buckets: Vec<Vec<S::Point>> = tasks
        .par_iter()
        .map(|task| if job.cancelled() { Vec::new() } else { bucket_sums((sums, job), table, &parts, task) })
        .collect();
    if job.cancelled() {
        return vec![G1Affine::identity(); columns.len()];
    }
    job.count(ADDITION * 2 * units.iter().map(|unit| unit.buckets).sum::<usize>());
    let weighted = weigh(sums, &units, &tasks, &buckets, threads);

    // From the highest set of each part, and in a set from the highest range: units stand in their order.
    let mut totals = vec![G1::identity(); parts.len()];
    for of_set in units.iter().zip(weighted).collect::<Vec<_>>().chunk_by(|(a, _), (b, _)| a.is_beside(b)).rev() {
        let (unit, _) = &of_set[0];
        let (mut above, mut set) = (G1::identity(), G1::identity());
        // sum_p (W_p + size * p * T_p)
        for (at, (_, sums)) in of_set.iter().enumerate().rev() {
            set += sums.weighted;
            if at > 0 {
                above += sums.total;
                set += scaled(above, unit.buckets);
            }
        }
        totals[unit.part] = scaled(totals[unit.part], 1 << parts[unit.part].width()) + set;
    }
    let mut totals = totals.into_iter();
    let columns: Vec<G1> = counts.into_iter().map(|count| totals.by_ref().take(count).sum()).collect();
    let mut points = vec![G1Affine::identity(); columns.len()];
    G1::batch_normalize(&columns, &mut points);
    points
}

/// The point times a power of two.
fn scaled(point: G1, factor: usize) -> G1 {
    (0..factor.trailing_zeros()).fold(point, |point, _| point.double())
}

impl Unit {
    /// Whether both are of one set.
    fn is_beside(&self, other: &Self) -> bool {
        (self.part, self.set) == (other.part, other.set)
    }

    /// Digits that are looked at.
    fn entries(&self, part: &Digits) -> usize {
        part.of_set(self.set).len() * part.len() * self.buckets / part.buckets()
    }
}

/// All buckets of all sets. If there are fewer sets than threads, each is divided.
fn units(parts: &[Digits], threads: usize) -> Vec<Unit> {
    let sets: usize = parts.iter().map(Digits::sets).sum();
    let pieces = if sets >= threads { 1 } else { threads.next_power_of_two() };
    let mut units = Vec::new();
    for (part, digits) in parts.iter().enumerate() {
        let buckets = digits.buckets().div_ceil(pieces).max(NARROW.min(digits.buckets()));
        for set in 0..digits.sets() {
            let firsts = (0..digits.buckets()).step_by(buckets);
            units.extend(firsts.map(|first| Unit { part, set, first, buckets }));
        }
    }
    units
}

/// Small units go together, large ones alone.
fn tasks<'a>(units: &'a [Unit], parts: &[Digits], threads: usize) -> Vec<&'a [Unit]> {
    let entries = |unit: &Unit| unit.entries(&parts[unit.part]);
    let total: usize = units.iter().map(entries).sum();
    let most = TASK.min(total.div_ceil(threads));
    let mut tasks = Vec::new();
    let (mut start, mut filled) = (0, 0);
    for (at, unit) in units.iter().enumerate() {
        if at > start && filled + entries(unit) > most {
            tasks.push(&units[start..at]);
            (start, filled) = (at, 0);
        }
        filled += entries(unit);
    }
    tasks.push(&units[start..]);
    tasks
}

/// The sum of each bucket of the units.
fn bucket_sums<S: Sums>(
    (sums, job): (&S, &Job<'_>),
    table: &Table<S::Point>,
    parts: &[Digits],
    units: &[Unit],
) -> Vec<S::Point> {
    let mut lengths = vec![0u32; units.iter().map(|unit| unit.buckets).sum()];
    let mut rest = &mut lengths[..];
    for unit in units {
        let (own, after) = rest.split_at_mut(unit.buckets);
        rest = after;
        let part = &parts[unit.part];
        for window in part.of_set(unit.set) {
            part.for_each(window, |_, digit| {
                // Below the range it wraps around to beyond it.
                if let Some(length) = own.get_mut(usize::from(digit.unsigned_abs()).wrapping_sub(1 + unit.first)) {
                    *length += 1;
                }
            });
        }
    }
    // Where the next entry of each bucket goes.
    let mut total = 0;
    let place = |length: &u32| {
        total += length;
        total - length
    };
    let mut next: Vec<u32> = lengths.iter().map(place).collect();
    job.count(ADDITION * total as usize);
    let mut entries = vec![Entry::default(); total as usize];
    let mut rest = &mut next[..];
    for unit in units {
        let (own, after) = rest.split_at_mut(unit.buckets);
        rest = after;
        let part = &parts[unit.part];
        for window in part.of_set(unit.set) {
            // Which multiple of the bases.
            let offset = if part.shares() { window / part.sets() * table.len } else { 0 };
            part.for_each(window, |row, digit| {
                let bucket = usize::from(digit.unsigned_abs()).wrapping_sub(1 + unit.first);
                if let Some(place) = own.get_mut(bucket) {
                    entries[*place as usize] = Entry::new(offset + row, digit < 0);
                    *place += 1;
                }
            });
        }
    }
    sums.by_bucket(job, Sorted { entries, lengths }, &table.points)
}

/// The weighted sums of each unit. Units of one size go together, so that inversions are shared.
fn weigh<S: Sums>(
    sums: &S,
    units: &[Unit],
    tasks: &[&[Unit]],
    buckets: &[Vec<S::Point>],
    threads: usize,
) -> Vec<Weighted> {
    let mut of_unit: Vec<&[S::Point]> = Vec::with_capacity(units.len());
    for (task, buckets) in tasks.iter().zip(buckets) {
        let mut rest = &buckets[..];
        for unit in *task {
            let (own, after) = rest.split_at(unit.buckets);
            of_unit.push(own);
            rest = after;
        }
    }
    let mut by_size: Vec<usize> = (0..units.len()).collect();
    by_size.sort_by_key(|at| units[*at].buckets);
    let groups = by_size.chunk_by(|a, b| units[*a].buckets == units[*b].buckets);
    let groups: Vec<&[usize]> = groups.flat_map(|group| group.chunks(group.len().div_ceil(threads))).collect();
    let weighted: Vec<(usize, Weighted)> = groups
        .par_iter()
        .flat_map_iter(|group| {
            let ranges: Vec<&[S::Point]> = group.iter().map(|at| of_unit[*at]).collect();
            group.iter().copied().zip(sums.weighted(&ranges))
        })
        .collect();
    let mut in_order = vec![Weighted { weighted: G1::identity(), total: G1::identity() }; units.len()];
    for (at, sums) in weighted {
        in_order[at] = sums;
    }
    in_order
}
