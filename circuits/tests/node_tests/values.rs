//! ONNX tensors as numbers.

use apodict_circuits::float::{Tensor, Values};
use tract_onnx::pb::{TensorProto, tensor_proto::DataType};

/// What ONNX numbers the types that tensors of tests have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Real,
    Integer,
    Truth,
    /// Strings, complex numbers, floats of 8 bits and less, integers of 4 bits.
    Other(&'static str),
}

impl Kind {
    /// Of a number of ONNX's enumeration of types.
    pub(crate) fn of(data_type: i32) -> Self {
        match data_type {
            1 | 10 | 11 | 16 => Self::Real,
            2..=7 | 12 | 13 => Self::Integer,
            9 => Self::Truth,
            8 => Self::Other("strings"),
            14 | 15 => Self::Other("complex numbers"),
            17..=20 | 24 => Self::Other("float8"),
            21 | 22 => Self::Other("int4"),
            23 => Self::Other("float4"),
            25 | 26 => Self::Other("int2"),
            _ => Self::Other("unknown types"),
        }
    }
}

/// What a tensor holds.
pub(crate) fn read(proto: &TensorProto) -> Result<Tensor, String> {
    let shape: Vec<usize> = proto.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
    let values = match Kind::of(proto.data_type) {
        Kind::Real => Values::Float(reals(proto)?),
        Kind::Integer => Values::Int(integers(proto)?),
        Kind::Truth => Values::Bool(integers(proto)?.into_iter().map(|value| value != 0).collect()),
        Kind::Other(what) => return Err(format!("tensors of {what}")),
    };
    let expected: usize = shape.iter().product();
    match values.len() == expected {
        true => Ok(Tensor { shape, values }),
        false => Err(format!("{} values for the shape {shape:?}", values.len())),
    }
}

fn reals(proto: &TensorProto) -> Result<Vec<f64>, String> {
    let raw = proto.raw_data.as_slice();
    let halves = |decode: fn(u16) -> f64| match raw.is_empty() {
        true => proto.int32_data.iter().map(|bits| decode(*bits as u16)).collect(),
        false => chunks(raw).map(u16::from_le_bytes).map(decode).collect(),
    };
    match DataType::try_from(proto.data_type) {
        Ok(DataType::Float) if raw.is_empty() => Ok(proto.float_data.iter().copied().map(f64::from).collect()),
        Ok(DataType::Float) => Ok(chunks(raw).map(f32::from_le_bytes).map(f64::from).collect()),
        Ok(DataType::Double) if raw.is_empty() => Ok(proto.double_data.clone()),
        Ok(DataType::Double) => Ok(chunks(raw).map(f64::from_le_bytes).collect()),
        Ok(DataType::Float16) => Ok(halves(half)),
        Ok(DataType::Bfloat16) => Ok(halves(|bits| f64::from(f32::from_bits(u32::from(bits) << 16)))),
        other => Err(format!("real numbers of type {other:?}")),
    }
}

fn integers(proto: &TensorProto) -> Result<Vec<i64>, String> {
    let raw = proto.raw_data.as_slice();
    let small = || proto.int32_data.iter().copied().map(i64::from).collect();
    Ok(match DataType::try_from(proto.data_type) {
        Ok(DataType::Int64) if raw.is_empty() => proto.int64_data.clone(),
        Ok(DataType::Int64) => chunks(raw).map(i64::from_le_bytes).collect(),
        Ok(DataType::Uint64 | DataType::Uint32) if raw.is_empty() => {
            proto.uint64_data.iter().map(|value| signed(*value)).collect::<Result<_, _>>()?
        }
        Ok(DataType::Uint64) => chunks(raw).map(u64::from_le_bytes).map(signed).collect::<Result<_, _>>()?,
        Ok(DataType::Uint32) => chunks(raw).map(u32::from_le_bytes).map(i64::from).collect(),
        Ok(_) if raw.is_empty() => small(),
        Ok(DataType::Int32) => chunks(raw).map(i32::from_le_bytes).map(i64::from).collect(),
        Ok(DataType::Int16) => chunks(raw).map(i16::from_le_bytes).map(i64::from).collect(),
        Ok(DataType::Uint16) => chunks(raw).map(u16::from_le_bytes).map(i64::from).collect(),
        Ok(DataType::Int8) => chunks(raw).map(i8::from_le_bytes).map(i64::from).collect(),
        Ok(DataType::Uint8 | DataType::Bool) => raw.iter().copied().map(i64::from).collect(),
        other => return Err(format!("integers of type {other:?}")),
    })
}

fn signed(value: u64) -> Result<i64, String> {
    i64::try_from(value).map_err(|_| format!("holds {value}, more than 64 signed bits hold"))
}

fn chunks<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> {
    raw.as_chunks::<N>().0.iter().copied()
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}
