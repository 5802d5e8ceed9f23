//! Columns as they come to a backend.

use std::{ops::Range, sync::Arc};

use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use rayon::prelude::*;

use crate::engine::field;

/// A column in the host's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostColumn {
    /// An element for each row.
    Field(Vec<Fr>),
    /// A small number for each row, with exceptions: most of a witness. Whoever commits to it pays for the bits that are
    /// there.
    Integers {
        /// One per row; 0 where a large value stands.
        small: Vec<i64>,
        /// Rows, ascending, with values that fit no `i64`.
        large: Vec<(usize, Fr)>,
    },
    /// A cell for each row, of a table of columns of `2^k` rows, as permutation arguments name them: `delta^column *
    /// omega^row`.
    Cells {
        /// log2 of the rows of a column.
        k: u32,
        /// `column << k | row`.
        cells: Vec<u32>,
        /// The domain in order, shared by all such columns.
        roots: Arc<Vec<Fr>>,
    },
    /// Coefficients of the polynomial of degree below `2^k` that is 1 in these rows and 0 in all others.
    Indicator {
        /// log2 of the rows.
        k: u32,
        /// Where it is 1.
        rows: Range<usize>,
    },
}

impl HostColumn {
    /// Field elements, as small numbers where most of them are.
    pub fn compact(values: &[Fr]) -> Self {
        let (mut small, mut large) = (vec![0; values.len()], Vec::new());
        for (row, value) in values.iter().enumerate() {
            match field::small(value) {
                Some(value) => small[row] = value,
                None => large.push((row, *value)),
            }
        }
        Self::Integers { small, large }.densest()
    }

