//! What of a proof depends on the key alone.

use std::collections::HashMap;

use halo2_proofs::plonk;
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};

use super::{
    Assembly, Error, Job,
    backend::{Backend, HostColumn, most_multiples},
    lookup::Lookup,
    permutation::Set,
    program::Source,
    quotient::{self, Quotient},
};

/// How much memory may be spent to save time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For multiples of the points of the structured reference string, both bases together: with them commitments take
    /// fewer additions. They pay when many proofs are made.
    pub multiple_bytes: usize,
    /// For values of a key's columns on the cosets of the quotient: without them every proof computes them again.
    pub coset_bytes: usize,
    /// For values of columns on cosets while the quotient is computed: with less, cosets are taken in smaller parts, which
    /// takes somewhat longer.
    pub work_bytes: usize,
}

impl Budget {
    /// For a process that makes one proof: multiples would take longer to make than they save.
    pub fn for_one_proof(bytes: usize) -> Self {
        let work_bytes = bytes / 4;
        Self { multiple_bytes: 0, coset_bytes: bytes - work_bytes, work_bytes }
    }

    /// For a process that makes many proofs of `2^k` rows.
    pub fn for_many_proofs(bytes: usize, k: u32) -> Self {
        let multiple_bytes = if most_multiples(1 << k) > 0 { bytes / 4 } else { 0 };
        Self { multiple_bytes, ..Self::for_one_proof(bytes - multiple_bytes) }
    }
}

impl Default for Budget {
    /// For one proof, 256 MiB.
    fn default() -> Self {
        Self::for_one_proof(256 << 20)
    }
}

/// A proving key on a backend: roots of unity, columns, compiled expressions.
#[derive(Debug)]
pub struct Prepared<B: Backend> {
    pub(super) backend: B,
    pub(super) k: u32,
    pub(super) domain: B::Domain,
    pub(super) vk: plonk::VerifyingKey<G1Affine>,
    pub(super) lookups: Vec<Lookup<B>>,
    pub(super) sets: Vec<Set<B>>,
    pub(super) quotient: Quotient<B>,
    /// Values on the domain of those of the key's columns that lookups and permutations read.
    pub(super) values: HashMap<Source, B::Column>,
    /// Coefficients of all of the key's columns.
    pub(super) coefficients: HashMap<Source, B::Column>,
}

impl<B: Backend> Prepared<B> {
    /// Prepares a circuit. `vk` is its verifying key.
    ///
    /// # Errors
    /// [`Error::Selector`], [`Error::Domain`], [`Error::Rotations`].
    pub fn new(
        backend: B,
        vk: plonk::VerifyingKey<G1Affine>,
        assembly: Assembly,
        budget: Budget,
    ) -> Result<Self, Error> {
        let (cs, k) = (vk.cs(), assembly.k);
        check_rotations(cs, k)?;
        let domain = backend.domain(k, &[]);
        let lookups = Lookup::all(&backend, cs)?;
        let sets = Set::all(&backend, cs);

        let (mut sources, mut columns, mut values) = (Vec::new(), Vec::new(), HashMap::new());
        for (at, column) in assembly.fixed.into_iter().enumerate() {
            let source = Source::Fixed(at);
            let permuted = cs.permutation().get_columns().iter().any(|of| quotient::source(of) == source);
            if permuted || !cs.lookups().is_empty() {
                values.insert(source, backend.upload(column.clone()));
            }
            sources.push(source);
            columns.push(backend.upload(column));
        }
        for (at, column) in assembly.sigmas.into_iter().enumerate() {
            values.insert(Source::Sigma(at), backend.upload(column.clone()));
            sources.push(Source::Sigma(at));
            columns.push(backend.upload(column));
        }
        let columns = backend.interpolate(&Job::default(), &domain, columns);
        let mut coefficients: HashMap<Source, B::Column> = sources.into_iter().zip(columns).collect();
        let last = (1 << k) - cs.blinding_factors() - 1;
        for (source, rows) in [(Source::First, 0..1), (Source::Last, last..last + 1), (Source::Active, 0..last)] {
            coefficients.insert(source, backend.upload(HostColumn::Indicator { k, rows }));
        }
        // X itself.
        coefficients.insert(Source::Identity, backend.upload(HostColumn::Field(vec![Fr::ZERO, Fr::ONE])));
        let identity = HostColumn::Cells { k, cells: (0..1 << k).collect(), roots: assembly.roots };
        values.insert(Source::Identity, backend.upload(identity));

        let quotient = Quotient::new(&backend, &vk, k, &coefficients, budget)?;
        Ok(Self { backend, k, domain, vk, lookups, sets, quotient, values, coefficients })
    }

    /// Prepares a proving key of halo2's.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_key(backend: B, key: &plonk::ProvingKey<G1Affine>, budget: Budget) -> Result<Self, Error> {
        let (vk, assembly) = (key.get_vk(), Assembly::of_key(key));
        let commitments = (vk.fixed_commitments().clone(), vk.permutation().commitments().clone());
        let vk = assembly.with_commitments(commitments.0, commitments.1)?;
        Self::new(backend, vk, assembly, budget)
    }

    /// The verifying key that was given.
    pub fn verifying_key(&self) -> &plonk::VerifyingKey<G1Affine> {
        &self.vk
    }

    pub(super) fn size(&self) -> usize {
        1 << self.k
    }
}

/// The opening tells rows apart by their point: on a small domain, two rotations of one column may be the same.
fn check_rotations(cs: &plonk::ConstraintSystem<Fr>, k: u32) -> Result<(), Error> {
    let mut queries: Vec<(Source, i32)> = Vec::new();
    queries.extend(cs.advice_queries().iter().map(|(column, at)| (Source::Advice(column.index()), at.0)));
    queries.extend(cs.fixed_queries().iter().map(|(column, at)| (Source::Fixed(column.index()), at.0)));
    let last = -(cs.blinding_factors() as i32 + 1);
    queries.extend([0, 1, last].map(|at| (Source::Product(0), at)));
    let mut seen: HashMap<(Source, i32), i32> = HashMap::new();
    for (source, rotation) in queries {
        let row = rotation.rem_euclid(1 << k);
        let first = *seen.entry((source, row)).or_insert(rotation);
        if first != rotation {
            return Err(Error::Rotations { first, second: rotation, k });
        }
    }
    Ok(())
}
