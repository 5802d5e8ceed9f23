//! The machine as a halo2 circuit. What its gates state, and why they suffice, stands in [`super`].

use halo2_proofs::{
    circuit::{Cell as AssignedCell, Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error as PlonkError, Expression, FirstPhase, Fixed,
        Instance, SecondPhase,
    },
    poly::Rotation,
};

use super::{
    columns::{LookupColumns, Witness},
    field::Weight,
    layout::{CONTEXT_INSTANCES, Layout},
    shape::Shape,
};

/// The machine's columns.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    lanes: Vec<Column<Advice>>,
    acc: Column<Advice>,
    multiplicities: Column<Advice>,
    reciprocals: Vec<Column<Advice>>,
    sum: Column<Advice>,
    weights: Vec<Column<Fixed>>,
    products: Vec<Column<Fixed>>,
    tags: Vec<Column<Fixed>>,
    zero: Column<Fixed>,
    active: Column<Fixed>,
    table: [Column<Fixed>; 3],
    instance: Column<Instance>,
    theta: Challenge,
    beta: Challenge,
}

/// A layout, with a witness or without.
#[derive(Clone)]
#[cfg_attr(not(test), derive(Debug))]
pub struct Machine<'a> {
    layout: &'a Layout,
    witness: Option<&'a Witness>,
    /// What a liar commits to in the second phase, from `theta` and `beta`.
    #[cfg(test)]
    forged_lookups: Option<&'a dyn Fn(Fr, Fr) -> LookupColumns>,
}

impl<'a> Machine<'a> {
    /// For key generation.
    pub fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            witness: None,
            #[cfg(test)]
            forged_lookups: None,
        }
    }

    /// For proving.
    pub fn with_witness(layout: &'a Layout, witness: &'a Witness) -> Self {
        Self { witness: Some(witness), ..Self::new(layout) }
    }

    /// For tests of soundness: a prover is free to commit to a second phase of its own making.
    #[cfg(test)]
    pub(crate) fn with_forged_lookups(
        layout: &'a Layout,
        witness: &'a Witness,
        lookups: &'a dyn Fn(Fr, Fr) -> LookupColumns,
    ) -> Self {
        Self { forged_lookups: Some(lookups), ..Self::with_witness(layout, witness) }
    }

    fn lookup_columns(&self, witness: &Witness, theta: Fr, beta: Fr) -> LookupColumns {
        #[cfg(test)]
        if let Some(forged) = self.forged_lookups {
            return forged(theta, beta);
        }
        self.layout.lookup_columns(witness, theta, beta)
    }
}

/// Parameters of [`Machine::configure_with_params`].
#[derive(Clone, Copy, Debug)]
pub struct MachineParams {
    /// The columns.
    pub shape: Shape,
}

impl Default for MachineParams {
    fn default() -> Self {
        Self { shape: Shape::Lean }
    }
}

