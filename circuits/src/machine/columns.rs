//! The witness, column by column.
//!
//! Columns are typed: nearly every cell of the machine is a small signed integer, and a prover that knows it commits
//! to them at a fraction of the price. The few that are not (packed table rows, and running sums over them) stand
//! beside.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{BatchInvert, Field},
};
use rayon::prelude::*;

use super::{
    Error,
    equation::Unit,
    field::fr_from_i128,
    layout::Layout,
    table::Outputs,
    wire::{Def, Values, Wire, evaluate},
};
use crate::int::Trace;

/// A column of small signed integers, with exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// One per row; 0 where a large value stands.
    pub small: Vec<i64>,
    /// Rows, ascending, with values that fit no `i64`.
    pub large: Vec<(usize, Fr)>,
}

impl Column {
    fn zeros(rows: usize) -> Self {
        Self { small: vec![0; rows], large: Vec::new() }
    }

    fn set(&mut self, row: usize, value: Scalar) {
        match value {
            Scalar::Small(value) => match i64::try_from(value) {
                Ok(value) => self.small[row] = value,
                Err(_) => self.large.push((row, fr_from_i128(value))),
            },
            Scalar::Large(value) => self.large.push((row, value)),
        }
    }

    /// The column as field elements.
    pub fn to_field(&self) -> Vec<Fr> {
        let mut values: Vec<Fr> = self.small.iter().map(|value| fr_from_i128((*value).into())).collect();
        for (row, value) in &self.large {
            values[*row] = *value;
        }
        values
    }
}

/// What the first phase commits to.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The lanes, in the order of the columns.
    pub lanes: Vec<Column>,
    /// The running sum before each row.
    pub acc: Column,
    /// How often each table row is looked up.
    pub multiplicities: Column,
    /// Public values, the context left out.
    pub public: Vec<Fr>,
    /// The wires' values.
    pub values: Values,
}

/// A sum that stays an integer as long as it can.
#[derive(Clone, Copy, Debug)]
enum Scalar {
    Small(i128),
    Large(Fr),
}

impl Scalar {
    fn field(self) -> Fr {
        match self {
            Self::Small(value) => fr_from_i128(value),
            Self::Large(value) => value,
        }
    }

    /// The sum; back to an integer only where it is zero, as every equation ends.
    fn add(self, other: Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Self::Small(sum);
        }
        let sum = self.field() + other.field();
        if sum == Fr::ZERO { Self::Small(0) } else { Self::Large(sum) }
    }
}

/// The sum of a unit.
fn unit_sum(unit: &Unit, values: &Values) -> Scalar {
    let small = || -> Option<i128> {
        let [u, v] = unit.lanes.map(|wire| wire.map_or(Some(0), |wire| values.small(wire)));
        let (u, v) = (i128::from(u?), i128::from(v?));
        let linear =
            unit.weights[0].to_i128()?.checked_mul(u)?.checked_add(unit.weights[1].to_i128()?.checked_mul(v)?)?;
        linear.checked_add(unit.product.to_i128()?.checked_mul(u.checked_mul(v)?)?)
    };
    small().map_or_else(
        || {
            let [u, v] = unit.lanes.map(|wire| wire.map_or(Fr::ZERO, |wire| values.field(wire)));
            Scalar::Large(unit.weights[0].to_fr() * u + unit.weights[1].to_fr() * v + unit.product.to_fr() * u * v)
        },
        Scalar::Small,
    )
}

impl Layout {
    /// The values of all wires of a run.
    pub fn values(&self, trace: &Trace) -> Result<Values, Error> {
        evaluate(&self.defs, &self.tables, trace)
    }

    /// Lays the values of a run out.
    ///
    /// # Errors
    /// An equation that does not hold or a lookup that finds nothing, which would be a defect of the compiler: it is found
    /// here and not in a proof.
    pub fn witness(&self, values: Values) -> Result<Witness, Error> {
        for (at, unit) in self.units.iter().enumerate() {
            let (Some(table), Some(key)) = (unit.table, unit.lanes[0]) else { continue };
            let table = self.tables.get(table);
            let key = values.small(key).ok_or(Error::EquationFails { row: at / self.shape.units() })?;
            table.row_of(key).ok_or_else(|| Error::NotInTable { table: table.name.clone(), key })?;
        }
        let witness = self.witness_unchecked(values);
        for row in &self.zero_rows {
            if witness.acc.small[*row] != 0 || witness.acc.large.binary_search_by_key(row, |(r, _)| *r).is_ok() {
                return Err(Error::EquationFails { row: row.saturating_sub(1) });
            }
        }
        Ok(witness)
    }

    /// As [`Self::witness`], whether or not the equations hold; multiplicities count what the tables do contain.
    pub fn witness_unchecked(&self, values: Values) -> Witness {
        let rows = self.rows() + 1;
        let width = self.shape.units();
        let mut lanes = vec![Column::zeros(self.rows()); self.shape.lanes()];
        let mut acc = Column::zeros(rows);
        let mut counts = vec![0i64; self.table_rows()];
        let starts = self.tables.starts();
        let mut sum = Scalar::Small(0);
        for (at, unit) in self.units.iter().enumerate() {
            let row = at / width;
            for (side, value) in self.lane_values(unit, &values).into_iter().enumerate() {
                lanes[2 * (at % width) + side].set(row, value);
            }
            if let (Some(table), Some(key)) = (unit.table, unit.lanes[0]) {
                let found = values.small(key).and_then(|key| self.tables.get(table).row_of(key));
                if let Some(found) = found {
                    counts[starts[table.0 as usize] + found] += 1;
                }
            }
            sum = sum.add(unit_sum(unit, &values));
            if (at + 1) % width == 0 {
                acc.set(row + 1, sum);
            }
        }
        // Every active unit that looks nothing up refers to the row of zeros.
        counts[0] = (self.active_rows() * width - self.lookups()) as i64;
        let public = self.public.iter().map(|wire| values.field(*wire)).collect();
        Witness { lanes, acc, multiplicities: Column { small: counts, large: Vec::new() }, public, values }
    }

    /// What stands in a unit's lanes. An absent output of a lookup holds what the table has for the key.
    fn lane_values(&self, unit: &Unit, values: &Values) -> [Scalar; 2] {
        let scalar = |wire: Wire| match values.small(wire) {
            Some(value) => Scalar::Small(value.into()),
            None => Scalar::Large(values.field(wire)),
        };
        let looked_up = || {
            let table = self.tables.get(unit.table?);
            let row = table.row_of(values.small(unit.lanes[0]?)?)?;
            Some(match &table.outputs {
                Outputs::Small(outputs) => Scalar::Small(outputs[row].into()),
                Outputs::Packed(outputs) => Scalar::Large(outputs[row]),
            })
        };
        let u = unit.lanes[0].map_or(Scalar::Small(0), scalar);
        let v = unit.lanes[1].map(scalar).or_else(looked_up).unwrap_or(Scalar::Small(0));
        [u, v]
    }

    /// Wires whose value the prover is free to choose, as far as the executor is concerned: every lie starts at one.
    #[doc(hidden)]
    pub fn placed_wires(&self) -> Vec<Wire> {
        let mut wires: Vec<Wire> = self.copies().1.into_keys().collect();
        wires.sort_unstable();
        wires
    }

    /// Whether a wire is a constant: a name for messages of tests.
    #[doc(hidden)]
    pub fn is_constant(&self, wire: Wire) -> bool {
        matches!(self.defs[wire.0 as usize], Def::Constant(_))
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
