//! Cells that must be equal, as cycles.

use crate::engine::Error;

/// A permutation of cells whose cycles are the sets of cells that are equal. A cell is `column << k | row`.
#[derive(Debug)]
pub(super) struct Cycles {
    k: u32,
    /// The cell after each.
    next: Vec<u32>,
    /// A cell that stands for the cycle of each.
    cycle: Vec<u32>,
    /// Cells of the cycle, where one stands for it.
    sizes: Vec<u32>,
}

impl Cycles {
    /// Every cell alone.
    pub(super) fn new(columns: usize, k: u32) -> Result<Self, Error> {
        let cells = u32::try_from((columns as u64) << k).map_err(|_| Error::Domain)?;
        Ok(Self { k, next: (0..cells).collect(), cycle: (0..cells).collect(), sizes: vec![1; cells as usize] })
    }

    fn cell(&self, (column, row): (usize, usize)) -> usize {
        column << self.k | row
    }

    /// Makes two cells equal, and with them all that are equal to one of them. The shorter cycle is renamed: `n` copies take
    /// `n log n` steps.
    pub(super) fn join(&mut self, left: (usize, usize), right: (usize, usize)) {
        let (left, right) = (self.cell(left), self.cell(right));
        let (mut long, mut short) = (self.cycle[left], self.cycle[right]);
        if long == short {
            return;
        }
        if self.sizes[long as usize] < self.sizes[short as usize] {
            std::mem::swap(&mut long, &mut short);
        }
        self.sizes[long as usize] += self.sizes[short as usize];
        let mut cell = short;
        loop {
            self.cycle[cell as usize] = long;
            cell = self.next[cell as usize];
            if cell == short {
                break;
            }
        }
        self.next.swap(left, right);
    }

    /// The next cell of each, column by column.
    pub(super) fn into_next(self) -> Vec<Vec<u32>> {
        self.next.chunks(1 << self.k).map(<[u32]>::to_vec).collect()
    }
}
