//! A circuit with the columns of a lean machine: what the gas of such a shape is measured on.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed, Instance, SecondPhase},
    poly::Rotation,
};
use halo2curves::{bn256::Fr, ff::Field};

/// Entries of the table: each row's operands are below.
const TABLE_LEN: usize = 16;

/// Rows that compute.
const ROWS: usize = 20;

/// A dot product over two lanes whose operands are looked up, by LogUp over one second-phase column, in a table
/// `(v, 2v + 1, 1)`. Public: 18 operands, then the dot product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogUp {
    /// What the operands are drawn from.
    pub(crate) seed: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct LogUpConfig {
    x: [Column<Advice>; 2],
    acc: Column<Advice>,
    multiplicity: Column<Advice>,
    phi: Column<Advice>,
    w: [Column<Fixed>; 2],
    table: [Column<Fixed>; 3],
    q_dot: Column<Fixed>,
    q_lookup: Column<Fixed>,
    q_boundary: Column<Fixed>,
    q_square: Column<Fixed>,
    instance: Column<Instance>,
    challenge: Challenge,
}

impl LogUp {
    /// Operands of a row; the second is the square of the first in row 0.
    fn operands(&self, row: usize) -> [u64; 2] {
        let x = (self.seed + 3 * row as u64) % 4;
        if row == 0 { [x, x * x] } else { [x, (self.seed * 7 + 5 * row as u64) % TABLE_LEN as u64] }
    }

    fn weights(row: usize) -> [u64; 2] {
        [row as u64 + 1, 100 - row as u64]
    }

    fn dot(&self, rows: usize) -> u64 {
        (0..rows)
            .map(|row| self.operands(row).iter().zip(Self::weights(row)).map(|(x, w)| x * w).sum::<u64>())
            .sum()
    }

    /// The public values.
    pub(crate) fn instances(&self) -> Vec<Fr> {
        (0..18).map(|row| self.operands(row)[0]).chain([self.dot(ROWS)]).map(Fr::from).collect()
    }

    fn multiplicity(&self, entry: usize) -> u64 {
        let operands = (0..ROWS).flat_map(|row| self.operands(row));
        operands.filter(|operand| *operand == entry as u64).count() as u64
    }
}

impl Circuit<Fr> for LogUp {
    type Config = LogUpConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> LogUpConfig {
        let x = [meta.advice_column(), meta.advice_column()];
        let acc = meta.advice_column();
        let multiplicity = meta.advice_column();
        let phi = meta.advice_column_in(SecondPhase);
        let w = [meta.fixed_column(), meta.fixed_column()];
        let table = [meta.fixed_column(), meta.fixed_column(), meta.fixed_column()];
        let [q_dot, q_lookup, q_boundary, q_square] = [(); 4].map(|()| meta.fixed_column());
        let instance = meta.instance_column();
        let challenge = meta.challenge_usable_after(FirstPhase);
        meta.enable_equality(x[0]);
        meta.enable_equality(acc);
        meta.enable_equality(instance);

        meta.create_gate("next acc = acc + x0 w0 + x1 w1", |cells| {
            let q = cells.query_fixed(q_dot, Rotation::cur());
            let [x0, x1] = x.map(|x| cells.query_advice(x, Rotation::cur()));
            let [w0, w1] = w.map(|w| cells.query_fixed(w, Rotation::cur()));
            let here = cells.query_advice(acc, Rotation::cur());
            let next = cells.query_advice(acc, Rotation::next());
            vec![q * (here + x0 * w0 + x1 * w1 - next)]
        });
        // phi' - phi = q/(c - f0) + q/(c - f1) - m/(c - t), on rows with q = 1
        meta.create_gate("lookup", |cells| {
            let q = cells.query_fixed(q_lookup, Rotation::cur());
            let c = cells.query_challenge(challenge);
            let constant = |value| Expression::Constant(Fr::from(value));
            let combined = |a: Expression<Fr>, b: Expression<Fr>, tag: Expression<Fr>| {
                c.clone() - (a + c.clone() * (b + c.clone() * tag))
            };
            let [f0, f1] = x.map(|x| {
                let x = cells.query_advice(x, Rotation::cur());
                combined(x.clone(), x * Fr::from(2) + constant(1), constant(1))
            });
            let [t0, t1, t2] = table.map(|column| cells.query_fixed(column, Rotation::cur()));
            let t = combined(t0, t1, t2);
            let m = cells.query_advice(multiplicity, Rotation::cur());
            let step = cells.query_advice(phi, Rotation::next()) - cells.query_advice(phi, Rotation::cur());
            vec![
                q * (step * f0.clone() * f1.clone() * t.clone()
                    - (f1.clone() * t.clone() + f0.clone() * t - m * f0 * f1)),
            ]
        });
        meta.create_gate("phi starts and ends at 0", |cells| {
            vec![cells.query_fixed(q_boundary, Rotation::cur()) * cells.query_advice(phi, Rotation::cur())]
        });
        meta.create_gate("x1 = x0^2", |cells| {
            let q = cells.query_fixed(q_square, Rotation::cur());
            let [x0, x1] = x.map(|x| cells.query_advice(x, Rotation::cur()));
            vec![q * (x0.clone() * x0 - x1)]
        });
        LogUpConfig { x, acc, multiplicity, phi, w, table, q_dot, q_lookup, q_boundary, q_square, instance, challenge }
    }

