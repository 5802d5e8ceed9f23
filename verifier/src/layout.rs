//! How the instances of a key are read: context, inputs, outputs, with names, shapes, scales, offsets and ranges.

use crate::{Error, Fr, KeyError, encoding::fr_from_be_bytes, fr_to_be_bytes, validate::limit};
use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use sha3::{Digest, Keccak256};

/// Instances before the inputs: the lower and the upper half of the context.
pub const CONTEXT_INSTANCES: usize = 2;

/// More dimensions than any ONNX operator reads.
pub(crate) const MAX_RANK: usize = 16;
/// As many as the key's bytes can count.
const MAX_NAME_BYTES: usize = 0xffff;
/// Described values: no program has more instances than rows.
const MAX_VALUES: usize = 1 << 20;
/// Magnitudes of public integers stay below this, so that they and their differences fit an `int128`.
const MAX_INTEGER: i128 = 1 << 126;

/// What an integer stands for: `x` becomes `q = round(x * num / den) + zero`, half to even, and `lo <= q <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantization {
    /// Numerator of the integers in one unit of `x`; positive.
    pub num: u128,
    /// Its denominator; positive.
    pub den: u128,
    /// The integer that stands for 0.
    pub zero: i64,
    /// The least that the circuit lets the integer be.
    pub lo: i128,
    /// The greatest.
    pub hi: i128,
}

/// Consecutive elements that are read alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many elements.
    pub count: usize,
    /// How each is read.
    pub quantization: Quantization,
}

/// A tensor among the instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// As in the ONNX model.
    pub name: String,
    /// Row-major.
    pub shape: Vec<usize>,
    /// How its elements are read, in their order; neighbours differ.
    pub runs: Vec<Run>,
}

/// One public value, as a contract has it: `struct Port { bytes32 name; int128 lo; int128 hi; uint128 num; uint128 den; int64 zero; }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The element's name, as `x[0,3]`, padded with zeros to 32 bytes; from 32 bytes on its Keccak-256.
    pub name: [u8; 32],
    /// How the integer is read.
    pub quantization: Quantization,
}

/// What the instances mean, in their order: context, inputs, outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// In the model's order.
    pub inputs: Vec<Tensor>,
    /// In the model's order.
    pub outputs: Vec<Tensor>,
}

/// What a proof says, decoded from its instances. Say it of verified instances only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What the proof is bound to.
    pub context: [u8; 32],
    /// The integers of each input, row-major.
    pub inputs: Vec<Vec<i128>>,
    /// The integers of each output, row-major.
    pub outputs: Vec<Vec<i128>>,
}

impl Tensor {
    /// A tensor whose elements' quantizations are given in order.
    pub fn new(name: String, shape: Vec<usize>, quantizations: impl IntoIterator<Item = Quantization>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for quantization in quantizations {
            match runs.last_mut() {
                Some(run) if run.quantization == quantization => run.count = run.count.saturating_add(1),
                _ => runs.push(Run { count: 1, quantization }),
            }
        }
        Self { name, shape, runs }
    }

