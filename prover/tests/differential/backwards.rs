//! A copied column whose current row is not the first that gates read of it.
//!
//! The permutation argument is about cells of the current row. In the other circuits that row happens to be the first
//! query of every copied column, so a verifier that takes the first query it finds would pass them all.

use crate::sample::{Sample, Selectors, params};
use apodict_verifier::{Error, Query};
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{self, Advice, Circuit, Column, ConstraintSystem, Fixed, Instance, Selector},
    poly::Rotation,
};
use halo2curves::bn256::Fr;

/// `next a = a^2 + next shift`, where the last `a` is public and `shift` is copied: all three columns are read ahead,
/// or behind, before they are read where they stand.
#[derive(Clone, Copy, Debug)]
struct Backwards {
    root: u64,
}

#[derive(Clone, Debug)]
struct Config {
    a: Column<Advice>,
    shift: Column<Fixed>,
    instance: Column<Instance>,
    q: Selector,
}

impl Backwards {
    const SHIFT: u64 = 5;

    fn public(self) -> Fr {
        Fr::from(self.root).square() + Fr::from(Self::SHIFT)
    }
}

impl Circuit<Fr> for Backwards {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        let a = meta.advice_column();
        let shift = meta.fixed_column();
        let instance = meta.instance_column();
        let q = meta.selector();
        meta.create_gate("next a = a^2 + next shift", |cells| {
            let q = cells.query_selector(q);
            let next = cells.query_advice(a, Rotation::next());
            let here = cells.query_advice(a, Rotation::cur());
            let shift = cells.query_fixed(shift, Rotation::next());
            vec![q * (here.square() + shift - next)]
        });
        meta.create_gate("previous public value = next a", |cells| {
            let q = cells.query_selector(q);
            let next = cells.query_advice(a, Rotation::next());
            let public = cells.query_instance(instance, Rotation::prev());
            vec![q * (public - next)]
        });
        // Queries of the current row are made here where no gate made them.
        meta.enable_equality(a);
        meta.enable_equality(shift);
        meta.enable_equality(instance);
        Config { a, shift, instance, q }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), plonk::Error> {
        let last = layouter.assign_region(
            || "backwards",
            |mut region| {
                region.assign_advice(config.a, 0, Value::known(Fr::from(Self::SHIFT)));
                let root = Fr::from(self.root);
                config.q.enable(&mut region, 1)?;
                region.assign_advice(config.a, 1, Value::known(root));
                let shift = region.assign_fixed(config.shift, 2, Fr::from(Self::SHIFT));
                let last = region.assign_advice(config.a, 2, Value::known(self.public())).cell();
                let copy = region.assign_advice(config.a, 3, Value::known(Fr::from(Self::SHIFT))).cell();
                region.constrain_equal(copy, shift);
                Ok(last)
            },
        )?;
        layouter.constrain_instance(last, config.instance, 0);
        Ok(())
    }
}

#[test]
fn copies_are_of_the_current_row() {
    let circuit = Backwards { root: 7 };
    let sample = Sample::new(params(4), circuit, &[circuit.public()], Selectors::Direct);
    let cs = &sample.key.constraint_system;
    for queries in [&cs.advice_queries, &cs.fixed_queries, &cs.instance_queries] {
        let copied = |query: &&Query| query.column == 0;
        assert_ne!(queries.iter().find(copied).expect("queried").rotation, 0, "{queries:?}");
    }
    assert!(sample.halo2(&sample.instances, &sample.proof));
    assert_eq!(sample.ours(&sample.instances, &sample.proof), Ok(()));

    // A proof of the same circuit for another value.
    let other = Backwards { root: 8 };
    let other = Sample::new(params(4), other, &[other.public()], Selectors::Direct);
    assert_eq!(sample.ours(&other.instances, &sample.proof), Err(Error::Rejected));
    assert!(!sample.halo2(&other.instances, &sample.proof));
}
