//! Columns of the backends that compute on the host's processors.

use std::{borrow::Cow, sync::OnceLock};

use halo2curves::bn256::Fr;

use super::{HostColumn, digits::Signed};

/// Field elements, or what they follow from: the small numbers that a witness is given as, of which they are made when somebody
/// asks and kept, for they are asked for again; cells of a permutation, of which they are made every time.
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
            Some(HostColumn::Cells { .. }) => Cow::Owned(made()),
            _ => Cow::Borrowed(self.elements.get_or_init(made)),
        }
    }

    pub(super) fn into_elements(self) -> Vec<Fr> {
        let given = self.given;
        self.elements.into_inner().unwrap_or_else(|| given.map_or_else(Vec::new, HostColumn::into_field))
    }

    /// The elements as scalars of a commitment.
    pub(super) fn scalars(&self) -> Vec<Signed> {
        match &self.given {
            Some(HostColumn::Integers { small, large }) => {
                let mut scalars: Vec<Signed> = small.iter().map(|value| Signed::from(*value)).collect();
                for (row, value) in large {
                    scalars[*row] = Signed::from(value);
                }
                scalars
            }
            _ => self.elements().iter().map(Signed::from).collect(),
        }
    }
}