    /// How many elements it has; `None` for a shape that no program has.
    fn checked_len(&self) -> Option<usize> {
        if self.shape.len() > MAX_RANK || self.shape.contains(&0) {
            return None;
        }
        self.shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent))
    }

    /// How many elements it has.
    pub fn num_elements(&self) -> usize {
        self.checked_len().unwrap_or(0)
    }

    /// How each element is read.
    pub fn quantizations(&self) -> impl Iterator<Item = Quantization> {
        self.runs.iter().flat_map(|run| core::iter::repeat_n(run.quantization, run.count))
    }

    fn validate(&self) -> Result<usize, KeyError> {
        let wrong = |reason| KeyError::Layout { tensor: self.name.clone(), reason };
        limit("bytes of a name", self.name.len(), MAX_NAME_BYTES)?;
        // Zeros pad names in the ports: `y` and `y\0` would be one scalar.
        if self.name.contains('\0') {
            return Err(wrong("its name contains a zero byte"));
        }
        let len = self.checked_len().filter(|len| *len <= MAX_VALUES).ok_or(wrong("no program has its shape"))?;
        let described = self.runs.iter().try_fold(0usize, |sum, run| sum.checked_add(run.count));
        if described != Some(len) || self.runs.iter().any(|run| run.count == 0) {
            return Err(wrong("its quantizations are not as many as its elements"));
        }
        if self.runs.windows(2).any(|pair| matches!(pair, [a, b] if a.quantization == b.quantization)) {
            return Err(wrong("two runs of its elements are one"));
        }
        for Run { quantization: Quantization { num, den, lo, hi, .. }, .. } in &self.runs {
            if *num == 0 || *den == 0 {
                return Err(wrong("a scale is zero"));
            }
            if lo > hi || *lo <= -MAX_INTEGER || *hi >= MAX_INTEGER {
                return Err(wrong("a range is empty, or wider than 127 bits"));
            }
        }
        Ok(len)
    }

    /// Its elements as a contract has them.
    fn ports(&self) -> impl Iterator<Item = Port> {
        let mut index = alloc::vec![0usize; self.shape.len()];
        // Once for all elements: each of a million may have 65,535 bytes of name.
        let hashed = Keccak256::new_with_prefix(&self.name);
        self.quantizations().map(move |quantization| {
            let name = port_name(&self.name, &hashed, &index);
            for (place, extent) in index.iter_mut().zip(&self.shape).rev() {
                *place = place.saturating_add(1);
                if *place < *extent {
                    break;
                }
                *place = 0;
            }
            Port { name, quantization }
        })
    }
}

impl Layout {
    /// Whether it describes nothing, as for a circuit that is no compiled model.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.outputs.is_empty()
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// How many instances it describes, the context's two among them.
    ///
    /// # Errors
    /// [`KeyError::Layout`] for what no program has: an impossible shape, a name twice or with a zero byte, a scale of zero, an
    /// empty range.
    pub fn num_instances(&self) -> Result<usize, KeyError> {
        let mut sum = CONTEXT_INSTANCES;
        for tensors in [&self.inputs, &self.outputs] {
            let mut names = BTreeSet::new();
            for tensor in tensors {
                let wrong = |reason| KeyError::Layout { tensor: tensor.name.clone(), reason };
                let total = sum.checked_add(tensor.validate()?).filter(|sum| *sum <= MAX_VALUES);
                sum = total.ok_or(wrong("there are more values than any program has"))?;
                if !names.insert(&tensor.name) {
                    return Err(wrong("it is described twice"));
                }
            }
        }
        Ok(sum)
    }

    /// The inputs' elements, then the outputs', as a contract has them.
    pub fn ports(&self) -> impl Iterator<Item = Port> {
        self.tensors().flat_map(Tensor::ports)
    }

    /// `abi.encode(ports)` for `Port[] ports`, word by word: what a contract hashes, and what it decodes.
    pub fn ports_abi(&self) -> impl Iterator<Item = [u8; 32]> {
        let count = self.tensors().fold(0usize, |sum, tensor| sum.saturating_add(tensor.num_elements()));
        let head = [32, u64::try_from(count).unwrap_or(u64::MAX)].map(|number| word(&number.to_be_bytes()));
        head.into_iter().chain(self.ports().flat_map(|Port { name, quantization }| {
            let Quantization { num, den, zero, lo, hi } = quantization;
            let [num, den] = [num, den].map(|number| word(&number.to_be_bytes()));
            [name, signed_word(lo), signed_word(hi), num, den, signed_word(zero.into())]
        }))
    }

    /// `keccak256(abi.encode(ports))`: the part of the key digest that a contract can compute.
    pub fn ports_hash(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        self.ports_abi().for_each(|word| hash.update(word));
        hash.finalize().into()
    }

    /// Keccak-256 of how the elements are tensors: for inputs, then outputs, their number, and for each its rank and extents. Names
    /// stand in the [ports](Self::ports_hash), which alone do not tell an element `x[0]` of a tensor `x` from a scalar that is
    /// called so, nor an input from an output.
    pub fn shapes_digest(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
        for tensors in [&self.inputs, &self.outputs] {
            hash.update(number(tensors.len()));
            for tensor in tensors {
                hash.update(number(tensor.shape.len()));
                tensor.shape.iter().for_each(|extent| hash.update(number(*extent)));
            }
        }
        hash.finalize().into()
    }

