//! What a circuit fixes, whatever its witness, and the keys that follow from it.
//!
//! halo2's `keygen` runs a circuit's synthesis, transforms every fixed column and commits to it, and its proving key is all
//! that: 27 columns of field elements for the machine's lean shape, 226 MB at `2^18` rows. Nothing but the commitments is
//! expensive. Here an [`Assembly`] is made from the circuit whenever it is needed; a verifying key is that and the commitments. Both
//! are halo2's: equal columns, equal permutation, equal digest.

mod cycles;
mod domain;
mod recorder;

use std::sync::Arc;

use halo2_proofs::plonk::{self, Circuit, ConstraintSystem, FloorPlanner, permutation};
use halo2curves::bn256::{Fr, G1Affine};

use super::{
    Bases, Error, Job,
    backend::{Backend, HostColumn},
    field,
};
use recorder::Recorder;

/// What becomes of a circuit's selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selectors {
    /// Each a fixed column of its own: halo2-axiom's default.
    Columns,
    /// Those that never meet share a column, as zcash's halo2 does it.
    Compressed,
}

/// A circuit's constraint system, fixed columns and permutation.
#[derive(Debug)]
pub struct Assembly {
    pub(super) k: u32,
    pub(super) cs: ConstraintSystem<Fr>,
    /// Selectors included.
    pub(super) fixed: Vec<HostColumn>,
    /// The domain in order.
    pub(super) roots: Arc<Vec<Fr>>,
    /// Of every permuted column: the name of the next cell of each row's cycle.
    pub(super) sigmas: Vec<HostColumn>,
    /// As halo2's verifying key keeps them: only when they were compressed.
    selectors: Option<Vec<Vec<bool>>>,
}

impl Assembly {
    /// Runs the synthesis of a circuit, without a witness.
    ///
    /// # Errors
    /// [`Error::TooManyRows`] if it does not fit `2^k` rows; [`Error::Circuit`] for its own failures and for cells that do not
    /// exist; [`Error::Domain`] for a `k` that the field or the engine does not have.
    pub fn new<C: Circuit<Fr>>(circuit: &C, k: u32, selectors: Selectors) -> Result<Self, Error> {
        let mut cs = ConstraintSystem::default();
        let config = C::configure_with_params(&mut cs, circuit.params());
        domain::check(cs.degree(), k)?;
        let mut recorder = Recorder::new(&cs, k)?;
        let synthesized = C::FloorPlanner::synthesize(&mut recorder, circuit, config, cs.constants().clone());
        let recorded = recorder.finish(synthesized)?;
        let (cs, columns) = match selectors {
            Selectors::Columns => cs.directly_convert_selectors_to_fixed(recorded.selectors.clone()),
            Selectors::Compressed => cs.compress_selectors(recorded.selectors.clone()),
        };
        let mut fixed = recorded.fixed;
        fixed.extend(columns.iter().map(|values| HostColumn::compact(values)));
        let roots = Arc::new(field::roots(k));
        let sigmas = recorded
            .cycles
            .into_next()
            .into_iter()
            .map(|cells| HostColumn::Cells { k, cells, roots: roots.clone() })
            .collect();
        let selectors = (selectors == Selectors::Compressed).then_some(recorded.selectors);
        Ok(Self { k, cs, fixed, roots, sigmas, selectors })
    }

    /// What a key of halo2's holds of it.
    pub fn of_key(key: &plonk::ProvingKey<G1Affine>) -> Self {
        let vk = key.get_vk();
        let fixed = key.fixed_values().iter().map(|column| HostColumn::compact(column.values())).collect();
        let sigmas =
            key.permutation().permutations().iter().map(|column| HostColumn::Field(column.values().to_vec())).collect();
        let k = vk.get_domain().k;
        Self { k, cs: vk.cs().clone(), fixed, roots: Arc::new(field::roots(k)), sigmas, selectors: None }
    }

    /// log2 of the number of rows.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The verifying key: commits to every column.
    ///
    /// # Errors
    /// [`Error::SrsSize`]; [`Error::Cancelled`].
    pub fn verifying_key<B: Backend>(
        &self,
        bases: &Bases<B>,
        job: &Job<'_>,
    ) -> Result<plonk::VerifyingKey<G1Affine>, Error> {
        if bases.len != 1 << self.k {
            return Err(Error::SrsSize { expected: 1 << self.k, got: bases.len });
        }
        let backend = &bases.backend;
        let commit = |columns: Vec<HostColumn>| {
            let columns: Vec<B::Column> = columns.into_iter().map(|column| backend.upload(column)).collect();
            let points = backend.commit(job, &bases.lagrange, &columns.iter().collect::<Vec<_>>());
            job.check().map(|()| points)
        };
        let fixed = commit(self.fixed.clone())?;
        // Their scalars are long: one by one, so that no more than one is held twice.
        let sigmas = self.sigmas.iter().map(|values| commit(vec![values.clone()]));
        let sigmas: Vec<Vec<G1Affine>> = sigmas.collect::<Result<_, _>>()?;
        self.with_commitments(fixed, sigmas.concat())
    }

    /// The verifying key with these commitments to fixed columns and to those of the permutation. They are believed: with
    /// wrong ones, no proof verifies.
    ///
    /// # Errors
    /// [`Error::Commitments`] for another number of them.
    pub fn with_commitments(
        &self,
        fixed: Vec<G1Affine>,
        sigmas: Vec<G1Affine>,
    ) -> Result<plonk::VerifyingKey<G1Affine>, Error> {
        let (expected, got) = ([self.fixed.len(), self.sigmas.len()], [fixed.len(), sigmas.len()]);
        if expected != got {
            return Err(Error::Commitments { expected, got });
        }
        let domain = domain::without_tables(self.cs.degree(), self.k);
        let permutation = permutation::VerifyingKey::from_commitments(sigmas);
        let (compressed, selectors) = (self.selectors.is_some(), self.selectors.clone().unwrap_or_default());
        let cs = self.cs.clone();
        Ok(plonk::VerifyingKey::from_parts(domain, fixed, permutation, cs, selectors, compressed))
    }

    /// Commitments that a verifying key has: to fixed columns, and to those of the permutation.
    pub fn num_commitments(&self) -> [usize; 2] {
        [self.fixed.len(), self.sigmas.len()]
    }
}
