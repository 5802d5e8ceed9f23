//! Stored tensors (`TensorProto`): initializers, constant attributes, and tensor files.

use tract_onnx::pb::{TensorProto, tensor_proto::DataLocation, tensor_proto::DataType};

use super::Error;
use crate::float::{ElementType, MAX_EXACT, MAX_RANK, Tensor, Values, checked_len};

/// What stands for minus infinity: the lowest number of single precision, as exporters write masks without infinities.
const LOWEST: f64 = f32::MIN as f64;

/// The element type that ONNX numbers `data_type`, if it is supported. Half-precision floats of both kinds are held as
/// single-precision ones, which have every value of theirs.
pub(super) fn element_type(data_type: i32) -> Result<ElementType, String> {
    let advice = match DataType::try_from(data_type) {
        Ok(DataType::Float | DataType::Float16 | DataType::Bfloat16) => return Ok(ElementType::F32),
        Ok(DataType::Double) => return Ok(ElementType::F64),
        Ok(DataType::Int8) => return Ok(ElementType::I8),
        Ok(DataType::Int16) => return Ok(ElementType::I16),
        Ok(DataType::Int32) => return Ok(ElementType::I32),
        Ok(DataType::Int64) => return Ok(ElementType::I64),
        Ok(DataType::Uint8) => return Ok(ElementType::U8),
        Ok(DataType::Uint16) => return Ok(ElementType::U16),
        Ok(DataType::Uint32) => return Ok(ElementType::U32),
        Ok(DataType::Uint64) => return Ok(ElementType::U64),
        Ok(DataType::Bool) => return Ok(ElementType::Bool),
        Ok(DataType::String) => "encode strings as numbers before the model",
        Ok(DataType::Complex64 | DataType::Complex128) => "split complex numbers into their parts",
        Ok(DataType::Undefined) | Err(_) => "export the model again with another type",
        Ok(_) => "export the model without quantization",
    };
    let name =
        DataType::try_from(data_type).map_or_else(|_| format!("number {data_type}"), |kind| kind.as_str_name().into());
    Err(format!(
        "elements of type {name} are not supported; supported are floats of 16, 32 and 64 bits, integers of 8 to 64 bits, \
         and BOOL: {advice}"
    ))
}

/// How many bytes of `raw_data` an element of this ONNX type takes, if the type is supported.
pub(super) fn element_bytes(data_type: i32) -> Option<usize> {
    Some(match DataType::try_from(data_type).ok()? {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => 1,
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => 2,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 4,
        DataType::Double | DataType::Int64 | DataType::Uint64 => 8,
        _ => return None,
    })
}

/// The shape of a stored tensor and its number of elements, of which there may be `max_elements`.
pub(super) fn extent(proto: &TensorProto, what: &str, max_elements: usize) -> Result<(Vec<usize>, usize), Error> {
    let refuse = |reason: String| Error::Tensor { what: what.to_owned(), reason };
    if proto.dims.len() > MAX_RANK {
        return Err(refuse(format!("its rank is {}, more than {MAX_RANK}", proto.dims.len())));
    }
    let shape = proto.dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| refuse(format!("its shape {:?} has a negative dimension", proto.dims)))?;
    let len = checked_len(&shape).ok_or_else(|| refuse(format!("its shape {shape:?} is too large")))?;
    // Work goes along each axis, also of a tensor that is empty along another.
    let got = shape.iter().fold(1usize, |product, dim| product.saturating_mul((*dim).max(1)));
    match got > max_elements {
        true => Err(Error::TooLarge { what: "elements in a tensor", limit: max_elements, got }),
        false => Ok((shape, len)),
    }
}

/// What becomes of minus infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infinity {
    /// It is [`LOWEST`].
    Masks,
    /// It is no number, like plus infinity.
    Refused,
}

/// Reads a stored tensor of at most `max_elements`. `what` names it in errors.
pub(super) fn read(proto: &TensorProto, what: &str, max_elements: usize) -> Result<(ElementType, Tensor), Error> {
    read_with(proto, what, max_elements, Infinity::Refused)
}

