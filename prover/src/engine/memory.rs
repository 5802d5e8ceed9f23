//! How much memory a proof takes, before it is made.
//!
//! Counted is what grows with the rows: every column as often as it is there at the same time, in the stage that needs the
//! most. What the allocator loses between them is a factor, measured.

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{
    Budget, Error,
    backend::{DIGITS, Footprint, KEPT, commitment_bytes, most_multiples},
    evaluation::point_sets,
    quotient::{self, Plan},
};

/// Bytes of a proof and of what it needs, by estimate. What the process has beside them is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The structured reference string.
    pub reference_string: u64,
    /// The prepared key.
    pub key: u64,
    /// The proof while it is made, at its most.
    pub proof: u64,
}

/// Columns that the opening holds beside those of the proof and a folded one for each set of points: the quotient by a set's
/// points, and the sum of these before and after; the mask and the quotient.
const OPENED: usize = 5;

/// What the allocator holds for a byte that is asked for, in percent, where threads share what they give back.
const HELD: usize = 104;

/// What a process takes for threads and code when it begins to prove.
const BEGUN: u64 = 3 << 20;

impl Memory {
    /// Of a proof of `circuits` circuits of `2^k` rows on a backend with this footprint.
    ///
    /// # Errors
    /// [`Error::Selector`] for a constraint system that is not of a key.
    pub fn predict(
        cs: &plonk::ConstraintSystem<Fr>,
        k: u32,
        circuits: usize,
        footprint: Footprint,
        budget: Budget,
    ) -> Result<Self, Error> {
        let plan = Plan::new(cs, k, footprint, budget)?;
        let shape = plan.shape();
        let (rows, pieces) = (1usize << k, shape.pieces);
        let Footprint { point, element, coset_element, transform_element } = footprint;
        let column = element << k;
        let (fixed, permuted, lookups) =
            (cs.num_fixed_columns(), cs.permutation().get_columns().len(), cs.lookups().len());

        let multiples = budget.multiple_bytes.min(2 * rows * point * most_multiples(rows));
        let reference_string = 2 * rows * point + multiples;

        // Fixed columns whose values are read as well as their coefficients.
        let read = cs.permutation().get_columns().iter().filter(|of| quotient::is_of_key(quotient::source(of))).count();
        let read = if lookups > 0 { fixed } else { read };
        let values = (permuted + 1) * (size_of::<u32>() << k) + (read + 1) * column;
        let part = coset_element << (k - shape.log_parts);
        let transforms = (coset_element << k) + part;
        let factors = 2 * pieces * (coset_element << k);
        let factors = if pieces << k <= KEPT { factors } else { 0 };
        let key = (fixed + permuted) * column + values + transforms + factors + plan.kept_bytes;

        let products = permuted.div_ceil((cs.degree() - 2).max(1));
        let own = circuits * (cs.num_advice_columns() + cs.num_instance_columns() + products + 3 * lookups);
        let threads = rayon::current_num_threads();
        let commitment = commitment_bytes((DIGITS / rows).clamp(1, own.max(pieces)), rows, point, threads);
        // Parts are computed together, beside what all before them gave: their columns are evaluated, then they are, then their
        // coefficients, before the last of which the columns go. Whatever is transformed takes its own.
        let together = shape.together;
        let made = if pieces << k <= KEPT { 0 } else { together * part };
        let remainder = if shape.log_parts > 0 { element } else { 0 };
        let transformed = |elements: usize, bytes: usize| (bytes * elements) << (k - shape.log_parts);
        let given = together * (element << (k - shape.log_parts));
        let before = pieces * column - given;
        let evaluating = made + transformed(threads, transform_element + remainder);
        let interpolating = together * part + made + transformed(threads.min(together), transform_element);
        let last = before + (plan.work_bytes + evaluating.max(together * part)).max(interpolating);
        let before_last = before.saturating_sub(given) + plan.work_bytes + interpolating;
        // While pieces are put together; while they are committed to.
        let quotient = last.max(before_last).max(pieces * column + column.max(commitment));
        let interpolation = threads.min(own) * (transform_element << k);
        let evaluation = 2 * column + (coset_element << k);
        let opening = (point_sets(cs) + OPENED) * column;
        let proof = own * column + quotient.max(interpolation).max(evaluation).max(opening);

        let held = |bytes: usize| (bytes * HELD / 100) as u64;
        Ok(Self { reference_string: held(reference_string), key: held(key), proof: held(proof) + BEGUN })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.reference_string + self.key + self.proof
    }
}