    /// The same in the form that takes less memory.
    #[must_use]
    pub fn densest(self) -> Self {
        match &self {
            Self::Integers { small, large } if 2 * large.len() > small.len() => Self::Field(self.into_field()),
            _ => self,
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Field(values) => values.len(),
            Self::Integers { small, .. } => small.len(),
            Self::Cells { cells, .. } => cells.len(),
            Self::Indicator { k, .. } => 1 << k,
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether exceptions stand in ascending rows that there are.
    pub(in crate::engine) fn is_ordered(&self) -> bool {
        match self {
            Self::Integers { small, large } => {
                large.is_sorted_by(|(a, _), (b, _)| a < b) && large.last().is_none_or(|(row, _)| *row < small.len())
            }
            _ => true,
        }
    }

    /// Zeros up to the row `start`, then `values`: halo2's blinding of the last rows.
    pub fn end_with(&mut self, start: usize, values: impl Iterator<Item = Fr>) {
        match self {
            Self::Field(column) => {
                column.resize(start, Fr::zero());
                column.extend(values);
            }
            Self::Integers { small, large } => {
                small.resize(start, 0);
                large.extend(values.enumerate().map(|(at, value)| (start + at, value)));
                let rows = large.last().map_or(start, |(row, _)| start.max(row + 1));
                small.resize(rows, 0);
            }
            Self::Cells { .. } | Self::Indicator { .. } => {
                let mut column = Self::Field(std::mem::replace(self, Self::Field(Vec::new())).into_field());
                column.end_with(start, values);
                *self = column;
            }
        }
    }

    /// The same as field elements.
    pub fn into_field(self) -> Vec<Fr> {
        match self {
            Self::Field(values) => values,
            other => other.to_field(),
        }
    }

    /// The same as field elements.
    pub fn to_field(&self) -> Vec<Fr> {
        match self {
            Self::Field(values) => values.clone(),
            Self::Integers { small, .. } => self.part(0..small.len()),
            Self::Cells { cells, .. } => self.part(0..cells.len()),
            Self::Indicator { k, rows } => indicator(*k, rows, *k, Fr::ZERO),
        }
    }

    /// Some of the rows as field elements.
    pub fn part(&self, rows: Range<usize>) -> Vec<Fr> {
        match self {
            Self::Field(values) => values[rows].to_vec(),
            Self::Integers { small, large } => {
                let field = |value: &i64| {
                    let magnitude = Fr::from(value.unsigned_abs());
                    if *value < 0 { -magnitude } else { magnitude }
                };
                let mut values: Vec<Fr> = small[rows.clone()].iter().map(field).collect();
                let first = large.partition_point(|(row, _)| *row < rows.start);
                for (row, value) in large[first..].iter().take_while(|(row, _)| *row < rows.end) {
                    values[row - rows.start] = *value;
                }
                values
            }
            Self::Cells { k, cells, roots } => {
                let cells = &cells[rows];
                let columns = cells.iter().max().map_or(0, |cell| (cell >> k) as usize + 1);
                let deltas = field::powers(Fr::DELTA, columns);
                let name = |cell: &u32| {
                    let (column, row) = ((cell >> k) as usize, *cell as usize & ((1 << k) - 1));
                    if column == 0 { roots[row] } else { deltas[column] * roots[row] }
                };
                cells.par_iter().with_min_len(1 << 10).map(name).collect()
            }
            Self::Indicator { .. } => self.to_field()[rows].to_vec(),
        }
    }
}

/// The remainder of an indicator by `X^m - shift^m`, with `m = 2^size`.
///
/// `1/n sum_j (w^-i X)^j` is 1 in row `i` and 0 in the others. Modulo `X^m - c` its coefficients are `w^-ir / n` times
/// `sum_t (w^-im c)^t`, over the `n / m` blocks of coefficients that fall together.
pub(super) fn indicator(k: u32, rows: &Range<usize>, size: u32, shift: Fr) -> Vec<Fr> {
    let n = 1usize << k;
    // What most rows have is 1 less what the others have.
    let complement = 2 * rows.len() > n;
    let few: Vec<usize> =
        if complement { (0..rows.start).chain(rows.end..n).collect() } else { rows.clone().collect() };
    let omega_inverse = field::omega(k).pow_vartime([n as u64 - 1]);
    let power = shift.pow_vartime([1 << size]);
    let share = (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
    let share = if complement { -share } else { share };
    let terms: Vec<(Fr, Fr)> = (few.into_iter())
        .map(|row| {
            let ratio = omega_inverse.pow_vartime([row as u64]);
            let block = ratio.pow_vartime([1 << size]) * power;
            let blocks: Fr = field::powers(block, 1 << (k - size)).into_iter().sum();
            (share * blocks, ratio)
        })
        .collect();
    let mut coefficients = vec![Fr::ZERO; 1 << size];
    coefficients.par_chunks_mut(1 << 10).enumerate().for_each(|(at, part)| {
        for (first, ratio) in &terms {
            let mut term = *first * ratio.pow_vartime([(at << 10) as u64]);
            for coefficient in &mut *part {
                *coefficient += term;
                term *= ratio;
            }
        }
    });
    if complement {
        coefficients[0] += Fr::ONE;
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_are_1_in_their_rows() {
        for (k, rows) in [(3, 0..1), (4, 9..10), (5, 0..25), (5, 3..3), (12, 0..4089)] {
            let column = HostColumn::Indicator { k, rows: rows.clone() };
            let coefficients = column.to_field();
            assert_eq!(coefficients.len(), column.len());
            for row in [0, 1, 5, rows.start, rows.end, (1 << k) - 1] {
                let point = field::omega(k).pow_vartime([row as u64]);
                let expected = if rows.contains(&(row % (1 << k))) { Fr::ONE } else { Fr::ZERO };
                assert_eq!(field::horner(&coefficients, point), expected, "{rows:?} of 2^{k} in row {row}");
            }
        }
    }

    #[test]
    fn remainders_of_indicators_have_the_same_values() {
        for (k, size, rows) in [(5, 3, 0..1), (6, 3, 60..61), (6, 5, 0..50), (12, 11, 0..4090)] {
            let (whole, shift) = (indicator(k, &rows, k, Fr::ZERO), Fr::from(77));
            let remainder = indicator(k, &rows, size, shift);
            for at in [0, 1, 6] {
                let point = shift * field::omega(size).pow_vartime([at]);
                assert_eq!(field::horner(&remainder, point), field::horner(&whole, point), "{rows:?} of 2^{k}");
            }
        }
    }

    #[test]
    fn parts_are_parts() {
        let large = Fr::from(u64::MAX).square();
        let roots = Arc::new(field::roots(3));
        let columns = [
            HostColumn::Integers { small: vec![1, -2, 0, 4, 0, 6], large: vec![(2, large), (4, -large)] },
            HostColumn::Cells { k: 3, cells: vec![9, 0, 7, 23, 8, 1], roots },
            HostColumn::Indicator { k: 3, rows: 2..3 },
            HostColumn::Field((0..6).map(Fr::from).collect()),
        ];
        for column in columns {
            let whole = column.to_field();
            for rows in [0..6, 2..3, 3..6, 4..4] {
                assert_eq!(column.part(rows.clone()), whole[rows]);
            }
        }
    }

    #[test]
    fn small_numbers_are_found() {
        let large = Fr::from(u64::MAX).square();
        let values = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(i64::MAX as u64), -Fr::from(7), large];
        let column = HostColumn::compact(&values);
        assert_eq!(column, HostColumn::Integers { small: vec![0, 1, -1, i64::MAX, -7, 0], large: vec![(5, large)] });
        assert_eq!(column.into_field(), values);
        assert_eq!(HostColumn::compact(&[large, large, Fr::ONE]), HostColumn::Field(vec![large, large, Fr::ONE]));
    }
}
