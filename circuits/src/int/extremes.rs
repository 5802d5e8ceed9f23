//! Hulls of runs of rows, each found in few steps however many are asked for.

use std::ops::Range;

use super::Interval;

/// Rows that are looked at one by one, at either end of a run.
const BLOCK: usize = 16;

/// A tree over blocks of rows, with the hull of each column: a run of `n` rows takes some `2 * (BLOCK + log2(n))` steps a
/// column, and the tree an eighth of the rows' own memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Extremes {
    width: usize,
    /// The leaves stand from here on; the parent of node `i` is node `i / 2`.
    blocks: usize,
    tree: Vec<Interval>,
}

impl Extremes {
    /// Over `len` rows of `width` columns, each of which `at(row, column)` gives.
    pub(super) fn new(len: usize, width: usize, at: impl Fn(usize, usize) -> Interval) -> Self {
        let blocks = len.div_ceil(BLOCK);
        let mut tree = vec![Interval::point(0); 2 * blocks * width];
        for block in 0..blocks {
            for column in 0..width {
                let rows = block * BLOCK..len.min((block + 1) * BLOCK);
                let hull = rows.map(|row| at(row, column)).reduce(Interval::union);
                tree[(blocks + block) * width + column] = hull.unwrap_or(Interval::point(0));
            }
        }
        for node in (1..blocks).rev() {
            for column in 0..width {
                let child = |side: usize| tree[(2 * node + side) * width + column];
                tree[node * width + column] = child(0).union(child(1));
            }
        }
        Self { width, blocks, tree }
    }

    /// The hull of each column over `rows`, of which there is at least one; `at` is what the tree was made from.
    pub(super) fn over(&self, rows: Range<usize>, at: impl Fn(usize, usize) -> Interval) -> Vec<Interval> {
        let mut hull: Vec<Interval> = (0..self.width).map(|column| at(rows.start, column)).collect();
        let mut single = |rows: Range<usize>| {
            for row in rows {
                hull.iter_mut().enumerate().for_each(|(column, range)| *range = range.union(at(row, column)));
            }
        };
        let (first, last) = (rows.start.div_ceil(BLOCK), rows.end / BLOCK);
        if first >= last {
            single(rows);
            return hull;
        }
        single(rows.start..first * BLOCK);
        single(last * BLOCK..rows.end);
        let mut whole = |node: usize| {
            let columns = &self.tree[node * self.width..(node + 1) * self.width];
            hull.iter_mut().zip(columns).for_each(|(range, column)| *range = range.union(*column));
        };
        let (mut low, mut high) = (first + self.blocks, last + self.blocks);
        while low < high {
            if low % 2 == 1 {
                whole(low);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                whole(high);
            }
            (low, high) = (low / 2, high / 2);
        }
        hull
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_its_hull() {
        for len in [1, 2, 15, 16, 17, 33, 100, 129] {
            let at = |row: usize, column: usize| {
                let value = (row as i64 * 7919 + column as i64 * 31) % 257 - 128;
                Interval::new(value, value + column as i64)
            };
            let extremes = Extremes::new(len, 3, at);
            for start in 0..len {
                for end in start + 1..=len {
                    let expected: Vec<Interval> = (0..3)
                        .map(|column| (start..end).map(|row| at(row, column)).reduce(Interval::union).unwrap())
                        .collect();
                    assert_eq!(extremes.over(start..end, at), expected, "{start}..{end} of {len}");
                }
            }
        }
    }
}
