//! What a proof consists of, in which order, and between which elements challenges are drawn.
//!
//! The order is written once, in `converse`, and serves both reading a proof and describing it: to the
//! renderer of contracts, to error messages and to the table of tampering tests.

use crate::{
    ConstraintSystem, Error,
    encoding::{PointError, fr_from_be_bytes, g1_from_be_bytes},
    transcript::Transcript,
};
use alloc::{vec, vec::Vec};
use ark_bn254::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::Zero;
use core::{convert::Infallible, fmt, ops::Range};

/// The value that a polynomial is claimed to take at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evaluation {
    /// Of [`ConstraintSystem::advice_queries`], by index.
    Advice(usize),
    /// Of [`ConstraintSystem::fixed_queries`], by index.
    Fixed(usize),
    /// Of the random polynomial, at `x`.
    Random,
    /// Of a column's permutation polynomial, at `x`.
    Permutation(usize),
    /// Of a permutation product, by chunk, at `x`.
    Product(usize),
    /// Of a permutation product, at `omega * x`.
    ProductNext(usize),
    /// Of a permutation product other than the last, at `omega^-(blinding_factors + 1) * x`.
    ProductLast(usize),
    /// Of the quotient, at `x`. Not in the proof: the verifier computes it from the gates.
    Quotient,
}

/// One element of a proof: a point of 64 bytes or a scalar of 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// Commitment to an advice column.
    AdviceCommitment(usize),
    /// Commitment to the permutation product of a chunk of `degree - 2` columns.
    ProductCommitment(usize),
    /// Commitment to the random polynomial that hides the quotient.
    RandomCommitment,
    /// Commitment to a piece of the quotient: `h(X) = sum_i X^(n*i) * h_i(X)`.
    QuotientCommitment(usize),
    /// A claimed evaluation.
    Evaluation(Evaluation),
    /// SHPLONK's `W`: commitment to the quotient of all openings.
    OpeningQuotient,
    /// SHPLONK's `W'`: opening of the linearised quotient at `u`.
    OpeningProof,
}

/// A challenge of the verifier, named as in the literature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Challenge {
    /// Of [`ConstraintSystem::challenge_phases`], by index: what gates see.
    Circuit(usize),
    /// Of halo2's lookups, which no shape here has; drawn because it is part of the transcript.
    Theta,
    /// Of the permutation argument.
    Beta,
    /// Of the permutation argument.
    Gamma,
    /// Combines the constraints.
    Y,
    /// The point of evaluation.
    X,
    /// SHPLONK: combines the polynomials that are opened at the same points.
    OpeningY,
    /// SHPLONK: combines the sets of points.
    OpeningV,
    /// SHPLONK: where the combination is opened.
    OpeningU,
}

/// One message of the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The prover sends an element; it is absorbed.
    Read(Element),
    /// The verifier draws a challenge.
    Squeeze(Challenge),
}

impl Element {
    /// 64 for a point, 32 for a scalar.
    pub fn num_bytes(self) -> usize {
        match self {
            Element::Evaluation(_) => 32,
            _ => 64,
        }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evaluation::Advice(query) => write!(f, "evaluation of advice query {query}"),
            Evaluation::Fixed(query) => write!(f, "evaluation of fixed query {query}"),
            Evaluation::Random => write!(f, "evaluation of the random polynomial"),
            Evaluation::Permutation(column) => {
                write!(f, "evaluation of permutation polynomial {column}")
            }
            Evaluation::Product(chunk) => {
                write!(f, "evaluation of permutation product {chunk} at x")
            }
            Evaluation::ProductNext(chunk) => write!(
                f,
                "evaluation of permutation product {chunk} at the next row"
            ),
            Evaluation::ProductLast(chunk) => write!(
                f,
                "evaluation of permutation product {chunk} at the last row"
            ),
            Evaluation::Quotient => write!(f, "evaluation of the quotient"),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::AdviceCommitment(column) => write!(f, "commitment to advice column {column}"),
            Element::ProductCommitment(chunk) => {
                write!(f, "commitment to permutation product {chunk}")
            }
            Element::RandomCommitment => write!(f, "commitment to the random polynomial"),
            Element::QuotientCommitment(piece) => write!(f, "commitment to quotient piece {piece}"),
            Element::Evaluation(evaluation) => evaluation.fmt(f),
            Element::OpeningQuotient => write!(f, "opening quotient W"),
            Element::OpeningProof => write!(f, "opening proof W'"),
        }
    }
}

impl ConstraintSystem {
    /// Number of columns that one permutation product covers.
    pub fn permutation_chunk_len(&self) -> usize {
        self.degree.saturating_sub(2)
    }

    /// Number of permutation products.
    pub fn num_permutation_products(&self) -> usize {
        // Degree 2 and less is refused by `validate`; a chunk of one column is then as good as any answer.
        self.permutation_columns
            .len()
            .div_ceil(self.permutation_chunk_len().max(1))
    }

    /// Number of pieces of the quotient.
    pub fn num_quotient_pieces(&self) -> usize {
        self.degree.saturating_sub(1)
    }

