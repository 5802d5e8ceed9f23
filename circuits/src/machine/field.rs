//! Integers as field elements.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

/// The canonical element of an integer: `-x` becomes `p - x`.
pub fn fr_from_i128(value: i128) -> Fr {
    let magnitude = value.unsigned_abs();
    let element = Fr::from_raw([magnitude as u64, (magnitude >> 64) as u64, 0, 0]);
    if value < 0 { -element } else { element }
}

/// A fixed coefficient `mantissa * 2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) mantissa: i64,
    pub(crate) exponent: u32,
}

impl Weight {
    pub(crate) const ZERO: Self = Self { mantissa: 0, exponent: 0 };

    pub(crate) fn int(mantissa: i64) -> Self {
        Self { mantissa, exponent: 0 }
    }

    /// `-2^exponent`.
    pub(crate) fn minus_power(exponent: u32) -> Self {
        Self { mantissa: -1, exponent }
    }

    /// `2^exponent`.
    pub(crate) fn power(exponent: u32) -> Self {
        Self { mantissa: 1, exponent }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// `|weight|`, rounded up by less than one part in 2^52.
    pub(crate) fn magnitude(self) -> f64 {
        self.mantissa.unsigned_abs() as f64 * 2f64.powi(self.exponent as i32)
    }

    /// The weight as an integer, if it fits.
    pub(crate) fn to_i128(self) -> Option<i128> {
        (self.exponent < 64).then(|| i128::from(self.mantissa) << self.exponent)
    }

    pub(crate) fn to_fr(self) -> Fr {
        fr_from_i128(self.mantissa.into()) * Fr::from(2).pow_vartime([u64::from(self.exponent)])
    }
}
