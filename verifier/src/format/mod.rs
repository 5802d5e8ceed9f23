//! The key as bytes.
//!
//! Big-endian throughout, nothing optional, one spelling per key (so a digest of the bytes is a digest of the key):
//!
//! ```text
//! "APVK"  version u16
//! circuit length u32
//! circuit
//! inputs, outputs                                                   u16 count, tensor each
//! program digest 32
//!
//! circuit: k u8  num_instances u32  transcript_repr 32
//!          [1]_1 64  [s]_1 64  [1]_2 128  [s]_2 128
//!          shape
//!          fixed commitments 64 each  permutation commitments 64 each       (as many as the shape says)
//! shape:  fixed columns u16  instance columns u8  degree u8  blinding factors u16
//!         advice phases, challenge phases                           u16 count, u8 each
//!         advice, fixed, instance queries                           u16 count, (column u16, rotation i32) each
//!         permutation columns                                       u16 count, (kind u8, index u16) each
//!         gates                                                     u16 count, expression each
//! expression, prefix order, a tag and its operands:
//!         0 constant 32   1 fixed u16   2 advice u16   3 instance u16   4 challenge u16
//!         5 negated e     6 sum e e     7 product e e  8 scaled e 32
//!
//! tensor: name                                                      u16 count, UTF-8
//!         shape                                                     u16 count, u32 each
//!         runs                                                      u32 count, (count u32, quantization) each
//! quantization: num u128  den u128  zero i64  lo i128  hi i128
//! ```
//! Points as in [`g1_to_be_bytes`] and [`g2_to_be_bytes`]: uncompressed, in the EVM's order.

mod bytes;
mod layout;

use crate::{
    ColumnKind, ConstraintSystem, Expression, KeyError, Layout, Srs, VerifyingKey,
    encoding::{fr_to_be_bytes, g1_to_be_bytes, g2_to_be_bytes},
    validate::{MAX_DEPTH, limit},
};
use alloc::{boxed::Box, vec::Vec};
use bytes::{Reader, narrow, put_leaf, put_u8, put_u16};
use sha3::{Digest, Keccak256};

const MAGIC: &[u8; 4] = b"APVK";

/// Version of the key's bytes. A key of another version is refused.
pub const FORMAT_VERSION: u16 = 2;

/// No key's circuit is longer: more is refused before anything is decoded. A decoded circuit takes at most some 50 times as
/// much memory as its bytes (an expression's node for one tag), so this bounds both.
pub const MAX_CIRCUIT_BYTES: usize = 1 << 20;

/// No key is longer: a description of many public values, each with a range of its own, takes the most.
pub const MAX_KEY_BYTES: usize = 1 << 25;

