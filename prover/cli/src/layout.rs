//! How the instances of a key are read: context, inputs, outputs, with their names, shapes and scales.

use std::collections::BTreeSet;

use apodict_verifier::{Fr, fr_from_be_bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::hexadecimal::Bytes32;

/// Instances before the inputs: the context's two halves.
const CONTEXT_INSTANCES: usize = 2;

/// More than any ONNX operator reads.
const MAX_RANK: usize = 16;

/// A tensor among the instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tensor {
    /// As in the ONNX model.
    pub(crate) name: String,
    /// Row-major.
    pub(crate) shape: Vec<usize>,
    /// An instance `v` stands for `v * 2^-frac_bits`.
    pub(crate) frac_bits: i32,
}

impl Tensor {
    /// How many instances it takes; `None` for a shape that no program has.
    fn len(&self) -> Option<usize> {
        if self.shape.len() > MAX_RANK || self.shape.contains(&0) {
            return None;
        }
        self.shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
    }
}

/// What the instances mean, in their order: context, inputs, outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
}

/// What a proof says, decoded from its instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Statement {
    /// What the proof is bound to.
    pub(crate) context: Bytes32,
    /// Name to nested arrays.
    pub(crate) inputs: Map<String, Value>,
    /// Name to nested arrays.
    pub(crate) outputs: Map<String, Value>,
}

impl Layout {
    /// How many instances it describes; `Err` says what no program's layout has.
    pub(crate) fn num_instances(&self) -> Result<usize, String> {
        let mut sum = CONTEXT_INSTANCES;
        for tensors in [&self.inputs, &self.outputs] {
            let mut names = BTreeSet::new();
            for tensor in tensors {
                let len = tensor.len().and_then(|len| sum.checked_add(len));
                sum = len.ok_or_else(|| format!("{} has the impossible shape {:?}", tensor.name, tensor.shape))?;
                if !names.insert(&tensor.name) {
                    return Err(format!("{} is described twice", tensor.name));
                }
            }
        }
        Ok(sum)
    }

    /// Bytes that no other layout has: what the key's digest covers.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for tensors in [&self.inputs, &self.outputs] {
            bytes.extend((tensors.len() as u64).to_le_bytes());
            for tensor in tensors {
                bytes.extend((tensor.name.len() as u64).to_le_bytes());
                bytes.extend(tensor.name.as_bytes());
                bytes.extend((tensor.shape.len() as u64).to_le_bytes());
                for &extent in &tensor.shape {
                    bytes.extend((extent as u64).to_le_bytes());
                }
                bytes.extend(tensor.frac_bits.to_le_bytes());
            }
        }
        bytes
    }

    /// Decodes instances; `Err` says which does not fit.
    pub(crate) fn decode(&self, instances: &[[u8; 32]]) -> Result<Statement, String> {
        let expected = self.num_instances()?;
        if expected != instances.len() {
            return Err(format!("the layout describes {expected} instances, got {}", instances.len()));
        }
        let (context, mut rest) = instances.split_at(CONTEXT_INSTANCES);
        let context = decode_context(context)?;
        let mut decode_tensors = |tensors: &[Tensor]| {
            let mut decoded = Map::new();
            for tensor in tensors {
                let (own, after) = rest.split_at(tensor.len().unwrap_or(0));
                rest = after;
                let values = own.iter().map(decode_integer).collect::<Option<Vec<i64>>>();
                let values =
                    values.ok_or_else(|| format!("{} has an instance that is no 64-bit integer", tensor.name))?;
                decoded.insert(tensor.name.clone(), nest(&values, &tensor.shape, tensor.frac_bits));
            }
            Ok::<_, String>(decoded)
        };
        let inputs = decode_tensors(&self.inputs)?;
        let outputs = decode_tensors(&self.outputs)?;
        Ok(Statement { context, inputs, outputs })
    }
}

/// The two instances are the context's lower and upper 16 bytes.
fn decode_context(instances: &[[u8; 32]]) -> Result<Bytes32, String> {
    let mut context = [0; 32];
    for (half, instance) in context.rchunks_exact_mut(16).zip(instances) {
        let (zeros, value) = instance.split_at(16);
        if zeros != [0; 16] {
            return Err("half of the context has more than 128 bits".into());
        }
        half.copy_from_slice(value);
    }
    Ok(Bytes32(context))
}

