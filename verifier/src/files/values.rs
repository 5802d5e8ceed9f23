//! What instances say, as JSON.
#![allow(
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "numbers for people: beyond 53 bits they are rounded"
)]

use super::Bytes32;
use crate::{Layout, Quantization, Statement, Tensor};
use alloc::{string::String, vec::Vec};
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// What a proof says, in the model's units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What the proof is bound to.
    pub context: Bytes32,
    /// Name to nested arrays.
    pub inputs: Map<String, Value>,
    /// Name to nested arrays.
    pub outputs: Map<String, Value>,
}

impl Decision {
    /// A statement as `layout` reads it.
    pub fn new(layout: &Layout, statement: &Statement) -> Self {
        Self {
            context: Bytes32(statement.context),
            inputs: named(&layout.inputs, &statement.inputs),
            outputs: named(&layout.outputs, &statement.outputs),
        }
    }
}

fn named(tensors: &[Tensor], values: &[Vec<i128>]) -> Map<String, Value> {
    let pairs = tensors.iter().zip(values);
    pairs.map(|(tensor, values)| (tensor.name.clone(), value(tensor, values))).collect()
}

/// A tensor's integers in the model's units, as nested arrays.
pub fn value(tensor: &Tensor, integers: &[i128]) -> Value {
    let mut numbers =
        integers.iter().zip(tensor.quantizations()).map(|(integer, quantization)| number(*integer, quantization));
    nest(&mut numbers, &tensor.shape)
}

fn nest(numbers: &mut dyn Iterator<Item = Value>, shape: &[usize]) -> Value {
    match shape.split_first() {
        None => numbers.next().unwrap_or(Value::Null),
        Some((extent, inner)) => (0..*extent).map(|_| nest(numbers, inner)).collect(),
    }
}

/// Integers stay integers; others are exact where the scale is a power of two and the integer below 2^53.
fn number(integer: i128, quantization: Quantization) -> Value {
    let Quantization { num, den, zero, .. } = quantization;
    let steps = integer.saturating_sub(zero.into());
    match i64::try_from(steps) {
        Ok(steps) if num == den => steps.into(),
        _ => Number::from_f64(steps as f64 * den as f64 / num as f64).map_or(Value::Null, Value::Number),
    }
}
