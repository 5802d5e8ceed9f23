//! Columns of the backends that compute on the host's processors.

use std::{borrow::Cow, ops::Range, sync::OnceLock};

use halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

use super::{HostColumn, digits::Signed};
use crate::engine::{backend::host_column::indicator, field};

/// Field elements, or what they follow from: the small numbers that a witness is given as, of which they are made when somebody
/// asks and kept, for they are asked for again; cells of a permutation and indicators, of which they are made every time.
#[derive(Debug)]
pub struct Column {
    elements: OnceLock<Vec<Fr>>,
    given: Option<HostColumn>,
}

impl From<Vec<Fr>> for Column {
    fn from(elements: Vec<Fr>) -> Self {
        Self { elements: OnceLock::from(elements), given: None }
    }
}

impl From<HostColumn> for Column {
    fn from(column: HostColumn) -> Self {
        match column {
            HostColumn::Field(elements) => elements.into(),
            short => Self { elements: OnceLock::new(), given: Some(short) },
        }
    }
}

impl Column {
    pub(super) fn len(&self) -> usize {
        self.elements.get().map(Vec::len).or_else(|| self.given.as_ref().map(HostColumn::len)).unwrap_or(0)
    }

    pub(super) fn elements(&self) -> Cow<'_, [Fr]> {
        let made = || self.given.as_ref().map_or_else(Vec::new, HostColumn::to_field);
        match &self.given {
            Some(HostColumn::Cells { .. } | HostColumn::Indicator { .. }) => Cow::Owned(made()),
            _ => Cow::Borrowed(self.elements.get_or_init(made)),
        }
    }

    /// Some of the elements.
    pub(super) fn part(&self, rows: Range<usize>) -> Cow<'_, [Fr]> {
        match (self.elements.get(), &self.given) {
            (Some(elements), _) => Cow::Borrowed(&elements[rows]),
            (None, Some(given)) => Cow::Owned(given.part(rows)),
            (None, None) => Cow::Borrowed(&[]),
        }
    }

    /// Coefficients of the remainder by `X^n - shift^n`, `n = 2^k`, which has the same values on the coset. `combine` adds up
    /// multiples of blocks of coefficients.
    pub(super) fn remainder(&self, k: u32, shift: Fr, combine: impl Fn(&[&[Fr]], &[Fr]) -> Vec<Fr>) -> Cow<'_, [Fr]> {
        if let Some(HostColumn::Indicator { k: own, rows }) = &self.given
            && k <= *own
        {
            return Cow::Owned(indicator(*own, rows, k, shift));
        }
        let (mut coefficients, size) = (self.elements(), 1 << k);
        if coefficients.len() < size {
            coefficients.to_mut().resize(size, Fr::ZERO);
        }
        if coefficients.len() == size {
            return coefficients;
        }
        let blocks: Vec<&[Fr]> = coefficients.chunks(size).collect();
        Cow::Owned(combine(&blocks, &field::powers(shift.pow_vartime([size as u64]), blocks.len())))
    }

    pub(super) fn into_elements(self) -> Vec<Fr> {
        let given = self.given;
        self.elements.into_inner().unwrap_or_else(|| given.map_or_else(Vec::new, HostColumn::into_field))
    }

    /// The elements as scalars of a commitment.
    pub(super) fn scalars(&self) -> Vec<Signed> {
        match &self.given {
            Some(HostColumn::Integers { small, large }) => {
                let small = small.par_iter().with_min_len(1 << 10);
                let mut scalars: Vec<Signed> = small.map(|value| Signed::from(*value)).collect();
                for (row, value) in large {
                    scalars[*row] = Signed::from(value);
                }
                scalars
            }
            _ => self.elements().par_iter().with_min_len(1 << 10).map(Signed::from).collect(),
        }
    }
}
