//! halo2's parameters, all coordinates written out.
//!
//! # Format
//! `k` as u32, the `2^k` powers in the first group, the same in Lagrange form, `[1]_2`, `[s]_2`: numbers little-endian, coordinates
//! in Montgomery form with `R = 2^256`. There is no magic: the length tells.

use std::io::{Read, Seek};

use halo2curves::bn256::G2Affine;

use super::{Source, invalid, of_first_powers, wanted};
use crate::{
    Error,
    engine::{Basis, Budget, HostBases},
    srs::Srs,
};

const MAX_POWER: u32 = 28;
const G1_BYTES: u64 = 64;
const G2_BYTES: u64 = 128;
const HEAD_BYTES: u64 = 4;

/// The string of `2^k` powers, and log2 of how many the file has.
pub(super) fn read<R: Read + Seek>(source: &mut Source<'_, R>, k: Option<u32>) -> Result<(Srs, u32), Error> {
    let in_file = source.u32()?;
    let expected = (in_file <= MAX_POWER).then(|| HEAD_BYTES + ((2 * G1_BYTES) << in_file) + 2 * G2_BYTES);
    // Points as one coordinate and a sign.
    let compressed = (in_file <= MAX_POWER).then(|| HEAD_BYTES + (G1_BYTES << in_file) + G2_BYTES);
    if compressed == Some(source.len) {
        return Err(invalid("its points are compressed: write it with halo2's `SerdeFormat::RawBytes`"));
    }
    if expected != Some(source.len) {
        return Err(invalid(
            "it neither begins like a .ptau file of snarkjs, nor has the length of halo2's raw parameters; if it should be one of \
             them, it is cut off or damaged: get it again from its source",
        ));
    }
    let wanted = wanted(in_file, k)?;
    let n = 1usize << wanted;
    let (first, second_at) = ("powers in the first group", source.len - 2 * G2_BYTES);
    if wanted == in_file {
        let bases = HostBases::new(Budget::default(), |basis| {
            source.points(if basis == Basis::Monomial { first } else { "Lagrange basis" }, n)
        })?;
        return Ok((Srs::unchecked(wanted, bases, second(source, second_at)?), in_file));
    }
    // The Lagrange basis of fewer powers is another one.
    let powers = source.points(first, n)?;
    let second = second(source, second_at)?;
    Ok((of_first_powers(wanted, &powers, second)?, in_file))
}

/// `[1]_2` and `[s]_2`.
fn second<R: Read + Seek>(source: &mut Source<'_, R>, position: u64) -> Result<[G2Affine; 2], Error> {
    source.at(position)?;
    source.pair("powers in the second group")
}
