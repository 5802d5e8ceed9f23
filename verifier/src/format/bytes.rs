//! Writing and reading the parts of a key.

use crate::{
    Column, ColumnKind, Fr, G1Affine, G2Affine, KeyError, Query,
    encoding::{PointError, fr_from_be_bytes, g1_from_be_bytes, g2_from_be_bytes},
};
use alloc::vec::Vec;

pub(super) fn put_leaf(bytes: &mut Vec<u8>, tag: u8, index: usize) -> Result<(), KeyError> {
    bytes.push(tag);
    put_u16(bytes, "reference of a gate", index)
}

pub(super) fn put_u8(
    bytes: &mut Vec<u8>,
    what: &'static str,
    number: impl TryInto<u8> + TryInto<u64> + Copy,
) -> Result<(), KeyError> {
    bytes.push(narrow(what, number)?);
    Ok(())
}

pub(super) fn put_u16(bytes: &mut Vec<u8>, what: &'static str, number: usize) -> Result<(), KeyError> {
    bytes.extend_from_slice(&narrow::<u16>(what, number)?.to_be_bytes());
    Ok(())
}

/// A number in a smaller type.
pub(super) fn narrow<T: IntegerField>(
    what: &'static str,
    number: impl TryInto<T> + TryInto<u64> + Copy,
) -> Result<T, KeyError> {
    number.try_into().map_err(|_| KeyError::Limit { what, max: T::LARGEST, got: number.try_into().unwrap_or(u64::MAX) })
}

/// The integers of the format.
pub(super) trait IntegerField {
    const LARGEST: u64;
}

impl IntegerField for u8 {
    const LARGEST: u64 = 0xff;
}
impl IntegerField for u16 {
    const LARGEST: u64 = 0xffff;
}
impl IntegerField for u32 {
    const LARGEST: u64 = 0xffff_ffff;
}
impl IntegerField for usize {
    const LARGEST: u64 = 0xffff_ffff;
}

/// Takes from the front; whatever is missing is an error that names what was being read.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn take<const N: usize>(&mut self, what: &'static str) -> Result<&'a [u8; N], KeyError> {
        let (head, tail) = self.rest.split_first_chunk().ok_or(KeyError::Truncated { what })?;
        self.rest = tail;
        Ok(head)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, KeyError> {
        let [byte] = self.take(what)?;
        Ok(*byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, KeyError> {
        Ok(u16::from_be_bytes(*self.take(what)?))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, KeyError> {
        Ok(u32::from_be_bytes(*self.take(what)?))
    }

    pub(super) fn u128(&mut self, what: &'static str) -> Result<u128, KeyError> {
        Ok(u128::from_be_bytes(*self.take(what)?))
    }

    pub(super) fn i128(&mut self, what: &'static str) -> Result<i128, KeyError> {
        Ok(i128::from_be_bytes(*self.take(what)?))
    }

    /// The next `len` bytes.
    pub(super) fn bytes(&mut self, what: &'static str, len: usize) -> Result<&'a [u8], KeyError> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(KeyError::Truncated { what })?;
        self.rest = tail;
        Ok(head)
    }

    /// Refuses what is left over.
    pub(super) fn finish(&self) -> Result<(), KeyError> {
        if self.rest.is_empty() { Ok(()) } else { Err(KeyError::TrailingBytes { count: self.rest.len() }) }
    }

    pub(super) fn fr(&mut self, what: &'static str) -> Result<Fr, KeyError> {
        fr_from_be_bytes(self.take(what)?).ok_or(KeyError::NotCanonical { what })
    }

    pub(super) fn g1(&mut self, what: &'static str) -> Result<G1Affine, KeyError> {
        g1_from_be_bytes(self.take(what)?).map_err(|error| point_error(what, error))
    }

    pub(super) fn g2(&mut self, what: &'static str) -> Result<G2Affine, KeyError> {
        g2_from_be_bytes(self.take(what)?).map_err(|error| point_error(what, error))
    }

    pub(super) fn query(&mut self) -> Result<Query, KeyError> {
        let column = self.u16("query")?.into();
        Ok(Query { column, rotation: i32::from_be_bytes(*self.take("query")?) })
    }

    pub(super) fn column(&mut self) -> Result<Column, KeyError> {
        let kind = match self.u8("permutation columns")? {
            0 => ColumnKind::Fixed,
            1 => ColumnKind::Advice,
            2 => ColumnKind::Instance,
            got => {
                return Err(KeyError::Tag { what: "the kind of a column", got });
            }
        };
        Ok(Column { kind, index: self.u16("permutation columns")?.into() })
    }

    /// As many as the count in front says. Nothing is allocated for what has not been read.
    pub(super) fn list<T>(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, KeyError>,
    ) -> Result<Vec<T>, KeyError> {
        (0..self.u16(what)?).map(|_| item(self)).collect()
    }
}

fn point_error(what: &'static str, error: PointError) -> KeyError {
    match error {
        PointError::Unreduced => KeyError::NotCanonical { what },
        PointError::OffCurve => KeyError::NotOnCurve { what },
        PointError::OutsideSubgroup => KeyError::NotInSubgroup { what },
    }
}
