//! Lookups: `(u, v, tag)` of each unit is a row of the tables. Both sides are sums of reciprocals, which must be equal.
//!
//! With `f_j = tag_j * (u_j + theta*v_j + theta^2)` and `t = t_key + theta*t_out + theta^2*t_tag`:
//! `active * (h_j * (beta + f_j) - 1) = 0` for all units but the first, degree 4;
//! `active * ((sum' - sum - sum_j h_j) * (beta + f_0) * (beta + t) - (beta + t) + m * (beta + f_0)) = 0`, degree 5;
//! `(active - active') * sum' = 0`, degree 2.

use halo2_proofs::{
    circuit::{Region, Value},
    halo2curves::{
        bn256::Fr,
        ff::{BatchInvert, Field},
    },
    plonk::{ConstraintSystem, Expression, VirtualCells},
    poly::Rotation,
};
use rayon::prelude::*;

use super::{
    super::{
        circuit::MachineConfig, columns::Witness, equation::Unit, field::fr_from_i128, gates::accumulate::Scalar,
        layout::Layout,
    },
    one,
};

pub(in super::super) fn constrain(meta: &mut ConstraintSystem<Fr>, config: &MachineConfig) {
    let MachineConfig { lanes, multiplicities, reciprocals, sum, tags, active, table, theta, beta, .. } = config;

    // (active - active') * sum' = 0: the running sum is 0 where activity begins and where it ends.
    meta.create_gate("lookup bounds", |cells| {
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_fixed(*active, at));
        one("lookup bounds", (now - next) * cells.query_advice(*sum, Rotation::next()))
    });

    // f = tag * (u + theta*v + theta^2)
    let looked_up = |cells: &mut VirtualCells<'_, Fr>, unit: usize| {
        let theta = cells.query_challenge(*theta);
        let tag = cells.query_fixed(tags[unit], Rotation::cur());
        let u = cells.query_advice(lanes[2 * unit], Rotation::cur());
        let v = cells.query_advice(lanes[2 * unit + 1], Rotation::cur());
        cells.query_challenge(*beta) + tag * (u + theta.clone() * (v + theta))
    };

    // active * (h_j * (beta + f_j) - 1) = 0
    for (unit, reciprocal) in (1..).zip(reciprocals) {
        meta.create_gate("lookup reciprocal", |cells| {
            let active = cells.query_fixed(*active, Rotation::cur());
            let h = cells.query_advice(*reciprocal, Rotation::cur());
            let f = looked_up(cells, unit);
            one("lookup reciprocal", active * (h * f - Expression::Constant(Fr::one())))
        });
    }

    // active * ((sum' - sum - sum_j h_j) * (beta + f_0) * (beta + t) - (beta + t) + m * (beta + f_0)) = 0
    meta.create_gate("lookup sum", |cells| {
        let active = cells.query_fixed(*active, Rotation::cur());
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_advice(*sum, at));
        let step = reciprocals.iter().fold(next - now, |step, h| step - cells.query_advice(*h, Rotation::cur()));
        let m = cells.query_advice(*multiplicities, Rotation::cur());
        let f = looked_up(cells, 0);
        let [key, output, tag] = table.map(|column| cells.query_fixed(column, Rotation::cur()));
        let theta = cells.query_challenge(*theta);
        let t = cells.query_challenge(*beta) + key + theta.clone() * (output + theta * tag);
        one("lookup sum", active * ((step * f.clone() - Expression::Constant(Fr::one())) * t + m * f))
    });
}

/// Tags of units, and the tables.
pub(in super::super) fn assign(config: &MachineConfig, region: &mut Region<'_, Fr>, layout: &Layout) {
    for row in 0..layout.rows() {
        for (at, unit) in layout.row(row).iter().enumerate() {
            if let Some(table) = unit.table {
                region.assign_fixed(config.tags[at], row, Fr::from(table.tag()));
            }
        }
    }
    // Row 0 holds zeros: what a unit without a tag looks up. A tuple is scaled by its tag, which is never 0.
    let mut row = 1;
    for (id, table) in layout.tables.iter() {
        let tag = Fr::from(id.tag());
        for at in 0..table.len() {
            let (key, output) = table.entry(at);
            for (column, value) in config.table.into_iter().zip([tag * key, tag * output, tag]) {
                region.assign_fixed(column, row, value);
            }
            row += 1;
        }
    }
}

