//! Field elements and points as bytes, in the EVM's way: 32 bytes each, big-endian, one spelling per value.
//!
//! The identity of a group is all zeros, which satisfies no curve equation here (`b != 0`) and so names nothing else.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField, Zero};

/// Why bytes are not a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointError {
    /// A coordinate is at least the field's modulus.
    Unreduced,
    /// The coordinates satisfy no curve equation.
    OffCurve,
    /// On the curve, but outside the subgroup of prime order (G2 only).
    OutsideSubgroup,
}

pub(crate) fn limbs(bytes: &[u8; 32]) -> BigInt<4> {
    let mut limbs = [0; 4];
    let (chunks, _) = bytes.as_chunks::<8>();
    for (limb, chunk) in limbs.iter_mut().rev().zip(chunks) {
        *limb = u64::from_be_bytes(*chunk);
    }
    BigInt::new(limbs)
}

pub(crate) fn limbs_to_be(limbs: BigInt<4>) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (chunks, _) = bytes.as_chunks_mut::<8>();
    for (chunk, limb) in chunks.iter_mut().rev().zip(limbs.0) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

/// A scalar from 32 big-endian bytes; `None` if they spell a number of at least `r`.
pub fn fr_from_be_bytes(bytes: &[u8; 32]) -> Option<Fr> {
    Fr::from_bigint(limbs(bytes))
}

/// A scalar as 32 big-endian bytes.
pub fn fr_to_be_bytes(scalar: &Fr) -> [u8; 32] {
    limbs_to_be(scalar.into_bigint())
}

/// A coordinate from 32 big-endian bytes; `None` if they spell a number of at least `p`.
fn fq_from_be_bytes(bytes: &[u8; 32]) -> Option<Fq> {
    Fq::from_bigint(limbs(bytes))
}

/// A coordinate as 32 big-endian bytes.
fn fq_to_be_bytes(coordinate: &Fq) -> [u8; 32] {
    limbs_to_be(coordinate.into_bigint())
}

/// `x || y`, the identity as zeros.
pub fn g1_to_be_bytes(point: &G1Affine) -> [u8; 64] {
    let (x, y) = point.xy().unwrap_or((Fq::zero(), Fq::zero()));
    let mut bytes = [0; 64];
    let (chunks, _) = bytes.as_chunks_mut::<32>();
    for (chunk, coordinate) in chunks.iter_mut().zip([x, y]) {
        *chunk = fq_to_be_bytes(&coordinate);
    }
    bytes
}

/// The inverse of [`g1_to_be_bytes`]. G1 has no cofactor: a point on the curve is in the group.
pub(crate) fn g1_from_be_bytes(bytes: &[u8; 64]) -> Result<G1Affine, PointError> {
    let (chunks, _) = bytes.as_chunks::<32>();
    let [x, y] = chunks else {
        return Err(PointError::Unreduced);
    };
    let x = fq_from_be_bytes(x).ok_or(PointError::Unreduced)?;
    let y = fq_from_be_bytes(y).ok_or(PointError::Unreduced)?;
    if x.is_zero() && y.is_zero() {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    if point.is_on_curve() { Ok(point) } else { Err(PointError::OffCurve) }
}

/// `x_c1 || x_c0 || y_c1 || y_c0`, the order of the EVM's pairing precompile; the identity as zeros.
pub fn g2_to_be_bytes(point: &G2Affine) -> [u8; 128] {
    let (x, y) = point.xy().unwrap_or((Fq2::zero(), Fq2::zero()));
    let mut bytes = [0; 128];
    let (chunks, _) = bytes.as_chunks_mut::<32>();
    for (chunk, coordinate) in chunks.iter_mut().zip([x.c1, x.c0, y.c1, y.c0]) {
        *chunk = fq_to_be_bytes(&coordinate);
    }
    bytes
}

/// The inverse of [`g2_to_be_bytes`], subgroup included.
pub(crate) fn g2_from_be_bytes(bytes: &[u8; 128]) -> Result<G2Affine, PointError> {
    let (chunks, _) = bytes.as_chunks::<32>();
    let [x_c1, x_c0, y_c1, y_c0] = chunks else {
        return Err(PointError::Unreduced);
    };
    let coordinate = |bytes| fq_from_be_bytes(bytes).ok_or(PointError::Unreduced);
    let x = Fq2::new(coordinate(x_c0)?, coordinate(x_c1)?);
    let y = Fq2::new(coordinate(y_c0)?, coordinate(y_c1)?);
    if x.is_zero() && y.is_zero() {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    if !point.is_on_curve() {
        return Err(PointError::OffCurve);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(PointError::OutsideSubgroup);
    }
    Ok(point)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failing test")]
mod tests {
    use super::*;
    use ark_ff::{BigInteger, One};

    #[test]
    fn points_of_the_second_group_survive_the_round_trip() {
        for point in [G2Affine::identity(), G2Affine::generator(), -G2Affine::generator()] {
            assert_eq!(g2_from_be_bytes(&g2_to_be_bytes(&point)), Ok(point));
        }
    }

    /// Each coordinate plus `p`: the same residue, spelled twice.
    #[test]
    fn coordinates_of_the_second_group_are_not_reduced() {
        let genuine = g2_to_be_bytes(&G2Affine::generator());
        for coordinate in 0..4 {
            let mut bytes = genuine;
            let word: &mut [u8; 32] = &mut bytes.as_chunks_mut().0[coordinate];
            let mut sum = limbs(word);
            assert!(!sum.add_with_carry(&Fq::MODULUS), "254 bits");
            *word = limbs_to_be(sum);
            assert_eq!(g2_from_be_bytes(&bytes), Err(PointError::Unreduced), "coordinate {coordinate}");
        }
    }

    /// The twist has a cofactor of 254 bits: most of its points are not in G2.
    #[test]
    fn points_outside_the_second_group_are_refused() {
        let mut x = Fq2::one();
        let outside = loop {
            match G2Affine::get_point_from_x_unchecked(x, false) {
                Some(point) => break point,
                None => x += Fq2::one(),
            }
        };
        assert!(outside.is_on_curve());
        assert_eq!(g2_from_be_bytes(&g2_to_be_bytes(&outside)), Err(PointError::OutsideSubgroup));
        let off_curve = G2Affine::new_unchecked(Fq2::one(), Fq2::one());
        assert_eq!(g2_from_be_bytes(&g2_to_be_bytes(&off_curve)), Err(PointError::OffCurve));
    }
}
