//! What a [solver](super::solver) knows of the wires: values, ranges, and what they leave of an equation.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

use crate::{
    elementary::floor_log2,
    machine::{Wire, equation::Unit},
};

/// `2^252 < p`: integers up to here are told apart in the field.
const MAX_BITS: i32 = 252;

/// The elements `lo + t`, `t` an integer in `[0, width]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) lo: Fr,
    pub(super) width: Fr,
}

/// What is known of the wires.
#[derive(Clone, Debug)]
pub(super) struct State {
    values: Vec<Option<Fr>>,
    ranges: Vec<Option<Range>>,
    /// Equations without unknowns, found to hold.
    pub(super) settled: Vec<bool>,
}

/// No witness agrees with the state.
pub(super) struct Contradiction;

/// Whether a rule added something to the state.
pub(super) type Progress = Result<bool, Contradiction>;

/// `constant + sum(coefficient * wire)` over wires that are not known.
pub(super) struct Residue {
    pub(super) constant: Fr,
    pub(super) terms: BTreeMap<Wire, Fr>,
}

/// `coefficient * t` of a residue, `t` an integer in `[0, width]` and the coefficient positive.
pub(super) struct Digit {
    pub(super) wire: Wire,
    pub(super) coefficient: Fr,
    pub(super) range: Range,
    /// Whether `t` counts down from the top of the range.
    pub(super) downward: bool,
}

fn is_negative(x: Fr) -> bool {
    x > -x
}

/// Whether an integer is odd, which does not wrap around.
pub(super) fn is_odd(x: Fr) -> bool {
    to_u64(if is_negative(x) { -x } else { x }) & 1 == 1
}

/// To within the precision of the type.
fn to_f64(x: Fr) -> f64 {
    x.to_repr().iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte))
}

/// Whether integers up to `bound` cannot wrap around.
fn fits(bound: f64) -> bool {
    bound < 2f64.powi(MAX_BITS)
}

/// An integer below `2^64`.
pub(super) fn to_u64(x: Fr) -> u64 {
    x.to_repr().iter().take(8).rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// The greatest integer `t <= width` with `coefficient * t <= limit`. `coefficient * width` must not wrap around.
pub(super) fn greatest(coefficient: Fr, width: Fr, limit: Fr) -> Fr {
    let mut t = Fr::ZERO;
    for bit in (0..=(floor_log2(to_f64(width)).max(0) + 1) as u64).rev() {
        let larger = t + Fr::from(2).pow_vartime([bit]);
        if larger <= width && coefficient * larger <= limit {
            t = larger;
        }
    }
    t
}

impl State {
    pub(super) fn new(num_wires: usize, num_equations: usize) -> Self {
        Self { values: vec![None; num_wires], ranges: vec![None; num_wires], settled: vec![false; num_equations] }
    }

    pub(super) fn value(&self, wire: Wire) -> Option<Fr> {
        self.values[wire.0 as usize]
    }

    pub(super) fn range(&self, wire: Wire) -> Option<Range> {
        self.ranges[wire.0 as usize]
    }

    pub(super) fn set(&mut self, wire: Wire, value: Fr) -> Progress {
        if self.range(wire).is_some_and(|range| value - range.lo > range.width) {
            return Err(Contradiction);
        }
        match self.values[wire.0 as usize].replace(value) {
            Some(known) if known != value => Err(Contradiction),
            known => Ok(known.is_none()),
        }
    }

    /// Intersects the range of a wire with `new`. Both are short against the field, so they meet in one piece.
    pub(super) fn narrow(&mut self, wire: Wire, new: Range) -> Progress {
        if self.value(wire).is_some_and(|value| value - new.lo > new.width) {
            return Err(Contradiction);
        }
        let Some(old) = self.range(wire) else {
            self.ranges[wire.0 as usize] = Some(new);
            self.set_if_single(wire, new)?;
            return Ok(true);
        };
        let (low, high) = if is_negative(new.lo - old.lo) { (new, old) } else { (old, new) };
        let gap = high.lo - low.lo;
        if gap > low.width {
            return Err(Contradiction);
        }
        let meet = Range { lo: high.lo, width: high.width.min(low.width - gap) };
        self.ranges[wire.0 as usize] = Some(meet);
        Ok(self.set_if_single(wire, meet)? || meet != old)
    }

    /// A range of one value is that value.
    fn set_if_single(&mut self, wire: Wire, range: Range) -> Progress {
        if range.width == Fr::ZERO { self.set(wire, range.lo) } else { Ok(false) }
    }

    /// What is left of an equation; `None` while it multiplies two unknowns.
    pub(super) fn residue(&self, equation: &[Unit]) -> Option<Residue> {
        let mut residue = Residue { constant: Fr::ZERO, terms: BTreeMap::new() };
        for unit in equation {
            for (wire, weight) in unit.lanes.iter().zip(unit.weights) {
                if let Some(wire) = wire {
                    residue.add(*wire, self.value(*wire), weight.to_fr());
                }
            }
            if let ([Some(a), Some(b)], false) = (unit.lanes, unit.product.is_zero()) {
                let (wire, factor, other) = match (self.value(a), self.value(b)) {
                    (Some(factor), other) => (b, factor, other),
                    (None, Some(factor)) => (a, factor, None),
                    (None, None) => return None,
                };
                residue.add(wire, other, unit.product.to_fr() * factor);
            }
        }
        residue.terms.retain(|_, coefficient| *coefficient != Fr::ZERO);
        Some(residue)
    }
}

impl Residue {
    fn add(&mut self, wire: Wire, value: Option<Fr>, coefficient: Fr) {
        match value {
            Some(value) => self.constant += coefficient * value,
            None => *self.terms.entry(wire).or_insert(Fr::ZERO) += coefficient,
        }
    }

    /// The terms, smallest coefficient first, and what they must add up to; `None` while one has no range.
    pub(super) fn digits(&self, state: &State) -> Option<(Vec<Digit>, Fr)> {
        let mut target = -self.constant;
        let mut digits = Vec::with_capacity(self.terms.len());
        for (wire, coefficient) in &self.terms {
            let range = state.range(*wire)?;
            let downward = is_negative(*coefficient);
            target -= *coefficient * if downward { range.lo + range.width } else { range.lo };
            let coefficient = if downward { -coefficient } else { *coefficient };
            digits.push(Digit { wire: *wire, coefficient, range, downward });
        }
        digits.sort_by_key(|digit| digit.coefficient);
        let bound: f64 = digits.iter().map(|d| to_f64(d.coefficient) * to_f64(d.range.width)).sum();
        fits(bound).then_some((digits, target))
    }
}
