//! The machine as a halo2 circuit. What its gates state, and why they suffice, stands in `docs/machine.md`.

use halo2_proofs::{
    circuit::{Cell as AssignedCell, Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error as PlonkError, FirstPhase, Fixed, Instance,
        SecondPhase,
    },
};

use super::{
    columns::Witness,
    gates::{self, lookup::LookupColumns},
    layout::{CONTEXT_INSTANCES, Layout},
    shape::Shape,
};

/// The machine's columns.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    pub(super) lanes: Vec<Column<Advice>>,
    pub(super) acc: Column<Advice>,
    pub(super) multiplicities: Column<Advice>,
    pub(super) reciprocals: Vec<Column<Advice>>,
    pub(super) sum: Column<Advice>,
    pub(super) weights: Vec<Column<Fixed>>,
    pub(super) products: Vec<Column<Fixed>>,
    pub(super) tags: Vec<Column<Fixed>>,
    pub(super) zero: Column<Fixed>,
    pub(super) active: Column<Fixed>,
    pub(super) table: [Column<Fixed>; 3],
    instance: Column<Instance>,
    pub(super) theta: Challenge,
    pub(super) beta: Challenge,
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

    let config = MachineConfig {
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
    };
    gates::accumulate::constrain(meta, &config);
    gates::equation::constrain(meta, &config);
    gates::lookup::constrain(meta, &config);
    config
}

impl MachineConfig {
    fn assign_fixed(&self, region: &mut Region<'_, Fr>, layout: &Layout) {
        gates::accumulate::assign(self, region, layout);
        gates::equation::assign(self, region, layout);
        gates::lookup::assign(self, region, layout);
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
                let columns = self.lookup_columns(witness, theta, beta);
                gates::lookup::assign_second_phase(&config, &mut region, &columns);
                Ok(())
            },
        )
    }
}
