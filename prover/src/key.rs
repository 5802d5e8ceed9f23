//! Proving keys.
//!
//! # Format of a `pk.bin`
//! `"apodpk\0\x02"`, the program's digest, the string's digest, the commitments to the fixed columns and to those of the
//! permutation as two coordinates each, then the Keccak-256 of all of that. The columns themselves follow from the program. The
//! digest guards against damage, not against malice. To whoever proves with a wrong key nothing worse happens than that no proof
//! passes the check that [`prove`](crate::prove) makes; before a verifying key is taken out of a file that somebody else may have
//! written, [`ProvingKey::check`] commits again.

use std::io::{Read, Write};

use apodict_circuits::{
    Program,
    machine::{Machine, Shape, configure},
};
use apodict_verifier::{ConstraintSystem, SrsPolicy, Verifier, VerifyingKey};
use halo2_proofs::{plonk, poly::EvaluationDomain};
use halo2curves::{
    bn256::{Fr, G1Affine},
    serde::SerdeObject,
};

use crate::{
    Error, Srs,
    digesting::{DigestReader, DigestWriter},
    engine::{Assembly, HostPrepared, Job, Selectors},
    export,
    layout::public_layout,
};

const MAGIC: &[u8; 8] = b"apodpk\0\x02";
const EXPECTED: &str = "a proving key of this version";

/// Everything that proving a program needs, beside the structured reference string.
#[derive(Debug)]
pub struct ProvingKey {
    pub(crate) prepared: HostPrepared,
    pub(crate) verifier: Verifier,
    program_digest: [u8; 32],
    srs_digest: [u8; 32],
}

impl ProvingKey {
    /// Makes the keys of a program.
    ///
    /// # Errors
    /// [`Error::SrsTooSmall`]; the engine's own.
    pub fn generate(program: &Program, srs: &Srs) -> Result<Self, Error> {
        let srs = srs.cut_to(program.plan().k)?;
        let assembly = assembly(program)?;
        let vk = srs.bases().verifying_key(&assembly, &Job::default())?;
        Self::new(vk, assembly, program, &srs)
    }

    fn new(vk: plonk::VerifyingKey<G1Affine>, assembly: Assembly, program: &Program, srs: &Srs) -> Result<Self, Error> {
        let key = export::verifying_key(&vk, srs.for_verifiers(), program.layout().num_instances())?;
        let key = VerifyingKey { layout: public_layout(program), program_digest: program.digest(), ..key };
        // Whoever proves accepts their own string; whether others do is theirs to say.
        let verifier = Verifier::new(key, SrsPolicy::AllowUnsafe)?;
        let prepared = HostPrepared::new(vk, assembly, srs.budget())?;
        Ok(Self { prepared, verifier, program_digest: program.digest(), srs_digest: srs.digest() })
    }

    /// What verifiers need.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.verifier.key()
    }

    /// The key digest: what to pin, see [`VerifyingKey::digest`].
    pub fn digest(&self) -> [u8; 32] {
        self.verifier.digest()
    }

    /// Commits again to what the program fixes, and compares: a key that was read tells no more than what its file says, and whoever
    /// relies on its [`Self::verifying_key`] would accept proofs of whatever circuit that one commits to.
    ///
    /// # Errors
    /// [`Error::KeyOfAnotherCircuit`]; [`Error::KeyOfAnotherProgram`], [`Error::KeyOfAnotherSrs`].
    pub fn check(&self, program: &Program, srs: &Srs) -> Result<(), Error> {
        self.check_made_for(program, srs)?;
        let srs = srs.cut_to(program.plan().k)?;
        let made = srs.bases().verifying_key(&assembly(program)?, &Job::default())?;
        let key = self.prepared.verifying_key();
        let same = made.fixed_commitments() == key.fixed_commitments()
            && made.permutation().commitments() == key.permutation().commitments();
        if same { Ok(()) } else { Err(Error::KeyOfAnotherCircuit) }
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
        let vk = self.prepared.verifying_key();
        for point in vk.fixed_commitments().iter().chain(vk.permutation().commitments()) {
            writer.write_all(&point.to_raw_bytes())?;
        }
        Ok(writer.finish()?)
    }

    /// Reads the key of `program`, made with `srs`.
    ///
    /// # Errors
    /// [`Error::File`] for anything else than a whole key; [`Error::KeyOfAnotherProgram`], [`Error::KeyOfAnotherSrs`].
    pub fn read(reader: &mut impl Read, program: &Program, srs: &Srs) -> Result<Self, Error> {
        let srs = srs.cut_to(program.plan().k)?;
        let mut reader = DigestReader::new(reader, EXPECTED);
        let (mut magic, mut program_digest, mut srs_digest) = ([0; 8], [0; 32], [0; 32]);
        reader.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(reader.invalid("it begins otherwise; make one with `apodict keys`"));
        }
        reader.read_exact(&mut program_digest)?;
        reader.read_exact(&mut srs_digest)?;
        if program_digest != program.digest() {
            return Err(Error::KeyOfAnotherProgram {
                expected: hex::encode(program.digest()),
                got: hex::encode(program_digest),
            });
        }
        if srs_digest != srs.digest() {
            return Err(Error::KeyOfAnotherSrs);
        }
        let assembly = assembly(program)?;
        let [fixed, sigmas] = assembly.num_commitments();
        let (fixed, sigmas) = (reader.points(fixed)?, reader.points(sigmas)?);
        reader.finish()?;
        Self::new(assembly.with_commitments(fixed, sigmas)?, assembly, program, &srs)
    }
}

/// What the program's circuit fixes.
fn assembly(program: &Program) -> Result<Assembly, Error> {
    Ok(Assembly::new(&Machine::new(program.layout()), program.plan().k, Selectors::Columns)?)
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