impl VerifyingKey {
    /// The key as bytes, in the layout that `src/format/mod.rs` describes.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not valid: what could not be read back is not written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, KeyError> {
        let circuit = self.circuit_bytes()?;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&narrow::<u32>("bytes of a circuit", circuit.len())?.to_be_bytes());
        bytes.extend(circuit);
        self.layout.put(&mut bytes)?;
        bytes.extend_from_slice(&self.program_digest);
        limit("bytes of a key", bytes.len(), MAX_KEY_BYTES).map(|()| bytes)
    }

    /// Reads a key and [validates](Self::validate) it.
    ///
    /// # Errors
    /// [`KeyError`]: the first thing found wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        limit("bytes of a key", bytes.len(), MAX_KEY_BYTES)?;
        let mut reader = Reader { rest: bytes };
        if reader.take("magic").ok() != Some(MAGIC) {
            return Err(KeyError::Magic);
        }
        let version = reader.u16("version")?;
        if version != FORMAT_VERSION {
            return Err(KeyError::Version { expected: FORMAT_VERSION, got: version });
        }
        let len = narrow("bytes of a circuit", reader.u32("length of the circuit")?)?;
        limit("bytes of a circuit", len, MAX_CIRCUIT_BYTES)?;
        let circuit = reader.bytes("circuit", len)?;
        let layout = Layout::take(&mut reader)?;
        let program_digest = *reader.take("digest of the program")?;
        reader.finish()?;
        Self::from_circuit_bytes(circuit, layout, program_digest)
    }

    /// What says which circuit and which structured reference string: the key without the meaning of its public values.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn circuit_bytes(&self) -> Result<Vec<u8>, KeyError> {
        self.validate()?;
        let mut bytes = Vec::new();
        put_u8(&mut bytes, "k", self.k)?;
        bytes.extend_from_slice(&narrow::<u32>("instances", self.num_instances)?.to_be_bytes());
        bytes.extend_from_slice(&fr_to_be_bytes(&self.transcript_repr));
        bytes.extend_from_slice(&g1_to_be_bytes(&self.srs.g1));
        bytes.extend_from_slice(&g1_to_be_bytes(&self.srs.s_g1));
        bytes.extend_from_slice(&g2_to_be_bytes(&self.srs.g2));
        bytes.extend_from_slice(&g2_to_be_bytes(&self.srs.s_g2));
        self.constraint_system.put(&mut bytes)?;
        for point in self.fixed_commitments.iter().chain(&self.permutation_commitments) {
            bytes.extend_from_slice(&g1_to_be_bytes(point));
        }
        limit("bytes of a circuit", bytes.len(), MAX_CIRCUIT_BYTES)?;
        Ok(bytes)
    }

    /// Puts a key together from [`circuit_bytes`](Self::circuit_bytes) and what its public values mean.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_circuit_bytes(bytes: &[u8], layout: Layout, program_digest: [u8; 32]) -> Result<Self, KeyError> {
        limit("bytes of a circuit", bytes.len(), MAX_CIRCUIT_BYTES)?;
        let mut reader = Reader { rest: bytes };
        let k = reader.u8("k")?.into();
        let num_instances = narrow("instances", reader.u32("number of instances")?)?;
        let transcript_repr = reader.fr("transcript representation")?;
        let srs = Srs {
            g1: reader.g1("[1]_1")?,
            s_g1: reader.g1("[s]_1")?,
            g2: reader.g2("[1]_2")?,
            s_g2: reader.g2("[s]_2")?,
        };
        let constraint_system = ConstraintSystem::take(&mut reader)?;
        // The counts stem from u16, and a point is read before the next one's place is made.
        let fixed_commitments = (0..constraint_system.num_fixed_columns)
            .map(|_| reader.g1("a fixed commitment"))
            .collect::<Result<_, _>>()?;
        let permutation_commitments = constraint_system
            .permutation_columns
            .iter()
            .map(|_| reader.g1("a permutation commitment"))
            .collect::<Result<_, _>>()?;
        reader.finish()?;
        let key = Self {
            k,
            constraint_system,
            num_instances,
            transcript_repr,
            fixed_commitments,
            permutation_commitments,
            srs,
            layout,
            program_digest,
        };
        key.validate()?;
        Ok(key)
    }

    /// Keccak-256 of [`circuit_bytes`](Self::circuit_bytes): a part of [`digest`](Self::digest).
    ///
    /// # Errors
    /// As `circuit_bytes`.
    pub fn circuit_digest(&self) -> Result<[u8; 32], KeyError> {
        Ok(Keccak256::digest(self.circuit_bytes()?).into())
    }
}

impl ConstraintSystem {
    /// Keccak-256 of the shape's bytes: equal for all keys that one verifier contract serves.
    ///
    /// # Errors
    /// [`KeyError`] if the shape is not valid.
    pub fn shape_digest(&self) -> Result<[u8; 32], KeyError> {
        self.validate()?;
        let mut bytes = Vec::new();
        self.put(&mut bytes)?;
        Ok(Keccak256::digest(bytes).into())
    }

