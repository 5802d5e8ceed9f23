//! Batches.

use crate::{
    circuits::{Ladder, Square},
    sample::{Sample, Selectors, params},
};
use apodict_prover::transcript::EvmTranscriptRead;
use apodict_verifier::{BatchItem, Element, Error, Step, instances_from_words, verify_batch};
use halo2_proofs::{
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
    transcript::{Transcript, TranscriptRead, TranscriptReadBuffer},
};
use halo2curves::{
    bn256::{Bn256, Fr, G1, G1Affine, G2},
    ff::Field,
    group::{Curve, Group},
    pairing::Engine,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha3::{Digest, Keccak256};

fn batch(samples: &[&Sample]) -> Result<(), Error> {
    let instances: Vec<_> =
        samples.iter().map(|sample| instances_from_words(&sample.instances).expect("canonical")).collect();
    let items: Vec<_> = samples
        .iter()
        .zip(&instances)
        .map(|(sample, instances)| BatchItem { verifier: &sample.verifier, instances, proof: &sample.proof })
        .collect();
    verify_batch(&items)
}

fn ladder(k: u32, seed: u64) -> Sample {
    let ladder = Ladder { seed };
    Sample::new(params(k), ladder, &ladder.instances(), Selectors::Direct)
}

fn square() -> Sample {
    Sample::new(params(5), Square { root: 6 }, &[Fr::from(36)], Selectors::Direct)
}

#[test]
fn genuine_proofs_of_several_keys_and_sizes_are_accepted() {
    let (a, b, c, d) = (ladder(5, 1), ladder(5, 2), square(), ladder(4, 3));
    // `setup` draws the same secret at every size, so these stand on one structured reference string.
    assert_eq!(a.key.srs, d.key.srs);
    assert_eq!(batch(&[&a]), Ok(()));
    assert_eq!(batch(&[&a, &b, &c, &d, &a]), Ok(()));
}

#[test]
fn one_bad_proof_spoils_the_batch() {
    let good = ladder(5, 1);
    let mut bad = square();
    bad.instances[0][31] ^= 1;
    for samples in [[&good, &bad, &good], [&bad, &good, &good], [&good, &good, &bad]] {
        assert_eq!(batch(&samples), Err(Error::BatchRejected { count: 3 }));
    }
    assert_eq!(batch(&[&bad]), Err(Error::BatchRejected { count: 1 }));
}

#[test]
fn a_malformed_proof_is_named() {
    let good = ladder(5, 1);
    let mut short = square();
    short.proof.pop();
    let source = Box::new(Error::ProofLength { expected: short.proof.len() + 1, got: short.proof.len() });
    assert_eq!(batch(&[&good, &short]), Err(Error::BatchItem { index: 1, source }));
}

/// A decider that accepts nothing at all has been a finding elsewhere.
#[test]
fn an_empty_batch_is_refused() {
    assert_eq!(batch(&[]), Err(Error::EmptyBatch));
}

#[test]
fn proofs_on_another_srs_are_refused() {
    let other = ParamsKZG::<Bn256>::setup(5, ChaCha20Rng::seed_from_u64(99));
    let other = Sample::new(other, Square { root: 6 }, &[Fr::from(36)], Selectors::Direct);
    assert_eq!(batch(&[&square(), &other]), Err(Error::BatchSrs { index: 1 }));
}

/// SHPLONK's `u` of a proof, which is drawn before its last element.
fn opening_u(sample: &Sample) -> Fr {
    let mut transcript = EvmTranscriptRead::init(sample.proof.as_slice());
    sample.vk.hash_into(&mut transcript).expect("scalar");
    for word in &sample.instances {
        let instance = instances_from_words(&[*word]).expect("canonical")[0];
        transcript.common_scalar(apodict_prover::export::halo2_scalar(&instance)).expect("scalar");
    }
    let mut last = None;
    for step in sample.key.constraint_system.transcript_steps() {
        match step {
            Step::Read(Element::Evaluation(_)) => drop(transcript.read_scalar().expect("scalar")),
            Step::Read(_) => drop(transcript.read_point().expect("point")),
            Step::Squeeze(_) => last = Some(*transcript.squeeze_challenge_scalar::<()>()),
        }
    }
    last.expect("SHPLONK draws challenges")
}

/// Replaces `W'` by `W' + error`.
fn spoil(sample: &Sample, error: G1) -> Sample {
    let mut spoilt = ladder(5, 1);
    spoilt.instances.clone_from(&sample.instances);
    spoilt.proof.clone_from(&sample.proof);
    let at = spoilt.proof.len() - 64;
    let mut last = EvmTranscriptRead::init(&sample.proof[at..]);
    let opening: G1Affine = last.read_point().expect("point");
    let moved = (opening + error).to_affine();
    spoilt.proof[at..].copy_from_slice(&apodict_verifier::g1_to_be_bytes(&apodict_prover::export::g1(&moved)));
    spoilt
}

/// Errors for `W'` of two proofs that cancel under these weights. An error `D_i` in `W'_i` leaves `e(D_i, [s - u_i]_2)`;
/// with `D_1 = w_2 [s - u_2]_1` and `D_2 = -w_1 [s - u_1]_1`, which anyone can compute from the public `[s]_1`, the
/// weighted two are inverse to each other.
fn cancelling(proofs: [&Sample; 2], weights: [Fr; 2]) -> [G1; 2] {
    let [first, second] = proofs;
    let [w_1, w_2] = weights;
    let secret: G1 = first.params.get_g()[1].into();
    let generator = G1::from(G1Affine::generator());
    let (u_1, u_2) = (opening_u(first), opening_u(second));
    let errors = [(secret - generator * u_2) * w_2, (generator * u_1 - secret) * w_1];

    // The forgery is one: under these weights, what the two errors leave in the pairing is nothing.
    let residue = |error: G1, u: Fr| {
        let shifted = G2::from(first.params.s_g2()) - G2::from(first.params.g2()) * u;
        Bn256::pairing(&error.to_affine(), &shifted.to_affine())
    };
    let [d_1, d_2] = errors;
    assert!(!bool::from(residue(d_1 * w_1, u_1).is_identity()));
    assert!(bool::from((residue(d_1 * w_1, u_1) + residue(d_2 * w_2, u_2)).is_identity()));
    errors
}

/// Two false proofs whose errors cancel if they are added without weights.
#[test]
fn errors_that_cancel_are_caught_by_the_weights() {
    let (first, second) = (ladder(5, 1), ladder(5, 2));
    let [d_1, d_2] = cancelling([&first, &second], [Fr::ONE, Fr::ONE]);
    let (bad_1, bad_2) = (spoil(&first, d_1), spoil(&second, d_2));
    assert_eq!(bad_1.ours(&bad_1.instances, &bad_1.proof), Err(Error::Rejected));
    assert_eq!(bad_2.ours(&bad_2.instances, &bad_2.proof), Err(Error::Rejected));
    assert_eq!(batch(&[&bad_1, &bad_2]), Err(Error::BatchRejected { count: 2 }));
    // Behind the first, whose weight is 1: the others' differ from each other too.
    assert_eq!(batch(&[&first, &bad_1, &bad_2]), Err(Error::BatchRejected { count: 3 }));
    assert_eq!(batch(&[&first, &second]), Ok(()));
}

/// The weights' second, as the documentation states them, over what `part` takes of each proof.
fn second_weight(samples: &[&Sample], part: fn(&Sample) -> Vec<u8>) -> Fr {
    let mut seed = Keccak256::new();
    seed.update(b"apodict batch v1");
    samples.iter().for_each(|sample| seed.update(part(sample)));
    let hash = Keccak256::new().chain_update(seed.finalize()).chain_update(1u64.to_be_bytes()).finalize();
    hash.iter().take(16).fold(Fr::ZERO, |sum, byte| sum * Fr::from(256) + Fr::from(u64::from(*byte)))
}

/// No challenge of a proof follows its last element: were `W'` missing in the seed, a prover would know the weights,
/// then choose two `W'` whose errors cancel under them.
#[test]
fn weights_cannot_be_known_before_the_last_element() {
    type Part = (&'static str, fn(&Sample) -> Vec<u8>);
    fn statement(sample: &Sample) -> Vec<u8> {
        [&sample.verifier.digest(), sample.instances.as_flattened()].concat()
    }
    let parts: [Part; 4] = [
        ("everything but W'", |sample| [&statement(sample), &sample.proof[..sample.proof.len() - 64]].concat()),
        ("no proofs", statement),
        ("keys alone", |sample| sample.verifier.digest().to_vec()),
        ("the genuine proofs", |sample| [&statement(sample), sample.proof.as_slice()].concat()),
    ];
    let (first, second) = (ladder(5, 1), ladder(5, 2));
    for (name, part) in parts {
        let weight = second_weight(&[&first, &second], part);
        let [d_1, d_2] = cancelling([&first, &second], [Fr::ONE, weight]);
        let verdict = batch(&[&spoil(&first, d_1), &spoil(&second, d_2)]);
        assert_eq!(verdict, Err(Error::BatchRejected { count: 2 }), "a seed of {name}");
    }
}
