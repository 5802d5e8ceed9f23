//! The running sum is zero where an equation starts, and after the last: `zero * acc = 0`. Degree 2.

use halo2_proofs::{circuit::Region, halo2curves::bn256::Fr, plonk::ConstraintSystem, poly::Rotation};

use super::{
    super::{circuit::MachineConfig, columns::Witness, layout::Layout},
    one,
};

pub(in super::super) fn constrain(meta: &mut ConstraintSystem<Fr>, config: &MachineConfig) {
    meta.create_gate("equation", |cells| {
        let zero = cells.query_fixed(config.zero, Rotation::cur());
        one("equation", zero * cells.query_advice(config.acc, Rotation::cur()))
    });
}

pub(in super::super) fn assign(config: &MachineConfig, region: &mut Region<'_, Fr>, layout: &Layout) {
    for row in &layout.zero_rows {
        region.assign_fixed(config.zero, *row, Fr::one());
    }
}

/// The first row before which a witness's sum should be zero and is not.
pub(in super::super) fn first_broken(layout: &Layout, witness: &Witness) -> Option<usize> {
    let is_large = |row: &usize| witness.acc.large.binary_search_by_key(row, |(r, _)| *r).is_ok();
    layout.zero_rows.iter().copied().find(|row| witness.acc.small[*row] != 0 || is_large(row))
}
