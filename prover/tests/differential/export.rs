//! What cannot be verified is refused when its key is exported, and values cross between libraries unchanged.

use crate::{
    circuits::Ladder,
    sample::{Sample, Selectors, params},
};
use apodict_prover::export::{self, ExportError};
use apodict_verifier::{KeyError, VerifyingKey};
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    plonk::{Circuit, ConstraintSystem, Error, VirtualCells, keygen_vk},
    poly::{Rotation, commitment::ParamsProver},
};
use halo2curves::{
    bn256::{Fr, G1Affine, G2Affine},
    ff::Field,
    group::prime::PrimeCurveAffine,
};

/// A circuit without rows: only its constraint system matters here.
macro_rules! empty_circuit {
    ($name:ident, $configure:expr) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl Circuit<Fr> for $name {
            type Config = ();
            type FloorPlanner = SimpleFloorPlanner;
            type Params = ();

            fn without_witnesses(&self) -> Self {
                *self
            }

            fn configure(meta: &mut ConstraintSystem<Fr>) {
                let configure: fn(&mut ConstraintSystem<Fr>) = $configure;
                configure(meta);
            }

            fn synthesize(&self, (): (), _: impl Layouter<Fr>) -> Result<(), Error> {
                Ok(())
            }
        }
    };
}

fn exported<C: Circuit<Fr>>(circuit: &C) -> Result<VerifyingKey, ExportError> {
    let params = params(4);
    let vk = keygen_vk(&params, circuit).expect("key");
    export::verifying_key(&vk, export::srs(&params)?, 0)
}

empty_circuit!(WithLookup, |meta| {
    let a = meta.advice_column();
    let table = meta.lookup_table_column();
    meta.lookup("range", |cells: &mut VirtualCells<'_, Fr>| vec![(cells.query_advice(a, Rotation::cur()), table)]);
});

empty_circuit!(WithTwoInstanceColumns, |meta| {
    meta.advice_column();
    meta.instance_column();
    meta.instance_column();
});

// halo2 caps the degree at 5 and goes on; its prover would divide with a remainder.
empty_circuit!(WithDegreeSix, |meta| {
    let a = meta.advice_column();
    meta.create_gate("a^6", |cells| {
        let a = cells.query_advice(a, Rotation::cur());
        vec![(1..6).fold(a.clone(), |product, _| product * a.clone())]
    });
});

// On 16 rows, rotation 16 is rotation 0: one point, two claims.
empty_circuit!(WithFarRotation, |meta| {
    let a = meta.advice_column();
    meta.create_gate("far", |cells| vec![cells.query_advice(a, Rotation::cur()) - cells.query_advice(a, Rotation(16))]);
});

#[test]
fn lookups_are_refused() {
    assert!(matches!(exported(&WithLookup), Err(ExportError::Lookups { count: 1 })));
}

#[test]
fn several_instance_columns_are_refused() {
    let error = exported(&WithTwoInstanceColumns).expect_err("two columns");
    let expected = KeyError::Limit { what: "instance columns", max: 1, got: 2 };
    assert!(matches!(error, ExportError::Key(got) if got == expected));
}

#[test]
fn a_gate_above_the_degree_is_refused() {
    let error = exported(&WithDegreeSix).expect_err("degree 6");
    assert!(matches!(error, ExportError::Key(KeyError::GateDegree { gate: 0, max: 5, got: 6 })));
}

#[test]
fn rotations_that_fall_together_are_refused() {
    let error = exported(&WithFarRotation).expect_err("rotation 16 of 16");
    let expected = KeyError::Limit { what: "distance of two queried rows", max: 15, got: 16 };
    assert!(matches!(error, ExportError::Key(got) if got == expected));
}

#[test]
fn more_instances_than_rows_are_refused() {
    let ladder = Ladder { seed: 3 };
    let sample = Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct);
    let usable = 16 - sample.key.constraint_system.blinding_factors - 1;
    let with = |num_instances| export::verifying_key(&sample.vk, sample.key.srs.clone(), num_instances);
    assert!(with(usable).is_ok());
    assert!(matches!(with(usable + 1), Err(ExportError::Key(KeyError::Limit { what: "instances", .. }))));
}

#[test]
fn values_cross_unchanged() {
    let scalar = -Fr::from(5);
    assert_eq!(export::scalar(&scalar), -apodict_verifier::Fr::from(5u64));
    assert_eq!(export::halo2_scalar(&export::scalar(&scalar)), scalar);
    assert_eq!(export::halo2_scalar(&export::scalar(&Fr::ZERO)), Fr::ZERO);
    let srs = export::srs(&params(4)).expect("points");
    assert_eq!(srs.g1, export::g1(&G1Affine::generator()));
    assert_eq!(srs.g2, export::g2(&G2Affine::generator()));
    assert_eq!(srs.s_g1, export::g1(&params(4).get_g()[1]));
    assert!(export::g1(&G1Affine::identity()).infinity);
    assert!(srs.g1.is_on_curve() && srs.s_g2.is_on_curve());
    assert_eq!(export::g1(&params(4).get_g()[0]), srs.g1);
}
