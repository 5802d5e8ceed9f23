//! Honest runs satisfy the circuit, and show what the executor computed.

use halo2_proofs::plonk::{Circuit, ConstraintSystem};

use super::{models::models, *};
use crate::machine::{MachineParams, configure, fr_from_i128};

#[test]
fn every_operator_satisfies_every_shape() {
    for model in models() {
        for shape in Shape::ALL {
            for limb_bits in [4, 5] {
                for inputs in &model.inputs {
                    let (layout, values) = run(&model.graph, shape, limb_bits, inputs);
                    let witness = layout.witness(values).expect("the equations hold");
                    let failed = failures(&layout, &witness);
                    assert!(failed.is_empty(), "{} {shape} {inputs:?}: {failed:?}", model.name);
                }
            }
        }
    }
}

#[test]
fn public_values_are_the_executors() {
    for model in models() {
        for inputs in &model.inputs {
            let trace = execute(&model.graph, inputs).expect("the inputs are in range");
            let (layout, values) = run(&model.graph, Shape::Lean, 5, inputs);
            let outputs = trace.outputs(&model.graph).flatten();
            let expected: Vec<_> = inputs.iter().flatten().chain(outputs).map(|v| fr_from_i128((*v).into())).collect();
            let witness = layout.witness(values).expect("the equations hold");
            assert_eq!(witness.public, expected, "{}", model.name);
        }
    }
}

/// One verifier per shape serves every model only if no model changes the gates.
#[test]
fn models_of_a_shape_share_their_constraint_system() {
    for shape in Shape::ALL {
        let mut plain = ConstraintSystem::default();
        configure(&mut plain, shape);
        for model in models() {
            let (layout, _) = run(&model.graph, shape, 5, &model.inputs[0]);
            let mut meta = ConstraintSystem::default();
            Machine::configure_with_params(&mut meta, Machine::new(&layout).params());
            assert_eq!(format!("{:?}", meta.pinned()), format!("{:?}", plain.pinned()), "{}", model.name);
        }
        assert_eq!(plain.degree(), 5);
        assert_eq!(plain.blinding_factors() + 2, crate::machine::RESERVED_ROWS);
    }
    assert_eq!(MachineParams::default().shape, Shape::Lean);
}
