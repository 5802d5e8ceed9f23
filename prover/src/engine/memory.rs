//! How much memory a proof takes, before it is made.
//!
//! Counted is what grows with the rows: every column as often as it is there at the same time, in the stage that needs the
//! most. What the allocator loses between them is a factor, measured.

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{
    Budget, Error,
    backend::{DIGITS, Footprint, KEPT, commitment_bytes},
    quotient::Plan,
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

/// Columns that the opening holds beside those of the proof: a folded one for each set of points (this row; this and the next;
/// these and the last), the quotient by its points, and the sum of these before and after; the mask and the quotient.
const OPENED: usize = 8;

/// What the allocator holds for a byte that is asked for, in percent, where threads share what they give back.
const HELD: usize = 104;

/// What a process takes for threads and code when it begins to prove.
const BEGUN: u64 = 4 << 20;

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
        let (rows, pieces) = (1usize << k, plan.pieces());
        let Footprint { point, element, coset_element } = footprint;
        let column = element << k;
        let (fixed, permuted, lookups) =
            (cs.num_fixed_columns(), cs.permutation().get_columns().len(), cs.lookups().len());

        // Of many points none are made.
        let most = if rows < 1 << 13 { MOST_MULTIPLES } else { 0 };
        let multiples = budget.multiple_bytes.min(2 * rows * point * most);
        let reference_string = 2 * rows * point + multiples;

        let values = (permuted + 1) * (size_of::<u32>() << k) + column;
        let transforms = (coset_element << k) + (coset_element << (k - plan.log_parts()));
        let factors = 2 * pieces * (coset_element << k);
        let factors = if pieces << k <= KEPT { factors } else { 0 };
        let key = (fixed + permuted) * column + values + transforms + factors + plan.kept_bytes;

        let products = permuted.div_ceil((cs.degree() - 2).max(1));
        let own = circuits * (cs.num_advice_columns() + cs.num_instance_columns() + products + 3 * lookups);
        let threads = rayon::current_num_threads();
        let commitment = commitment_bytes((DIGITS / rows).clamp(1, own.max(pieces)), rows, point, threads);
        // While the last part is computed, beside what all before it gave; while pieces are put together; while they are
        // committed to.
        let part = coset_element << (k - plan.log_parts());
        let quotient = pieces * column + (plan.work_bytes + 2 * part).max(column).max(commitment);
        let evaluation = 2 * column + (coset_element << k);
        let proof = own * column + quotient.max(evaluation).max(OPENED * column);

        let held = |bytes: usize| (bytes * HELD / 100) as u64;
        Ok(Self { reference_string: held(reference_string), key: held(key), proof: held(proof) + BEGUN })
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.reference_string + self.key + self.proof
    }
}

/// Multiples of a point that are ever kept: of a scalar's 254 bits, every twelve.
const MOST_MULTIPLES: usize = 22;