/// Adds the machine of `shape` to a constraint system. The gates' names are those of the book's machine page.
pub fn configure(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> MachineConfig {
    let units = shape.units();
    let lanes: Vec<_> = (0..shape.lanes()).map(|_| meta.advice_column_in(FirstPhase)).collect();
    let acc = meta.advice_column_in(FirstPhase);
    let multiplicities = meta.advice_column_in(FirstPhase);
    let theta = meta.challenge_usable_after(FirstPhase);
    let beta = meta.challenge_usable_after(FirstPhase);
    let reciprocals: Vec<_> = (1..units).map(|_| meta.advice_column_in(SecondPhase)).collect();
    let sum = meta.advice_column_in(SecondPhase);
    let instance = meta.instance_column();
    let weights: Vec<_> = (0..shape.lanes()).map(|_| meta.fixed_column()).collect();
    let products: Vec<_> = (0..units).map(|_| meta.fixed_column()).collect();
    let tags: Vec<_> = (0..units).map(|_| meta.fixed_column()).collect();
    let zero = meta.fixed_column();
    let active = meta.fixed_column();
    let table = [(); 3].map(|()| meta.fixed_column());

    for lane in &lanes {
        meta.enable_equality(*lane);
    }
    meta.enable_equality(instance);

    // active * (acc' - acc) = sum over lanes w*x + sum over units q*u*v
    meta.create_gate("accumulate", |cells| {
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_advice(acc, at));
        let step = cells.query_fixed(active, Rotation::cur()) * (next - now);
        let x: Vec<_> = lanes.iter().map(|lane| cells.query_advice(*lane, Rotation::cur())).collect();
        let linear = weights.iter().zip(&x).map(|(w, x)| cells.query_fixed(*w, Rotation::cur()) * x.clone());
        let linear = linear.reduce(|a, b| a + b);
        let products = products.iter().zip(x.chunks_exact(2));
        let products = products.map(|(q, uv)| cells.query_fixed(*q, Rotation::cur()) * (uv[0].clone() * uv[1].clone()));
        let products = products.reduce(|a, b| a + b);
        [linear, products].into_iter().flatten().fold(step, |sum, term| sum - term).into_constraint("accumulate")
    });

    // zero * acc = 0
    meta.create_gate("equation", |cells| {
        let zero = cells.query_fixed(zero, Rotation::cur());
        (zero * cells.query_advice(acc, Rotation::cur())).into_constraint("equation")
    });

    // (active - active') * sum' = 0: the running sum is 0 where activity begins and where it ends.
    meta.create_gate("lookup bounds", |cells| {
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_fixed(active, at));
        ((now - next) * cells.query_advice(sum, Rotation::next())).into_constraint("lookup bounds")
    });

    // f = tag * (u + theta*v + theta^2)
    let looked_up = |cells: &mut halo2_proofs::plonk::VirtualCells<'_, Fr>, unit: usize| {
        let theta = cells.query_challenge(theta);
        let tag = cells.query_fixed(tags[unit], Rotation::cur());
        let u = cells.query_advice(lanes[2 * unit], Rotation::cur());
        let v = cells.query_advice(lanes[2 * unit + 1], Rotation::cur());
        cells.query_challenge(beta) + tag * (u + theta.clone() * (v + theta))
    };

    // active * (h_j * (beta + f_j) - 1) = 0
    for (unit, reciprocal) in (1..).zip(&reciprocals) {
        meta.create_gate("lookup reciprocal", |cells| {
            let active = cells.query_fixed(active, Rotation::cur());
            let h = cells.query_advice(*reciprocal, Rotation::cur());
            let f = looked_up(cells, unit);
            (active * (h * f - Expression::Constant(Fr::one()))).into_constraint("lookup reciprocal")
        });
    }

    // active * ((sum' - sum - sum_j h_j) * (beta + f_0) * (beta + t) - (beta + t) + m * (beta + f_0)) = 0
    meta.create_gate("lookup sum", |cells| {
        let active = cells.query_fixed(active, Rotation::cur());
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_advice(sum, at));
        let step = reciprocals.iter().fold(next - now, |step, h| step - cells.query_advice(*h, Rotation::cur()));
        let m = cells.query_advice(multiplicities, Rotation::cur());
        let f = looked_up(cells, 0);
        let [key, output, tag] = table.map(|column| cells.query_fixed(column, Rotation::cur()));
        let theta = cells.query_challenge(theta);
        let t = cells.query_challenge(beta) + key + theta.clone() * (output + theta * tag);
        (active * ((step * f.clone() - Expression::Constant(Fr::one())) * t + m * f)).into_constraint("lookup sum")
    });

    MachineConfig {
        lanes,
        acc,
        multiplicities,
        reciprocals,
        sum,
        weights,
        products,
        tags,
        zero,
        active,
        table,
        instance,
        theta,
        beta,
    }
}

/// Names a gate's one polynomial.
trait IntoConstraint {
    fn into_constraint(self, name: &'static str) -> Vec<(&'static str, Expression<Fr>)>;
}

impl IntoConstraint for Expression<Fr> {
    fn into_constraint(self, name: &'static str) -> Vec<(&'static str, Expression<Fr>)> {
        vec![(name, self)]
    }
}

