//! A circuit with what [`super::circuits`] does not have: halo2's permuted lookups, two instance columns, rotations far
//! apart.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Expression, Fixed, Instance, Selector},
    poly::Rotation,
};
use halo2curves::bn256::Fr;

/// Rows of the tables.
const ENTRIES: u64 = 8;
/// Rows that look something up.
const ROWS: u64 = 6;

/// `a` is below 8, `(a, b)` is a row of the squares, `c` sums what stands three rows before and four after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables {
    pub(crate) seed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct TablesConfig {
    a: Column<Advice>,
    b: Column<Advice>,
    c: Column<Advice>,
    key: Column<Fixed>,
    square: Column<Fixed>,
    instances: [Column<Instance>; 2],
    q_look: Selector,
    q_far: Selector,
}

impl Tables {
    fn a(&self, row: u64) -> Fr {
        Fr::from((self.seed + row * row) % ENTRIES)
    }

    pub(crate) fn instances(&self) -> [Vec<Fr>; 2] {
        [vec![self.a(1), self.a(2)], vec![self.a(3).square()]]
    }
}

impl Circuit<Fr> for Tables {
    type Config = TablesConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> TablesConfig {
        let [a, b, c] = [(); 3].map(|()| meta.advice_column());
        let [key, square] = [(); 2].map(|()| meta.fixed_column());
        let instances = [(); 2].map(|()| meta.instance_column());
        let (q_look, q_far) = (meta.complex_selector(), meta.selector());
        [a, b].into_iter().for_each(|column| meta.enable_equality(column));
        instances.into_iter().for_each(|column| meta.enable_equality(column));
        meta.lookup_any("small", |cells| {
            let q = cells.query_selector(q_look);
            let a = cells.query_advice(a, Rotation::cur());
            vec![(q * a, cells.query_fixed(key, Rotation::cur()))]
        });
        meta.lookup_any("squares", |cells| {
            let q = cells.query_selector(q_look);
            let [a, b] = [a, b].map(|column| cells.query_advice(column, Rotation::cur()));
            let [key, square] = [key, square].map(|column| cells.query_fixed(column, Rotation::cur()));
            vec![(q.clone() * a, key), (q * b, square)]
        });
        meta.create_gate("far", |cells| {
            let q = cells.query_selector(q_far);
            let before = cells.query_advice(a, Rotation(-3));
            let after = cells.query_advice(b, Rotation(2));
            let c = cells.query_advice(c, Rotation::cur());
            vec![q * (c - before - after * Expression::Constant(Fr::from(2)))]
        });
        TablesConfig { a, b, c, key, square, instances, q_look, q_far }
    }

    fn synthesize(&self, config: TablesConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let cells = layouter.assign_region(
            || "tables",
            |mut region| {
                for entry in 0..ENTRIES {
                    region.assign_fixed(config.key, entry as usize, Fr::from(entry));
                    region.assign_fixed(config.square, entry as usize, Fr::from(entry * entry));
                }
                let mut cells = Vec::new();
                for row in 0..ROWS {
                    config.q_look.enable(&mut region, row as usize)?;
                    let a = self.a(row);
                    let here = region.assign_advice(config.a, row as usize, Value::known(a)).cell();
                    let square = region.assign_advice(config.b, row as usize, Value::known(a.square())).cell();
                    cells.push((here, square));
                }
                config.q_far.enable(&mut region, 3)?;
                let far = self.a(0) + self.a(5).square().double();
                region.assign_advice(config.c, 3, Value::known(far));
                Ok(cells)
            },
        )?;
        let [first, second] = config.instances;
        layouter.constrain_instance(cells[1].0, first, 0);
        layouter.constrain_instance(cells[2].0, first, 1);
        layouter.constrain_instance(cells[3].1, second, 0);
        Ok(())
    }
}

/// A column that is read seven rows before and nine after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meeting;

impl Circuit<Fr> for Meeting {
    type Config = Column<Advice>;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Column<Advice> {
        let column = meta.advice_column();
        meta.create_gate("meeting", |cells| {
            let [before, after] = [-7, 9].map(|by| cells.query_advice(column, Rotation(by)));
            vec![before - after]
        });
        column
    }

    fn synthesize(&self, _: Column<Advice>, _: impl Layouter<Fr>) -> Result<(), Error> {
        Ok(())
    }
}