/// What is committed to after the challenges.
pub(in super::super) fn assign_second_phase(
    config: &MachineConfig,
    region: &mut Region<'_, Fr>,
    columns: &LookupColumns,
) {
    let reciprocals = config.reciprocals.iter().zip(&columns.reciprocals);
    for (column, values) in reciprocals.chain([(&config.sum, &columns.sum)]) {
        for (row, value) in values.iter().enumerate() {
            region.assign_advice(*column, row, Value::known(*value));
        }
    }
}

/// Second-phase columns of the lookup argument, from the challenges.
#[derive(Clone, Debug)]
pub struct LookupColumns {
    /// The reciprocals of all units of a row but the first, one column each.
    pub reciprocals: Vec<Vec<Fr>>,
    /// The running sum before each row, over all rows that take part.
    pub sum: Vec<Fr>,
}

/// Fractions that share an inversion, on one thread.
const INVERTED: usize = 1 << 10;

/// `1 / denominator` of each, and zero of zero.
fn inverses(denominators: impl Iterator<Item = Fr>) -> Vec<Fr> {
    let mut inverses: Vec<Fr> = denominators.collect();
    inverses.iter_mut().batch_invert();
    inverses
}

impl Layout {
    /// Computes the second phase: units and table side by side.
    ///
    /// `sum[r + 1] - sum[r] = sum over units of 1 / (beta + f) - m / (beta + t)`.
    pub fn lookup_columns(&self, witness: &Witness, theta: Fr, beta: Fr) -> LookupColumns {
        let width = self.shape.units();
        let active = self.active_rows();
        // Looked-up tuples, then table rows; inverted many at a time. A unit without a table stands for 0.
        let looked_up = |units: &[Unit]| {
            let denominator = |unit: &Unit| match unit.table {
                Some(table) => {
                    let [u, v] = self.lane_values(unit, &witness.values).map(Scalar::field);
                    beta + Fr::from(table.tag()) * (u + theta * (v + theta))
                }
                None => beta,
            };
            inverses(units.iter().map(denominator))
        };
        let of_units: Vec<Fr> = self.units.par_chunks(INVERTED).flat_map_iter(looked_up).collect();
        let zero_inverse = Option::<Fr>::from(beta.invert()).unwrap_or(Fr::ZERO);

        // The row before the first entry is empty.
        let mut of_table = vec![beta];
        for (id, table) in self.tables.iter() {
            let tag = Fr::from(id.tag());
            of_table.extend((0..table.len()).map(|at| {
                let (key, output) = table.entry(at);
                beta + tag * (key + theta * (output + theta))
            }));
        }
        of_table.par_chunks_mut(INVERTED).zip(witness.multiplicities.small.par_chunks(INVERTED)).for_each(
            |(entries, multiplicities)| {
                entries.iter_mut().batch_invert();
                for (entry, multiplicity) in entries.iter_mut().zip(multiplicities) {
                    *entry *= fr_from_i128((*multiplicity).into());
                }
            },
        );

        let mut reciprocals = vec![Vec::with_capacity(active); width - 1];
        let mut sum = Vec::with_capacity(active + 1);
        let mut total = Fr::ZERO;
        for row in 0..active {
            sum.push(total);
            for unit in 0..width {
                let inverse = of_units.get(row * width + unit).copied().unwrap_or(zero_inverse);
                total += inverse;
                if unit > 0 {
                    reciprocals[unit - 1].push(inverse);
                }
            }
            if let Some(taken) = of_table.get(row) {
                total -= taken;
            }
        }
        sum.push(total);
        LookupColumns { reciprocals, sum }
    }
}
