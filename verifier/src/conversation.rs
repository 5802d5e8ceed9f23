//! The conversation of prover and verifier, from the first phase to SHPLONK's last point.

use crate::{
    ConstraintSystem, Error,
    encoding::{PointError, fr_from_be_bytes, g1_from_be_bytes},
    proof::{Challenge, Element, Evaluation},
    transcript::Transcript,
};
use alloc::{vec, vec::Vec};
use ark_bn254::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::Zero;

/// The prover's side of the conversation.
pub(crate) trait Channel {
    type Error;
    fn point(&mut self, element: Element) -> Result<G1Affine, Self::Error>;
    fn scalar(&mut self, evaluation: Evaluation) -> Result<Fr, Self::Error>;
    fn squeeze(&mut self, challenge: Challenge) -> Fr;
}

/// Reads proof bytes, absorbing each element.
struct Reader<'a> {
    rest: &'a [u8],
    transcript: Transcript,
    /// Reported when `rest` runs out.
    length: Error,
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (head, tail) = self.rest.split_first_chunk().ok_or_else(|| self.length.clone())?;
        self.rest = tail;
        Ok(head)
    }
}

impl Channel for Reader<'_> {
    type Error = Error;

    fn point(&mut self, element: Element) -> Result<G1Affine, Error> {
        let point = g1_from_be_bytes(self.take()?).map_err(|error| match error {
            PointError::Unreduced => Error::CoordinateNotCanonical { element },
            PointError::OffCurve | PointError::OutsideSubgroup => Error::PointNotOnCurve { element },
        })?;
        if point.is_zero() {
            return Err(Error::PointAtInfinity { element });
        }
        self.transcript.absorb_point(&point);
        Ok(point)
    }

    fn scalar(&mut self, evaluation: Evaluation) -> Result<Fr, Error> {
        let element = Element::Evaluation(evaluation);
        let scalar = fr_from_be_bytes(self.take()?).ok_or(Error::ScalarNotCanonical { element })?;
        self.transcript.absorb_scalar(&scalar);
        Ok(scalar)
    }

    fn squeeze(&mut self, _: Challenge) -> Fr {
        self.transcript.squeeze()
    }
}

/// Openings of one permutation product.
#[derive(Clone, Debug)]
pub(crate) struct ProductEvals {
    pub(crate) here: Fr,
    pub(crate) next: Fr,
    /// On the last usable row; the last product is not opened there.
    pub(crate) last: Option<Fr>,
}

/// A proof and the challenges that were drawn while reading it.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) advice_commitments: Vec<G1Affine>,
    pub(crate) challenges: Vec<Fr>,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) product_commitments: Vec<G1Affine>,
    pub(crate) random_commitment: G1Affine,
    pub(crate) y: Fr,
    pub(crate) quotient_commitments: Vec<G1Affine>,
    pub(crate) x: Fr,
    pub(crate) advice_evals: Vec<Fr>,
    pub(crate) fixed_evals: Vec<Fr>,
    pub(crate) random_eval: Fr,
    pub(crate) permutation_evals: Vec<Fr>,
    pub(crate) product_evals: Vec<ProductEvals>,
    pub(crate) opening_y: Fr,
    pub(crate) opening_v: Fr,
    pub(crate) opening_quotient: G1Affine,
    pub(crate) opening_u: Fr,
    pub(crate) opening_proof: G1Affine,
}

/// Reads a proof of exactly `proof_len` bytes for a key and instances.
pub(crate) fn read(
    cs: &ConstraintSystem,
    proof_len: usize,
    transcript_repr: &Fr,
    instances: &[Fr],
    proof: &[u8],
) -> Result<Conversation, Error> {
    let length = Error::ProofLength { expected: proof_len, got: proof.len() };
    if proof.len() != proof_len {
        return Err(length);
    }
    let mut transcript = Transcript::default();
    transcript.absorb_scalar(transcript_repr);
    for instance in instances {
        transcript.absorb_scalar(instance);
    }
    converse(cs, &mut Reader { rest: proof, transcript, length })
}

/// halo2's order of messages, from the first phase to SHPLONK's last point.
pub(crate) fn converse<C: Channel>(cs: &ConstraintSystem, channel: &mut C) -> Result<Conversation, C::Error> {
    let mut advice_commitments = vec![G1Affine::identity(); cs.advice_phases.len()];
    let mut challenges = vec![Fr::zero(); cs.challenge_phases.len()];
    for phase in 0..=cs.advice_phases.iter().copied().max().unwrap_or(0) {
        let columns = advice_commitments.iter_mut().zip(&cs.advice_phases).enumerate();
        for (column, (commitment, _)) in columns.filter(|(_, (_, of))| **of == phase) {
            *commitment = channel.point(Element::AdviceCommitment(column))?;
        }
        let drawn = challenges.iter_mut().zip(&cs.challenge_phases).enumerate();
        for (index, (challenge, _)) in drawn.filter(|(_, (_, after))| **after == phase) {
            *challenge = channel.squeeze(Challenge::Circuit(index));
        }
    }

    channel.squeeze(Challenge::Theta);
    let beta = channel.squeeze(Challenge::Beta);
    let gamma = channel.squeeze(Challenge::Gamma);
    let chunks = 0..cs.num_permutation_products();
    let product_commitments =
        chunks.clone().map(|chunk| channel.point(Element::ProductCommitment(chunk))).collect::<Result<_, _>>()?;
    let random_commitment = channel.point(Element::RandomCommitment)?;
    let y = channel.squeeze(Challenge::Y);
    let quotient_commitments = (0..cs.num_quotient_pieces())
        .map(|piece| channel.point(Element::QuotientCommitment(piece)))
        .collect::<Result<_, _>>()?;
    let x = channel.squeeze(Challenge::X);

    let advice_evals = (0..cs.advice_queries.len())
        .map(|query| channel.scalar(Evaluation::Advice(query)))
        .collect::<Result<_, _>>()?;
    let fixed_evals =
        (0..cs.fixed_queries.len()).map(|query| channel.scalar(Evaluation::Fixed(query))).collect::<Result<_, _>>()?;
    let random_eval = channel.scalar(Evaluation::Random)?;
    let permutation_evals = (0..cs.permutation_columns.len())
        .map(|column| channel.scalar(Evaluation::Permutation(column)))
        .collect::<Result<_, _>>()?;
    let last_chunk = chunks.end.saturating_sub(1);
    let product_evals = chunks
        .map(|chunk| {
            let here = channel.scalar(Evaluation::Product(chunk))?;
            let next = channel.scalar(Evaluation::ProductNext(chunk))?;
            let last = if chunk == last_chunk { None } else { Some(channel.scalar(Evaluation::ProductLast(chunk))?) };
            Ok(ProductEvals { here, next, last })
        })
        .collect::<Result<_, _>>()?;

    let opening_y = channel.squeeze(Challenge::OpeningY);
    let opening_v = channel.squeeze(Challenge::OpeningV);
    let opening_quotient = channel.point(Element::OpeningQuotient)?;
    let opening_u = channel.squeeze(Challenge::OpeningU);
    let opening_proof = channel.point(Element::OpeningProof)?;

    Ok(Conversation {
        advice_commitments,
        challenges,
        beta,
        gamma,
        product_commitments,
        random_commitment,
        y,
        quotient_commitments,
        x,
        advice_evals,
        fixed_evals,
        random_eval,
        permutation_evals,
        product_evals,
        opening_y,
        opening_v,
        opening_quotient,
        opening_u,
        opening_proof,
    })
}
