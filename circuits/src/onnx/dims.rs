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
enum Dim {
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
    dims: Vec<Dim>,
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

/// A dimension of an input that the model leaves open, and the number that it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// The input.
    pub input: String,
    /// Which of its dimensions.
    pub axis: usize,
    /// How [`ImportOptions::dims`] sets it.
    pub key: String,
    /// Its number.
    pub number: usize,
}

/// What came of the inputs.
pub(super) struct Resolved {
    /// Those that have a shape, in the model's order.
    pub(super) inputs: Vec<Input>,
    /// Their open dimensions.
    pub(super) dimensions: Vec<Dimension>,
    /// Why the others have none.
    pub(super) problems: Vec<Error>,
}

/// Gives every input a static shape, by the rule that [`ImportOptions::dims`] states.
pub(super) fn resolve(inputs: &[&ValueInfoProto], options: &ImportOptions) -> Resolved {
    let (mut declared, mut problems) = (vec![], vec![]);
    for info in inputs {
        match read(info) {
            Ok(input) => declared.push(input),
            Err(error) => problems.push(error),
        }
    }
    // Open dimensions of an input that could not be read are not known.
    if problems.is_empty() {
        let keys: BTreeSet<&str> = open(&declared).map(|(_, _, _, key)| key).collect();
        for key in options.dims.keys().filter(|key| !keys.contains(key.as_str())) {
            let open = match keys.is_empty() {
                true => "none".to_owned(),
                false => keys.iter().copied().collect::<Vec<_>>().join(", "),
            };
            problems.push(Error::UnusedDimension { key: key.clone(), open });
        }
    }
    let mut bound: BTreeMap<String, usize> = options.dims.clone();
    for (key, _) in bound.iter().filter(|(_, value)| **value == 0) {
        problems.push(Error::BadDimension { what: format!("option `{key}`"), axis: 0, got: 0 });
    }
    let batch: Vec<String> = batch(&declared, &bound).into_iter().map(str::to_owned).collect();
    bound.extend(batch.into_iter().map(|key| (key, 1)));
    let mut resolved = Resolved { inputs: vec![], dimensions: vec![], problems };
    let mut told = BTreeSet::new();
    for input in declared {
        let mut shape = vec![];
        for (axis, dimension) in input.dims.iter().enumerate() {
            let (symbol, key) = match dimension {
                Dim::Fixed(number) => {
                    shape.push(*number);
                    continue;
                }
                Dim::Open { symbol, key } => (symbol, key),
            };
            if let Some(&number) = bound.get(key) {
                // Told already: then the input has no shape.
                if number == 0 {
                    continue;
                }
                shape.push(number);
                resolved.dimensions.push(Dimension { input: input.name.clone(), axis, key: key.clone(), number });
            } else if told.insert(key.clone()) {
                resolved.problems.push(Error::OpenDimension {
                    input: input.name.clone(),
                    axis,
                    dimension: symbol.as_ref().map_or_else(|| "unnamed".to_owned(), |symbol| format!("`{symbol}`")),
                    key: key.clone(),
                });
            }
        }
        if shape.len() == input.dims.len() {
            resolved.inputs.push(Input { name: input.name, element: input.element, shape });
        }
    }
    resolved
}

/// The key of the first dimension of the input `name`, if it is the batch and no option sets it.
pub(super) fn batch_key(inputs: &[&ValueInfoProto], name: &str, options: &ImportOptions) -> Option<String> {
    let declared = inputs.iter().map(|info| read(info)).collect::<Result<Vec<_>, _>>().ok()?;
    let keys = batch(&declared, &options.dims);
    match declared.iter().find(|input| input.name == name)?.dims.first()? {
        Dim::Open { key, .. } if keys.contains(&key.as_str()) => Some(key.clone()),
        _ => None,
    }
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
            Ok(number) => Ok(Dim::Fixed(number)),
            Err(_) => Err(Error::BadDimension { what: what.clone(), axis, got: *number }),
        },
        // Some exporters write -1 for a dimension that they leave open.
        Some(dimension::Value::DimValue(number)) if *number != -1 => {
            Err(Error::BadDimension { what: what.clone(), axis, got: *number })
        }
        Some(dimension::Value::DimParam(symbol)) if is_placeholder(symbol) => {
            Ok(Dim::Open { symbol: None, key: symbol.clone() })
        }
        Some(dimension::Value::DimParam(symbol)) if !matches!(symbol.as_str(), "" | "?") => {
            Ok(Dim::Open { symbol: Some(symbol.clone()), key: symbol.clone() })
        }
        _ => Ok(Dim::Open { symbol: None, key: format!("{}[{axis}]", info.name) }),
    };
    let dims = shape.dim.iter().map(|dim| &dim.value).enumerate().map(dimension).collect::<Result<Vec<_>, _>>()?;
    Ok(Declared { name: info.name.clone(), element, dims })
}

/// Whether an exporter made this name up for a dimension without one, a new one each time: `unk__90` (tf2onnx),
/// `x_dynamic_axes_1` (PyTorch). That two of them differ does not say that the dimensions do.
fn is_placeholder(symbol: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    symbol.strip_prefix("unk__").is_some_and(number)
        || symbol.rsplit_once("_dynamic_axes_").is_some_and(|(_, text)| number(text))
}

/// The open dimensions: rank of the input, axis, symbol, key.
fn open(inputs: &[Declared]) -> impl Iterator<Item = (usize, usize, Option<&str>, &str)> {
    inputs.iter().flat_map(|input| {
        input.dims.iter().enumerate().filter_map(|(axis, dim)| match dim {
            Dim::Open { symbol, key } => Some((input.dims.len(), axis, symbol.as_deref(), key.as_str())),
            Dim::Fixed(_) => None,
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