    fn synthesize(&self, config: LogUpConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let publics = layouter.assign_region(
            || "logup",
            |mut region| {
                let mut publics = Vec::new();
                let mut terms = Vec::new();
                region.assign_fixed(config.q_boundary, 0, Fr::ONE);
                region.assign_fixed(config.q_boundary, ROWS, Fr::ONE);
                region.assign_fixed(config.q_square, 0, Fr::ONE);
                for row in 0..ROWS {
                    region.assign_fixed(config.q_dot, row, Fr::ONE);
                    region.assign_fixed(config.q_lookup, row, Fr::ONE);
                    // Rows past the table repeat its last entry, with multiplicity 0.
                    let entry = row.min(TABLE_LEN - 1) as u64;
                    let values = [entry, 2 * entry + 1, 1];
                    for (column, value) in config.table.iter().zip(values) {
                        region.assign_fixed(*column, row, Fr::from(value));
                    }
                    for (column, weight) in config.w.iter().zip(Self::weights(row)) {
                        region.assign_fixed(*column, row, Fr::from(weight));
                    }
                    let operands = self.operands(row).map(Fr::from);
                    let [x0, x1] = operands;
                    let x0 = region.assign_advice(config.x[0], row, Value::known(x0));
                    region.assign_advice(config.x[1], row, Value::known(x1));
                    region.assign_advice(config.acc, row, Value::known(Fr::from(self.dot(row))));
                    if row < 18 {
                        publics.push((x0.cell(), row));
                    }
                    let m = if row < TABLE_LEN { Fr::from(self.multiplicity(row)) } else { Fr::ZERO };
                    region.assign_advice(config.multiplicity, row, Value::known(m));
                    terms.push((operands.map(|x| [x, x.double() + Fr::ONE, Fr::ONE]), m, values.map(Fr::from)));
                }
                let acc = region.assign_advice(config.acc, ROWS, Value::known(Fr::from(self.dot(ROWS))));
                publics.push((acc.cell(), 18));

                // The challenge is drawn once everything above is committed.
                region.next_phase();
                let challenge = region.get_challenge(config.challenge);
                let mut phi = Value::known(Fr::ZERO);
                for (row, (operands, m, entry)) in terms.into_iter().enumerate() {
                    region.assign_advice(config.phi, row, phi);
                    let step = challenge.map(|c| {
                        let inverse = |[a, b, tag]: [Fr; 3]| (c - (a + c * (b + c * tag))).invert().unwrap_or(Fr::ZERO);
                        let [f0, f1] = operands.map(inverse);
                        f0 + f1 - m * inverse(entry)
                    });
                    phi = phi + step;
                }
                region.assign_advice(config.phi, ROWS, phi);
                Ok(publics)
            },
        )?;
        for (cell, row) in publics {
            layouter.constrain_instance(cell, config.instance, row);
        }
        Ok(())
    }
}
