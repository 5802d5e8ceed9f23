//! JSON: parsed straight into flat tensors, so that a number costs no more than itself, and integers stay integers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{Error, MAX_RECORDS, NamedTensors};
use crate::float::{MAX_RANK, Tensor, Values};

/// `{"inputs": {"name": nested arrays}}`.
pub(super) fn record(bytes: &[u8], max_elements: usize) -> Result<NamedTensors, Error> {
    let mut left = Left::new(max_elements);
    let parsed = parse(bytes, OneKey { key: "inputs", seed: Inputs { left: &mut left } });
    parsed.map_err(|error| left.explain(error, max_elements))
}

/// `{"batches": [{"inputs": {..}}, ..]}`.
pub(super) fn batches(bytes: &[u8], max_elements: usize) -> Result<Vec<NamedTensors>, Error> {
    let mut left = Left::new(max_elements);
    let parsed = parse(bytes, OneKey { key: "batches", seed: Batches { left: &mut left } });
    let records = parsed.map_err(|error| left.explain(error, max_elements))?;
    if records.is_empty() { Err(Error::NoRecords) } else { Ok(records) }
}

/// Records one after the other, with white space between them: `{"inputs": {..}}`, or any number of them as `{"batches": [..]}`.
pub(super) fn sequence(bytes: &[u8], max_elements: usize) -> Result<Vec<NamedTensors>, Error> {
    let mut left = Left::new(max_elements);
    let mut records = vec![];
    // Of a slice, every question for the end would count lines from the beginning.
    let mut parser = serde_json::Deserializer::from_reader(bytes);
    while parser.end().is_err() {
        let seed = Appended { records: &mut records, left: &mut left };
        if let Err(error) = seed.deserialize(&mut parser) {
            return Err(left.explain(refuse(bytes, &error), max_elements));
        }
    }
    if records.is_empty() { Err(Error::NoRecords) } else { Ok(records) }
}

fn parse<'de, S: DeserializeSeed<'de>>(bytes: &'de [u8], seed: S) -> Result<S::Value, Error> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let parsed = seed.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    parsed.map_err(|error| refuse(bytes, &error))
}

fn refuse(bytes: &[u8], error: &serde_json::Error) -> Error {
    // Python writes these; JSON does not have them.
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    let advice = match error.is_syntax() && (holds(b"NaN") || holds(b"Infinity")) {
        true => "; the file contains NaN or Infinity, but inputs must be finite numbers",
        false => "",
    };
    Error::Json(format!("{error}{advice}"))
}

/// How much more the file may have.
struct Left {
    elements: usize,
    records: usize,
    /// Of what it has too much.
    exceeded: Option<&'static str>,
}

impl Left {
    fn new(max_elements: usize) -> Self {
        Self { elements: max_elements, records: MAX_RECORDS, exceeded: None }
    }

    fn take(&mut self) -> bool {
        if self.elements == 0 {
            self.exceeded = Some("elements");
        }
        self.elements = self.elements.saturating_sub(1);
        self.exceeded.is_none()
    }

    fn take_record(&mut self) -> Result<(), &'static str> {
        if self.records == 0 {
            self.exceeded = Some("records");
            return Err("there are too many records");
        }
        self.records -= 1;
        Ok(())
    }

    /// Parsing stops at the limit with an error of the parser's type, which has no room for ours.
    fn explain(&self, error: Error, max_elements: usize) -> Error {
        match self.exceeded {
            Some(what @ "records") => Error::TooLarge { what, limit: MAX_RECORDS },
            Some(what) => Error::TooLarge { what, limit: max_elements },
            None => error,
        }
    }
}

/// An object with one key, and no other.
struct OneKey<S> {
    key: &'static str,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for OneKey<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for OneKey<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key \"{}\"", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let expected = format!("expected an object with the key \"{}\" and no other", self.key);
        let known = |key: Option<String>| match key {
            Some(key) if key == self.key => Ok(()),
            Some(key) => Err(A::Error::custom(format!("found the key \"{key}\", {expected}"))),
            None => Err(A::Error::custom(format!("found an empty object, {expected}"))),
        };
        known(map.next_key()?)?;
        let value = map.next_value_seed(self.seed)?;
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(key) => Err(A::Error::custom(format!("found another key \"{key}\", {expected}"))),
        }
    }
}

/// One record or several, by their key.
struct Appended<'a> {
    records: &'a mut Vec<NamedTensors>,
    left: &'a mut Left,
}

impl<'de> DeserializeSeed<'de> for Appended<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Appended<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ONE_OR_SEVERAL)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match map.next_key::<String>()?.as_deref() {
            Some("inputs") => {
                self.left.take_record().map_err(A::Error::custom)?;
                self.records.push(map.next_value_seed(Inputs { left: self.left })?);
            }
            Some("batches") => self.records.extend(map.next_value_seed(Batches { left: self.left })?),
            Some(key) => return Err(A::Error::custom(format!("found the key \"{key}\", expected {ONE_OR_SEVERAL}"))),
            None => return Err(A::Error::custom(format!("found an empty object, expected {ONE_OR_SEVERAL}"))),
        }
        match map.next_key::<String>()? {
            None => Ok(()),
            Some(key) => {
                Err(A::Error::custom(format!("found another key \"{key}\", expected {ONE_OR_SEVERAL}, and no other")))
            }
        }
    }
}

