//! The best backend that this machine's processors have, chosen at run time.

use halo2_proofs::{
    plonk,
    poly::kzg::commitment::ParamsKZG,
    transcript::{EncodedChallenge, TranscriptWrite},
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_core::{CryptoRng, RngCore};

#[cfg(target_arch = "x86_64")]
use super::backend::Avx512;
use super::backend::{Footprint, Portable, Transfer};
use super::{Assembly, Bases, Basis, Budget, EngineTimes, Error, Job, Prepared, Statement, create};

/// The structured reference string for this machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostBases {
    /// For any processor.
    Portable(Bases<Portable>),
    /// For processors with AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    Avx512(Bases<Avx512>),
}

/// A proving key for this machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostPrepared {
    /// For any processor.
    Portable(Box<Prepared<Portable>>),
    /// For processors with AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<Prepared<Avx512>>),
}

impl HostBases {
    /// See [`Bases::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new<E: From<Error>>(
        budget: Budget,
        points: impl FnMut(Basis) -> Result<Vec<G1Affine>, E>,
    ) -> Result<Self, E> {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            return Ok(Self::Avx512(Bases::new(backend, budget, points)?));
        }
        Ok(Self::Portable(Bases::new(Portable, budget, points)?))
    }

    /// See [`Bases::of_params`].
    ///
    /// # Errors
    /// As there.
    pub fn of_params(params: &ParamsKZG<Bn256>, budget: Budget) -> Result<Self, Error> {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            return Ok(Self::Avx512(Bases::of_params(backend, params, budget)?));
        }
        Ok(Self::Portable(Bases::of_params(Portable, params, budget)?))
    }

    /// `2^k` powers of a secret, each times `generator`. Whoever knows the secret can prove anything.
    ///
    /// # Errors
    /// None: it makes both bases of one length.
    pub fn of_secret(k: u32, generator: G1Affine, secret: Fr) -> Result<Self, Error> {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            return Ok(Self::Avx512(Bases::of_secret(backend, k, generator, secret)?));
        }
        Ok(Self::Portable(Bases::of_secret(Portable, k, generator, secret)?))
    }

    /// Powers that there are.
    pub fn num_powers(&self) -> usize {
        match self {
            Self::Portable(bases) => bases.num_powers(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(bases) => bases.num_powers(),
        }
    }

    /// The points of a basis.
    pub fn points(&self, basis: Basis) -> Vec<G1Affine> {
        match self {
            Self::Portable(bases) => bases.points(basis),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(bases) => bases.points(basis),
        }
    }

    /// See [`Bases::powers`].
    pub fn powers(&self, len: usize) -> Vec<G1Affine> {
        match self {
            Self::Portable(bases) => bases.powers(len),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(bases) => bases.powers(len),
        }
    }

    /// See [`Bases::commit`].
    pub fn commit(&self, basis: Basis, column: Vec<Fr>) -> G1Affine {
        match self {
            Self::Portable(bases) => bases.commit(basis, column),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(bases) => bases.commit(basis, column),
        }
    }

    /// See [`Assembly::verifying_key`].
    ///
    /// # Errors
    /// As there.
    pub fn verifying_key(&self, assembly: &Assembly, job: &Job<'_>) -> Result<plonk::VerifyingKey<G1Affine>, Error> {
        match self {
            Self::Portable(bases) => assembly.verifying_key(bases, job),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(bases) => assembly.verifying_key(bases, job),
        }
    }
}

impl HostPrepared {
    /// See [`Prepared::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(vk: plonk::VerifyingKey<G1Affine>, assembly: Assembly, budget: Budget) -> Result<Self, Error> {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            return Ok(Self::Avx512(Box::new(Prepared::new(backend, vk, assembly, budget)?)));
        }
        Ok(Self::Portable(Box::new(Prepared::new(Portable, vk, assembly, budget)?)))
    }

    /// See [`Prepared::of_key`].
    ///
    /// # Errors
    /// As there.
    pub fn of_key(key: &plonk::ProvingKey<G1Affine>, budget: Budget) -> Result<Self, Error> {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            return Ok(Self::Avx512(Box::new(Prepared::of_key(backend, key, budget)?)));
        }
        Ok(Self::Portable(Box::new(Prepared::of_key(Portable, key, budget)?)))
    }

    /// See [`Prepared::verifying_key`].
    pub fn verifying_key(&self) -> &plonk::VerifyingKey<G1Affine> {
        match self {
            Self::Portable(prepared) => prepared.verifying_key(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(prepared) => prepared.verifying_key(),
        }
    }

    /// See [`create`].
    ///
    /// # Errors
    /// As there; [`Error::AnotherBackend`].
    pub fn create<E: EncodedChallenge<G1Affine>, T: TranscriptWrite<G1Affine, E>>(
        &self,
        bases: &HostBases,
        statements: &mut [Statement<'_>],
        rng: impl RngCore + CryptoRng,
        transcript: &mut T,
        job: &Job<'_>,
    ) -> Result<EngineTimes, Error> {
        match (self, bases) {
            (Self::Portable(prepared), HostBases::Portable(bases)) => {
                create(bases, prepared, statements, rng, transcript, job)
            }
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512(prepared), HostBases::Avx512(bases)) => {
                create(bases, prepared, statements, rng, transcript, job)
            }
            #[cfg(target_arch = "x86_64")]
            _ => Err(Error::AnotherBackend),
        }
    }
}

/// Name of the backend that this machine gets.
pub fn host_backend() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if Avx512::detect().is_some() {
        return "avx512";
    }
    "portable"
}

/// Bytes that things take on that backend.
pub fn host_footprint() -> Footprint {
    #[cfg(target_arch = "x86_64")]
    if let Some(backend) = Avx512::detect() {
        return backend.footprint();
    }
    Portable.footprint()
}

/// Threads that share a proof: those of rayon's global pool, or of the pool that this is called in.
pub fn host_threads() -> usize {
    rayon::current_num_threads()
}
