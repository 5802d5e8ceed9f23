//! Reference strings that others made: a ceremony's files.
//!
//! # Trust
//! A file says nothing about where it comes from: what is imported is *unsafe* until somebody pins its [digest](Srs::digest), like
//! every other string. Imported are the powers that are asked for, and these are [checked](Srs::check) by pairings against one
//! secret, each point on its curve and in its group. Everything else in a file (contributions, powers that only other proof systems
//! use) is skipped, and no claim of it is repeated.
//!
//! # Memory
//! That of the powers that are asked for. Lengths in a file are compared with the file's own length before anything is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use halo2curves::{
    CurveAffine,
    bn256::{G1Affine, G2Affine},
    serde::SerdeObject,
};

use super::{MAX_K, Srs, check_k, of_powers};
use crate::{Error, engine::Budget};

mod halo2;
mod ptau;

/// What a file of either kind is expected to be.
const EXPECTED: &str = "a ceremony's file";
/// How our own files begin.
const OWN: &[u8; 7] = b"apodsrs";

/// The kinds of files that are imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CeremonyFile {
    /// snarkjs' powers of tau, `.ptau`, of BN254, prepared for phase 2 or not.
    Ptau,
    /// halo2's parameters with all coordinates written out (`SerdeFormat::RawBytes`).
    Halo2,
}

/// A string that was imported.
#[derive(Clone, Debug)]
pub struct ImportedSrs {
    /// The string, checked.
    pub srs: Srs,
    /// What it was read from.
    pub file: CeremonyFile,
    /// log2 of the powers that the file has.
    pub k_of_file: u32,
}

impl Srs {
    /// Reads the first `2^k` powers of a ceremony's file, or without `k` all of them up to `2^24`, and checks them.
    ///
    /// # Errors
    /// [`Error::File`] for what is none of the [files](CeremonyFile), or is cut off, damaged or of another curve;
    /// [`Error::SrsTooSmall`] if it has fewer powers; [`Error::K`] for a `k` that no string has; [`Error::SrsInconsistent`] and
    /// [`Error::Key`] for points that are not powers of one secret.
    pub fn import(reader: &mut (impl Read + Seek), k: Option<u32>) -> Result<ImportedSrs, Error> {
        let mut source = Source::new(reader)?;
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        source.at(0)?;
        if head.starts_with(OWN) {
            return Err(invalid("it is a string of apodict already: check it with `apodict srs check`"));
        }
        let (srs, file, k_of_file) = if head.starts_with(ptau::MAGIC) {
            let (srs, k) = ptau::read(&mut source, k)?;
            (srs, CeremonyFile::Ptau, k)
        } else {
            let (srs, k) = halo2::read(&mut source, k)?;
            (srs, CeremonyFile::Halo2, k)
        };
        srs.check()?;
        Ok(ImportedSrs { srs, file, k_of_file })
    }
}

/// How many powers are taken of a file that has `2^in_file`.
fn wanted(in_file: u32, asked: Option<u32>) -> Result<u32, Error> {
    let k = asked.unwrap_or(in_file.min(MAX_K));
    check_k(k)?;
    if k > in_file { Err(Error::SrsTooSmall { got: in_file, needed: k }) } else { Ok(k) }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::File { expected: EXPECTED, reason: reason.into() }
}

/// A file of known length.
struct Source<'a, R: Read + Seek> {
    reader: BufReader<&'a mut R>,
    len: u64,
}

impl<'a, R: Read + Seek> Source<'a, R> {
    fn new(reader: &'a mut R) -> Result<Self, Error> {
        let len = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, reader), len })
    }

    fn at(&mut self, position: u64) -> Result<(), Error> {
        self.reader.seek(SeekFrom::Start(position))?;
        Ok(())
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => invalid("it ends too early; get it again from its source"),
            _ => Error::Io(error),
        })
    }

    fn u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The first two powers in the second group.
    fn pair(&mut self, what: &'static str) -> Result<[G2Affine; 2], Error> {
        let points = self.points(what, 2)?;
        Ok([points[0], points[1]])
    }

    /// Points with Montgomery coordinates, little-endian, each below the modulus; on their curve. Memory grows with what was read.
    fn points<P: SerdeObject + CurveAffine>(&mut self, what: &'static str, count: usize) -> Result<Vec<P>, Error> {
        let mut bytes = vec![0; 2 * size_of::<P::Base>()];
        let mut points = Vec::new();
        for index in 0..count {
            self.read_exact(&mut bytes)?;
            let point = P::from_raw_bytes(&bytes).filter(|point| bool::from(point.is_on_curve()));
            let damaged =
                || invalid(format!("point {index} of the {what} is not on the curve; get it again from its source"));
            points.push(point.ok_or_else(damaged)?);
        }
        Ok(points)
    }
}

/// A string of the first powers in the first group.
fn of_first_powers(k: u32, powers: &[G1Affine], second: [G2Affine; 2]) -> Result<Srs, Error> {
    Ok(Srs::unchecked(k, of_powers(k, Budget::default(), powers)?, second))
}
