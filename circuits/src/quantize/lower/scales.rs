//! Elements with scales of their own: what reads them, and what needs one scale for all.
//!
//! A feature of 1e9 beside one of 1e-6 has as many significant bits, so another step. Products with constants take the difference up in
//! their weights, sums with constants keep it, and moved data carries it along. For all else values are aligned first.

use super::{Error, Lowering, Value, fixed, index};
use crate::{
    int::{self, Op, Row, Source, Term, limits},
    quantize::fixed::power_of_two,
};

/// The most bits of a value that was brought to one scale: what is left is room for what reads it.
pub(super) const ALIGNED_BITS: i32 = 50;

/// How far the magnitudes of a product's elements may be apart, as log2, without scales of their own.
const APART: i32 = 8;

/// Weights of a fixed operand, for elements of different scales.
pub(super) struct Weights {
    /// By row of the product, what its terms are multiplied by.
    pub(super) rows: Vec<Vec<i64>>,
    /// What rounding leaves of each, as a share of a real weight's unit.
    pub(super) errors: Vec<Vec<f64>>,
    /// Of the product: nominal, and by row, where they differ.
    pub(super) frac_bits: i32,
    pub(super) element_bits: Vec<i32>,
}

impl Lowering<'_> {
    /// The value at one scale: the finest that its elements have, if all of them fit, or else the finest at which they do.
    pub(super) fn align(&mut self, value: &Value) -> Result<Value, Error> {
        if !self.is_scaled(value) {
            return Ok(value.clone());
        }
        if let Some(known) = self.aligned.get(&value.node) {
            return Ok(known.clone());
        }
        let scales = self.element_bits(value);
        let bits = |element: usize| self.range(value, element).bits() as i32;
        let finest = scales.iter().copied().max().unwrap_or(0);
        let room = scales
            .iter()
            .enumerate()
            .map(|(element, scale)| scale + (ALIGNED_BITS - bits(element)).clamp(0, limits::WEIGHT_BITS as i32 - 2));
        let frac_bits = finest.min(room.min().unwrap_or(finest));
        let (name, shape) = self.form(value, "align");
        // What is finer is shifted first, as much at a time as one shift takes.
        let mut from = value.clone();
        let mut errors = value.errors.clone();
        let mut places: Vec<(int::NodeId, u32)> =
            (0..index(scales.len())).map(|element| (value.node, element)).collect();
        let mut finer: Vec<i32> = scales.iter().map(|scale| scale - frac_bits).filter(|excess| *excess > 0).collect();
        finer.sort_unstable();
        finer.dedup();
        for excess in finer {
            let members: Vec<usize> =
                (0..scales.len()).filter(|element| scales[*element] - frac_bits == excess).collect();
            let sources = members.iter().map(|element| Source { input: 0, element: index(*element) }).collect();
            let moved = self.builder.push(
                format!("{name}.finer"),
                Op::Rearrange { sources },
                vec![value.node],
                vec![members.len()],
                frac_bits + excess,
            )?;
            let part =
                Value { node: moved, errors: members.iter().map(|element| errors[*element]).collect(), ..from.clone() };
            let part = self.narrow(&part, frac_bits)?;
            for ((element, at), error) in members.into_iter().zip(0u32..).zip(part.errors) {
                places[element] = (part.node, at);
                errors[element] = error;
            }
        }
        let mut inputs: Vec<int::NodeId> = places.iter().map(|(node, _)| *node).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let row = |((node, element), scale): (&(int::NodeId, u32), &i32)| {
            let input = index(inputs.binary_search(node).unwrap_or_default());
            let weight = 1i64 << (frac_bits - scale).max(0);
            Row { bias: 0, terms: vec![Term { source: Source { input, element: *element }, weight }] }
        };
        let rows = places.iter().zip(&scales).map(row).collect();
        let node = self.builder.push(name, Op::Linear { rows }, inputs, shape, frac_bits)?;
        from = Value { node, errors, site: value.site };
        self.aligned.insert(value.node, from.clone());
        Ok(from)
    }

    /// Whether a product with `real` is to be scaled by [`Self::weights_by_scale`]: its operand is, or its elements, a single term each, are of
    /// very different size.
    pub(super) fn needs_scales(&self, x: &Value, real: &[f64], pairs: &[Vec<(usize, usize)>]) -> bool {
        if self.is_scaled(x) {
            return true;
        }
        if pairs.iter().any(|row| row.len() != 1) {
            return false;
        }
        let products =
            pairs.iter().flatten().map(|(element, weight)| real[*weight].abs() * self.magnitude(x, *element));
        let (least, most) = spread(products.filter(|product| *product > 0.0).map(fixed::exponent));
        most - least > APART
    }

    /// Weights for the terms `pairs` of each row, of which the first is an element of `x` and the second one of `real`: so scaled that all
    /// terms of a row, and rows of like size, have one scale.
    pub(super) fn weights_by_scale(
        &self,
        x: &Value,
        real: &[f64],
        pairs: &[Vec<(usize, usize)>],
        bits: i32,
    ) -> Weights {
        let own = self.frac_bits(x);
        // What an element would be multiplied by if it had the nominal scale.
        let nominal =
            |(element, weight): (usize, usize)| real[weight] * power_of_two(own - self.frac_bits_of(x, element));
        let exponents = |row: &Vec<(usize, usize)>| {
            let weight = fixed::greatest(row.iter().map(|pair| nominal(*pair)));
            let product = fixed::greatest(row.iter().map(|pair| real[pair.1] * self.magnitude(x, pair.0)));
            (weight > 0.0 && product > 0.0).then(|| (fixed::exponent(weight), fixed::exponent(product)))
        };
        let exponents: Vec<Option<(i32, i32)>> = pairs.iter().map(exponents).collect();
        let (least, most) = spread(exponents.iter().flatten().map(|(_, product)| *product));
        let own_scales = most - least > APART && pairs.iter().all(|row| row.len() == 1);
        let greatest = exponents.iter().flatten().map(|(weight, _)| *weight).max().unwrap_or(0);
        // As many significant bits as a weight just below 4 has.
        let weight_bits = |exponent: i32| (bits + 2 - exponent).min(fixed::room(exponent));
        let row_bits: Vec<i32> = exponents
            .iter()
            .map(|own| weight_bits(own.filter(|_| own_scales).map_or(greatest, |(weight, _)| weight)))
            .collect();
        // Fewer, where all are exact with fewer.
        let exact = match own_scales {
            true => None,
            false => {
                let all: Vec<f64> = pairs.iter().flatten().map(|pair| nominal(*pair)).collect();
                Some(fixed::exact_bits(&all, weight_bits(greatest)))
            }
        };
        let round = |(row, bits): (&Vec<(usize, usize)>, &i32)| {
            let bits = exact.unwrap_or(*bits);
            let term = |pair: &(usize, usize)| {
                let weight = fixed::round_to_scale(nominal(*pair), bits).unwrap_or(0);
                let unit = power_of_two(self.frac_bits_of(x, pair.0) - own);
                (weight, (fixed::to_real(weight, bits) - nominal(*pair)).abs() * unit)
            };
            row.iter().map(term).unzip()
        };
        let (rows, errors) = pairs.iter().zip(&row_bits).map(round).unzip();
        let element_bits = match own_scales {
            // By row what its element has at least, whichever that is.
            true => row_bits.iter().map(|bits| own + bits).collect(),
            false => Vec::new(),
        };
        let frac_bits = own + if own_scales { bits + 2 } else { exact.unwrap_or(0) };
        Weights { rows, errors, frac_bits, element_bits }
    }
}

/// The least and the greatest.
fn spread(exponents: impl Iterator<Item = i32> + Clone) -> (i32, i32) {
    (exponents.clone().min().unwrap_or(0), exponents.max().unwrap_or(0))
}
