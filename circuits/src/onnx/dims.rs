//! The shapes of a model's inputs: open dimensions get their numbers here.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb::{ValueInfoProto, tensor_shape_proto::dimension, type_proto};

use super::{Error, ImportOptions, tensor};
use crate::float::{ElementType, MAX_RANK};

/// An input with a static shape.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) element: ElementType,
    pub(super) shape: Vec<usize>,
}

/// A dimension as the model declares it.
enum Dimension {
    Fixed(usize),
    /// Named by the model (`symbol`) or not; `key` is how an option sets it.
    Open {
        symbol: Option<String>,
        key: String,
    },
}

struct Declared {
    name: String,
    element: ElementType,
    dims: Vec<Dimension>,
}

/// Type and dimensions that a value declares; a dimension without a number is `None`.
pub(super) fn declared(info: &ValueInfoProto) -> Option<(i32, Option<Vec<Option<i64>>>)> {
    let type_proto::Value::TensorType(kind) = info.r#type.as_ref()?.value.as_ref()?;
    let shape = kind.shape.as_ref().map(|shape| {
        let number = |value: &Option<dimension::Value>| match value {
            Some(dimension::Value::DimValue(number)) => Some(*number),
            _ => None,
        };
        shape.dim.iter().map(|dim| number(&dim.value)).collect()
    });
    Some((kind.elem_type, shape))
}

/// Gives every input a static shape, by the rule that [`ImportOptions::dims`] states.
pub(super) fn resolve(inputs: &[&ValueInfoProto], options: &ImportOptions) -> Result<Vec<Input>, Error> {
    let declared = inputs.iter().map(|info| read(info)).collect::<Result<Vec<_>, _>>()?;
    let keys: BTreeSet<&str> = open(&declared).map(|(_, _, _, key)| key).collect();
    if let Some(key) = options.dims.keys().find(|key| !keys.contains(key.as_str())) {
        let open = if keys.is_empty() { "none".to_owned() } else { keys.into_iter().collect::<Vec<_>>().join(", ") };
        return Err(Error::UnusedDimension { key: key.clone(), open });
    }
    let mut bound: BTreeMap<String, usize> = options.dims.clone();
    if let Some((key, _)) = bound.iter().find(|(_, value)| **value == 0) {
        return Err(Error::BadDimension { what: format!("option `{key}`"), axis: 0, got: 0 });
    }
    let batch: Vec<String> = batch(&declared, &bound).into_iter().map(str::to_owned).collect();
    bound.extend(batch.into_iter().map(|key| (key, 1)));
    declared.into_iter().map(|input| bind(input, &bound)).collect()
}

fn read(info: &ValueInfoProto) -> Result<Declared, Error> {
    let untyped = || Error::Unsupported {
        what: format!("an input without a tensor type and shape (`{}`) is", info.name),
        advice: "export the model with typed inputs of fixed shape",
    };
    let kind = info.r#type.as_ref().and_then(|kind| kind.value.as_ref()).ok_or_else(untyped)?;
    let type_proto::Value::TensorType(kind) = kind;
    let what = format!("input `{}`", info.name);
    let element =
        tensor::element_type(kind.elem_type).map_err(|reason| Error::Tensor { what: what.clone(), reason })?;
    let shape = kind.shape.as_ref().ok_or_else(untyped)?;
    if shape.dim.len() > MAX_RANK {
        return Err(Error::Tensor { what, reason: format!("its rank is {}, more than {MAX_RANK}", shape.dim.len()) });
    }
    let dimension = |(axis, dim): (usize, &Option<dimension::Value>)| match dim {
        Some(dimension::Value::DimValue(number)) if *number > 0 => match usize::try_from(*number) {
            Ok(number) => Ok(Dimension::Fixed(number)),
            Err(_) => Err(Error::BadDimension { what: what.clone(), axis, got: *number }),
        },
        // Some exporters write -1 for a dimension that they leave open.
        Some(dimension::Value::DimValue(number)) if *number != -1 => {
            Err(Error::BadDimension { what: what.clone(), axis, got: *number })
        }
        Some(dimension::Value::DimParam(symbol)) if !matches!(symbol.as_str(), "" | "?") => {
            Ok(Dimension::Open { symbol: Some(symbol.clone()), key: symbol.clone() })
        }
        _ => Ok(Dimension::Open { symbol: None, key: format!("{}[{axis}]", info.name) }),
    };
    let dims = shape.dim.iter().map(|dim| &dim.value).enumerate().map(dimension).collect::<Result<Vec<_>, _>>()?;
    Ok(Declared { name: info.name.clone(), element, dims })
}

/// The open dimensions: rank of the input, axis, symbol, key.
fn open(inputs: &[Declared]) -> impl Iterator<Item = (usize, usize, Option<&str>, &str)> {
    inputs.iter().flat_map(|input| {
        input.dims.iter().enumerate().filter_map(|(axis, dim)| match dim {
            Dimension::Open { symbol, key } => Some((input.dims.len(), axis, symbol.as_deref(), key.as_str())),
            Dimension::Fixed(_) => None,
        })
    })
}

/// The keys of the batch dimension: the one symbol (or no symbol) of all leading open dimensions, if it only leads, and
/// leads at least one input that has more dimensions.
fn batch<'a>(inputs: &'a [Declared], bound: &BTreeMap<String, usize>) -> Vec<&'a str> {
    let free: Vec<_> = open(inputs).filter(|(_, _, _, key)| !bound.contains_key(*key)).collect();
    let leading: Vec<_> = free.iter().filter(|(_, axis, ..)| *axis == 0).collect();
    let symbols: BTreeSet<_> = leading.iter().map(|(_, _, symbol, _)| symbol).collect();
    let elsewhere = free.iter().any(|(_, axis, symbol, _)| *axis > 0 && symbol.is_some() && symbols.contains(symbol));
    let leads_more = leading.iter().any(|(rank, ..)| *rank > 1);
    match symbols.len() == 1 && !elsewhere && leads_more {
        true => leading.iter().map(|(_, _, _, key)| *key).collect(),
        false => vec![],
    }
}

fn bind(input: Declared, bound: &BTreeMap<String, usize>) -> Result<Input, Error> {
    let number = |(axis, dim): (usize, &Dimension)| match dim {
        Dimension::Fixed(number) => Ok(*number),
        Dimension::Open { symbol, key } => bound.get(key).copied().ok_or_else(|| Error::OpenDimension {
            input: input.name.clone(),
            axis,
            dimension: symbol.as_ref().map_or_else(|| "unnamed".to_owned(), |symbol| format!("`{symbol}`")),
            key: key.clone(),
        }),
    };
    let shape = input.dims.iter().enumerate().map(number).collect::<Result<Vec<_>, _>>()?;
    Ok(Input { name: input.name, element: input.element, shape })
}
