//! Rearrange, Gather.

use super::{Error, Lowering, Value, arithmetic::operands, is_exact, unsupported};
use crate::{
    float,
    int::{Interval, Op, Source},
    quantize::fixed,
};

/// Scales that are further apart are not brought to one.
const APART: i32 = 16;

impl Lowering<'_> {
    /// Operands of different scales are brought to the finest of them, exactly, after each has been narrowed as planned.
    pub(super) fn rearrange(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        sources: &[Source],
    ) -> Result<Value, Error> {
        let mut values = node.inputs.iter().map(|id| self.scaled(*id)).collect::<Result<Vec<_>, _>>()?;
        let site = if let [only] = values.as_slice() { only.site } else { at };
        let scales = values.iter().map(|value| self.frac_bits(value));
        let apart = scales.clone().max().unwrap_or(0).saturating_sub(scales.min().unwrap_or(0)) > APART;
        if values.iter().any(|value| self.is_scaled(value)) || apart {
            return self.rearrange_scaled(site, node, sources, values);
        }
        if values.iter().any(|value| self.frac_bits(value) != self.frac_bits(&values[0])) {
            for value in &mut values {
                *value = self.operand(value)?;
            }
        }
        let errors = sources.iter().map(|s| values[s.input as usize].errors[s.element as usize]).collect();
        let frac_bits = values.iter().map(|value| self.frac_bits(value)).max().unwrap_or(0);
        if values.iter().all(|value| self.frac_bits(value) == frac_bits) {
            let inputs = values.iter().map(|value| value.node).collect();
            let op = Op::Rearrange { sources: sources.to_vec() };
            let id = self.builder.push(&node.name, op, inputs, node.shape.clone(), frac_bits)?;
            return Ok(Value { node: id, errors, site });
        }
        let row = |source: &Source| {
            let value = &values[source.input as usize];
            let up = 1i64.checked_shl((frac_bits - self.frac_bits(value)) as u32).unwrap_or(i64::MAX);
            (0, vec![(value.node, source.element as usize, up)])
        };
        let rows = sources.iter().map(row).collect();
        let id = self.sums(node, rows, frac_bits)?;
        Ok(Value { node: id, errors, site })
    }

    /// Data whose elements keep their scales.
    fn rearrange_scaled(
        &mut self,
        site: float::NodeId,
        node: &float::Node,
        sources: &[Source],
        mut values: Vec<Value>,
    ) -> Result<Value, Error> {
        if values.len() > 1 {
            for value in &mut values {
                *value = self.operand(value)?;
            }
        }
        let of = |source: &Source| (&values[source.input as usize], source.element as usize);
        let scales: Vec<i32> = sources
            .iter()
            .map(|source| {
                let (value, element) = of(source);
                self.frac_bits_of(value, element)
            })
            .collect();
        let errors = sources.iter().map(|source| of(source).0.errors[of(source).1]).collect();
        // The nominal scale: of a value with one scale, what it would be if the value were of ordinary size.
        let nominal = |value: &Value| {
            let magnitude = fixed::greatest((0..value.errors.len()).map(|element| self.magnitude(value, element)));
            let ordinary = fixed::significant(0, fixed::exponent(magnitude), &fixed::VALUES);
            self.frac_bits(value) - if self.is_scaled(value) { 0 } else { ordinary }
        };
        let frac_bits = values.iter().map(nominal).max().unwrap_or(0);
        let inputs = values.iter().map(|value| value.node).collect();
        let op = Op::Rearrange { sources: sources.to_vec() };
        let id = self.builder.push(&node.name, op, inputs, node.shape.clone(), frac_bits)?;
        self.builder.rescale(id, scales)?;
        Ok(Value { node: id, errors, site })
    }

    /// Rows of a constant table. An index that may be negative counts from the end: the table is turned so that it starts
    /// with the row of the least index.
    pub(super) fn gather(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [table, x] = operands(node)?;
        let table_node = self.float.node(table);
        let (Some(values), Some(height)) = (self.constant(table), table_node.shape.first().copied()) else {
            return Err(unsupported(node, "its table must be a constant"));
        };
        let width = values.len() / height.max(1);
        let exact = is_exact(node.element);
        let bits = if exact { 0 } else { self.plan.weight_bits_of(at) };
        let fixed =
            if exact { fixed::at_scale(&node.name, values, 0)? } else { fixed::weights(&node.name, values, bits)? };
        let mut rows: Vec<Vec<i64>> = fixed.values.chunks(width.max(1)).map(<[i64]>::to_vec).collect();
        // A row that a token may select, so the worst rounding of any row, column by column.
        let worst = |column: usize| fixed.errors.iter().skip(column).step_by(width).copied().fold(0.0, f64::max);
        let errors: Vec<f64> = (0..width).map(worst).collect();
        self.weighted.insert(at);
        let x = self.value(x)?;
        let hull = self.hull(&x);
        let limit = i64::try_from(height).unwrap_or(i64::MAX);
        if !Interval::new(-limit, limit - 1).encloses(hull) {
            return Err(Error::Int(crate::int::Error::OutsideDomain {
                node: node.name.clone(),
                element: 0,
                what: "the index into the table",
                got: hull,
                allowed: Interval::new(0, limit - 1),
                advice: "declare the input's range to be the rows of the table",
            }));
        }
        let mut indices = x.node;
        if hull.lo < 0 {
            // Row 0 of the turned table is row `lo + height` of the table, row `-lo` is row 0.
            let turned = (hull.lo..=hull.hi).map(|i| rows[i.rem_euclid(limit) as usize].clone()).collect();
            rows = turned;
            indices = self.affine(x.node, "from_end", 1, -hull.lo)?;
        }
        let op = Op::Gather { rows };
        let id = self.builder.push(&node.name, op, vec![indices], node.shape.clone(), fixed.frac_bits)?;
        Ok(Value { node: id, errors: errors.repeat(self.float.node(node.inputs[1]).len()), site: at })
    }
}
