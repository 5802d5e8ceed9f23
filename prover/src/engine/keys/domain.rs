//! halo2's description of a domain, as far as a verifying key needs it.

use std::collections::HashMap;

use halo2_proofs::poly::EvaluationDomain;
use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField, WithSmallOrderMulGroup},
};

use crate::engine::{Error, field};

/// Whether there is a domain of `2^k` rows, and one on which a quotient of this degree fits.
pub(super) fn check(degree: usize, k: u32) -> Result<(), Error> {
    let fits = (3..=Fr::S).contains(&k) && extended_k(degree, k) <= Fr::S;
    if fits { Ok(()) } else { Err(Error::Domain) }
}

fn extended_k(degree: usize, k: u32) -> u32 {
    k + (degree as u64 - 1).next_power_of_two().trailing_zeros()
}

fn invert(value: Fr) -> Fr {
    Option::<Fr>::from(value.invert()).unwrap_or(Fr::ZERO)
}

/// As `EvaluationDomain::new` makes it, but without the tables of its transforms, which take as much memory as a dozen
/// columns: the engine has its own.
pub(super) fn without_tables(degree: usize, k: u32) -> EvaluationDomain<Fr> {
    let extended_k = extended_k(degree, k);
    let [omega, extended_omega] = [k, extended_k].map(field::omega);
    let n = 1u64 << k;
    // 1 / (X^n - 1) on the coset of the extended domain, where it repeats.
    let (first, step) = (Fr::ZETA.pow_vartime([n]), extended_omega.pow_vartime([n]));
    let powers = std::iter::successors(Some(first), |power| Some(*power * step));
    let t_evaluations = powers.take(1 << (extended_k - k)).map(|power| invert(power - Fr::ONE)).collect();
    let by_size = |k: u32| (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
    EvaluationDomain {
        n,
        k,
        extended_k,
        omega,
        omega_inv: invert(omega),
        extended_omega,
        extended_omega_inv: invert(extended_omega),
        g_coset: Fr::ZETA,
        g_coset_inv: Fr::ZETA.square(),
        quotient_poly_degree: degree as u64 - 1,
        ifft_divisor: by_size(k),
        extended_ifft_divisor: by_size(extended_k),
        t_evaluations,
        barycentric_weight: by_size(k),
        fft_data: HashMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_halo2s_but_for_the_tables() {
        for (degree, k) in [(3, 3), (3, 7), (4, 5), (5, 4), (6, 4), (9, 6)] {
            let mut halo2 = EvaluationDomain::<Fr>::new(degree, k);
            halo2.fft_data.clear();
            assert_eq!(format!("{:?}", without_tables(degree as usize, k)), format!("{halo2:?}"), "{degree} {k}");
        }
    }
}
