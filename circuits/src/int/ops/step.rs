//! [`Op::Step`](super::super::Op::Step): on which side of zero a value stands.
//!
//! Comparisons are made of it: `a >= b` is `step(a - b)`, `a > b` is `step(a - b - 1)`, and of integers `a = b` is
//! `step(a - b) + step(b - a) - 1`. So is rounding half to even: with `k = floor((x + 2^(S-1)) / 2^(S+1))`, which is a shift by
//! `S + 1` of `x - 2^(S-1)`, it is `2*k + step(x - 2^(S+1)*k - 2^(S-1) - 1)`.

use super::super::Interval;

/// The function.
pub(in crate::int) fn value(x: i64) -> i64 {
    i64::from(x >= 0)
}

/// Exact: the function never decreases.
pub(in crate::int) fn range(x: Interval) -> Interval {
    x.map_increasing(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half to even is made of a shift and a step, ties and both signs included.
    #[test]
    fn half_to_even_is_a_shift_and_a_step() {
        for bits in 1..6u32 {
            let (half, double) = (1i64 << (bits - 1), 2i64 << bits);
            for x in -300i64..300 {
                // Shift, which rounds half up, of x - half.
                let k = (x - half + (double >> 1)).div_euclid(double);
                let rounded = 2 * k + value(x - double * k - half - 1);
                let expected = (x as f64 / 2f64.powi(bits as i32)).round_ties_even() as i64;
                assert_eq!(rounded, expected, "{x} / 2^{bits}");
            }
        }
    }
}
