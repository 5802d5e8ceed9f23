//! Stored tensors (`TensorProto`): initializers, constant attributes, and tensor files.

use tract_onnx::pb::{TensorProto, tensor_proto::DataLocation, tensor_proto::DataType};

use super::Error;
use crate::float::{ElementType, MAX_EXACT, MAX_RANK, Tensor, Values, checked_len};

/// The element type that ONNX numbers `data_type`, if it is supported.
pub(super) fn element_type(data_type: i32) -> Result<ElementType, String> {
    match DataType::try_from(data_type) {
        Ok(DataType::Float) => Ok(ElementType::F32),
        Ok(DataType::Double) => Ok(ElementType::F64),
        Ok(DataType::Int32) => Ok(ElementType::I32),
        Ok(DataType::Int64) => Ok(ElementType::I64),
        Ok(DataType::Bool) => Ok(ElementType::Bool),
        Ok(other) => Err(format!(
            "elements of type {} are not supported; supported are FLOAT, DOUBLE, INT32, INT64 and BOOL",
            other.as_str_name()
        )),
        Err(_) => Err(format!("ONNX has no element type {data_type}")),
    }
}

/// Reads a stored tensor of at most `max_elements`. `what` names it in errors.
pub(super) fn read(proto: &TensorProto, what: &str, max_elements: usize) -> Result<(ElementType, Tensor), Error> {
    let refuse = |reason: String| Error::Tensor { what: what.to_owned(), reason };
    let element = element_type(proto.data_type).map_err(refuse)?;
    if proto.data_location == Some(DataLocation::External as i32) || !proto.external_data.is_empty() {
        return Err(refuse(
            "its data stands in another file; save the model in one file (save_as_external_data=False)".into(),
        ));
    }
    if proto.segment.is_some() {
        return Err(refuse("tensors stored in segments are not supported".into()));
    }
    if proto.dims.len() > MAX_RANK {
        return Err(refuse(format!("its rank is {}, more than {MAX_RANK}", proto.dims.len())));
    }
    let shape = proto.dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| refuse(format!("its shape {:?} has a negative dimension", proto.dims)))?;
    let len = checked_len(&shape).ok_or_else(|| refuse(format!("its shape {shape:?} is too large")))?;
    if len > max_elements {
        return Err(Error::TooLarge { what: "elements in a tensor", limit: max_elements, got: len });
    }
    let values = values(proto, element, len).map_err(refuse)?;
    if let Values::Float(floats) = &values
        && let Some((at, &value)) = floats.iter().enumerate().find(|(_, value)| !value.is_finite())
    {
        return Err(Error::NonFinite { what: what.to_owned(), element: at, value });
    }
    Ok((element, Tensor { shape, values }))
}

fn values(proto: &TensorProto, element: ElementType, len: usize) -> Result<Values, String> {
    let fields = [
        (proto.float_data.len(), "float_data", element == ElementType::F32),
        (proto.double_data.len(), "double_data", element == ElementType::F64),
        (proto.int32_data.len(), "int32_data", matches!(element, ElementType::I32 | ElementType::Bool)),
        (proto.int64_data.len(), "int64_data", element == ElementType::I64),
        (proto.uint64_data.len(), "uint64_data", false),
        (proto.string_data.len(), "string_data", false),
    ];
    if let Some((_, field, _)) = fields.iter().find(|(count, _, own)| *count > 0 && !own) {
        return Err(format!("it has type {element}, but also data in {field}"));
    }
    let count: usize = fields.iter().map(|(count, ..)| count).sum();
    if !proto.raw_data.is_empty() {
        if count > 0 {
            return Err("its data is stored twice".into());
        }
        return raw(&proto.raw_data, element, len);
    }
    if count != len {
        return Err(format!("its shape needs {len} elements, but {count} are stored"));
    }
    Ok(match element {
        ElementType::F32 => Values::Float(proto.float_data.iter().map(|&value| value.into()).collect()),
        ElementType::F64 => Values::Float(proto.double_data.clone()),
        ElementType::I32 => Values::Int(proto.int32_data.iter().map(|&value| value.into()).collect()),
        ElementType::I64 => Values::Int(proto.int64_data.clone()),
        ElementType::Bool => {
            Values::Bool(proto.int32_data.iter().map(|&value| boolean(value)).collect::<Result<_, _>>()?)
        }
    })
}

/// `raw_data`: little-endian, row-major, one byte per boolean.
fn raw(bytes: &[u8], element: ElementType, len: usize) -> Result<Values, String> {
    let size = match element {
        ElementType::F32 | ElementType::I32 => 4,
        ElementType::F64 | ElementType::I64 => 8,
        ElementType::Bool => 1,
    };
    // No overflow: `len` is within the limit on elements.
    if bytes.len() != len * size {
        return Err(format!("its shape needs {} bytes of raw_data, but it has {}", len * size, bytes.len()));
    }
    let four = bytes.as_chunks::<4>().0.iter();
    let eight = bytes.as_chunks::<8>().0.iter();
    Ok(match element {
        ElementType::F32 => Values::Float(four.map(|&chunk| f32::from_le_bytes(chunk).into()).collect()),
        ElementType::F64 => Values::Float(eight.map(|&chunk| f64::from_le_bytes(chunk)).collect()),
        ElementType::I32 => Values::Int(four.map(|&chunk| i32::from_le_bytes(chunk).into()).collect()),
        ElementType::I64 => Values::Int(eight.map(|&chunk| i64::from_le_bytes(chunk)).collect()),
        ElementType::Bool => Values::Bool(bytes.iter().map(|&byte| boolean(byte.into())).collect::<Result<_, _>>()?),
    })
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
