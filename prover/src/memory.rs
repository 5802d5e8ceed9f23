//! How much memory a proof of a program takes, and what may be done with what there is.

use apodict_circuits::{Program, machine::configure};
use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use crate::{
    Error,
    engine::{Budget, Memory, host_footprint},
};

/// What is spent to save time when nothing limits it.
const SPARE: u64 = 256 << 20;

/// How often a process proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Once: what takes longer to prepare than it saves in one proof is left out.
    OneProof,
    /// Many times.
    ManyProofs,
}

/// A decision about memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// For [`Srs::with_budget`](crate::Srs::with_budget).
    pub budget: Budget,
    /// The most that the process will have resident, by estimate.
    pub predicted_bytes: u64,
}

impl MemoryPlan {
    /// The fastest way to prove within `limit` bytes, for a process that has `resident` bytes before the structured reference
    /// string and the keys are read. Beyond what proving needs at least, no more than 256 MiB are spent.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is none.
    pub fn new(program: &Program, purpose: Purpose, resident: u64, limit: Option<u64>) -> Result<Self, Error> {
        let mut cs = plonk::ConstraintSystem::<Fr>::default();
        configure(&mut cs, program.plan().shape);
        let k = program.plan().k;
        let predict = |budget: Budget| -> Result<u64, Error> {
            Ok(resident + Memory::predict(&cs, k, 1, host_footprint(), budget)?.total())
        };
        let budget = |bytes: u64| {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            match purpose {
                Purpose::OneProof => Budget::for_one_proof(bytes),
                Purpose::ManyProofs => Budget::for_many_proofs(bytes),
            }
        };
        let limit = limit.unwrap_or(u64::MAX);
        // Half of what is left, and half of that, until it fits: a budget is not all used.
        let mut spare = SPARE;
        loop {
            let predicted_bytes = predict(budget(spare))?;
            if predicted_bytes <= limit {
                return Ok(Self { budget: budget(spare), predicted_bytes });
            }
            if spare == 0 {
                return Err(Error::Memory { needed: predicted_bytes, limit });
            }
            spare = if spare < 1 << 20 { 0 } else { spare / 2 };
        }
    }
}
