//! Verification of one proof.

use crate::{
    Error, Evaluation, Fr, G1Affine, KeyError, Polynomial, SrsPolicy, Statement, VerifyingKey, bdfg21,
    bdfg21::{Challenges, Combination, OpeningGroup},
    constraints::quotient_eval,
    conversation::{Conversation, read},
    domain::{Domain, powers},
    encoding::fr_from_be_bytes,
};
use alloc::{vec, vec::Vec};
use ark_bn254::{Bn254, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::Zero;

#[cfg(test)]
mod tests;

type G2Prepared = <Bn254 as Pairing>::G2Prepared;

/// A checked key with all that does not depend on the proof. Make it once, verify many proofs with it.
#[derive(Clone, Debug)]
pub struct Verifier {
    key: VerifyingKey,
    digest: [u8; 32],
    domain: Domain,
    proof_len: usize,
    groups: Vec<OpeningGroup>,
    g2: G2Prepared,
    s_g2: G2Prepared,
}

/// What is left of a proof when everything but the pairing is done: it holds if `e(left, [s]_2) = e(right, [1]_2)`,
/// where `right` is a combination of the key's points and the proof's.
pub(crate) struct Residue {
    pub(crate) left: G1Affine,
    /// Of `[1]_1`.
    pub(crate) g1: Fr,
    /// Of the fixed commitments, then the permutation commitments.
    pub(crate) key_scalars: Vec<Fr>,
    /// Points that came with the proof.
    pub(crate) terms: Vec<(Fr, G1Affine)>,
}

impl Verifier {
    /// Checks the key (see [`VerifyingKey::validate`]) and prepares it. Whose key it is, it cannot say: compare
    /// [`digest`](Self::digest), or use [`pinned`](Self::pinned).
    ///
    /// # Errors
    /// [`KeyError`]: which part of the key is inconsistent; [`KeyError::UnsafeSrs`] by `policy`.
    pub fn new(key: VerifyingKey, policy: SrsPolicy<'_>) -> Result<Self, KeyError> {
        policy.check(&key.srs)?;
        let digest = key.digest()?;
        let domain = Domain::new(key.k).ok_or(KeyError::Limit { what: "k", max: 28, got: key.k.into() })?;
        Ok(Self {
            digest,
            domain,
            proof_len: key.constraint_system.proof_len(),
            groups: key.constraint_system.opening_groups(),
            g2: key.srs.g2.into(),
            s_g2: key.srs.s_g2.into(),
            key,
        })
    }

    /// As [`new`](Self::new), for the one key whose digest is `digest`.
    ///
    /// # Errors
    /// As `new`; [`KeyError::Digest`] for any other key.
    pub fn pinned(key: VerifyingKey, digest: &[u8; 32], policy: SrsPolicy<'_>) -> Result<Self, KeyError> {
        let verifier = Self::new(key, policy)?;
        if verifier.digest == *digest {
            return Ok(verifier);
        }
        Err(KeyError::Digest { expected: *digest, got: verifier.digest })
    }

    /// The key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// [`VerifyingKey::digest`]: pin this.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Length of a proof in bytes.
    pub fn proof_len(&self) -> usize {
        self.proof_len
    }

    /// Whether `proof` proves `instances`.
    ///
    /// # Errors
    /// [`Error::Rejected`] if it is well-formed but does not hold; any other error if it is malformed.
    pub fn verify(&self, instances: &[Fr], proof: &[u8]) -> Result<(), Error> {
        let residue = self.residue(instances, proof)?;
        let mut right = residue.terms;
        right.push((residue.g1, self.key.srs.g1));
        right.extend(residue.key_scalars.into_iter().zip(self.key_points()));
        self.pairing_holds(residue.left.into_group(), right).then_some(()).ok_or(Error::Rejected)
    }

    /// As [`verify`](Self::verify), with instances as 32 big-endian bytes each, the words of a contract call.
    ///
    /// # Errors
    /// As `verify`, and [`Error::InstanceNotCanonical`] for an instance of at least `r`.
    pub fn verify_words(&self, instances: &[[u8; 32]], proof: &[u8]) -> Result<(), Error> {
        self.check_instance_count(instances.len())?;
        self.verify(&instances_from_words(instances)?, proof)
    }

    /// What a proof says: [`verify_words`](Self::verify_words), then the context, inputs and outputs that the instances spell.
    ///
    /// # Errors
    /// As `verify_words`, and as [`Layout::decode`](crate::Layout::decode).
    pub fn statement(&self, instances: &[[u8; 32]], proof: &[u8]) -> Result<Statement, Error> {
        self.verify_words(instances, proof)?;
        self.key.layout.decode(instances)
    }

    fn check_instance_count(&self, got: usize) -> Result<(), Error> {
        let expected = self.key.num_instances;
        if got == expected { Ok(()) } else { Err(Error::InstanceCount { expected, got }) }
    }

    /// The points that [`Residue::key_scalars`] multiply.
    pub(crate) fn key_points(&self) -> impl Iterator<Item = G1Affine> {
        self.key.fixed_commitments.iter().chain(&self.key.permutation_commitments).copied()
    }

    /// Whether `e(left, [s]_2) = e(right, [1]_2)`.
    pub(crate) fn pairing_holds(&self, left: G1Projective, right: Vec<(Fr, G1Affine)>) -> bool {
        let points = [left, -combined(right)].map(CurveGroup::into_affine);
        Bn254::multi_pairing(points, [self.s_g2.clone(), self.g2.clone()]).is_zero()
    }

    /// Everything but the group arithmetic.
    pub(crate) fn residue(&self, instances: &[Fr], proof: &[u8]) -> Result<Residue, Error> {
        self.check_instance_count(instances.len())?;
        let cs = &self.key.constraint_system;
        let conversation = read(cs, self.proof_len, &self.key.transcript_repr, instances, proof)?;
        let x = conversation.x;
        let xn = self.domain.vanishing_power(x);
        let quotient =
            quotient_eval(cs, &self.domain, instances, &conversation, xn).ok_or(Error::DegenerateChallenge)?;
        let combination = bdfg21::combine(
            &self.groups,
            &Challenges { y: conversation.opening_y, v: conversation.opening_v, u: conversation.opening_u },
            |rotation| x * self.domain.row(rotation.into()),
            |evaluation| claimed(&conversation, quotient, evaluation),
        )
        .ok_or(Error::DegenerateChallenge)?;
        Ok(self.assign(combination, &conversation, xn)?)
    }

    /// Puts the points to the multiples.
    fn assign(&self, combination: Combination, conversation: &Conversation, xn: Fr) -> Result<Residue, KeyError> {
        let mut fixed = vec![Fr::zero(); self.key.fixed_commitments.len()];
        let mut permutation = vec![Fr::zero(); self.key.permutation_commitments.len()];
        let mut terms = Vec::new();
        for (polynomial, factor) in combination.polynomials {
            match polynomial {
                Polynomial::Advice(column) => {
                    terms.push((factor, at("advice column", &conversation.advice_commitments, column)?));
                }
                Polynomial::Product(chunk) => {
                    terms.push((factor, at("permutation product", &conversation.product_commitments, chunk)?));
                }
                Polynomial::Random => terms.push((factor, conversation.random_commitment)),
                // [h] = sum_i x^(n*i) * [h_i]
                Polynomial::Quotient => terms.extend(
                    powers(xn).map(|power| power * factor).zip(conversation.quotient_commitments.iter().copied()),
                ),
                Polynomial::Fixed(column) => add_at("fixed column", &mut fixed, column, factor)?,
                Polynomial::Permutation(column) => {
                    add_at("permutation polynomial", &mut permutation, column, factor)?;
                }
            }
        }
        terms.push((combination.opening_quotient, conversation.opening_quotient));
        terms.push((conversation.opening_u, conversation.opening_proof));
        fixed.append(&mut permutation);
        Ok(Residue { left: conversation.opening_proof, g1: combination.g1, key_scalars: fixed, terms })
    }
}

fn at<T: Copy>(what: &'static str, list: &[T], index: usize) -> Result<T, KeyError> {
    list.get(index).copied().ok_or(KeyError::Dangling { what, got: index, len: list.len() })
}

fn add_at(what: &'static str, sums: &mut [Fr], index: usize, addend: Fr) -> Result<(), KeyError> {
    let len = sums.len();
    *sums.get_mut(index).ok_or(KeyError::Dangling { what, got: index, len })? += addend;
    Ok(())
}

/// The value of a claim.
fn claimed(conversation: &Conversation, quotient: Fr, evaluation: Evaluation) -> Option<Fr> {
    match evaluation {
        Evaluation::Advice(query) => conversation.advice_evals.get(query).copied(),
        Evaluation::Fixed(query) => conversation.fixed_evals.get(query).copied(),
        Evaluation::Random => Some(conversation.random_eval),
        Evaluation::Permutation(column) => conversation.permutation_evals.get(column).copied(),
        Evaluation::Product(chunk) => conversation.product_evals.get(chunk).map(|evals| evals.here),
        Evaluation::ProductNext(chunk) => conversation.product_evals.get(chunk).map(|evals| evals.next),
        Evaluation::ProductLast(chunk) => conversation.product_evals.get(chunk)?.last,
        Evaluation::Quotient => Some(quotient),
    }
}

/// `sum_i scalar_i * point_i`
pub(crate) fn combined(terms: Vec<(Fr, G1Affine)>) -> G1Projective {
    let (scalars, points): (Vec<_>, Vec<_>) =
        terms.into_iter().filter(|(scalar, point)| !scalar.is_zero() && !point.is_zero()).unzip();
    // Of equal length by construction, which is all that the checked `msm` would ask.
    G1Projective::msm_unchecked(&points, &scalars)
}

/// Scalars from 32 big-endian bytes each.
///
/// # Errors
/// [`Error::InstanceNotCanonical`] for a word of at least `r`: it would be an alias of another instance.
pub fn instances_from_words(words: &[[u8; 32]]) -> Result<Vec<Fr>, Error> {
    words
        .iter()
        .enumerate()
        .map(|(index, word)| fr_from_be_bytes(word).ok_or(Error::InstanceNotCanonical { index }))
        .collect()
}

/// Whether `proof` proves `instances` under `key`. To verify more than one proof, keep a [`Verifier`].
///
/// # Errors
/// [`Error::Key`] if the key is inconsistent or `policy` refuses it, otherwise as [`Verifier::verify`].
pub fn verify(key: &VerifyingKey, policy: SrsPolicy<'_>, instances: &[Fr], proof: &[u8]) -> Result<(), Error> {
    Verifier::new(key.clone(), policy)?.verify(instances, proof)
}
