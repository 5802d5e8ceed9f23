//! Constant and Cast.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::tensor;
use super::{Error, Registry};
use crate::float::{ElementType, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Constant", 0, constant);
    registry.add("Cast", 1, cast);
}

/// A tensor, or from operator set 12 also numbers.
fn constant(call: &mut Call<'_>) -> Result<Computed, Error> {
    let what = "the value of a Constant";
    let mut found = vec![];
    if let Some(proto) = call.attributes.tensor("value")? {
        let (element, tensor) = tensor::read(proto, what, call.builder.max_elements())?;
        found.push((tensor.shape, tensor::exact(tensor.values, what)?, element));
    }
    if call.opset >= 12 {
        if let Some(value) = call.attributes.float("value_float")? {
            found.push((vec![], vec![value], ElementType::F32));
        }
        if let Some(values) = call.attributes.floats("value_floats")? {
            found.push((vec![values.len()], values, ElementType::F32));
        }
        if let Some(value) = call.attributes.int("value_int")? {
            found.push((vec![], tensor::exact_ints(&[value], what)?, ElementType::I64));
        }
        if let Some(values) = call.attributes.ints("value_ints")? {
            found.push((vec![values.len()], tensor::exact_ints(values, what)?, ElementType::I64));
        }
    }
    match (found.pop(), found.pop()) {
        (Some((shape, values, element)), None) => {
            Ok(Computed { op: Op::Constant { values }, inputs: vec![], shape, element })
        }
        (None, _) => Err(call.refuse("has no value (value_string, value_strings and sparse_value are not supported)")),
        (Some(_), Some(_)) => Err(call.refuse("has more than one value")),
    }
}

/// Where it keeps values as they are, as numbers: it is data movement then. A rounding of single precision is not
/// modelled.
fn cast(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "input")?;
    let from = call.element(x);
    let to = call.attributes.int("to")?.ok_or_else(|| call.attributes.refuse("to", "is missing"))?;
    let number = i32::try_from(to).map_err(|_| format!("ONNX has no element type {to}"));
    let to = number.and_then(tensor::element_type).map_err(|reason| call.attributes.refuse("to", reason))?;
    if call.opset >= 19 {
        // Of 8-bit floats only, which are not supported.
        call.attributes.flag("saturate", Flag::Yes)?;
    }
    let truncates = from.is_float() && to.is_integer() && !call.builder.is_integral(x);
    let compares = to == ElementType::Bool && from != ElementType::Bool;
    let shape = call.shape(x);
    match call.constant(x) {
        Some(values) if truncates || compares => {
            let convert = |value: &f64| if compares { f64::from(u8::from(*value != 0.0)) } else { value.trunc() };
            let values = values.iter().map(convert).collect();
            Ok(Computed { op: Op::Constant { values }, inputs: vec![], shape, element: to })
        }
        None if truncates => Err(call.refuse(format!(
            "casts {from} to {to}, which drops fractions, and the values are not proven to be integers; remove the Cast, or \
             compute in integers before it"
        ))),
        None if compares => Err(call.refuse(format!("casts {from} to bool, a comparison with 0, which is not supported"))),
        _ => {
            let moved = call.copy(x, shape)?;
            Ok(Computed { element: to, ..moved })
        }
    }
}