    /// The conversation after the key and the instances are absorbed. The elements read, in order, are the proof.
    pub fn transcript_steps(&self) -> Vec<Step> {
        let mut recorder = Recorder::default();
        match converse(self, &mut recorder) {
            Ok(_) => recorder.steps,
            Err(never) => match never {},
        }
    }

    /// Each element of a proof and the bytes where it stands.
    pub fn proof_layout(&self) -> Vec<(Element, Range<usize>)> {
        let mut end = 0usize;
        self.transcript_steps()
            .into_iter()
            .filter_map(|step| match step {
                Step::Read(element) => {
                    let start = end;
                    end = end.saturating_add(element.num_bytes());
                    Some((element, start..end))
                }
                Step::Squeeze(_) => None,
            })
            .collect()
    }

    /// Length of a proof in bytes.
    pub fn proof_len(&self) -> usize {
        self.proof_layout().last().map_or(0, |(_, range)| range.end)
    }
}

/// The prover's side of the conversation.
trait Channel {
    type Error;
    fn point(&mut self, element: Element) -> Result<G1Affine, Self::Error>;
    fn scalar(&mut self, evaluation: Evaluation) -> Result<Fr, Self::Error>;
    fn squeeze(&mut self, challenge: Challenge) -> Fr;
}

/// Notes the steps and answers zero.
#[derive(Default)]
struct Recorder {
    steps: Vec<Step>,
}

impl Channel for Recorder {
    type Error = Infallible;

    fn point(&mut self, element: Element) -> Result<G1Affine, Infallible> {
        self.steps.push(Step::Read(element));
        Ok(G1Affine::identity())
    }

    fn scalar(&mut self, evaluation: Evaluation) -> Result<Fr, Infallible> {
        self.steps.push(Step::Read(Element::Evaluation(evaluation)));
        Ok(Fr::zero())
    }

    fn squeeze(&mut self, challenge: Challenge) -> Fr {
        self.steps.push(Step::Squeeze(challenge));
        Fr::zero()
    }
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
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.length.clone())?;
        self.rest = tail;
        Ok(head)
    }
}

impl Channel for Reader<'_> {
    type Error = Error;

    fn point(&mut self, element: Element) -> Result<G1Affine, Error> {
        let point = g1_from_be_bytes(self.take()?).map_err(|error| match error {
            PointError::Unreduced => Error::CoordinateNotCanonical { element },
            PointError::OffCurve | PointError::OutsideSubgroup => {
                Error::PointNotOnCurve { element }
            }
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
    let length = Error::ProofLength {
        expected: proof_len,
        got: proof.len(),
    };
    if proof.len() != proof_len {
        return Err(length);
    }
    let mut transcript = Transcript::default();
    transcript.absorb_scalar(transcript_repr);
    for instance in instances {
        transcript.absorb_scalar(instance);
    }
    converse(
        cs,
        &mut Reader {
            rest: proof,
            transcript,
            length,
        },
    )
}

/// halo2's order of messages, from the first phase to SHPLONK's last point.
fn converse<C: Channel>(cs: &ConstraintSystem, channel: &mut C) -> Result<Conversation, C::Error> {
    let mut advice_commitments = vec![G1Affine::identity(); cs.advice_phases.len()];
    let mut challenges = vec![Fr::zero(); cs.challenge_phases.len()];
    for phase in 0..=cs.advice_phases.iter().copied().max().unwrap_or(0) {
        let columns = advice_commitments
            .iter_mut()
            .zip(&cs.advice_phases)
            .enumerate();
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
    let product_commitments = chunks
        .clone()
        .map(|chunk| channel.point(Element::ProductCommitment(chunk)))
        .collect::<Result<_, _>>()?;
    let random_commitment = channel.point(Element::RandomCommitment)?;
    let y = channel.squeeze(Challenge::Y);
    let quotient_commitments = (0..cs.num_quotient_pieces())
        .map(|piece| channel.point(Element::QuotientCommitment(piece)))
        .collect::<Result<_, _>>()?;
    let x = channel.squeeze(Challenge::X);

    let advice_evals = (0..cs.advice_queries.len())
        .map(|query| channel.scalar(Evaluation::Advice(query)))
        .collect::<Result<_, _>>()?;
    let fixed_evals = (0..cs.fixed_queries.len())
        .map(|query| channel.scalar(Evaluation::Fixed(query)))
        .collect::<Result<_, _>>()?;
    let random_eval = channel.scalar(Evaluation::Random)?;
    let permutation_evals = (0..cs.permutation_columns.len())
        .map(|column| channel.scalar(Evaluation::Permutation(column)))
        .collect::<Result<_, _>>()?;
    let last_chunk = chunks.end.saturating_sub(1);
    let product_evals = chunks
        .map(|chunk| {
            let here = channel.scalar(Evaluation::Product(chunk))?;
            let next = channel.scalar(Evaluation::ProductNext(chunk))?;
            let last = if chunk == last_chunk {
                None
            } else {
                Some(channel.scalar(Evaluation::ProductLast(chunk))?)
            };
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
