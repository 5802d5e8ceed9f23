//! The description of the public values as bytes.

use super::bytes::{Reader, narrow, put_u16};
use crate::{KeyError, Layout, Quantization, Run, Tensor};
use alloc::{string::String, vec::Vec};

impl Layout {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) -> Result<(), KeyError> {
        for tensors in [&self.inputs, &self.outputs] {
            put_u16(bytes, "tensors", tensors.len())?;
            tensors.iter().try_for_each(|tensor| tensor.put(bytes))?;
        }
        Ok(())
    }

    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let inputs = reader.list("inputs", Tensor::take)?;
        Ok(Self { inputs, outputs: reader.list("outputs", Tensor::take)? })
    }
}

impl Tensor {
    fn put(&self, bytes: &mut Vec<u8>) -> Result<(), KeyError> {
        put_u16(bytes, "bytes of a name", self.name.len())?;
        bytes.extend_from_slice(self.name.as_bytes());
        put_u16(bytes, "dimensions", self.shape.len())?;
        for extent in &self.shape {
            bytes.extend_from_slice(&narrow::<u32>("extent of a tensor", *extent)?.to_be_bytes());
        }
        bytes.extend_from_slice(&narrow::<u32>("runs of a tensor", self.runs.len())?.to_be_bytes());
        for Run { count, quantization: Quantization { num, den, zero, lo, hi } } in &self.runs {
            bytes.extend_from_slice(&narrow::<u32>("elements of a run", *count)?.to_be_bytes());
            bytes.extend_from_slice(&num.to_be_bytes());
            bytes.extend_from_slice(&den.to_be_bytes());
            bytes.extend_from_slice(&zero.to_be_bytes());
            bytes.extend_from_slice(&lo.to_be_bytes());
            bytes.extend_from_slice(&hi.to_be_bytes());
        }
        Ok(())
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let len = reader.u16("name of a tensor")?.into();
        let name = core::str::from_utf8(reader.bytes("name of a tensor", len)?);
        let name = String::from(name.map_err(|_| KeyError::NotCanonical { what: "the name of a tensor" })?);
        let shape = reader.list("shape of a tensor", |reader| narrow("extent", reader.u32("shape of a tensor")?))?;
        let count = reader.u32("runs of a tensor")?;
        let runs = (0..count).map(|_| Run::take(reader)).collect::<Result<_, _>>()?;
        Ok(Self { name, shape, runs })
    }
}

impl Run {
    fn take(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        const WHAT: &str = "quantization of a tensor";
        let count = narrow("elements of a run", reader.u32(WHAT)?)?;
        let (num, den) = (reader.u128(WHAT)?, reader.u128(WHAT)?);
        let zero = i64::from_be_bytes(*reader.take(WHAT)?);
        let (lo, hi) = (reader.i128(WHAT)?, reader.i128(WHAT)?);
        Ok(Self { count, quantization: Quantization { num, den, zero, lo, hi } })
    }
}
