//! The nodes of gates as bytes: each tag means one node, and no other byte is one.

use crate::answers::ladder;
use apodict_verifier::{Expression, Fr, KeyError, VerifyingKey};

/// The bytes of a key with these gates and no others.
fn with_gates(gates: Vec<Expression>) -> Vec<u8> {
    let mut key = ladder().key;
    key.constraint_system.gates = gates;
    key.to_bytes().unwrap()
}

/// Where the tag of the only gate stands: keys whose gates read query 0 of another kind differ there alone.
fn tag_of_the_gate() -> usize {
    let (fixed, advice) = (with_gates(vec![Expression::Fixed(0)]), with_gates(vec![Expression::Advice(0)]));
    let differing: Vec<usize> = (0..fixed.len()).filter(|at| fixed[*at] != advice[*at]).collect();
    assert_eq!(differing.len(), 1, "nothing else depends on the gate");
    assert_eq!((fixed[differing[0]], advice[differing[0]]), (1, 2));
    differing[0]
}

#[test]
fn every_node_survives_the_round_trip() {
    let cell = || Box::new(Expression::Advice(1));
    let constant = -Fr::from(5u64);
    let gates = vec![
        Expression::Constant(constant),
        Expression::Fixed(0),
        Expression::Advice(2),
        Expression::Instance(1),
        Expression::Challenge(1),
        Expression::Negated(cell()),
        Expression::Sum(cell(), Box::new(Expression::Fixed(1))),
        Expression::Product(cell(), Box::new(Expression::Fixed(1))),
        Expression::Scaled(cell(), constant),
    ];
    let key = VerifyingKey::from_bytes(&with_gates(gates.clone())).unwrap();
    assert_eq!(key.constraint_system.gates, gates);
}

#[test]
fn unknown_nodes_are_refused() {
    let mut bytes = with_gates(vec![Expression::Advice(0)]);
    let at = tag_of_the_gate();
    for got in 9..=u8::MAX {
        bytes[at] = got;
        assert_eq!(VerifyingKey::from_bytes(&bytes), Err(KeyError::Tag { what: "a node of a gate", got }));
    }
}
