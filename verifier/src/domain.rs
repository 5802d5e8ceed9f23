//! The multiplicative subgroup of order `n = 2^k` that rows are numbered by, and its Lagrange polynomials.

use alloc::vec::Vec;
use ark_bn254::Fr;
use ark_ff::{Field, MontFp, One, PrimeField, Zero, batch_inversion};
use core::ops::RangeInclusive;

/// `7^t`, where `r - 1 = 2^28 * t` and `t` is odd: of order `2^28`. halo2curves builds on the generator 7,
/// arkworks on 5, so arkworks' own root does not serve.
const ROOT_OF_UNITY: Fr = MontFp!("1748695177688661943023146337482803886740723238769601073607632802312037301404");

/// log2 of the order of [`ROOT_OF_UNITY`]: the largest `k`.
pub(crate) const TWO_ADICITY: u32 = 28;

/// `7^(2^28)`: `delta^i * omega^j` names cell `j` of the `i`-th column of the permutation argument, all distinct.
pub const DELTA: Fr = MontFp!("4131629893567559867359510883348571134090853742863529169391034518566172092834");

/// The rows of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    k: u32,
    n: u64,
    omega: Fr,
    omega_inverse: Fr,
    n_inverse: Fr,
}

impl Domain {
    /// The domain of `2^k` rows; `None` if the field has none that large (`k > 28`).
    pub fn new(k: u32) -> Option<Self> {
        let squarings = TWO_ADICITY.checked_sub(k)?;
        let n = 1u64.checked_shl(k)?;
        let mut omega = ROOT_OF_UNITY;
        for _ in 0..squarings {
            omega.square_in_place();
        }
        Some(Self { k, n, omega, omega_inverse: omega.inverse()?, n_inverse: Fr::from(n).inverse()? })
    }

    /// log2 of the number of rows.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The number of rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Generator: row `i` stands at `omega^i`.
    pub fn omega(&self) -> Fr {
        self.omega
    }

    /// `1 / n`
    pub fn n_inverse(&self) -> Fr {
        self.n_inverse
    }

    /// `omega^row`, rows counted modulo `n`.
    pub fn row(&self, row: i64) -> Fr {
        let base = if row < 0 { self.omega_inverse } else { self.omega };
        base.pow([row.unsigned_abs()])
    }

    /// `x^n`
    pub fn vanishing_power(&self, x: Fr) -> Fr {
        let mut power = x;
        for _ in 0..self.k {
            power.square_in_place();
        }
        power
    }

    /// `l_i(x) = omega^i * (x^n - 1) / (n * (x - omega^i))` for each row `i` of `rows`, where `xn = x^n`.
    ///
    /// `None` if `x` is one of these rows.
    pub(crate) fn lagrange(&self, x: Fr, xn: Fr, rows: RangeInclusive<i64>) -> Option<Vec<Fr>> {
        let common = (xn - Fr::one()) * self.n_inverse;
        let mut point = self.row(*rows.start());
        let points: Vec<Fr> = rows
            .map(|_| {
                let here = point;
                point *= self.omega;
                here
            })
            .collect();
        let differences = points.iter().map(|point| x - point).collect();
        let inverses = inverted(differences)?;
        Some(points.iter().zip(inverses).map(|(point, inverse)| common * point * inverse).collect())
    }
}

#[cfg(test)]
impl Domain {
    /// Rows that stand elsewhere, for tests that need a challenge to fall on one.
    pub(crate) fn with_row_one(&self, omega: Fr) -> Self {
        let omega_inverse = omega.inverse().unwrap_or_default();
        Self { omega, omega_inverse, ..self.clone() }
    }
}

/// The inverse of each element, for the price of one; `None` if one of them is zero.
pub(crate) fn inverted(mut elements: Vec<Fr>) -> Option<Vec<Fr>> {
    if elements.iter().any(Fr::is_zero) {
        return None;
    }
    batch_inversion(&mut elements);
    Some(elements)
}

/// `1, base, base^2, ...`
pub(crate) fn powers(base: Fr) -> impl Iterator<Item = Fr> {
    core::iter::successors(Some(Fr::one()), move |power| Some(*power * base))
}

/// The scalar that 32 big-endian bytes stand for modulo `r`.
pub(crate) fn reduced(bytes: &[u8]) -> Fr {
    Fr::from_be_bytes_mod_order(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failing test")]
mod tests {
    use super::*;

    /// Both constants follow from the generator 7 and the modulus alone.
    #[test]
    fn constants_are_powers_of_seven() {
        let minus_one = (-Fr::one()).into_bigint();
        let mut odd_part = minus_one;
        for _ in 0..TWO_ADICITY {
            ark_ff::BigInteger::div2(&mut odd_part);
        }
        let seven = Fr::from(7u64);
        assert!(ark_ff::BigInteger::is_odd(&odd_part));
        assert_eq!(ROOT_OF_UNITY, seven.pow(odd_part));
        assert_eq!(DELTA, seven.pow([1u64 << TWO_ADICITY]));
    }

    /// The definition of a Lagrange polynomial, tried outside and inside the domain.
    #[test]
    fn lagrange_interpolates_a_row_index() {
        let domain = Domain::new(3).unwrap();
        let x = Fr::from(12345u64);
        let basis = domain.lagrange(x, domain.vanishing_power(x), 0..=7).unwrap();
        let total: Fr = basis.iter().sum();
        let identity: Fr = basis.iter().zip(0..).map(|(l, row)| *l * domain.row(row)).sum();
        assert_eq!(total, Fr::one(), "the constant polynomial 1");
        assert_eq!(identity, x, "the polynomial X");
        let negative = domain.lagrange(x, domain.vanishing_power(x), -2..=-1).unwrap();
        assert_eq!(negative, basis[6..]);
        assert_eq!(domain.lagrange(domain.row(2), Fr::one(), 0..=7), None);
    }

    #[test]
    fn refuses_a_domain_that_the_field_has_not() {
        assert!(Domain::new(28).is_some());
        assert_eq!(Domain::new(29), None);
    }
}
