//! Proving keys.
//!
//! # Format of a `pk.bin`
//! `"apodpk\0\x01"`, the program's digest, the string's digest and origin, the length of halo2's key and the key as
//! halo2 writes it, then the Keccak-256 of all of that. The digest guards against damage; a proving key is a local
//! file of whoever proves, and a wrong one makes proofs that do not verify, nothing worse.

use std::io::{Read, Write};

use apodict_circuits::{
    Program,
    machine::{Machine, MachineParams, Shape, configure},
};
use apodict_verifier::{ConstraintSystem, SrsOrigin, Verifier, VerifyingKey};
use halo2_proofs::{
    plonk::{self, keygen_pk2},
    poly::EvaluationDomain,
};
use halo2curves::bn256::{Fr, G1Affine};

use crate::{
    Error, Srs,
    digesting::{DigestReader, DigestWriter, FORMAT},
    engine::HostPrepared,
    export,
};

const MAGIC: &[u8; 8] = b"apodpk\0\x01";
const EXPECTED: &str = "a proving key of this version";

/// Everything that proving a program needs, beside the structured reference string.
#[derive(Debug)]
pub struct ProvingKey {
    pub(crate) halo2: plonk::ProvingKey<G1Affine>,
    pub(crate) prepared: HostPrepared,
    pub(crate) verifier: Verifier,
    program_digest: [u8; 32],
    srs_digest: [u8; 32],
}

impl ProvingKey {
    /// Makes the keys of a program.
    ///
    /// # Errors
    /// [`Error::SrsTooSmall`]; halo2's own.
    pub fn generate(program: &Program, srs: &Srs) -> Result<Self, Error> {
        let srs = srs.cut_to(program.plan().k)?;
        let halo2 = keygen_pk2(&srs.params, &Machine::new(program.layout()), false)?;
        Self::assemble(halo2, program, &srs)
    }

    fn assemble(halo2: plonk::ProvingKey<G1Affine>, program: &Program, srs: &Srs) -> Result<Self, Error> {
        let points = export::srs(&srs.params, srs.origin(), srs.digest())?;
        let vk = export::verifying_key(halo2.get_vk(), points, program.layout().num_instances())?;
        let verifier = Verifier::new(vk)?;
        let prepared = HostPrepared::new(&halo2, srs.budget())?;
        Ok(Self { halo2, prepared, verifier, program_digest: program.digest(), srs_digest: srs.digest() })
    }

    /// What verifiers need.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.verifier.key()
    }

    /// Refuses a program or a string that the key was not made for.
    pub(crate) fn check_made_for(&self, program: &Program, srs: &Srs) -> Result<(), Error> {
        if self.program_digest != program.digest() {
            return Err(Error::KeyOfAnotherProgram {
                expected: hex::encode(program.digest()),
                got: hex::encode(self.program_digest),
            });
        }
        if self.srs_digest != srs.digest() {
            return Err(Error::KeyOfAnotherSrs);
        }
        Ok(())
    }

    /// Writes it.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, writer: &mut impl Write) -> Result<(), Error> {
        let mut writer = DigestWriter::new(writer);
        writer.write_all(MAGIC)?;
        writer.write_all(&self.program_digest)?;
        writer.write_all(&self.srs_digest)?;
        let key = self.halo2.to_bytes(FORMAT);
        writer.write_all(&(key.len() as u64).to_le_bytes())?;
        writer.write_all(&key)?;
        Ok(writer.finish()?)
    }

    /// Reads the key of `program`, made with `srs`.
    ///
    /// # Errors
    /// [`Error::File`] for anything else than a whole key; [`Error::KeyOfAnotherProgram`], [`Error::KeyOfAnotherSrs`].
    pub fn read(reader: &mut impl Read, program: &Program, srs: &Srs) -> Result<Self, Error> {
        let srs = srs.cut_to(program.plan().k)?;
        let mut reader = DigestReader::new(reader, EXPECTED);
        let (mut magic, mut program_digest, mut srs_digest, mut len) = ([0; 8], [0; 32], [0; 32], [0; 8]);
        reader.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(reader.invalid("it begins otherwise; make one with `apodict keys`"));
        }
        reader.read_exact(&mut program_digest)?;
        reader.read_exact(&mut srs_digest)?;
        reader.read_exact(&mut len)?;
        if program_digest != program.digest() {
            return Err(Error::KeyOfAnotherProgram {
                expected: hex::encode(program.digest()),
                got: hex::encode(program_digest),
            });
        }
        if srs_digest != srs.digest() {
            return Err(Error::KeyOfAnotherSrs);
        }
        let len = usize::try_from(u64::from_le_bytes(len)).map_err(|_| reader.invalid("its length is absurd"))?;
        let bytes = reader.bytes(len)?;
        reader.finish()?;
        let params = MachineParams { shape: program.plan().shape };
        let halo2 = plonk::ProvingKey::from_bytes::<Machine<'_>>(&bytes, FORMAT, params)?;
        Self::assemble(halo2, program, &srs)
    }
}

/// The constraint system of a shape, for which verifier contracts are rendered.
///
/// # Errors
/// None in a build whose tests pass: the shapes are fixed.
pub fn shape_constraint_system(shape: Shape) -> Result<ConstraintSystem, Error> {
    let mut meta = plonk::ConstraintSystem::<Fr>::default();
    configure(&mut meta, shape);
    let domain = EvaluationDomain::<Fr>::new(meta.degree() as u32, 8);
    Ok(export::constraint_system(&meta, domain.get_quotient_poly_degree() + 1)?)
}

/// Whether a key may be trusted with money.
pub fn is_unsafe(key: &VerifyingKey) -> bool {
    key.srs.origin == SrsOrigin::Unsafe
}
