//! A circuit's synthesis, as key generation hears it.

use std::collections::BTreeMap;

use halo2_proofs::{
    circuit::Value,
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Column, ConstraintSystem, Error as PlonkError, Fixed, Instance,
        Selector,
    },
};
use halo2curves::bn256::Fr;

use super::cycles::Cycles;
use crate::engine::{Error, backend::HostColumn, field};

/// What was said.
pub(super) struct Recorded {
    pub(super) fixed: Vec<HostColumn>,
    pub(super) selectors: Vec<Vec<bool>>,
    pub(super) cycles: Cycles,
}

/// Listens. halo2 lets a circuit assign without an answer: what went wrong is kept until the end.
pub(super) struct Recorder {
    usable: usize,
    k: u32,
    fixed: Vec<Growing>,
    selectors: Vec<Vec<bool>>,
    permuted: Vec<Column<Any>>,
    cycles: Cycles,
    failure: Option<Error>,
}

/// A fixed column: most of them hold small numbers.
struct Growing {
    small: Vec<i64>,
    large: BTreeMap<usize, Fr>,
}

impl Growing {
    fn set(&mut self, row: usize, value: Fr) {
        self.large.remove(&row);
        match field::small(&value) {
            Some(small) => self.small[row] = small,
            None => {
                self.small[row] = 0;
                self.large.insert(row, value);
            }
        }
    }
}

impl Recorder {
    pub(super) fn new(cs: &ConstraintSystem<Fr>, k: u32) -> Result<Self, Error> {
        let rows = 1usize << k;
        if rows < cs.minimum_rows() {
            return Err(Error::TooManyRows { k });
        }
        let permuted = cs.permutation().get_columns();
        let column = |_| Growing { small: vec![0; rows], large: BTreeMap::new() };
        Ok(Self {
            usable: rows - (cs.blinding_factors() + 1),
            k,
            fixed: (0..cs.num_fixed_columns()).map(column).collect(),
            selectors: vec![vec![false; rows]; cs.num_selectors()],
            cycles: Cycles::new(permuted.len(), k)?,
            permuted,
            failure: None,
        })
    }

    pub(super) fn finish(self, synthesized: Result<(), PlonkError>) -> Result<Recorded, Error> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        synthesized.map_err(|error| match error {
            PlonkError::NotEnoughRowsAvailable { .. } => Error::TooManyRows { k: self.k },
            other => Error::Circuit(format!("{other:?}")),
        })?;
        let column =
            |column: Growing| HostColumn::Integers { small: column.small, large: Vec::from_iter(column.large) };
        let fixed = self.fixed.into_iter().map(|of| column(of).densest()).collect();
        Ok(Recorded { fixed, selectors: self.selectors, cycles: self.cycles })
    }

    fn check(&mut self, row: usize) -> bool {
        let fits = row < self.usable;
        if !fits {
            self.failure.get_or_insert(Error::TooManyRows { k: self.k });
        }
        fits
    }

    fn no_such(&mut self, what: &str) {
        self.failure.get_or_insert_with(|| Error::Circuit(format!("it has no such {what}")));
    }
}

impl Assignment<Fr> for Recorder {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A, AR>(&mut self, _: A, selector: &Selector, row: usize) -> Result<(), PlonkError>
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        if self.check(row) {
            match self.selectors.get_mut(selector.index()) {
                Some(rows) => rows[row] = true,
                None => self.no_such("selector"),
            }
        }
        Ok(())
    }

    fn annotate_column<A, AR>(&mut self, _: A, _: Column<Any>)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
    }

    fn query_instance(&self, _: Column<Instance>, _: usize) -> Result<Value<Fr>, PlonkError> {
        Ok(Value::unknown())
    }

    fn assign_advice<'v>(&mut self, _: Column<Advice>, _: usize, _: Value<Assigned<Fr>>) -> Value<&'v Assigned<Fr>> {
        Value::unknown()
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        if self.check(row) {
            match self.fixed.get_mut(column.index()) {
                Some(column) => column.set(row, to.evaluate()),
                None => self.no_such("fixed column"),
            }
        }
    }

    fn copy(&mut self, left: Column<Any>, left_row: usize, right: Column<Any>, right_row: usize) {
        if !self.check(left_row) || !self.check(right_row) {
            return;
        }
        let [left, right] = [left, right].map(|column| self.permuted.iter().position(|of| *of == column));
        match (left, right) {
            (Some(left), Some(right)) => self.cycles.join((left, left_row), (right, right_row)),
            _ => self.no_such("column in its permutation"),
        }
    }

    fn fill_from_row(
        &mut self,
        column: Column<Fixed>,
        from_row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Result<(), PlonkError> {
        if !self.check(from_row) {
            return Ok(());
        }
        let mut value = None;
        to.map(|to| value = Some(to.evaluate()));
        match (self.fixed.get_mut(column.index()), value) {
            (Some(column), Some(value)) => (from_row..self.usable).for_each(|row| column.set(row, value)),
            (None, _) => self.no_such("fixed column"),
            (_, None) => return Err(PlonkError::Synthesis),
        }
        Ok(())
    }

    fn get_challenge(&self, _: Challenge) -> Value<Fr> {
        Value::unknown()
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_cell_counts() {
        let mut column = Growing { small: vec![0; 4], large: BTreeMap::new() };
        let large = Fr::from(u64::MAX).square();
        column.set(1, large);
        column.set(1, -Fr::from(3));
        column.set(2, Fr::from(7));
        column.set(2, large);
        assert_eq!((column.small, Vec::from_iter(column.large)), (vec![0, -3, 0, 0], vec![(2, large)]));
    }
}
