//! How much memory a proof takes, before it is made.
//!
//! Counted is what grows with the rows: every column as often as it is there at the same time, in the stage that needs the
//! most. What the allocator loses between them is a factor, measured.

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{
    Budget, Error,
    backend::{DIGITS, Footprint, KEPT},
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

/// Sets of points at which polynomials are opened, about: this row; this and the next; these and the last.
const SETS: usize = 3;

/// Columns that the opening folds beside those sets.
const FOLDED: usize = 4;

/// Bytes of a scalar while it is committed to: its signed form, its digits, its share of the buckets.
const COMMITTED: usize = 220;

/// What the allocator holds for a byte that is asked for, in percent.
const HELD: usize = 122;

/// The same of values on cosets that are kept: what is computed beside them leaves gaps.
const HELD_KEPT: usize = 190;

/// What a process takes for threads and code when it begins to prove.
const BEGUN: u64 = 6 << 20;

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
        let kept = plan.kept_bytes * HELD_KEPT / HELD;
        let key = (fixed + permuted) * column + values + transforms + factors + kept;

        let products = permuted.div_ceil((cs.degree() - 2).max(1));
        let own = cs.num_advice_columns() + cs.num_instance_columns() + products + 3 * lookups;
        let columns = circuits * own * column;
        let commitment = COMMITTED * rows.max(DIGITS.min(circuits * own * rows));
        let quotient = (pieces + 1) * column + plan.work_bytes.max(commitment);
        let opening = (SETS + FOLDED) * column + commitment.max(coset_element << k);
        let proof = columns + quotient.max(opening);

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
