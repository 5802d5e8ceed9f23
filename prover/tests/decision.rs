//! A decision from inputs to a verified proof, in every shape.

use apodict_circuits::{Program, machine::Objective, synthetic};
use apodict_prover::{Context, Error, ProvingKey, Srs, engine::Job, prove, shape_constraint_system};
use apodict_verifier::{SrsPolicy, Verifier};
use sha3::{Digest, Keccak256};

fn program(len: usize, objective: Objective) -> Program {
    synthetic::program(len, objective).expect("it fits")
}

#[test]
fn a_decision_verifies_in_every_shape() {
    let mut shapes = Vec::new();
    for (len, objective) in [(4, Objective::Gas), (48, Objective::Latency)] {
        let program = program(len, objective);
        let srs = Srs::generate_unsafe(program.plan().k).expect("k is in range");
        let key = ProvingKey::generate(&program, &srs).expect("keys");
        let inputs = vec![(0..len as i64).map(|i| i * 5 % 256 - 128).collect::<Vec<_>>()];
        let context = Context([9; 32]);
        let proof = prove(&srs, &key, &program, &inputs, context, &Job::default()).expect("a proof");

        let key_bytes = key.verifying_key().to_bytes().expect("a key");
        let vk = apodict_verifier::VerifyingKey::from_bytes(&key_bytes).expect("what was written");
        let shape = shape_constraint_system(program.plan().shape).expect("a shape");
        assert_eq!(vk.constraint_system, shape);
        let verifier = Verifier::new(vk, SrsPolicy::AllowUnsafe).expect("a key");
        verifier.verify_words(&proof.instances, &proof.bytes).expect("valid");
        let mut other = proof.instances.clone();
        other[0][31] ^= 1;
        verifier.verify_words(&other, &proof.bytes).expect_err("another context");
        let mut other = proof.instances.clone();
        other.last_mut().expect("an output")[31] ^= 1;
        verifier.verify_words(&other, &proof.bytes).expect_err("another output");
        println!(
            "{}: k = {}, proof {} bytes, vk {} bytes, {:?}",
            program.plan().shape,
            program.plan().k,
            proof.bytes.len(),
            key_bytes.len(),
            proof.times
        );
        shapes.push(program.plan().shape);
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 2, "both shapes should have been tried: {shapes:?}");
}

#[test]
fn keys_and_programs_survive_files() {
    let program = program(4, Objective::Gas);
    let back = Program::from_bytes(&program.to_bytes().expect("encodes")).expect("what was written");
    assert_eq!((back.digest(), back.plan(), back.graph()), (program.digest(), program.plan(), program.graph()));

    let srs = Srs::generate_unsafe(program.plan().k).expect("k is in range");
    let key = ProvingKey::generate(&program, &srs).expect("keys");
    let mut file = Vec::new();
    key.write(&mut file).expect("a vector takes it");
    let read = ProvingKey::read(&mut file.as_slice(), &back, &srs).expect("what was written");
    assert_eq!(read.verifying_key(), key.verifying_key());
    let inputs = [vec![1, -2, 3, -4]];
    prove(&srs, &read, &back, &inputs, Context::default(), &Job::default()).expect("a proof");

    for at in (0..file.len()).step_by(file.len() / 40) {
        let mut bad = file.clone();
        bad[at] ^= 4;
        ProvingKey::read(&mut bad.as_slice(), &back, &srs).expect_err("damaged");
        ProvingKey::read(&mut &file[..at], &back, &srs).expect_err("truncated");
    }
}

/// The file of a key says which program it is for, and whoever wrote it may lie: with the commitments of another circuit its
/// verifying key would accept proofs of that one.
#[test]
fn a_key_that_commits_to_another_circuit_is_found() {
    let size = |program: &Program| (program.plan().shape, program.plan().k);
    let [program, other] = [5, 6].map(|len| program(len, Objective::Gas));
    assert_eq!(size(&other), size(&program), "the lie is one of the same size");
    let srs = Srs::generate_unsafe(program.plan().k).expect("k is in range");
    let file = |program: &Program| {
        let mut file = Vec::new();
        ProvingKey::generate(program, &srs).expect("keys").write(&mut file).expect("a vector takes it");
        file
    };
    let (honest, mut forged) = (file(&program), file(&other));
    let read = |file: &[u8]| ProvingKey::read(&mut &*file, &program, &srs).expect("it is well formed");
    read(&honest).check(&program, &srs).expect("it commits to the program");

    // After eight bytes of what it is, the program's digest; at the end, a digest of all.
    forged[8..40].copy_from_slice(&program.digest());
    let end = forged.len() - 32;
    let digest = Keccak256::digest(&forged[..end]);
    forged[end..].copy_from_slice(&digest);
    let forged = read(&forged);
    let error = forged.check(&program, &srs).expect_err("it commits to another circuit");
    assert!(matches!(error, Error::KeyOfAnotherCircuit), "{error}");
    let inputs = [vec![1, -2, 3, -4, 5]];
    let error =
        prove(&srs, &forged, &program, &inputs, Context::default(), &Job::default()).expect_err("not its proof");
    assert!(matches!(error, Error::SelfCheck(_)), "{error}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (one, two) = (program(4, Objective::Gas), program(5, Objective::Gas));
    let k = one.plan().k.max(two.plan().k);
    let srs = Srs::generate_unsafe(k).expect("k is in range");
    let key = ProvingKey::generate(&one, &srs).expect("keys");
    let inputs = [vec![1, 2, 3, 4, 5]];
    let error = prove(&srs, &key, &two, &inputs, Context::default(), &Job::default()).expect_err("another program");
    assert!(matches!(error, Error::KeyOfAnotherProgram { .. }), "{error}");

    let other = Srs::generate_unsafe(k).expect("k is in range");
    let error = prove(&other, &key, &one, &inputs, Context::default(), &Job::default()).expect_err("another string");
    assert!(matches!(error, Error::KeyOfAnotherSrs), "{error}");

    let small = Srs::generate_unsafe(one.plan().k - 1).expect("k is in range");
    let error = ProvingKey::generate(&one, &small).expect_err("too small");
    assert!(matches!(error, Error::SrsTooSmall { .. }), "{error}");

    for inputs in [vec![], vec![vec![1, 2, 3]], vec![vec![1, 2, 3, 128]], vec![vec![1, 2, 3, i64::MIN]]] {
        let error = prove(&srs, &key, &one, &inputs, Context::default(), &Job::default()).expect_err("inputs");
        assert!(matches!(error, Error::Execute(_)), "{error}");
    }
}
