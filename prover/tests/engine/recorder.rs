//! Advice columns of any halo2 circuit, by running its synthesis.

use std::ops::RangeTo;

use apodict_prover::engine::{Error, Phase, Synthesis, backend::HostColumn};
use halo2_proofs::{
    circuit::Value,
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error as PlonkError, Fixed,
        FloorPlanner, Instance, Selector,
    },
};
use halo2curves::{bn256::Fr, ff::Field};

/// Runs synthesis once for each phase, with the challenges that are known then.
pub(crate) struct Recorder<'a, C> {
    circuit: &'a C,
    cs: &'a ConstraintSystem<Fr>,
    rows: usize,
    instances: Vec<Vec<Fr>>,
    tampered: Option<(usize, usize, Fr)>,
}

impl<'a, C: Circuit<Fr>> Recorder<'a, C> {
    pub(crate) fn new(circuit: &'a C, cs: &'a ConstraintSystem<Fr>, k: u32, instances: &[&[Fr]]) -> Self {
        let instances = instances.iter().map(|column| column.to_vec()).collect();
        Self { circuit, cs, rows: 1 << k, instances, tampered: None }
    }

    /// Puts a value of its own into a cell.
    pub(crate) fn tamper(&mut self, column: usize, row: usize, value: Fr) {
        self.tampered = Some((column, row, value));
    }
}

impl<C: Circuit<Fr>> Synthesis for Recorder<'_, C> {
    fn phase(&mut self, phase: Phase<'_>) -> Result<Vec<HostColumn>, Error> {
        let mut own = ConstraintSystem::default();
        let config = C::configure_with_params(&mut own, self.circuit.params());
        let mut recording = Recording {
            advice: vec![vec![Fr::ZERO; self.rows]; self.cs.num_advice_columns()],
            challenges: phase.challenges,
            instances: &self.instances,
            usable: ..phase.usable,
        };
        let constants = self.cs.constants().clone();
        C::FloorPlanner::synthesize(&mut recording, self.circuit, config, constants).expect("the circuit is good");
        if let Some((column, row, value)) = self.tampered {
            recording.advice[column][row] = value;
        }
        let of = |column: &usize| HostColumn::Field(recording.advice[*column][..phase.usable].to_vec());
        Ok(phase.columns.iter().map(of).collect())
    }
}

struct Recording<'a> {
    advice: Vec<Vec<Fr>>,
    challenges: &'a [Option<Fr>],
    instances: &'a [Vec<Fr>],
    usable: RangeTo<usize>,
}

impl Assignment<Fr> for Recording<'_> {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A, AR>(&mut self, _: A, _: &Selector, _: usize) -> Result<(), PlonkError>
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        Ok(())
    }

    fn annotate_column<A, AR>(&mut self, _: A, _: Column<Any>)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
    }

    fn query_instance(&self, column: Column<Instance>, row: usize) -> Result<Value<Fr>, PlonkError> {
        let value = self.instances.get(column.index()).and_then(|column| column.get(row));
        value.map(|value| Value::known(*value)).ok_or(PlonkError::BoundsFailure)
    }

    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        assert!(self.usable.contains(&row));
        to.map(|value| {
            self.advice[column.index()][row] = value.evaluate();
            // The interface asks for a reference of any lifetime: a test may leak it.
            let leaked: &'static Assigned<Fr> = Box::leak(Box::new(value));
            leaked
        })
    }

    fn assign_fixed(&mut self, _: Column<Fixed>, _: usize, _: Assigned<Fr>) {}

    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {}

    fn fill_from_row(&mut self, _: Column<Fixed>, _: usize, _: Value<Assigned<Fr>>) -> Result<(), PlonkError> {
        Ok(())
    }

    fn get_challenge(&self, challenge: Challenge) -> Value<Fr> {
        self.challenges.get(challenge.index()).copied().flatten().map_or_else(Value::unknown, Value::known)
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}

    fn next_phase(&mut self) {}
}
