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
    let mut seed = Keccak256::new();
    seed.update(DOMAIN);
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
        // The key fixes how many bytes follow, so no separator is needed.
        seed.update(item.verifier.digest());
        item.instances.iter().for_each(|instance| seed.update(fr_to_be_bytes(instance)));
        seed.update(item.proof);
        residues.push(residue);
    }

    let mut lefts = Vec::with_capacity(batch.len());
    let mut rights = Vec::new();
    let mut g1 = Fr::zero();
    // The commitments of a key are multiplied once, however many proofs it has.
    let mut keys: Vec<(&Verifier, Vec<Fr>)> = Vec::new();
    for ((item, residue), weight) in batch.iter().zip(residues).zip(weights(seed.finalize().into())) {
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

/// 1, then 128 bits of `keccak256(seed || index)` each.
fn weights(seed: [u8; 32]) -> impl Iterator<Item = Fr> {
    let hashed = (1u64..).map(move |index| {
        let hash: [u8; 32] = Keccak256::new().chain_update(seed).chain_update(index.to_be_bytes()).finalize().into();
        let (head, _) = hash.split_at(16);
        reduced(head)
    });
    core::iter::once(Fr::one()).chain(hashed)
}
