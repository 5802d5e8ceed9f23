//! Equations: sums over units that must be zero.

use std::collections::BTreeMap;

use super::{Error, field::Weight, label::Label, table::TableId, wire::Wire};

/// One pair of lanes: `weights[0]*u + weights[1]*v + product*u*v`, and `(u, v)` looked up if there is a table.
/// An absent lane holds 0 when honest; nothing depends on it, or the table's output pins it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) lanes: [Option<Wire>; 2],
    pub(crate) weights: [Weight; 2],
    pub(crate) product: Weight,
    pub(crate) table: Option<TableId>,
}

impl Unit {
    pub(crate) const EMPTY: Self =
        Self { lanes: [None; 2], weights: [Weight::ZERO; 2], product: Weight::ZERO, table: None };
}

/// The units of many equations, one equation after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    units: Vec<Unit>,
    /// Where each equation ends.
    ends: Vec<usize>,
    /// What each equation is for.
    labels: Vec<Label>,
}

impl Blocks {
    pub(crate) fn push(&mut self, units: Vec<Unit>, label: Label) {
        self.units.extend(units);
        self.ends.push(self.units.len());
        self.labels.push(label);
    }

    /// What each equation is for.
    pub(crate) fn into_labels(self) -> Vec<Label> {
        self.labels
    }

    /// The units of each equation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Unit]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.units[start..*end])
    }

    pub(crate) fn num_units(&self) -> usize {
        self.units.len()
    }
}

/// A sum of units that the machine proves to be zero, in the field. [`Builder::push`] refuses one whose terms
/// could exceed `2^250`, so that it holds over the integers wherever its wires are bounded.
///
/// [`Builder::push`]: super::builder::Builder::push
#[derive(Clone, Debug, Default)]
pub(crate) struct Equation {
    pub(super) units: Vec<Unit>,
    /// Weights with exponent 0 are merged per wire; others are kept apart.
    pub(super) linear: BTreeMap<(Wire, u32), i64>,
}

impl Equation {
    /// Adds `weight * wire`.
    pub(crate) fn linear(&mut self, wire: Wire, weight: Weight) -> Result<&mut Self, Error> {
        let entry = self.linear.entry((wire, weight.exponent)).or_insert(0);
        *entry = entry.checked_add(weight.mantissa).ok_or(Error::WeightOverflow)?;
        Ok(self)
    }

    /// Adds `weight * a * b`.
    pub(crate) fn product(&mut self, a: Wire, b: Wire, weight: Weight) -> &mut Self {
        self.units.push(Unit { lanes: [Some(a), Some(b)], product: weight, ..Unit::EMPTY });
        self
    }

    /// Looks `(key, output)` up and adds `weight * key`. An absent output is one that nothing else reads.
    pub(crate) fn lookup(&mut self, table: TableId, key: Wire, output: Option<Wire>, weight: Weight) -> &mut Self {
        self.units.push(Unit {
            lanes: [Some(key), output],
            weights: [weight, Weight::ZERO],
            product: Weight::ZERO,
            table: Some(table),
        });
        self
    }

    /// Names the output of the lookup of `key`, so that other equations can read it.
    ///
    /// # Errors
    /// [`Error::NoLookup`] if the equation does not look `key` up: `output` would be free.
    pub(crate) fn expose_output(&mut self, key: Wire, output: Wire) -> Result<(), Error> {
        let mut looking = self.units.iter_mut().filter(|unit| unit.table.is_some() && unit.lanes[0] == Some(key));
        let unit = looking.next().ok_or(Error::NoLookup)?;
        unit.lanes[1] = Some(output);
        Ok(())
    }

    /// The units in the order in which they are laid out. Linear terms go first into lanes that hold their wire
    /// already, then two to a unit.
    pub(crate) fn into_units(self) -> Vec<Unit> {
        let Self { mut units, linear } = self;
        let mut free: BTreeMap<Wire, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, unit) in units.iter().enumerate() {
            for lane in 0..2 {
                if let (Some(wire), true) = (unit.lanes[lane], unit.weights[lane].is_zero()) {
                    free.entry(wire).or_default().push((at, lane));
                }
            }
        }
        let mut half: Option<Unit> = None;
        for ((wire, exponent), mantissa) in linear {
            let weight = Weight { mantissa, exponent };
            if weight.is_zero() {
                continue;
            }
            if let Some((at, lane)) = free.get_mut(&wire).and_then(Vec::pop) {
                units[at].weights[lane] = weight;
                continue;
            }
            match half.take() {
                None => half = Some(Unit { lanes: [Some(wire), None], weights: [weight, Weight::ZERO], ..Unit::EMPTY }),
                Some(first) => units.push(Unit {
                    lanes: [first.lanes[0], Some(wire)],
                    weights: [first.weights[0], weight],
                    ..Unit::EMPTY
                }),
            }
        }
        units.extend(half);
        units
    }
}
