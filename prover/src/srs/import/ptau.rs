//! snarkjs' `.ptau`.
//!
//! # Format
//! `"ptau"`, version as u32, number of sections as u32; sections of a kind as u32, a length as u64 and that many bytes.
//!
//! | section | content |
//! |---|---|
//! | 1 | bytes of a coordinate (u32), the modulus, log2 of the powers (u32), and of those of the whole ceremony (u32) |
//! | 2 | `2^(k+1) - 1` powers in the first group |
//! | 3 | `2^k` powers in the second group |
//! | others | other proof systems' powers, contributions, other bases: not read |
//!
//! Numbers are little-endian; coordinates in Montgomery form with `R = 2^256`, a point of the second group as `x.c0 x.c1 y.c0 y.c1`.

use std::io::{Read, Seek};

use halo2curves::bn256::G1Affine;

use super::{Source, invalid, of_first_powers, wanted};
use crate::{Error, srs::Srs};

pub(super) const MAGIC: &[u8; 4] = b"ptau";
const VERSION: u32 = 1;
/// Twice of what the largest files have.
const MAX_SECTIONS: u32 = 32;
/// BN254 has no larger domain of powers of two.
const MAX_POWER: u32 = 28;
const HEADER: u32 = 1;
const FIRST_GROUP: u32 = 2;
const SECOND_GROUP: u32 = 3;
const COORDINATE_BYTES: u32 = 32;
const HEADER_BYTES: u64 = 44;
const G1_BYTES: u64 = 64;
const G2_BYTES: u64 = 128;
/// The modulus of BN254's coordinates, little-endian.
const MODULUS: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97, 0x5d, 0x58, 0x81,
    0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

/// Where a section's content is.
#[derive(Clone, Copy)]
struct Section {
    kind: u32,
    begin: u64,
    len: u64,
}

/// The string of `2^k` powers, and log2 of how many the file has.
pub(super) fn read<R: Read + Seek>(source: &mut Source<'_, R>, k: Option<u32>) -> Result<(Srs, u32), Error> {
    let sections = sections(source)?;
    let find = |kind: u32, what: &str| {
        let found = sections.iter().find(|section| section.kind == kind);
        found.copied().ok_or_else(|| invalid(format!("it has no section {kind}, {what}; get it again from its source")))
    };
    let power = header(source, find(HEADER, "the header")?)?;
    let first = find(FIRST_GROUP, "the powers in the first group")?;
    let second = find(SECOND_GROUP, "the powers in the second group")?;
    for (section, expected) in [(first, ((2u64 << power) - 1) * G1_BYTES), (second, (1u64 << power) * G2_BYTES)] {
        if section.len != expected {
            let reason = format!(
                "section {} has {} bytes, 2^{power} powers have {expected}; get it again from its source",
                section.kind, section.len
            );
            return Err(invalid(reason));
        }
    }
    let k = wanted(power, k)?;
    source.at(first.begin)?;
    let powers: Vec<G1Affine> = source.points("powers in the first group", 1 << k)?;
    source.at(second.begin)?;
    Ok((of_first_powers(k, &powers, source.pair("powers in the second group")?)?, power))
}

/// All sections, none twice, one behind the other to the file's end.
fn sections<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<Vec<Section>, Error> {
    source.at(MAGIC.len() as u64)?;
    let version = source.u32()?;
    if version != VERSION {
        return Err(invalid(format!("it is of version {version} of the format, {VERSION} is read")));
    }
    let count = source.u32()?;
    if count > MAX_SECTIONS {
        return Err(invalid(format!("it announces {count} sections, more than any such file has")));
    }
    let mut sections: Vec<Section> = Vec::new();
    let mut position = 12u64;
    for _ in 0..count {
        source.at(position)?;
        let (kind, len) = (source.u32()?, source.u64()?);
        let begin = position + 12;
        let end = begin.checked_add(len).filter(|end| *end <= source.len);
        position = end.ok_or_else(|| {
            invalid(format!(
                "section {kind} would end behind the file's end: it is cut off; get it again from its source"
            ))
        })?;
        if sections.iter().any(|section| section.kind == kind) {
            return Err(invalid(format!("it has section {kind} twice")));
        }
        sections.push(Section { kind, begin, len });
    }
    if position != source.len {
        return Err(invalid("bytes follow its last section; get it again from its source"));
    }
    Ok(sections)
}

/// log2 of the powers.
fn header<R: Read + Seek>(source: &mut Source<'_, R>, section: Section) -> Result<u32, Error> {
    source.at(section.begin)?;
    let other_curve = "it is of another curve: BN254 is needed, which snarkjs calls bn128";
    if section.len < 4 || source.u32()? != COORDINATE_BYTES {
        return Err(invalid(other_curve));
    }
    if section.len != HEADER_BYTES {
        return Err(invalid(format!("its header has {} bytes, expected {HEADER_BYTES}", section.len)));
    }
    let mut modulus = [0; 32];
    source.read_exact(&mut modulus)?;
    if modulus != MODULUS {
        return Err(invalid(other_curve));
    }
    let power = source.u32()?;
    if power > MAX_POWER {
        return Err(invalid(format!("it announces 2^{power} powers, the curve has use for 2^{MAX_POWER}")));
    }
    Ok(power)
}
