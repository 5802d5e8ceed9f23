//! What rows of a table can be, for whatever selects one.

use super::{Error, Interval, Node, extremes::Extremes};

/// The ranges of a table's columns over an interval of its rows.
pub(super) struct Hulls<'a> {
    rows: &'a [Vec<i64>],
    /// What was asked for last, which is often asked for again.
    last: Option<(Interval, Vec<Interval>)>,
    /// Made once a second interval is asked for.
    extremes: Option<Extremes>,
}

impl<'a> Hulls<'a> {
    pub(super) fn new(rows: &'a [Vec<i64>]) -> Self {
        Self { rows, last: None, extremes: None }
    }

    /// The range of each column over the rows that `index`, an operand's element, may select.
    pub(super) fn of(&mut self, node: &Node, element: usize, index: Interval) -> Result<&[Interval], Error> {
        let covered = usize::try_from(index.lo).ok().zip(usize::try_from(index.hi).ok());
        let covered = covered.filter(|(lo, hi)| lo <= hi && *hi < self.rows.len());
        let Some((lo, hi)) = covered else {
            return Err(Error::OutsideDomain {
                node: node.name.clone(),
                element,
                what: "the index into the table",
                got: index,
                allowed: Interval::new(0, self.rows.len() as i64 - 1),
                advice: "declare a narrower input range",
            });
        };
        let rows = self.rows;
        let at = |row: usize, column: usize| Interval::point(rows[row][column]);
        let hull = match self.last.take() {
            Some((known, hull)) if known == index => hull,
            None => {
                let mut hull: Vec<Interval> = rows[lo].iter().map(|value| Interval::point(*value)).collect();
                for row in &rows[lo + 1..=hi] {
                    hull.iter_mut().zip(row).for_each(|(range, value)| *range = range.union(Interval::point(*value)));
                }
                hull
            }
            Some(_) => {
                let new = || Extremes::new(rows.len(), rows[0].len(), at);
                self.extremes.get_or_insert_with(new).over(lo..hi + 1, at)
            }
        };
        Ok(&self.last.insert((index, hull)).1)
    }
}
