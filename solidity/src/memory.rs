//! The memory of a rendered verifier: every word has one name, one address and one owner.
//!
//! Nothing of Solidity's own layout (free memory pointer, zero slot) survives: the function never returns to it.

use apodict_verifier::{Challenge, Element, Evaluation, Polynomial};

/// A named stretch of memory.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) address: usize,
    pub(crate) description: String,
}

/// Hands out memory from address 0 upwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) regions: Vec<Region>,
    pub(crate) end: usize,
}

impl Memory {
    /// The next `num_words` words.
    pub(crate) fn allocate(&mut self, name: impl Into<String>, num_words: usize, description: impl Into<String>) {
        self.regions.push(Region { name: name.into(), address: self.end, description: description.into() });
        self.end += 32 * num_words;
    }
}

/// Name of an element of the proof.
pub(crate) fn element_name(element: Element) -> String {
    match element {
        Element::AdviceCommitment(column) => format!("ADVICE_{column}"),
        Element::ProductCommitment(chunk) => format!("PRODUCT_{chunk}"),
        Element::RandomCommitment => "RANDOM".into(),
        Element::QuotientCommitment(piece) => format!("QUOTIENT_{piece}"),
        Element::Evaluation(evaluation) => evaluation_name(evaluation),
        Element::OpeningQuotient => "OPENING_QUOTIENT".into(),
        Element::OpeningProof => "OPENING_PROOF".into(),
    }
}

/// Name of the word that holds an evaluation.
pub(crate) fn evaluation_name(evaluation: Evaluation) -> String {
    match evaluation {
        Evaluation::Advice(query) => format!("EVAL_ADVICE_{query}"),
        Evaluation::Fixed(query) => format!("EVAL_FIXED_{query}"),
        Evaluation::Random => "EVAL_RANDOM".into(),
        Evaluation::Permutation(column) => format!("EVAL_PERMUTATION_{column}"),
        Evaluation::Product(chunk) => format!("EVAL_PRODUCT_{chunk}"),
        Evaluation::ProductNext(chunk) => format!("EVAL_PRODUCT_{chunk}_NEXT"),
        Evaluation::ProductLast(chunk) => format!("EVAL_PRODUCT_{chunk}_LAST"),
        Evaluation::Quotient => "EVAL_QUOTIENT".into(),
    }
}

/// Name of a word that belongs to a row of the instance column.
pub(crate) fn instance_name(prefix: &str, rotation: i32) -> String {
    match rotation {
        0 => prefix.into(),
        rotation if rotation < 0 => format!("{prefix}_MINUS_{}", rotation.unsigned_abs()),
        rotation => format!("{prefix}_PLUS_{rotation}"),
    }
}

/// Name of the word that holds a challenge.
pub(crate) fn challenge_name(challenge: Challenge) -> String {
    match challenge {
        Challenge::Circuit(index) => format!("CHALLENGE_{index}"),
        Challenge::Theta => "THETA".into(),
        Challenge::Beta => "BETA".into(),
        Challenge::Gamma => "GAMMA".into(),
        Challenge::Y => "Y".into(),
        Challenge::X => "X".into(),
        Challenge::OpeningY => "OPENING_Y".into(),
        Challenge::OpeningV => "OPENING_V".into(),
        Challenge::OpeningU => "OPENING_U".into(),
    }
}

/// Name of the point that commits to an opened polynomial.
pub(crate) fn commitment_name(polynomial: Polynomial) -> String {
    match polynomial {
        Polynomial::Advice(column) => element_name(Element::AdviceCommitment(column)),
        Polynomial::Product(chunk) => element_name(Element::ProductCommitment(chunk)),
        Polynomial::Fixed(column) => crate::key_layout::KeyField::Fixed(column).name(),
        Polynomial::Permutation(column) => crate::key_layout::KeyField::Permutation(column).name(),
        Polynomial::Quotient => "QUOTIENT".into(),
        Polynomial::Random => element_name(Element::RandomCommitment),
    }
}
