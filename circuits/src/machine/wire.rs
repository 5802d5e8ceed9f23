//! Wires: the values of a run, and how each is computed.

use std::cmp::Ordering;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use super::{
    Error,
    field::fr_from_i128,
    table::{Outputs, TableId, Tables},
};
use crate::int::Trace;

/// A value of the run. Wherever it is placed in a lane, copy constraints make the cells equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire(pub(crate) u32);

/// How a wire's value is computed. It says nothing of what is *proven*: that is the equations' work.
#[derive(Clone, Debug)]
pub(crate) enum Def {
    /// A fixed integer.
    Constant(i64),
    /// An element of a node of the integer graph, from the executor's trace.
    Value { node: u32, element: u32 },
    /// `floor((of + offset) / 2^shift) mod 2^bits`.
    Digit { of: Wire, offset: i64, shift: u32, bits: u32 },
    /// `constant + sum(weight * a * b)`, `b = 1` where absent.
    Quadratic { constant: i64, terms: Vec<(i64, Wire, Option<Wire>)> },
    /// What `table` holds for `key`.
    Lookup { table: TableId, key: Wire },
    /// 2 if `of = at`, 1 if `of > at`, else 0: the states of the argmax gadget.
    Place { of: Wire, at: i64 },
    /// What `of` is to be multiplied by for 1, in the field; 0 if it is 0.
    Inverse { of: Wire },
    /// Position of the first greatest.
    ArgMax { of: Vec<Wire> },
}

/// The values of all wires of one run. Nearly all fit `i64`; packed table outputs do not.
#[derive(Clone, Debug)]
pub struct Values {
    small: Vec<i64>,
    /// Sorted by wire.
    large: Vec<(Wire, Fr)>,
}

impl Values {
    /// A value that fits an `i64`, or `None` where it is a packed one.
    pub fn small(&self, wire: Wire) -> Option<i64> {
        self.large(wire).is_none().then(|| self.small[wire.0 as usize])
    }

    /// A packed value.
    pub fn large(&self, wire: Wire) -> Option<Fr> {
        let at = self.large.binary_search_by_key(&wire, |(w, _)| *w).ok()?;
        Some(self.large[at].1)
    }

    /// The value as a field element, canonical: `-x` is `p - x`.
    pub fn field(&self, wire: Wire) -> Fr {
        self.large(wire).unwrap_or_else(|| fr_from_i128(self.small[wire.0 as usize].into()))
    }

    /// Replaces a value: what a liar would do. For tests of soundness.
    #[doc(hidden)]
    pub fn forge(&mut self, wire: Wire, value: i64) {
        self.large.retain(|(w, _)| *w != wire);
        self.small[wire.0 as usize] = value;
    }

    /// As [`Self::forge`], with any element of the field.
    #[cfg(test)]
    pub(crate) fn forge_field(&mut self, wire: Wire, value: Fr) {
        self.forge(wire, 0);
        let at = self.large.partition_point(|(known, _)| *known < wire);
        self.large.insert(at, (wire, value));
    }
}

/// Computes every wire, in order.
pub(crate) fn evaluate(defs: &[Def], tables: &Tables, trace: &Trace) -> Result<Values, Error> {
    let mut values = Values { small: Vec::with_capacity(defs.len()), large: Vec::new() };
    for (index, def) in (0u32..).zip(defs) {
        let get = |wire: Wire| i128::from(values.small[wire.0 as usize]);
        let exact: i128 = match def {
            Def::Constant(value) => (*value).into(),
            Def::Value { node, element } => trace
                .values
                .get(*node as usize)
                .and_then(|values| values.get(*element as usize))
                .copied()
                .ok_or(Error::TraceOfAnotherGraph { node: *node, element: *element })?
                .into(),
            Def::Digit { of, offset, shift, bits } => {
                ((get(*of) + i128::from(*offset)) >> shift) & ((1i128 << bits) - 1)
            }
            Def::Quadratic { constant, terms } => {
                let mut sum = i128::from(*constant);
                for (weight, a, b) in terms {
                    let product = get(*a).checked_mul(b.map_or(1, get)).and_then(|p| p.checked_mul((*weight).into()));
                    sum = product.and_then(|p| sum.checked_add(p)).ok_or(Error::WireOverflow { wire: index })?;
                }
                sum
            }
            Def::Lookup { table, key } => {
                let key = values.small[key.0 as usize];
                let table = tables.get(*table);
                let row = table.row_of(key).ok_or_else(|| Error::NotInTable { table: table.name.clone(), key })?;
                match &table.outputs {
                    Outputs::Small(outputs) => outputs[row].into(),
                    Outputs::Packed(outputs) => {
                        values.large.push((Wire(index), outputs[row]));
                        0
                    }
                }
            }
            Def::Place { of, at } => match get(*of).cmp(&i128::from(*at)) {
                Ordering::Less => 0,
                Ordering::Greater => 1,
                Ordering::Equal => 2,
            },
            Def::Inverse { of } => match get(*of) {
                // These are their own inverses, and small.
                x @ -1..=1 => x,
                x => {
                    values.large.push((Wire(index), fr_from_i128(x).invert().unwrap_or(Fr::ZERO)));
                    0
                }
            },
            Def::ArgMax { of } => {
                let mut best = 0;
                for at in 1..of.len() {
                    if get(of[at]) > get(of[best]) {
                        best = at;
                    }
                }
                best as i128
            }
        };
        values.small.push(i64::try_from(exact).map_err(|_| Error::WireOverflow { wire: index })?);
    }
    Ok(values)
}