impl MachineConfig {
    fn assign_fixed(&self, region: &mut Region<'_, Fr>, layout: &Layout) {
        let mut set = |column: Column<Fixed>, row: usize, value: Fr| {
            region.assign_fixed(column, row, value);
        };
        for row in 0..layout.active_rows() {
            set(self.active, row, Fr::one());
        }
        for row in &layout.zero_rows {
            set(self.zero, *row, Fr::one());
        }
        for row in 0..layout.rows() {
            for (at, unit) in layout.row(row).iter().enumerate() {
                let mut weight = |column, weight: Weight| {
                    if !weight.is_zero() {
                        set(column, row, weight.to_fr());
                    }
                };
                weight(self.weights[2 * at], unit.weights[0]);
                weight(self.weights[2 * at + 1], unit.weights[1]);
                weight(self.products[at], unit.product);
                if let Some(table) = unit.table {
                    set(self.tags[at], row, Fr::from(table.tag()));
                }
            }
        }
        // Row 0 holds zeros: what a unit without a tag looks up. A tuple is scaled by its tag, which is never 0.
        let mut row = 1;
        for (id, table) in layout.tables.iter() {
            let tag = Fr::from(id.tag());
            for at in 0..table.len() {
                let (key, output) = table.entry(at);
                for (column, value) in self.table.into_iter().zip([tag * key, tag * output, tag]) {
                    set(column, row, value);
                }
                row += 1;
            }
        }
    }

    fn assign_copies(&self, region: &mut Region<'_, Fr>, layout: &Layout) {
        let cell = |lane: usize, row: usize| AssignedCell { row_offset: row, column: self.lanes[lane].into() };
        let (copies, first) = layout.copies();
        for (a, b) in copies {
            region.constrain_equal(cell(a.lane, a.row), cell(b.lane, b.row));
        }
        for (at, wire) in layout.public.iter().enumerate() {
            // Every public value has a cell: a layout without is not made.
            if let Some(known) = first.get(wire) {
                let instance = AssignedCell { row_offset: CONTEXT_INSTANCES + at, column: self.instance.into() };
                region.constrain_equal(cell(known.lane, known.row), instance);
            }
        }
    }

    fn assign_first_phase(&self, region: &mut Region<'_, Fr>, witness: &Witness) {
        let columns = self.lanes.iter().zip(&witness.lanes);
        let columns = columns.chain([(&self.acc, &witness.acc), (&self.multiplicities, &witness.multiplicities)]);
        for (column, values) in columns {
            for (row, value) in values.to_field().into_iter().enumerate() {
                region.assign_advice(*column, row, Value::known(value));
            }
        }
    }

    fn assign_second_phase(&self, region: &mut Region<'_, Fr>, columns: &LookupColumns) {
        let reciprocals = self.reciprocals.iter().zip(&columns.reciprocals);
        for (column, values) in reciprocals.chain([(&self.sum, &columns.sum)]) {
            for (row, value) in values.iter().enumerate() {
                region.assign_advice(*column, row, Value::known(*value));
            }
        }
    }
}

impl Circuit<Fr> for Machine<'_> {
    type Config = MachineConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = MachineParams;

    fn without_witnesses(&self) -> Self {
        Self::new(self.layout)
    }

    fn params(&self) -> MachineParams {
        MachineParams { shape: self.layout.shape() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, params: MachineParams) -> MachineConfig {
        configure(meta, params.shape)
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> MachineConfig {
        configure(meta, Shape::Lean)
    }

    fn synthesize(&self, config: MachineConfig, mut layouter: impl Layouter<Fr>) -> Result<(), PlonkError> {
        let challenge = |layouter: &mut dyn FnMut(Challenge) -> Value<Fr>, of| {
            let mut known = None;
            layouter(of).map(|value| known = Some(value));
            known
        };
        // The floor planner starts every region at row 0: offsets are rows.
        layouter.assign_region(
            || "machine",
            |mut region| {
                config.assign_fixed(&mut region, self.layout);
                config.assign_copies(&mut region, self.layout);
                if let Some(witness) = self.witness {
                    config.assign_first_phase(&mut region, witness);
                }
                Ok(())
            },
        )?;
        let Some(witness) = self.witness else { return Ok(()) };
        if challenge(&mut |of| layouter.get_challenge(of), config.beta).is_none() {
            layouter.next_phase();
        }
        let theta = challenge(&mut |of| layouter.get_challenge(of), config.theta);
        let beta = challenge(&mut |of| layouter.get_challenge(of), config.beta);
        // A checker that runs synthesis once per phase has no challenges in the first run.
        let (Some(theta), Some(beta)) = (theta, beta) else { return Ok(()) };
        layouter.assign_region(
            || "lookups",
            |mut region| {
                config.assign_second_phase(&mut region, &self.lookup_columns(witness, theta, beta));
                Ok(())
            },
        )
    }
}