const ONE_OR_SEVERAL: &str = "an object with the key \"inputs\", a line for each record, or \"batches\"";

struct Batches<'a> {
    left: &'a mut Left,
}

impl<'de> DeserializeSeed<'de> for Batches<'_> {
    type Value = Vec<NamedTensors>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Batches<'_> {
    type Value = Vec<NamedTensors>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records {\"inputs\": {..}}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut records = vec![];
        while let Some(record) = seq.next_element_seed(OneKey { key: "inputs", seed: Inputs { left: self.left } })? {
            self.left.take_record().map_err(A::Error::custom)?;
            records.push(record);
        }
        Ok(records)
    }
}

struct Inputs<'a> {
    left: &'a mut Left,
}

impl<'de> DeserializeSeed<'de> for Inputs<'_> {
    type Value = NamedTensors;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Inputs<'_> {
    type Value = NamedTensors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from names to nested arrays")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tensors = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let mut nest = Nest { shape: vec![], ranked: false, numbers: vec![], bools: vec![], left: self.left };
            map.next_value_seed(Level { depth: 0, nest: &mut nest })?;
            let tensor = nest.finish().map_err(|reason| A::Error::custom(format!("input \"{name}\" {reason}")))?;
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(A::Error::custom(format!("input \"{name}\" stands there twice")));
            }
        }
        Ok(NamedTensors { tensors })
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

/// A tensor while its nested arrays are read.
struct Nest<'a> {
    /// Lengths of the arrays, outermost first. A length is known once the first array of its level has ended.
    shape: Vec<Option<usize>>,
    /// Whether a value has been seen: the rank is known then.
    ranked: bool,
    numbers: Vec<Number>,
    bools: Vec<bool>,
    left: &'a mut Left,
}

impl Nest<'_> {
    /// A value stands at `depth`.
    fn value(&mut self, depth: usize) -> Result<(), String> {
        if !self.left.take() {
            return Err("has too many elements".into());
        }
        self.ranked = true;
        match depth == self.shape.len() {
            true => Ok(()),
            false => Err("is ragged: a value stands where others have arrays".into()),
        }
    }

    fn number(&mut self, depth: usize, number: Number) -> Result<(), String> {
        self.value(depth)?;
        self.numbers.push(number);
        self.bools.is_empty().then_some(()).ok_or_else(|| "mixes numbers and booleans".into())
    }

    fn boolean(&mut self, depth: usize, value: bool) -> Result<(), String> {
        self.value(depth)?;
        self.bools.push(value);
        self.numbers.is_empty().then_some(()).ok_or_else(|| "mixes numbers and booleans".into())
    }

    /// An array begins at `depth`.
    fn open(&mut self, depth: usize) -> Result<(), String> {
        if depth == MAX_RANK {
            return Err(format!("is nested more than {MAX_RANK} deep"));
        }
        if depth == self.shape.len() {
            if self.ranked {
                return Err("is ragged: an array stands where others have values".into());
            }
            self.shape.push(None);
        }
        Ok(())
    }

    /// An array of `len` elements ends at `depth`.
    fn close(&mut self, depth: usize, len: usize) -> Result<(), String> {
        match self.shape.get_mut(depth) {
            _ if len == 0 => Err("holds an empty array".into()),
            Some(known @ None) => {
                *known = Some(len);
                Ok(())
            }
            Some(Some(known)) if *known != len => {
                Err(format!("is ragged: arrays of {known} and of {len} elements stand side by side"))
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Tensor, String> {
        let shape = self.shape.into_iter().map(|len| len.ok_or("is incomplete")).collect::<Result<Vec<_>, _>>()?;
        if !self.bools.is_empty() {
            return Ok(Tensor { shape, values: Values::Bool(self.bools) });
        }
        let integers = |number: &Number| match number {
            Number::Int(value) => Some(*value),
            Number::Float(_) => None,
        };
        if let Some(values) = self.numbers.iter().map(integers).collect() {
            return Ok(Tensor { shape, values: Values::Int(values) });
        }
        let float = |number: &Number| match *number {
            Number::Float(value) => Ok(value),
            Number::Int(value) if value as f64 as i128 == i128::from(value) => Ok(value as f64),
            Number::Int(value) => Err(format!("holds {value} among floats, which do not represent it exactly")),
        };
        let values = self.numbers.iter().map(float).collect::<Result<_, _>>()?;
        Ok(Tensor { shape, values: Values::Float(values) })
    }
}

/// What stands at one depth of nested arrays.
struct Level<'a, 'b> {
    depth: usize,
    nest: &'a mut Nest<'b>,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers or booleans, in nested arrays")
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.nest.number(self.depth, Number::Int(value)).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        let value =
            i64::try_from(value).map_err(|_| E::custom(format!("holds {value}, which is no 64-bit signed integer")))?;
        self.visit_i64(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.nest.number(self.depth, Number::Float(value)).map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.nest.boolean(self.depth, value).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Level { depth, nest } = self;
        nest.open(depth).map_err(A::Error::custom)?;
        let mut len = 0;
        while seq.next_element_seed(Level { depth: depth + 1, nest })?.is_some() {
            len += 1;
        }
        nest.close(depth, len).map_err(A::Error::custom)
    }
}
