//! Files that end with a digest of what stands before it.

use std::io::{self, Read, Write};

use halo2curves::serde::SerdeObject;
use sha3::{Digest, Keccak256};

use crate::Error;

/// Digests what passes through.
pub(crate) struct DigestWriter<W> {
    inner: W,
    hasher: Keccak256,
}

impl<W: Write> DigestWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: Keccak256::new() }
    }

    /// Writes the digest.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let digest: [u8; 32] = self.hasher.finalize().into();
        self.inner.write_all(&digest)?;
        self.inner.flush()
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Digests what passes through, and says of everything unexpected what was expected.
pub(crate) struct DigestReader<R> {
    inner: R,
    hasher: Keccak256,
    expected: &'static str,
}

impl<R: Read> DigestReader<R> {
    pub(crate) fn new(inner: R, expected: &'static str) -> Self {
        Self { inner, hasher: Keccak256::new(), expected }
    }

    pub(crate) fn invalid(&self, reason: &str) -> Error {
        Error::File { expected: self.expected, reason: reason.to_owned() }
    }

    pub(crate) fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.inner.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.invalid("it ends too early; make it again"),
            _ => Error::Io(error),
        })?;
        self.hasher.update(&bytes);
        Ok(())
    }

    /// A point, on its curve.
    pub(crate) fn point<P: SerdeObject + halo2curves::CurveAffine>(&mut self) -> Result<P, Error> {
        let mut bytes = vec![0; 2 * size_of::<P::Base>()];
        self.read_exact(&mut bytes)?;
        let point = P::from_raw_bytes(&bytes).filter(|p| bool::from(p.is_on_curve()));
        point.ok_or_else(|| self.invalid("a point is not on the curve; make it again"))
    }

    /// `count` points. Memory grows with what was read, not with what was promised.
    pub(crate) fn points<P: SerdeObject + halo2curves::CurveAffine>(&mut self, count: usize) -> Result<Vec<P>, Error> {
        let mut points = Vec::new();
        for _ in 0..count {
            points.push(self.point()?);
        }
        Ok(points)
    }

    /// Passes over bytes, which are digested.
    pub(crate) fn skip(&mut self, count: usize) -> Result<(), Error> {
        let mut bytes = [0; 1 << 12];
        let mut left = count;
        while left > 0 {
            let part = left.min(bytes.len());
            self.read_exact(&mut bytes[..part])?;
            left -= part;
        }
        Ok(())
    }

    /// Compares the digest, sees that nothing follows, and tells the digest.
    pub(crate) fn finish(mut self) -> Result<[u8; 32], Error> {
        let expected: [u8; 32] = self.hasher.clone().finalize().into();
        let mut digest = [0; 32];
        self.read_exact(&mut digest)?;
        if digest != expected {
            return Err(self.invalid("it is damaged; make it again"));
        }
        match self.inner.read(&mut [0])? {
            0 => Ok(digest),
            _ => Err(self.invalid("bytes follow its end; make it again")),
        }
    }
}
