//! Many proofs, one pairing.
//!
//! Each proof ends in a check `e(left_i, [s]_2) = e(right_i, [1]_2)`. With weights `rho_i` that the provers could not
//! foresee, `e(sum rho_i left_i, [s]_2) = e(sum rho_i right_i, [1]_2)` holds for a false proof with probability at
//! most `2^-128`. The weights come from a hash of everything that is in the batch (keys, instances, proofs), so no
//! source of randomness is needed and nobody can choose a proof after them. The first weight is 1.

use crate::{
    Error, Fr, Verifier,
    domain::reduced,
    encoding::fr_to_be_bytes,
    verify::{Residue, combined},
};
use alloc::{boxed::Box, vec::Vec};
use ark_ff::{One, Zero};
use sha3::{Digest, Keccak256};

/// Separates the weights' hash from every other use of Keccak.
const DOMAIN: &[u8] = b"apodict batch v1";

/// One proof of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// Of the key that the proof is for. Proofs of one key should share it.
    pub verifier: &'a Verifier,
    /// As in [`Verifier::verify`].
    pub instances: &'a [Fr],
    /// As in [`Verifier::verify`].
    pub proof: &'a [u8],
}

/// Whether all proofs hold. The keys may differ, the structured reference string may not.
///
/// # Errors
/// [`Error::EmptyBatch`], [`Error::BatchSrs`], [`Error::BatchItem`] for a malformed proof, [`Error::BatchRejected`] if
/// at least one does not hold.
pub fn verify_batch(batch: &[BatchItem<'_>]) -> Result<(), Error> {
    let first = batch.first().ok_or(Error::EmptyBatch)?.verifier;
    let mut residues = Vec::with_capacity(batch.len());
    for (index, item) in batch.iter().enumerate() {
        let (srs, expected) = (&item.verifier.key().srs, &first.key().srs);
        if srs != expected {
            return Err(Error::BatchSrs { index });
        }
        let residue = item
            .verifier
            .residue(item.instances, item.proof)
            .map_err(|source| Error::BatchItem { index, source: Box::new(source) })?;
        residues.push(residue);
    }

    let mut lefts = Vec::with_capacity(batch.len());
    let mut rights = Vec::new();
    let mut g1 = Fr::zero();
    // The commitments of a key are multiplied once, however many proofs it has.
    let mut keys: Vec<(&Verifier, Vec<Fr>)> = Vec::new();
    for ((item, residue), weight) in batch.iter().zip(residues).zip(weights(seed(batch))) {
        let Residue { left, g1: constant, key_scalars, terms } = residue;
        lefts.push((weight, left));
        g1 += weight * constant;
        rights.extend(terms.into_iter().map(|(scalar, point)| (weight * scalar, point)));
        let weighted = key_scalars.into_iter().map(|scalar| weight * scalar);
        match keys.iter_mut().find(|(known, _)| known.digest() == item.verifier.digest()) {
            Some((_, sums)) => sums.iter_mut().zip(weighted).for_each(|(sum, scalar)| *sum += scalar),
            None => keys.push((item.verifier, weighted.collect())),
        }
    }
    rights.push((g1, first.key().srs.g1));
    rights.extend(keys.into_iter().flat_map(|(verifier, sums)| sums.into_iter().zip(verifier.key_points())));

    let holds = first.pairing_holds(combined(lefts), rights);
    holds.then_some(()).ok_or(Error::BatchRejected { count: batch.len() })
}

/// A hash of all that the batch holds, the last element of each proof included: what a prover can still choose when it
/// knows the weights could be made to cancel what is wrong elsewhere.
fn seed(batch: &[BatchItem<'_>]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    hash.update(DOMAIN);
    for item in batch {
        // The key fixes how many bytes follow, so no separator is needed.
        hash.update(item.verifier.digest());
        item.instances.iter().for_each(|instance| hash.update(fr_to_be_bytes(instance)));
        hash.update(item.proof);
    }
    hash.finalize().into()
}

/// 1, then 128 bits of `keccak256(seed || index)` each.
fn weights(seed: [u8; 32]) -> impl Iterator<Item = Fr> {
    let hashed = (1u64..).map(move |index| {
        let hash: [u8; 32] = Keccak256::new().chain_update(seed).chain_update(index.to_be_bytes()).finalize().into();
        let (head, _) = hash.split_at(16);
        reduced(head)
    });
    core::iter::once(Fr::one()).chain(hashed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failing test")]
mod tests {
    use super::*;
    use crate::{SrsPolicy, VerifyingKey, instances_from_words};
    use alloc::vec;

    /// A verifier, instances and a proof that belong together.
    type Answer = (Verifier, Vec<Fr>, Vec<u8>);

    fn answer(key: &[u8], instances: &[u8], proof: &[u8]) -> Answer {
        let verifier = Verifier::new(VerifyingKey::from_bytes(key).unwrap(), SrsPolicy::AllowUnsafe).unwrap();
        (verifier, instances_from_words(instances.as_chunks().0).unwrap(), proof.to_vec())
    }

    fn ladder() -> Answer {
        answer(
            include_bytes!("../tests/vectors/ladder.key"),
            include_bytes!("../tests/vectors/ladder.instances"),
            include_bytes!("../tests/vectors/ladder.proof"),
        )
    }

    fn square() -> Answer {
        answer(
            include_bytes!("../tests/vectors/square.key"),
            include_bytes!("../tests/vectors/square.instances"),
            include_bytes!("../tests/vectors/square.proof"),
        )
    }

    fn seed_of(answers: &[Answer]) -> [u8; 32] {
        let items = answers.iter().map(|(verifier, instances, proof)| BatchItem { verifier, instances, proof });
        seed(&items.collect::<Vec<_>>())
    }

    #[test]
    fn the_seed_is_a_hash_of_everything() {
        let answers = [ladder(), square()];
        let mut all = b"apodict batch v1".to_vec();
        for (verifier, instances, proof) in &answers {
            all.extend(verifier.digest());
            all.extend(instances.iter().flat_map(fr_to_be_bytes));
            all.extend(proof);
        }
        let expected: [u8; 32] = Keccak256::digest(all).into();
        assert_eq!(seed_of(&answers), expected);
    }

    #[test]
    fn each_part_of_a_batch_moves_the_seed() {
        let genuine = || vec![ladder(), square()];
        let changed = |change: fn(&mut Vec<Answer>)| {
            let mut answers = genuine();
            change(&mut answers);
            seed_of(&answers)
        };
        let seeds = [
            seed_of(&genuine()),
            changed(|answers| answers.reverse()),
            changed(|answers| answers.truncate(1)),
            changed(|answers| answers.push(square())),
            // Another model, its proof and instances of the same lengths.
            changed(|answers| {
                let mut key = answers[0].0.key().clone();
                key.transcript_repr += Fr::one();
                answers[0].0 = Verifier::new(key, SrsPolicy::AllowUnsafe).unwrap();
            }),
            changed(|answers| answers[0].1[0] += Fr::one()),
            changed(|answers| *answers[1].1.last_mut().unwrap() += Fr::one()),
            changed(|answers| answers[0].2[0] ^= 1),
            // In W' of the last proof, which no challenge of its own transcript follows.
            changed(|answers| *answers[1].2.last_mut().unwrap() ^= 1),
        ];
        for (index, seed) in seeds.iter().enumerate() {
            assert!(!seeds[..index].contains(seed), "change {index} leaves the seed as it was");
        }
    }

    #[test]
    fn weights_are_128_bits_of_a_hash_each() {
        let seed = [7; 32];
        let made: Vec<Fr> = weights(seed).take(5).collect();
        assert_eq!(made[0], Fr::one());
        for (index, weight) in made.iter().enumerate().skip(1) {
            let index = u64::try_from(index).unwrap();
            let hash = Keccak256::digest([seed.as_slice(), index.to_be_bytes().as_slice()].concat());
            let mut word = [0; 32];
            word[16..].copy_from_slice(&hash[..16]);
            assert_eq!(fr_to_be_bytes(weight), word, "weight {index}");
        }
    }
}
