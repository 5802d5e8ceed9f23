//! Sums of multiples of fixed points: what a commitment is.
//!
//! Pippenger's bucket method. A scalar is taken with the sign that makes it shorter and cut into signed digits, so that a
//! small number, of either sign, costs as many digits as it has bits and no more; the width of a digit follows from how
//! long the scalars of the column are. Buckets are summed pair by pair in affine coordinates, all buckets of several
//! windows at once, so that one inversion serves hundreds of additions: six multiplications each. How points are added is
//! the backend's ([`Sums`]).

use halo2curves::{
    bn256::{G1, G1Affine},
    group::{Curve, Group, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

use super::digits::Digits;
use crate::engine::Job;

/// Points that one task sums at least, windows permitting, and about as many as the second-level cache holds.
const TASK: usize = 1 << 13;

/// Digits from this width on have buckets enough for one window to be weighed alone.
const WIDE: u32 = 11;

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

/// How a backend adds points.
pub(super) trait Sums: Sync {
    type Point: Clone + Send + Sync;

    /// Sums of points by bucket.
    fn by_bucket(
        &self,
        buckets: usize,
        entries: impl Iterator<Item = (usize, Entry)> + Clone,
        bases: &[Self::Point],
    ) -> Vec<Self::Point>;

    /// For each set of `size` buckets, `sum_i (i + 1) * buckets[i]`. The size is a power of two.
    fn weighted(&self, buckets: &[Self::Point], size: usize) -> Vec<G1>;
}

/// Some windows of a column.
struct Task {
    column: usize,
    windows: std::ops::Range<usize>,
}

/// What a task gives.
enum Partial<P> {
    Buckets(Vec<P>),
    Windows(Vec<G1>),
}

/// `sum_i scalars[i] * bases[i]` for each column of scalars. A column may be shorter than the bases.
pub(super) fn multi_scalar_multiply<S: Sums>(
    sums: &S,
    job: &Job<'_>,
    bases: &[S::Point],
    digits: &[Digits],
) -> Vec<G1Affine> {
    let threads = rayon::current_num_threads();
    let tasks: Vec<Task> = (digits.iter().enumerate())
        .flat_map(|(column, digits)| {
            let each = (TASK / digits.len().max(1)).max(1);
            // No fewer tasks than threads, if there are windows enough.
            let each = each.min(digits.windows().div_ceil(threads).max(1));
            let starts = (0..digits.windows()).step_by(each);
            starts.map(move |start| Task { column, windows: start..(start + each).min(digits.windows()) })
        })
        .collect();
    let partial = |task: &Task| {
        let digits = &digits[task.column];
        if job.cancelled() {
            return Partial::Windows(vec![G1::identity(); task.windows.len()]);
        }
        let buckets = bucket_sums(sums, bases, digits, task.windows.clone());
        if digits.width() >= WIDE {
            return Partial::Windows(sums.weighted(&buckets, 1 << (digits.width() - 1)));
        }
        Partial::Buckets(buckets)
    };
    let mut partials: Vec<Partial<S::Point>> = tasks.par_iter().map(partial).collect();

    // Narrow windows are weighed together, so that inversions are shared.
    let mut by_width: Vec<Vec<usize>> = vec![Vec::new(); WIDE as usize];
    for (at, (task, partial)) in tasks.iter().zip(&partials).enumerate() {
        if matches!(partial, Partial::Buckets(_)) {
            by_width[digits[task.column].width() as usize].push(at);
        }
    }
    let parts: Vec<(usize, &[usize])> = (by_width.iter().enumerate())
        .flat_map(|(width, tasks)| tasks.chunks(tasks.len().div_ceil(threads).max(1)).map(move |part| (width, part)))
        .collect();
    let weighed: Vec<Vec<G1>> = parts
        .par_iter()
        .map(|(width, part)| {
            let of_task = |at: &usize| match &partials[*at] {
                Partial::Buckets(buckets) => buckets.as_slice(),
                Partial::Windows(_) => &[],
            };
            let buckets: Vec<S::Point> = part.iter().flat_map(of_task).cloned().collect();
            sums.weighted(&buckets, 1 << (width - 1))
        })
        .collect();
    for ((_, part), weighed) in parts.iter().zip(weighed) {
        let mut windows = weighed.into_iter();
        for at in *part {
            partials[*at] = Partial::Windows(windows.by_ref().take(tasks[*at].windows.len()).collect());
        }
    }

    let mut totals = vec![G1::identity(); digits.len()];
    // Windows from the highest: tasks stand in their order.
    for (task, partial) in tasks.iter().zip(&partials).rev() {
        let Partial::Windows(windows) = partial else { continue };
        for window in windows.iter().rev() {
            for _ in 0..digits[task.column].width() {
                totals[task.column] = totals[task.column].double();
            }
            totals[task.column] += window;
        }
    }
    let mut points = vec![G1Affine::identity(); totals.len()];
    G1::batch_normalize(&totals, &mut points);
    points
}

/// The sums of the points with each digit, in each of the windows.
fn bucket_sums<S: Sums>(
    sums: &S,
    bases: &[S::Point],
    digits: &Digits,
    windows: std::ops::Range<usize>,
) -> Vec<S::Point> {
    let per_window = 1usize << (digits.width() - 1);
    let entries = windows.clone().enumerate().flat_map(|(at, window)| {
        digits.of(window).iter().enumerate().filter(|(_, digit)| **digit != 0).map(move |(point, digit)| {
            let bucket = at * per_window + usize::from(digit.unsigned_abs()) - 1;
            (bucket, Entry::new(point, *digit < 0))
        })
    });
    sums.by_bucket(windows.len() * per_window, entries, bases)
}
