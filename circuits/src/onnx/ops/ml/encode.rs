//! Categories: OneHotEncoder, LabelEncoder, and ZipMap, which is a tensor of probabilities here.

use std::collections::HashSet;

use super::super::super::call::Call;
use super::super::super::tensor;
use super::{Error, Registry, compose};
use crate::float::{ElementType, NodeId, Op, Rounding};

pub(super) fn register(registry: &mut Registry) {
    compose(registry, "OneHotEncoder", 1, one_hot_encoder);
    compose(registry, "LabelEncoder", 1, label_encoder);
    compose(registry, "ZipMap", 1, |call| {
        // The names of the columns, which no value depends on.
        call.attributes.ints("classlabels_int64s")?;
        call.attributes.strings("classlabels_strings")?;
        call.operand(0, "X")
    });
}

fn refuse_texts(call: &mut Call<'_>, name: &str) -> Result<(), Error> {
    match call.attributes.strings(name)? {
        Some(texts) if !texts.is_empty() => {
            Err(call.attributes.refuse(name, "are texts: encode them as numbers before the model"))
        }
        _ => Ok(()),
    }
}

/// One place per category, 1 at that of the element. An unknown category is zeros throughout.
fn one_hot_encoder(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    refuse_texts(call, "cats_strings")?;
    // Whether an unknown category is an error elsewhere; here it cannot be one.
    call.attributes.int("zeros")?;
    let categories = call.attributes.ints("cats_int64s")?;
    let categories = categories.ok_or_else(|| call.attributes.refuse("cats_int64s", "is missing"))?;
    let categories = tensor::exact_ints(categories, "the categories of a OneHotEncoder")?;
    let whole = match call.builder.is_integral(x) {
        true => x,
        false => call.unary(Op::Round { rounding: Rounding::Truncate }, x)?,
    };
    let whole = call.retyped(whole, ElementType::I64)?;
    let shape = call.shape(whole);
    let whole = call.reshaped(whole, [&shape[..], &[1]].concat())?;
    let categories = call.constant_tensor("categories", vec![categories.len()], categories, ElementType::I64)?;
    let hot = call.equal(whole, categories)?;
    call.retyped(hot, ElementType::F32)
}

/// Numbers, as attributes of one of several names have them.
fn numbers(call: &mut Call<'_>, what: &str) -> Result<Option<(ElementType, Vec<f64>)>, Error> {
    let mut found = None;
    if let Some(values) = call.attributes.ints(&format!("{what}_int64s"))? {
        found = Some((ElementType::I64, tensor::exact_ints(values, "a LabelEncoder")?));
    }
    if let Some(values) = call.attributes.floats(&format!("{what}_floats"))? {
        found = Some((ElementType::F32, values));
    }
    if call.opset >= 4
        && let Some(proto) = call.attributes.tensor(&format!("{what}_tensor"))?
    {
        let (element, read) = tensor::read(proto, "a LabelEncoder", call.builder.max_elements())?;
        found = Some((element, tensor::exact(read.values, "a LabelEncoder")?));
    }
    refuse_texts(call, &format!("{what}_strings"))?;
    Ok(found)
}

/// The value of each key, or the default: `default + sum of (value - default) * (x = key)`.
fn label_encoder(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    if call.opset < 2 {
        return Err(call.refuse("has texts for classes: encode them as numbers before the model"));
    }
    let keys = numbers(call, "keys")?.ok_or_else(|| call.refuse("has no keys that are numbers"))?;
    let (element, values) = numbers(call, "values")?.ok_or_else(|| call.refuse("has no values that are numbers"))?;
    call.attributes.string("default_string")?;
    let default_int = call.attributes.int("default_int64")?.unwrap_or(-1);
    let default_float = call.attributes.float("default_float")?.unwrap_or(0.0);
    let mut default = match element.is_float() {
        true => default_float,
        false => tensor::exact_ints(&[default_int], "a LabelEncoder")?[0],
    };
    if call.opset >= 4
        && let Some(proto) = call.attributes.tensor("default_tensor")?
    {
        let (_, read) = tensor::read(proto, "a LabelEncoder", call.builder.max_elements())?;
        let read = tensor::exact(read.values, "a LabelEncoder")?;
        default = *read.first().ok_or_else(|| call.attributes.refuse("default_tensor", "is empty"))?;
    }
    let keys = keys.1;
    if keys.len() != values.len() || keys.is_empty() {
        return Err(call.refuse(format!("has {} keys and {} values", keys.len(), values.len())));
    }
    // Of a key that stands there twice, the first counts.
    let mut seen = HashSet::new();
    let pairs = keys.into_iter().zip(values).filter(|(key, _)| seen.insert((key + 0.0).to_bits()));
    let (keys, values): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let count = keys.len();
    let shape = call.shape(x);
    let keys = call.constant_tensor("keys", vec![count], keys, call.element(x))?;
    let x = call.reshaped(x, [&shape[..], &[1]].concat())?;
    let hot = call.equal(x, keys)?;
    let hot = call.retyped(hot, element)?;
    let hot = call.reshaped(hot, vec![shape.iter().product(), count])?;
    let steps = values.iter().map(|value| value - default).collect();
    let steps = call.constant_tensor("values", vec![count, 1], steps, element)?;
    let raised = call.matmul(hot, steps)?;
    let y = call.with_scalar(Op::Add, raised, default)?;
    call.reshaped(y, shape)
}