/// As [`read`], of a constant of a model: what masks with minus infinity, masks with the lowest number too.
pub(super) fn read_constant(
    proto: &TensorProto,
    what: &str,
    max_elements: usize,
) -> Result<(ElementType, Tensor), Error> {
    read_with(proto, what, max_elements, Infinity::Masks)
}

fn read_with(
    proto: &TensorProto,
    what: &str,
    max_elements: usize,
    infinity: Infinity,
) -> Result<(ElementType, Tensor), Error> {
    let refuse = |reason: String| Error::Tensor { what: what.to_owned(), reason };
    let element = element_type(proto.data_type).map_err(refuse)?;
    if proto.data_location == Some(DataLocation::External as i32) || !proto.external_data.is_empty() {
        return Err(refuse(
            "its data stands in another file; give the model by its path, with the file beside it, or save the model in one \
             file (save_as_external_data=False)"
                .into(),
        ));
    }
    if proto.segment.is_some() {
        return Err(refuse("tensors stored in segments are not supported".into()));
    }
    let (shape, len) = extent(proto, what, max_elements)?;
    let mut values = values(proto, element, len).map_err(refuse)?;
    if let Values::Float(floats) = &mut values {
        if infinity == Infinity::Masks {
            floats.iter_mut().filter(|value| **value == f64::NEG_INFINITY).for_each(|value| *value = LOWEST);
        }
        if let Some((at, &value)) = floats.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NonFinite { what: what.to_owned(), element: at, value });
        }
    }
    Ok((element, Tensor { shape, values }))
}

fn values(proto: &TensorProto, element: ElementType, len: usize) -> Result<Values, String> {
    // Which field holds a type's values is ONNX's choice; half-precision floats stand in `int32_data` by their bits.
    let kind = DataType::try_from(proto.data_type).unwrap_or_default();
    let own = match kind {
        DataType::Float => "float_data",
        DataType::Double => "double_data",
        DataType::Int64 => "int64_data",
        DataType::Uint32 | DataType::Uint64 => "uint64_data",
        _ => "int32_data",
    };
    let fields = [
        (proto.float_data.len(), "float_data"),
        (proto.double_data.len(), "double_data"),
        (proto.int32_data.len(), "int32_data"),
        (proto.int64_data.len(), "int64_data"),
        (proto.uint64_data.len(), "uint64_data"),
        (proto.string_data.len(), "string_data"),
    ];
    if let Some((_, field)) = fields.iter().find(|(count, field)| *count > 0 && *field != own) {
        return Err(format!("it has type {}, but also data in {field}", kind.as_str_name()));
    }
    let count: usize = fields.iter().map(|(count, _)| count).sum();
    if !proto.raw_data.is_empty() {
        if count > 0 {
            return Err("its data is stored twice".into());
        }
        return raw(&proto.raw_data, kind, element, len);
    }
    if count != len {
        return Err(format!("its shape needs {len} elements, but {count} are stored"));
    }
    let bits =
        |&value: &i32| u16::try_from(value).map_err(|_| format!("{value} is stored, expected the bits of a half"));
    let halves = |decode: fn(u16) -> f64| -> Result<Vec<f64>, String> {
        proto.int32_data.iter().map(|value| bits(value).map(decode)).collect()
    };
    Ok(match kind {
        DataType::Float => Values::Float(proto.float_data.iter().map(|&value| value.into()).collect()),
        DataType::Double => Values::Float(proto.double_data.clone()),
        DataType::Float16 => Values::Float(halves(from_half)?),
        DataType::Bfloat16 => Values::Float(halves(from_bfloat)?),
        DataType::Bool => Values::Bool(proto.int32_data.iter().map(|&value| boolean(value)).collect::<Result<_, _>>()?),
        DataType::Int64 => Values::Int(proto.int64_data.clone()),
        DataType::Uint32 | DataType::Uint64 => {
            Values::Int(proto.uint64_data.iter().map(|&value| unsigned(value, element)).collect::<Result<_, _>>()?)
        }
        _ => {
            Values::Int(proto.int32_data.iter().map(|&value| within(value.into(), element)).collect::<Result<_, _>>()?)
        }
    })
}