/// The integer that a field element stands for: `x`, or `-x` for `r - x`.
fn decode_integer(instance: &[u8; 32]) -> Option<i64> {
    let scalar = fr_from_be_bytes(instance)?;
    let magnitude = |scalar: Fr| {
        let bytes = apodict_verifier::fr_to_be_bytes(&scalar);
        let (zeros, value) = bytes.split_at(24);
        (zeros == [0; 24]).then(|| value.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    match magnitude(scalar) {
        Some(positive) => i64::try_from(positive).ok(),
        None => magnitude(-scalar).and_then(|negative| 0i64.checked_sub_unsigned(negative)),
    }
}

/// Nested arrays, row-major, of the numbers that integers stand for.
pub(crate) fn nest(values: &[i64], shape: &[usize], frac_bits: i32) -> Value {
    match shape.split_first() {
        None => values.first().map_or(Value::Null, |&value| number(value, frac_bits)),
        Some((&extent, inner)) => {
            let stride: usize = inner.iter().product();
            let row = |index| values.get(index * stride..(index + 1) * stride).unwrap_or_default();
            (0..extent).map(|index| nest(row(index), inner, frac_bits)).collect()
        }
    }
}

/// Integers stay integers; fractions below 2^53 are exact.
fn number(value: i64, frac_bits: i32) -> Value {
    if frac_bits == 0 {
        return value.into();
    }
    Number::from_f64(value as f64 * (-f64::from(frac_bits)).exp2()).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use apodict_verifier::fr_to_be_bytes;
    use serde_json::json;

    use super::*;

    fn tensor(name: &str, shape: &[usize], frac_bits: i32) -> Tensor {
        Tensor { name: name.into(), shape: shape.into(), frac_bits }
    }

    fn instance(value: i64) -> [u8; 32] {
        let magnitude = Fr::from(value.unsigned_abs());
        fr_to_be_bytes(&if value < 0 { -magnitude } else { magnitude })
    }

    #[test]
    fn decodes_context_inputs_and_outputs() {
        let layout = Layout {
            inputs: vec![tensor("x", &[1, 2], 4)],
            outputs: vec![tensor("y", &[], 1), tensor("class", &[1], 0)],
        };
        let instances: Vec<_> = [1, 2, 24, -8, 3, 2].map(instance).into();
        let statement = layout.decode(&instances).unwrap();
        assert_eq!(statement.context.0[31], 1);
        assert_eq!(statement.context.0[15], 2);
        assert_eq!(Value::Object(statement.inputs), json!({"x": [[1.5, -0.5]]}));
        assert_eq!(Value::Object(statement.outputs), json!({"y": 1.5, "class": [2]}));
    }

    #[test]
    fn decodes_every_64_bit_integer_and_no_other() {
        for value in [0, 1, -1, i64::MAX, i64::MIN, -12345] {
            assert_eq!(decode_integer(&instance(value)), Some(value));
        }
        let too_large = Fr::from(1u64 << 63);
        assert_eq!(decode_integer(&fr_to_be_bytes(&too_large)), None);
        assert_eq!(decode_integer(&fr_to_be_bytes(&(-too_large - Fr::from(1u64)))), None);
        assert_eq!(decode_integer(&[0xff; 32]), None);
    }

    #[test]
    fn refuses_instances_that_do_not_fit() {
        let layout = Layout { inputs: vec![], outputs: vec![tensor("y", &[1], 0)] };
        layout.decode(&[1, 2].map(instance)).unwrap_err();
        layout.decode(&[1, 2, 3, 4].map(instance)).unwrap_err();
        layout.decode(&[-1, 2, 3].map(instance)).unwrap_err();
    }

    #[test]
    fn refuses_layouts_that_no_program_has() {
        let one = |shape: &[usize]| Layout { inputs: vec![tensor("x", shape, 0)], outputs: vec![] };
        for shape in [&[usize::MAX, 2][..], &[usize::MAX], &[0, usize::MAX, 2], &[0], &[1; MAX_RANK + 1]] {
            one(shape).decode(&[1, 2].map(instance)).unwrap_err();
        }
        let twice = Layout { inputs: vec![], outputs: vec![tensor("y", &[1], 0), tensor("y", &[1], 0)] };
        twice.decode(&[1, 2, 3, 4].map(instance)).unwrap_err();
    }

    #[test]
    fn no_two_layouts_have_the_same_bytes() {
        let one = Layout { inputs: vec![tensor("ab", &[1], 0)], outputs: vec![] };
        let other = Layout { inputs: vec![], outputs: vec![tensor("ab", &[1], 0)] };
        let scaled = Layout { inputs: vec![tensor("ab", &[1], 1)], outputs: vec![] };
        assert_ne!(one.to_bytes(), other.to_bytes());
        assert_ne!(one.to_bytes(), scaled.to_bytes());
    }
}
