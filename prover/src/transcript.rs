//! The transcript of all proofs: Keccak-256 in the layout that an EVM verifier hashes from memory.
//!
//! Points are absorbed and written as `x || y`, scalars as they are, 32 bytes each, big-endian. A challenge is
//! `keccak256(buffer) mod r`, and the hash becomes the new buffer; if the buffer is a bare hash already, a byte `0x01`
//! follows it. halo2's own Keccak transcript (domain prefixes, little-endian, two hashes per challenge, compressed
//! points) would cost a contract several times the gas, so both of halo2's sides are implemented here.
//!
//! The identity is refused on both sides: no honest commitment is one, except to a polynomial that is zero. A shape
//! whose gates leave the last piece of the quotient empty (a minimum degree larger than any constraint's) cannot be
//! proved for that reason.

use halo2_proofs::transcript::{
    EncodedChallenge, Transcript, TranscriptRead, TranscriptReadBuffer, TranscriptWrite, TranscriptWriterBuffer,
};
use halo2curves::{
    CurveAffine,
    bn256::{Fq, Fr, G1Affine},
    ff::{FromUniformBytes, PrimeField},
    group::prime::PrimeCurveAffine,
};
use sha3::{Digest, Keccak256};
use std::io::{self, Read, Write};

/// A challenge: the hash modulo `r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvmChallenge(Fr);

impl EncodedChallenge<G1Affine> for EvmChallenge {
    type Input = [u8; 32];

    fn new(hash: &[u8; 32]) -> Self {
        let mut wide = [0; 64];
        for (low, byte) in wide.iter_mut().zip(hash.iter().rev()) {
            *low = *byte;
        }
        Self(Fr::from_uniform_bytes(&wide))
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

/// What was said so far, shared by both sides.
#[derive(Clone, Debug, Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn squeeze(&mut self) -> EvmChallenge {
        if self.0.len() == 32 {
            self.0.push(1);
        }
        let hash: [u8; 32] = Keccak256::digest(&self.0).into();
        self.0.clear();
        self.0.extend_from_slice(&hash);
        EvmChallenge::new(&hash)
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn reversed(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes.reverse();
    bytes
}

/// A scalar as 32 big-endian bytes.
pub fn scalar_to_be_bytes(scalar: &Fr) -> [u8; 32] {
    reversed(scalar.to_repr())
}

fn point_to_be_bytes(point: &G1Affine) -> io::Result<[u8; 64]> {
    // halo2curves has coordinates for the identity: (0, 0), as the EVM.
    if bool::from(point.is_identity()) {
        return Err(invalid("the identity cannot be part of a proof"));
    }
    let mut bytes = [0; 64];
    let (x, y) = bytes.split_at_mut(32);
    x.copy_from_slice(&reversed(point.x.to_repr()));
    y.copy_from_slice(&reversed(point.y.to_repr()));
    Ok(bytes)
}

/// The prover's side: what is written is also absorbed.
#[derive(Clone, Debug)]
pub struct EvmTranscriptWrite<W> {
    buffer: Buffer,
    writer: W,
}

impl<W: Write> TranscriptWriterBuffer<W, G1Affine, EvmChallenge> for EvmTranscriptWrite<W> {
    fn init(writer: W) -> Self {
        Self { buffer: Buffer::default(), writer }
    }

    fn finalize(self) -> W {
        self.writer
    }
}

impl<W: Write> Transcript<G1Affine, EvmChallenge> for EvmTranscriptWrite<W> {
    fn squeeze_challenge(&mut self) -> EvmChallenge {
        self.buffer.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.buffer.absorb(&point_to_be_bytes(&point)?);
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.buffer.absorb(&scalar_to_be_bytes(&scalar));
        Ok(())
    }
}

impl<W: Write> TranscriptWrite<G1Affine, EvmChallenge> for EvmTranscriptWrite<W> {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        let bytes = point_to_be_bytes(&point)?;
        self.buffer.absorb(&bytes);
        self.writer.write_all(&bytes)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        let bytes = scalar_to_be_bytes(&scalar);
        self.buffer.absorb(&bytes);
        self.writer.write_all(&bytes)
    }
}

/// The verifier's side, for halo2's own `verify_proof`: the oracle that proofs and the other verifiers are tested with.
#[derive(Clone, Debug)]
pub struct EvmTranscriptRead<R> {
    buffer: Buffer,
    reader: R,
}

impl<R: Read> EvmTranscriptRead<R> {
    /// Ends the conversation. halo2 reads what it needs and does not ask whether anything is left.
    ///
    /// # Errors
    /// `InvalidData` if bytes of the proof were not read, or the reader's own error.
    pub fn finish(mut self) -> io::Result<()> {
        match self.reader.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(invalid("bytes follow the proof")),
        }
    }
}

impl<R: Read> TranscriptReadBuffer<R, G1Affine, EvmChallenge> for EvmTranscriptRead<R> {
    fn init(reader: R) -> Self {
        Self { buffer: Buffer::default(), reader }
    }
}

impl<R: Read> Transcript<G1Affine, EvmChallenge> for EvmTranscriptRead<R> {
    fn squeeze_challenge(&mut self) -> EvmChallenge {
        self.buffer.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.buffer.absorb(&point_to_be_bytes(&point)?);
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.buffer.absorb(&scalar_to_be_bytes(&scalar));
        Ok(())
    }
}

impl<R: Read> TranscriptRead<G1Affine, EvmChallenge> for EvmTranscriptRead<R> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let (mut x, mut y) = ([0; 32], [0; 32]);
        self.reader.read_exact(&mut x)?;
        self.reader.read_exact(&mut y)?;
        let coordinate = |bytes| {
            Option::<Fq>::from(Fq::from_repr(reversed(bytes)))
                .ok_or_else(|| invalid("a coordinate is not smaller than the field's modulus"))
        };
        let point = Option::<G1Affine>::from(G1Affine::from_xy(coordinate(x)?, coordinate(y)?))
            .ok_or_else(|| invalid("a point is not on the curve"))?;
        self.common_point(point)?;
        Ok(point)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        let mut bytes = [0; 32];
        self.reader.read_exact(&mut bytes)?;
        let scalar = Option::<Fr>::from(Fr::from_repr(reversed(bytes)))
            .ok_or_else(|| invalid("a scalar is not smaller than the field's modulus"))?;
        self.common_scalar(scalar)?;
        Ok(scalar)
    }
}
