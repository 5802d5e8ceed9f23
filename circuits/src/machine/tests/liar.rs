//! A liar who keeps everything consistent that can be: what then fails is what refuses the lie.

use std::collections::BTreeSet;

use halo2_proofs::halo2curves::ff::Field;

use super::*;
use crate::machine::{Wire, equation::Unit, field::fr_from_i128, wire::Def};

/// Values of a run, some of them lies.
pub(super) struct Liar<'a> {
    layout: &'a Layout,
    values: Values,
    lies: BTreeSet<Wire>,
}

/// An integer below `2^120` in magnitude, as which everything but a wrapped-around value counts.
fn to_i128(x: Fr) -> Option<i128> {
    let small = |x: Fr| {
        let bytes: [u8; 32] = x.to_bytes();
        let low = i128::from_le_bytes(bytes[..16].try_into().ok()?);
        (fr_from_i128(low) == x && (0..1 << 120).contains(&low)).then_some(low)
    };
    small(x).or_else(|| small(-x).map(|magnitude| -magnitude))
}

impl<'a> Liar<'a> {
    pub(super) fn new(layout: &'a Layout, values: Values) -> Self {
        Self { layout, values, lies: BTreeSet::new() }
    }

    /// The wires with a cell whose definition is as asked, in order.
    pub(super) fn wires(&self, wanted: impl Fn(&Def) -> bool) -> Vec<Wire> {
        let placed = self.layout.placed_wires();
        placed.into_iter().filter(|wire| wanted(&self.layout.defs[wire.0 as usize])).collect()
    }

    /// The wire that holds an element of a node.
    pub(super) fn element(&self, of: u32, at: u32) -> Wire {
        let wires = self.wires(|def| matches!(def, Def::Value { node, element } if (*node, *element) == (of, at)));
        assert_eq!(wires.len(), 1, "element {at} of node {of} has no wire of its own");
        wires[0]
    }

    pub(super) fn value(&self, wire: Wire) -> i64 {
        self.values.small(wire).expect("not a packed value")
    }

    /// As [`Self::value`], of packed values as well.
    pub(super) fn field(&self, wire: Wire) -> Fr {
        self.values.field(wire)
    }

    pub(super) fn claim(&mut self, wire: Wire, value: i64) {
        self.claim_field(wire, fr_from_i128(value.into()));
    }

    pub(super) fn claim_field(&mut self, wire: Wire, value: Fr) {
        self.set(wire, value);
        self.lies.insert(wire);
    }

    fn set(&mut self, wire: Wire, value: Fr) {
        match to_i128(value).and_then(|value| i64::try_from(value).ok()) {
            Some(value) => self.values.forge(wire, value),
            None => self.values.forge_field(wire, value),
        }
    }

    /// Equation by equation, lets the wires that each one introduces follow from those before, lies excepted.
    pub(super) fn witness(mut self) -> Witness {
        let layout = self.layout;
        let width = layout.shape.units();
        let mut known = BTreeSet::new();
        for rows in layout.zero_rows.windows(2) {
            let equation = &layout.units[rows[0] * width..rows[1] * width];
            self.follow_tables(equation);
            if self.sum(equation) != Fr::ZERO {
                self.balance(equation, &known);
            }
            known.extend(equation.iter().flat_map(|unit| unit.lanes).flatten());
        }
        layout.witness_unchecked(self.values)
    }

    /// Outputs of lookups are what the tables hold.
    fn follow_tables(&mut self, equation: &[Unit]) {
        for unit in equation {
            let (Some(table), [Some(key), Some(output)]) = (unit.table, unit.lanes) else { continue };
            let table = self.layout.tables.get(table);
            let row = self.values.small(key).and_then(|key| table.row_of(key));
            if let (Some(row), false) = (row, self.lies.contains(&output)) {
                self.set(output, table.entry(row).1);
            }
        }
    }

    fn sum(&self, equation: &[Unit]) -> Fr {
        let of = |wire: Option<Wire>| wire.map_or(Fr::ZERO, |wire| self.values.field(wire));
        let unit_sum = |unit: &Unit| {
            let [u, v] = unit.lanes.map(of);
            unit.weights[0].to_fr() * u + unit.weights[1].to_fr() * v + unit.product.to_fr() * u * v
        };
        equation.iter().map(unit_sum).fold(Fr::ZERO, |sum, term| sum + term)
    }

    /// The wire that an equation is there to determine takes up the difference, or else its limbs do.
    fn balance(&mut self, equation: &[Unit], known: &BTreeSet<Wire>) {
        let is_free = |wire: &Wire| !known.contains(wire) && !self.lies.contains(wire);
        let plain = equation.iter().filter(|unit| unit.table.is_none() && unit.product.is_zero());
        let summands = plain.flat_map(|unit| unit.lanes.into_iter().flatten().zip(unit.weights));
        if let Some((wire, weight)) = summands.filter(|(wire, _)| is_free(wire)).last() {
            self.take_up(equation, wire, weight.to_fr());
            return;
        }
        let looked_up = equation.iter().filter(|unit| unit.table.is_some() && !unit.weights[0].is_zero());
        let limbs = looked_up.filter_map(|unit| Some((unit.lanes[0].filter(is_free)?, unit.weights[0].to_fr())));
        self.decompose(equation, &limbs.collect::<Vec<_>>());
    }

    fn take_up(&mut self, equation: &[Unit], wire: Wire, weight: Fr) {
        let inverse = weight.invert().expect("a weight that is not zero");
        let value = self.values.field(wire) - self.sum(equation) * inverse;
        self.set(wire, value);
    }

    /// Writes in `limbs`, lowest first, what they must add up to. The highest takes what does not fit.
    fn decompose(&mut self, equation: &[Unit], limbs: &[(Wire, Fr)]) {
        let Some((highest, highest_weight)) = limbs.last() else { return };
        for pair in limbs.windows(2) {
            let [(limb, weight), (_, next)] = pair else { continue };
            let inverse = weight.invert().expect("a weight that is not zero");
            // In units of this limb; those above count multiples of `base`. A value that has wrapped around has no
            // digits: all of it is left to the highest.
            let excess = self.sum(equation) * inverse;
            let base = to_i128(*next * inverse).expect("limbs in ascending order");
            if let Some(needed) = to_i128(self.values.field(*limb) - excess) {
                self.set(*limb, fr_from_i128(needed.rem_euclid(base)));
            }
        }
        self.take_up(equation, *highest, *highest_weight);
    }
}
