//! The running sum: `active * (acc' - acc) = sum over lanes w*x + sum over units q*u*v`. Degree 3.

use halo2_proofs::{
    circuit::Region,
    halo2curves::{bn256::Fr, ff::Field},
    plonk::ConstraintSystem,
    poly::Rotation,
};

use super::{
    super::{
        circuit::MachineConfig,
        equation::Unit,
        field::{Weight, fr_from_i128},
        layout::Layout,
        wire::Values,
    },
    one,
};

pub(in super::super) fn constrain(meta: &mut ConstraintSystem<Fr>, config: &MachineConfig) {
    let MachineConfig { lanes, acc, weights, products, active, .. } = config;
    meta.create_gate("accumulate", |cells| {
        let [now, next] = [Rotation::cur(), Rotation::next()].map(|at| cells.query_advice(*acc, at));
        let step = cells.query_fixed(*active, Rotation::cur()) * (next - now);
        let x: Vec<_> = lanes.iter().map(|lane| cells.query_advice(*lane, Rotation::cur())).collect();
        let linear = weights.iter().zip(&x).map(|(w, x)| cells.query_fixed(*w, Rotation::cur()) * x.clone());
        let linear = linear.reduce(|a, b| a + b);
        let products = products.iter().zip(x.chunks_exact(2));
        let products = products.map(|(q, uv)| cells.query_fixed(*q, Rotation::cur()) * (uv[0].clone() * uv[1].clone()));
        let products = products.reduce(|a, b| a + b);
        one("accumulate", [linear, products].into_iter().flatten().fold(step, |sum, term| sum - term))
    });
}

/// Weights of lanes and coefficients of products, and the rows on which the sum runs.
pub(in super::super) fn assign(config: &MachineConfig, region: &mut Region<'_, Fr>, layout: &Layout) {
    for row in 0..layout.active_rows() {
        region.assign_fixed(config.active, row, Fr::one());
    }
    for row in 0..layout.rows() {
        for (at, unit) in layout.row(row).iter().enumerate() {
            let mut weight = |column, weight: Weight| {
                if !weight.is_zero() {
                    region.assign_fixed(column, row, weight.to_fr());
                }
            };
            weight(config.weights[2 * at], unit.weights[0]);
            weight(config.weights[2 * at + 1], unit.weights[1]);
            weight(config.products[at], unit.product);
        }
    }
}

/// A sum that stays an integer as long as it can.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Scalar {
    Small(i128),
    Large(Fr),
}

impl Scalar {
    pub(in super::super) fn field(self) -> Fr {
        match self {
            Self::Small(value) => fr_from_i128(value),
            Self::Large(value) => value,
        }
    }

    /// The sum; back to an integer only where it is zero, as every equation ends.
    pub(in super::super) fn add(self, other: Self) -> Self {
        if let (Self::Small(a), Self::Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Self::Small(sum);
        }
        let sum = self.field() + other.field();
        if sum == Fr::ZERO { Self::Small(0) } else { Self::Large(sum) }
    }
}

/// By how much a unit moves the running sum.
pub(in super::super) fn witness_unit(unit: &Unit, values: &Values) -> Scalar {
    let small = || -> Option<i128> {
        let [u, v] = unit.lanes.map(|wire| wire.map_or(Some(0), |wire| values.small(wire)));
        let (u, v) = (i128::from(u?), i128::from(v?));
        let linear =
            unit.weights[0].to_i128()?.checked_mul(u)?.checked_add(unit.weights[1].to_i128()?.checked_mul(v)?)?;
        linear.checked_add(unit.product.to_i128()?.checked_mul(u.checked_mul(v)?)?)
    };
    small().map_or_else(
        || {
            let [u, v] = unit.lanes.map(|wire| wire.map_or(Fr::ZERO, |wire| values.field(wire)));
            Scalar::Large(unit.weights[0].to_fr() * u + unit.weights[1].to_fr() * v + unit.product.to_fr() * u * v)
        },
        Scalar::Small,
    )
}