/// `raw_data`: little-endian, row-major, one byte per boolean.
fn raw(bytes: &[u8], kind: DataType, element: ElementType, len: usize) -> Result<Values, String> {
    let size = element_bytes(kind as i32).unwrap_or(1);
    // No overflow: `len` is within the limit on elements.
    if bytes.len() != len * size {
        return Err(format!("its shape needs {} bytes of raw_data, but it has {}", len * size, bytes.len()));
    }
    let two = || bytes.as_chunks::<2>().0.iter();
    let four = || bytes.as_chunks::<4>().0.iter();
    let eight = || bytes.as_chunks::<8>().0.iter();
    Ok(match kind {
        DataType::Float => Values::Float(four().map(|&chunk| f32::from_le_bytes(chunk).into()).collect()),
        DataType::Double => Values::Float(eight().map(|&chunk| f64::from_le_bytes(chunk)).collect()),
        DataType::Float16 => Values::Float(two().map(|&chunk| from_half(u16::from_le_bytes(chunk))).collect()),
        DataType::Bfloat16 => Values::Float(two().map(|&chunk| from_bfloat(u16::from_le_bytes(chunk))).collect()),
        DataType::Int8 => Values::Int(bytes.iter().map(|&byte| i8::from_le_bytes([byte]).into()).collect()),
        DataType::Uint8 => Values::Int(bytes.iter().map(|&byte| byte.into()).collect()),
        DataType::Int16 => Values::Int(two().map(|&chunk| i16::from_le_bytes(chunk).into()).collect()),
        DataType::Uint16 => Values::Int(two().map(|&chunk| u16::from_le_bytes(chunk).into()).collect()),
        DataType::Int32 => Values::Int(four().map(|&chunk| i32::from_le_bytes(chunk).into()).collect()),
        DataType::Uint32 => Values::Int(four().map(|&chunk| u32::from_le_bytes(chunk).into()).collect()),
        DataType::Uint64 => {
            Values::Int(eight().map(|&chunk| unsigned(u64::from_le_bytes(chunk), element)).collect::<Result<_, _>>()?)
        }
        DataType::Bool => Values::Bool(bytes.iter().map(|&byte| boolean(byte.into())).collect::<Result<_, _>>()?),
        _ => Values::Int(eight().map(|&chunk| i64::from_le_bytes(chunk)).collect()),
    })
}

/// IEEE 754 half precision: 1 bit of sign, 5 of exponent, 10 of fraction.
fn from_half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The upper half of a single-precision number.
fn from_bfloat(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

fn unsigned(value: u64, element: ElementType) -> Result<i64, String> {
    let value =
        i64::try_from(value).map_err(|_| format!("it holds {value}: integers beyond 2^53 are not supported"))?;
    within(value, element)
}

fn within(value: i64, element: ElementType) -> Result<i64, String> {
    match element.integers().is_none_or(|range| range.contains(&value)) {
        true => Ok(value),
        false => Err(format!("it holds {value}, which no {element} is")),
    }
}

fn boolean(value: i32) -> Result<bool, String> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("a boolean is stored as {other}, expected 0 or 1")),
    }
}

/// The values as the float graph holds them. Integers that `f64` would round are refused.
pub(super) fn exact(values: Values, what: &str) -> Result<Vec<f64>, Error> {
    match values {
        Values::Float(values) => Ok(values),
        Values::Bool(values) => Ok(values.into_iter().map(|value| f64::from(u8::from(value))).collect()),
        Values::Int(values) => exact_ints(&values, what),
    }
}

/// Integers as the float graph holds them: see [`exact`].
pub(super) fn exact_ints(values: &[i64], what: &str) -> Result<Vec<f64>, Error> {
    match values.iter().find(|value| value.unsigned_abs() >= MAX_EXACT as u64) {
        Some(&value) => Err(Error::Inexact { what: what.to_owned(), value }),
        None => Ok(values.iter().map(|&value| value as f64).collect()),
    }
}
