//! The witness, column by column.
//!
//! Columns are typed: nearly every cell of the machine is a small signed integer, and a prover that knows it commits
//! to them at a fraction of the price. The few that are not (packed table rows, and running sums over them) stand
//! beside.

use halo2_proofs::halo2curves::bn256::Fr;

use super::{
    Error,
    equation::Unit,
    field::fr_from_i128,
    gates::{
        accumulate::{Scalar, witness_unit},
        equation,
    },
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
            let key = values.small(key).ok_or_else(|| self.equation_fails(at / self.shape.units()))?;
            table.row_of(key).ok_or_else(|| Error::NotInTable { table: table.name.clone(), key })?;
        }
        let witness = self.witness_unchecked(values);
        match equation::first_broken(self, &witness) {
            Some(row) => Err(self.equation_fails(row.saturating_sub(1))),
            None => Ok(witness),
        }
    }

    fn equation_fails(&self, row: usize) -> Error {
        Error::EquationFails { row, what: self.describe_row(row) }
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
            sum = sum.add(witness_unit(unit, &values));
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
    pub(super) fn lane_values(&self, unit: &Unit, values: &Values) -> [Scalar; 2] {
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
