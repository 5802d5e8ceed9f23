//! The structured reference string: powers of a secret that nobody may know.
//!
//! # Trust
//! Commitments are linear, so whoever hands over a string of their own making can choose points under which an honest circuit
//! commits to another one. Therefore an [`Srs`] is either made here or read from a file *and checked*: there is no other way to
//! have one, but for [`Srs::read_unless_known`] of a file whose digest the caller remembers from an earlier check. Others' files are
//! imported by [`Srs::import`]. Where its secret comes from, no file can say; it is *unsafe* unless somebody pins its [digest](Srs::digest).
//!
//! # Format of a `.srs`
//! `"apodsrs\x02"`, k as u32, the `2^k` powers in the first group, the same in Lagrange form, `[1]_2`, `[s]_2`, then the Keccak-256
//! of all of that: numbers little-endian, points as two coordinates in halo2curves' raw form.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use halo2_proofs::{
    arithmetic::g_to_lagrange,
    poly::{EvaluationDomain, kzg::commitment::ParamsKZG},
};
use halo2curves::{
    bn256::{Bn256, Fr, G1, G1Affine, G2, G2Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
    pairing::Engine,
    serde::SerdeObject,
};
use rand_core::OsRng;

use crate::{
    Error,
    digesting::{DigestReader, DigestWriter},
    engine::{Basis, Budget, HostBases},
    export,
};

const MAGIC: &[u8; 8] = b"apodsrs\x02";
const EXPECTED: &str = "a structured reference string of this version";

/// The smallest `k` that is generated.
pub const MIN_K: u32 = 4;
/// The greatest `k` that is generated or read.
pub const MAX_K: u32 = 24;

/// Powers of a secret in two bases, for circuits of at most `2^k` rows.
///
/// They are held once, as the engine reads them.
#[derive(Clone, Debug)]
pub struct Srs {
    k: u32,
    bases: Arc<HostBases>,
    second: [G2Affine; 2],
    budget: Budget,
}

/// A string that was read, and the digest of the whole file that it was read from.
#[derive(Clone, Debug)]
pub struct SrsFile {
    /// The string, checked.
    pub srs: Srs,
    /// Keccak-256 of all that stands in the file, its last 32 bytes.
    pub file_digest: [u8; 32],
}

impl Srs {
    /// Makes one for development. Whoever runs this could keep the secret and forge every proof: nobody may pin its digest.
    ///
    /// # Errors
    /// [`Error::K`] outside [`MIN_K`] to [`MAX_K`].
    pub fn generate_unsafe(k: u32) -> Result<Self, Error> {
        check_k(k)?;
        let (secret, generator) = (Fr::random(OsRng), G2Affine::generator());
        let bases = HostBases::of_secret(k, G1Affine::generator(), secret)?;
        Ok(Self::unchecked(k, bases, [generator, (G2::from(generator) * secret).to_affine()]))
    }

    /// Of points that nobody has checked yet.
    fn unchecked(k: u32, bases: HostBases, second: [G2Affine; 2]) -> Self {
        Self { k, bases: Arc::new(bases), second, budget: Budget::default() }
    }

    /// log2 of the number of powers.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// What identifies its secret, the same for every size of one string: see [`apodict_verifier::Srs::digest`].
    pub fn digest(&self) -> [u8; 32] {
        self.for_verifiers().digest()
    }

    /// The first `2^k` powers.
    ///
    /// # Errors
    /// [`Error::SrsTooSmall`].
    pub fn cut_to(&self, k: u32) -> Result<Self, Error> {
        if k > self.k() {
            return Err(Error::SrsTooSmall { got: self.k(), needed: k });
        }
        if k == self.k() {
            return Ok(self.clone());
        }
        let bases = of_powers(k, self.budget, &self.bases.powers(1 << k))?;
        Ok(Self { k, bases: Arc::new(bases), ..*self })
    }

    /// The same, with memory for multiples of its points: see [`Budget`].
    ///
    /// # Errors
    /// None: both bases are of one length.
    pub fn with_budget(self, budget: Budget) -> Result<Self, Error> {
        if budget.multiple_bytes == self.budget.multiple_bytes {
            return Ok(Self { budget, ..self });
        }
        let bases = HostBases::new(budget, |basis| Ok::<_, Error>(self.bases.points(basis)))?;
        Ok(Self { bases: Arc::new(bases), budget, ..self })
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// The points as the engine reads them.
    pub(crate) fn bases(&self) -> &HostBases {
        &self.bases
    }

    /// As halo2 has it: a copy.
    pub(crate) fn params(&self) -> ParamsKZG<Bn256> {
        let [g2, s_g2] = self.second;
        let [monomial, lagrange] = [Basis::Monomial, Basis::Lagrange].map(|basis| self.bases.points(basis));
        ParamsKZG::<Bn256>::setup(1, OsRng).from_parts(self.k, monomial, Some(lagrange), g2, s_g2)
    }

    /// What a verifier needs of it.
    pub fn for_verifiers(&self) -> apodict_verifier::Srs {
        let [g2, s_g2] = self.second.map(|point| export::g2(&point));
        let powers = self.bases.powers(2);
        let [g1, s_g1] =
            [0, 1].map(|power| powers.get(power).map_or(apodict_verifier::G1Affine::identity(), export::g1));
        apodict_verifier::Srs { g1, s_g1, g2, s_g2 }
    }

    /// Writes it: header, powers in both bases, the second group's points, a digest of all of it.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, writer: &mut impl Write) -> Result<(), Error> {
        let mut writer = DigestWriter::new(writer);
        writer.write_all(MAGIC)?;
        writer.write_all(&self.k.to_le_bytes())?;
        for basis in [Basis::Monomial, Basis::Lagrange] {
            for point in self.bases.points(basis) {
                point.write_raw(&mut writer)?;
            }
        }
        for point in self.second {
            point.write_raw(&mut writer)?;
        }
        Ok(writer.finish()?)
    }

    /// Reads what [`Self::write`] wrote, and [checks](Self::check) it.
    ///
    /// # Errors
    /// [`Error::File`] for anything else, truncated and damaged files included; [`Error::SrsInconsistent`].
    pub fn read(reader: &mut impl Read) -> Result<Self, Error> {
        Ok(Self::read_unless_known(reader, None, |_| false)?.srs)
    }

    /// Reads the first `2^k` powers of what [`Self::write`] wrote: the same as [`Self::cut_to`] of the whole, in the memory that
    /// these take. Of the rest nothing but the digest is looked at.
    ///
    /// # Errors
    /// As [`Self::read`]; [`Error::SrsTooSmall`].
    pub fn read_cut_to(reader: &mut impl Read, k: u32) -> Result<Self, Error> {
        Ok(Self::read_unless_known(reader, Some(k), |_| false)?.srs)
    }

    /// As [`Self::read_cut_to`], or [`Self::read`] without `k`, but leaves out the pairings if `is_known` says of the file's digest
    /// that they held when the same part of this very file was read before.
    ///
    /// # Errors
    /// As [`Self::read_cut_to`].
    pub fn read_unless_known(
        reader: &mut impl Read,
        k: Option<u32>,
        is_known: impl FnOnce(&[u8; 32]) -> bool,
    ) -> Result<SrsFile, Error> {
        let mut reader = DigestReader::new(reader, EXPECTED);
        let mut header = [0; 12];
        reader.read_exact(&mut header)?;
        let (magic, size) = header.split_at(8);
        if magic[..7] != MAGIC[..7] {
            return Err(reader.invalid("it begins otherwise; make one with `apodict srs generate --unsafe -k K`"));
        }
        if magic != MAGIC {
            return Err(reader.invalid("it is of another version; make or import it again with this build"));
        }
        let in_file = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
        check_k(in_file)?;
        let wanted = k.unwrap_or(in_file);
        if wanted > in_file {
            return Err(Error::SrsTooSmall { got: in_file, needed: wanted });
        }
        let (n, budget) = (1usize << in_file, Budget::default());
        let bases = if wanted == in_file {
            HostBases::new(budget, |_| reader.points(n))?
        } else {
            let powers = reader.points(1 << wanted)?;
            // The other powers, and the other basis, which is not that of fewer powers.
            reader.skip((2 * n - powers.len()) * size_of::<G1Affine>())?;
            of_powers(wanted, budget, &powers)?
        };
        let second = [reader.point()?, reader.point()?];
        let file_digest = reader.finish()?;
        let srs = Self::unchecked(wanted, bases, second);
        if !is_known(&file_digest) {
            srs.check()?;
        }
        Ok(SrsFile { srs, file_digest })
    }

    /// Checks that the powers are powers of one secret, in both bases: a random combination of neighbours against
    /// the pairing, and a random polynomial committed to in either basis. A wrong string passes with probability
    /// about `2^k / r`, below 2^-229. Whatever was read has been through it.
    ///
    /// # Errors
    /// [`Error::SrsInconsistent`] says what does not hold.
    pub fn check(&self) -> Result<(), Error> {
        let [g2, s_g2] = self.second;
        let one = self.bases.commit(Basis::Monomial, vec![Fr::ONE]);
        if one != G1Affine::generator() || g2 != G2Affine::generator() {
            return Err(Error::SrsInconsistent("its generators are not the curve's"));
        }
        if bool::from(s_g2.is_identity()) {
            return Err(Error::SrsInconsistent("its secret is zero"));
        }
        self.for_verifiers().validate()?;
        let mut weights: Vec<Fr> = (0..1 << self.k).map(|_| Fr::random(OsRng)).collect();
        weights[0] = Fr::ZERO;
        // sum_i w_i s^i, and sum_i w_i s^(i - 1).
        let high = self.bases.commit(Basis::Monomial, weights.clone());
        weights.rotate_left(1);
        let low = self.bases.commit(Basis::Monomial, weights);
        if Bn256::pairing(&low, &s_g2) != Bn256::pairing(&high, &g2) {
            return Err(Error::SrsInconsistent("its points are not successive powers of the secret"));
        }
        let domain = EvaluationDomain::<Fr>::new(2, self.k);
        let values: Vec<Fr> = (0..1 << self.k).map(|_| Fr::random(OsRng)).collect();
        let committed = self.bases.commit(Basis::Lagrange, values.clone());
        let coefficients = domain.lagrange_to_coeff(domain.lagrange_from_vec(values));
        if committed != self.bases.commit(Basis::Monomial, coefficients.to_vec()) {
            return Err(Error::SrsInconsistent("its two bases do not agree"));
        }
        Ok(())
    }
}

/// Both bases of `2^k` powers.
fn of_powers(k: u32, budget: Budget, powers: &[G1Affine]) -> Result<HostBases, Error> {
    HostBases::new(budget, |basis| match basis {
        Basis::Monomial => Ok(powers.to_vec()),
        Basis::Lagrange => Ok(g_to_lagrange(powers.iter().map(G1::from).collect(), k)),
    })
}

fn check_k(k: u32) -> Result<(), Error> {
    if (MIN_K..=MAX_K).contains(&k) { Ok(()) } else { Err(Error::K { got: k, min: MIN_K, max: MAX_K }) }
}

#[cfg(test)]
mod forgeries;
mod import;
#[cfg(test)]
mod tests;

pub use import::{CeremonyFile, ImportedSrs};
