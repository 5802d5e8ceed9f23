//! What a proof consists of, in which order, and between which elements challenges are drawn.
//!
//! The order itself is written once, in `conversation`, and serves both reading a proof and describing it here: to the
//! renderer of contracts, to error messages and to the table of tampering tests.

use crate::{
    ConstraintSystem,
    conversation::{Channel, converse},
};
use alloc::vec::Vec;
use ark_bn254::{Fr, G1Affine};
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
            Element::AdviceCommitment(_)
            | Element::ProductCommitment(_)
            | Element::RandomCommitment
            | Element::QuotientCommitment(_)
            | Element::OpeningQuotient
            | Element::OpeningProof => 64,
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
            Evaluation::ProductNext(chunk) => write!(f, "evaluation of permutation product {chunk} at the next row"),
            Evaluation::ProductLast(chunk) => write!(f, "evaluation of permutation product {chunk} at the last row"),
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
        self.permutation_columns.len().div_ceil(self.permutation_chunk_len().max(1))
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
