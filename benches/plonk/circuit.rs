//! The circuit.

use apodict_prover::engine::{Error as EngineError, Phase, Synthesis, backend::HostColumn};
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Fixed, TableColumn},
    poly::Rotation,
};
use halo2curves::{bn256::Fr, ff::Field};

/// Rows at the end that are left to blinding.
const RESERVED: usize = 16;

/// Rows `a * b * q_m + a * q_a - c = 0`, where `c` of a row is `a` of the next, and `b` is in a table of half as many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plonk {
    pub(crate) k: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    advice: [Column<Advice>; 3],
    q_m: Column<Fixed>,
    q_a: Column<Fixed>,
    table: TableColumn,
}

impl Plonk {
    fn rows(&self) -> usize {
        (1 << self.k) - RESERVED
    }

    fn entries(&self) -> usize {
        1 << (self.k - 1)
    }

    /// `a`, `b`, `c`.
    fn columns(&self) -> [Vec<Fr>; 3] {
        let mut columns = [(); 3].map(|()| Vec::with_capacity(self.rows()));
        let mut a = Fr::from(3);
        for row in 0..self.rows() {
            let b = Fr::from((row * 31 % self.entries()) as u64);
            let c = a * b + a;
            for (column, value) in columns.iter_mut().zip([a, b, c]) {
                column.push(value);
            }
            a = c;
        }
        columns
    }
}

impl Synthesis for Plonk {
    fn phase(&mut self, _: Phase<'_>) -> Result<Vec<HostColumn>, EngineError> {
        Ok(self.columns().map(HostColumn::Field).into())
    }
}

impl Circuit<Fr> for Plonk {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        let advice = [(); 3].map(|()| meta.advice_column());
        advice.into_iter().for_each(|column| meta.enable_equality(column));
        let (q_m, q_a, table) = (meta.fixed_column(), meta.fixed_column(), meta.lookup_table_column());
        meta.create_gate("row", |cells| {
            let [a, b, c] = advice.map(|column| cells.query_advice(column, Rotation::cur()));
            let [q_m, q_a] = [q_m, q_a].map(|column| cells.query_fixed(column, Rotation::cur()));
            vec![q_m * a.clone() * b + q_a * (a - c)]
        });
        meta.lookup("small", |cells| vec![(cells.query_advice(advice[1], Rotation::cur()), table)]);
        Config { advice, q_m, q_a, table }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_table(
            || "small",
            |mut table| {
                for entry in 0..self.entries() {
                    table.assign_cell(|| "entry", config.table, entry, || Value::known(Fr::from(entry as u64)))?;
                }
                Ok(())
            },
        )?;
        let [a, b, c] = self.columns();
        layouter.assign_region(
            || "rows",
            |mut region| {
                let mut before = None;
                for row in 0..self.rows() {
                    region.assign_fixed(config.q_m, row, Fr::ONE);
                    region.assign_fixed(config.q_a, row, Fr::ONE);
                    let a = region.assign_advice(config.advice[0], row, Value::known(a[row])).cell();
                    region.assign_advice(config.advice[1], row, Value::known(b[row]));
                    let c = region.assign_advice(config.advice[2], row, Value::known(c[row])).cell();
                    if let Some(before) = before.replace(c) {
                        region.constrain_equal(before, a);
                    }
                }
                Ok(())
            },
        )
    }
}
