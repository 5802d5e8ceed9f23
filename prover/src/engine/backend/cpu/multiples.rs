//! Many multiples of one point: how a structured reference string comes from its secret.
//!
//! A scalar is cut into bytes. Of each byte's place, all 256 multiples of the point are there; the sums over the places go in
//! step for many scalars, so that additions share their inversions.

use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::PrimeField,
    group::{Curve, Group},
};
use rayon::prelude::*;

use super::Kernels;

/// Multiples of a place.
const DIGITS: usize = 256;

/// Scalars that one task takes.
const TASK: usize = 1 << 11;

/// `scalars[i] * point`.
pub(in crate::engine) fn multiples<K: Kernels>(kernels: K, point: G1Affine, scalars: &[Fr]) -> Vec<G1Affine> {
    let places: Vec<Vec<K::Point>> = table(point).iter().map(|place| kernels.points(place)).collect();
    let task = |scalars: &[Fr]| {
        let digits: Vec<<Fr as PrimeField>::Repr> = scalars.iter().map(Fr::to_repr).collect();
        let of_place = |at: usize| -> Vec<K::Point> {
            digits.iter().map(|bytes| places[at][usize::from(bytes.as_ref()[at])].clone()).collect()
        };
        let mut sums = of_place(0);
        for at in 1..places.len() {
            kernels.add_all(&mut sums, &of_place(at));
        }
        kernels.affine(&sums)
    };
    scalars.par_chunks(TASK).flat_map_iter(task).collect()
}

/// At `[place][digit]`: `digit * 256^place * point`.
fn table(point: G1Affine) -> Vec<Vec<G1Affine>> {
    let mut unit = G1::from(point);
    let place = |_| {
        let mut multiple = G1::identity();
        let mut multiples = Vec::with_capacity(DIGITS);
        for _ in 0..DIGITS {
            multiples.push(multiple);
            multiple += unit;
        }
        unit = multiple;
        let mut affine = vec![G1Affine::default(); DIGITS];
        G1::batch_normalize(&multiples, &mut affine);
        affine
    };
    (0..Fr::NUM_BITS.div_ceil(8)).map(place).collect()
}