    /// Decodes instances.
    ///
    /// # Errors
    /// [`Error::NothingDescribed`] if the layout is empty; [`Error::InstanceCount`]; [`Error::Context`], [`Error::PublicValue`] for a
    /// value that this layout does not have: no proof that verifies under the layout's key has one.
    pub fn decode(&self, instances: &[[u8; 32]]) -> Result<Statement, Error> {
        if self.is_empty() {
            return Err(Error::NothingDescribed);
        }
        let expected = self.num_instances()?;
        let wrong_count = Error::InstanceCount { expected, got: instances.len() };
        if instances.len() != expected {
            return Err(wrong_count);
        }
        let (context, values) = instances.split_first_chunk().ok_or(wrong_count)?;
        let context = decode_context(context)?;
        let mut values = values.iter();
        let mut decode_tensors = |tensors: &[Tensor]| {
            let decode = |tensor: &Tensor| {
                let elements = tensor.quantizations().zip(&mut values).enumerate();
                let decoded = elements.map(|(element, (quantization, instance))| {
                    let Quantization { lo, hi, .. } = quantization;
                    let integer = decode_integer(instance).filter(|integer| (lo..=hi).contains(integer));
                    integer.ok_or_else(|| Error::PublicValue { tensor: tensor.name.clone(), element, lo, hi })
                });
                decoded.collect::<Result<Vec<_>, _>>()
            };
            tensors.iter().map(decode).collect::<Result<Vec<_>, _>>()
        };
        let inputs = decode_tensors(&self.inputs)?;
        Ok(Statement { context, inputs, outputs: decode_tensors(&self.outputs)? })
    }
}

/// `x[0,3]`, or `x` for a scalar; in full if it is shorter than 32 bytes, so that its last byte is zero. `hashed` has taken in `tensor`.
fn port_name(tensor: &str, hashed: &Keccak256, index: &[usize]) -> [u8; 32] {
    let mut place = String::new();
    for (position, coordinate) in index.iter().enumerate() {
        place.push_str(&format!("{}{coordinate}", if position == 0 { "[" } else { "," }));
    }
    if !index.is_empty() {
        place.push(']');
    }
    if tensor.len().saturating_add(place.len()) >= 32 {
        return hashed.clone().chain_update(place).finalize().into();
    }
    let mut name = [0; 32];
    name.iter_mut().zip(tensor.bytes().chain(place.bytes())).for_each(|(letter, byte)| *letter = byte);
    name
}

/// Big-endian bytes as an unsigned word.
fn word(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    for (place, byte) in word.iter_mut().rev().zip(bytes.iter().rev()) {
        *place = *byte;
    }
    word
}

/// In two's complement.
fn signed_word(integer: i128) -> [u8; 32] {
    let mut word = [if integer < 0 { 0xff } else { 0 }; 32];
    for (place, byte) in word.iter_mut().rev().zip(integer.to_be_bytes().iter().rev()) {
        *place = *byte;
    }
    word
}

/// The two instances are the context's lower and upper 16 bytes.
fn decode_context(instances: &[[u8; 32]; CONTEXT_INSTANCES]) -> Result<[u8; 32], Error> {
    let mut context = [0; 32];
    let (halves, _) = context.as_chunks_mut::<16>();
    for (half, instance) in halves.iter_mut().rev().zip(instances) {
        let (zeros, value) = instance.split_at(16);
        if zeros != [0; 16] {
            return Err(Error::Context);
        }
        half.copy_from_slice(value);
    }
    Ok(context)
}

/// The integer that a field element stands for: `x`, or `-x` for `r - x`.
fn decode_integer(instance: &[u8; 32]) -> Option<i128> {
    let scalar = fr_from_be_bytes(instance)?;
    let magnitude = |scalar: Fr| {
        let bytes = fr_to_be_bytes(&scalar);
        let (zeros, value) = bytes.split_first_chunk::<16>()?;
        (*zeros == [0; 16]).then(|| value.as_array().map(|value| u128::from_be_bytes(*value)))?
    };
    match magnitude(scalar) {
        Some(positive) => i128::try_from(positive).ok(),
        None => 0i128.checked_sub_unsigned(magnitude(-scalar)?),
    }
}