    fn put(&self, bytes: &mut Vec<u8>) -> Result<(), KeyError> {
        put_u16(bytes, "fixed columns", self.num_fixed_columns)?;
        put_u8(bytes, "instance columns", self.num_instance_columns)?;
        put_u8(bytes, "degree", self.degree)?;
        put_u16(bytes, "blinding factors", self.blinding_factors)?;
        for phases in [&self.advice_phases, &self.challenge_phases] {
            put_u16(bytes, "phases", phases.len())?;
            bytes.extend_from_slice(phases);
        }
        for queries in [&self.advice_queries, &self.fixed_queries, &self.instance_queries] {
            put_u16(bytes, "queries", queries.len())?;
            for query in queries {
                put_u16(bytes, "column of a query", query.column)?;
                bytes.extend_from_slice(&query.rotation.to_be_bytes());
            }
        }
        put_u16(bytes, "columns of the permutation argument", self.permutation_columns.len())?;
        for column in &self.permutation_columns {
            bytes.push(match column.kind {
                ColumnKind::Fixed => 0,
                ColumnKind::Advice => 1,
                ColumnKind::Instance => 2,
            });
            put_u16(bytes, "column of the permutation argument", column.index)?;
        }
        put_u16(bytes, "gates", self.gates.len())?;
        self.gates.iter().try_for_each(|gate| gate.put(bytes))
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let num_fixed_columns = reader.u16("number of fixed columns")?.into();
        let num_instance_columns = reader.u8("number of instance columns")?.into();
        let degree = reader.u8("degree")?.into();
        let blinding_factors = reader.u16("number of blinding factors")?.into();
        let advice_phases = reader.list("advice phases", |reader| reader.u8("advice phases"))?;
        let challenge_phases = reader.list("challenge phases", |reader| reader.u8("challenge phases"))?;
        let advice_queries = reader.list("advice queries", Reader::query)?;
        let fixed_queries = reader.list("fixed queries", Reader::query)?;
        let instance_queries = reader.list("instance queries", Reader::query)?;
        let permutation_columns = reader.list("permutation columns", Reader::column)?;
        let gates = reader.list("gates", |reader| Expression::take(reader, 1))?;
        Ok(Self {
            num_fixed_columns,
            num_instance_columns,
            advice_phases,
            challenge_phases,
            advice_queries,
            fixed_queries,
            instance_queries,
            permutation_columns,
            gates,
            degree,
            blinding_factors,
        })
    }
}

impl Expression {
    fn put(&self, bytes: &mut Vec<u8>) -> Result<(), KeyError> {
        match self {
            Expression::Constant(constant) => {
                bytes.push(0);
                bytes.extend_from_slice(&fr_to_be_bytes(constant));
                Ok(())
            }
            Expression::Fixed(query) => put_leaf(bytes, 1, *query),
            Expression::Advice(query) => put_leaf(bytes, 2, *query),
            Expression::Instance(query) => put_leaf(bytes, 3, *query),
            Expression::Challenge(index) => put_leaf(bytes, 4, *index),
            Expression::Negated(a) => {
                bytes.push(5);
                a.put(bytes)
            }
            Expression::Sum(a, b) => {
                bytes.push(6);
                a.put(bytes)?;
                b.put(bytes)
            }
            Expression::Product(a, b) => {
                bytes.push(7);
                a.put(bytes)?;
                b.put(bytes)
            }
            Expression::Scaled(a, constant) => {
                bytes.push(8);
                a.put(bytes)?;
                bytes.extend_from_slice(&fr_to_be_bytes(constant));
                Ok(())
            }
        }
    }

    /// Reads an expression that stands at `depth`, the root at 1. Each node takes at least a byte, so the input bounds
    /// the work.
    fn take(reader: &mut Reader<'_>, depth: usize) -> Result<Self, KeyError> {
        limit("nesting of a gate", depth, MAX_DEPTH)?;
        let below = depth.saturating_add(1);
        let operand = |reader: &mut Reader<'_>| Self::take(reader, below).map(Box::new);
        Ok(match reader.u8("expression")? {
            0 => Self::Constant(reader.fr("constant of a gate")?),
            1 => Self::Fixed(reader.u16("expression")?.into()),
            2 => Self::Advice(reader.u16("expression")?.into()),
            3 => Self::Instance(reader.u16("expression")?.into()),
            4 => Self::Challenge(reader.u16("expression")?.into()),
            5 => Self::Negated(operand(reader)?),
            6 => Self::Sum(operand(reader)?, operand(reader)?),
            7 => Self::Product(operand(reader)?, operand(reader)?),
            8 => Self::Scaled(operand(reader)?, reader.fr("constant of a gate")?),
            got => {
                return Err(KeyError::Tag { what: "a node of a gate", got });
            }
        })
    }
}
