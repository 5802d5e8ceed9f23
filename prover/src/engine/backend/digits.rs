//! Scalars as signed digits.

use halo2curves::{bn256::Fr, ff::PrimeField};

/// Widths of digits that are tried; a digit of the widest fits an `i16`.
const WIDTHS: std::ops::RangeInclusive<u32> = 2..=15;

/// Limbs of the field's order, the lowest first.
const ORDER: [u64; 4] = [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];

/// A column of scalars, each `sum_w digit_w * 2^(w * width)` with digits in `[-2^(width - 1), 2^(width - 1)]`.
pub(super) struct Digits {
    len: usize,
    width: u32,
    windows: usize,
    /// Window by window.
    digits: Vec<i16>,
}

/// A scalar as sign and magnitude, the shorter of `s` and `s - r`.
#[derive(Clone, Copy)]
pub(super) struct Signed {
    magnitude: [u64; 4],
    negative: bool,
}

impl From<i64> for Signed {
    fn from(scalar: i64) -> Self {
        Self { magnitude: [scalar.unsigned_abs(), 0, 0, 0], negative: scalar < 0 }
    }
}

impl From<&Fr> for Signed {
    fn from(scalar: &Fr) -> Self {
        let mut magnitude = [0u64; 4];
        for (limb, bytes) in magnitude.iter_mut().zip(scalar.to_repr().as_ref().chunks_exact(8)) {
            *limb = bytes.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
        }
        let opposite = subtract(ORDER, magnitude);
        // Compared from the highest limb.
        let negative = opposite.iter().rev().lt(magnitude.iter().rev());
        Self { magnitude: if negative { opposite } else { magnitude }, negative }
    }
}

impl Signed {
    fn bits(&self) -> u32 {
        let used = self.magnitude.iter().rposition(|limb| *limb != 0);
        used.map_or(0, |at| 64 * (at as u32 + 1) - self.magnitude[at].leading_zeros())
    }

    /// `width` bits from `start` on; bits beyond the magnitude are 0.
    fn window(&self, start: u32, width: u32) -> u32 {
        let (limb, offset) = ((start / 64) as usize, start % 64);
        let low = self.magnitude.get(limb).map_or(0, |value| value >> offset);
        let high = match self.magnitude.get(limb + 1) {
            Some(value) if offset > 0 => value << (64 - offset),
            _ => 0,
        };
        ((low | high) & ((1 << width) - 1)) as u32
    }
}

/// `a - b`, which is not negative.
fn subtract(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut borrow = false;
    std::array::from_fn(|at| {
        let (partial, first) = a[at].overflowing_sub(b[at]);
        let (limb, second) = partial.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        limb
    })
}

impl Digits {
    pub(super) fn new(signed: &[Signed]) -> Self {
        let mut histogram = [0usize; 257];
        signed.iter().for_each(|scalar| histogram[scalar.bits() as usize] += 1);
        let longest = histogram.iter().rposition(|count| *count > 0).unwrap_or(0) as u32;
        let width = WIDTHS.min_by_key(|width| cost(&histogram, longest, *width)).unwrap_or(*WIDTHS.start());
        // One bit more for the carry.
        let windows = if longest == 0 { 0 } else { (longest + 1).div_ceil(width) as usize };
        let len = signed.len();
        let mut digits = vec![0i16; len * windows];
        for (at, scalar) in signed.iter().enumerate() {
            let mut carry = 0;
            let end = (scalar.bits() + 1).div_ceil(width) as usize;
            for window in 0..end.min(windows) {
                let mut digit = (scalar.window(window as u32 * width, width) + carry) as i32;
                carry = u32::from(digit > 1 << (width - 1));
                if carry == 1 {
                    digit -= 1 << width;
                }
                digits[window * len + at] = if scalar.negative { -digit } else { digit } as i16;
            }
        }
        Self { len, width, windows, digits }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    /// The digits of a window, scalar by scalar.
    pub(super) fn of(&self, window: usize) -> &[i16] {
        &self.digits[window * self.len..(window + 1) * self.len]
    }
}

/// Additions that a width costs: one a digit, and two a bucket, which are dearer, being fewer at a time.
fn cost(histogram: &[usize; 257], longest: u32, width: u32) -> usize {
    let digits: usize = histogram.iter().zip(0u32..).map(|(count, bits)| count * bits.div_ceil(width) as usize).sum();
    let windows = (longest + 1).div_ceil(width) as usize;
    digits + windows * ((5 << (width - 1)) / 2 + 16)
}

#[cfg(test)]
mod tests {
    use halo2curves::ff::Field;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn digits_make_up_the_scalar() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut scalars: Vec<Fr> = (0..500).map(|_| Fr::random(&mut rng)).collect();
        scalars.extend([Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, -Fr::TWO_INV, Fr::from(u64::MAX)]);
        for take in [scalars.len(), 20, 1] {
            let scalars = &scalars[scalars.len() - take..];
            let digits = Digits::new(&scalars.iter().map(Signed::from).collect::<Vec<_>>());
            for (at, scalar) in scalars.iter().enumerate() {
                let shift = Fr::from(1 << digits.width());
                let value = (0..digits.windows()).rev().fold(Fr::ZERO, |sum, window| {
                    let digit = digits.of(window)[at];
                    assert!(u32::from(digit.unsigned_abs()) <= 1 << (digits.width() - 1));
                    let magnitude = Fr::from(u64::from(digit.unsigned_abs()));
                    sum * shift + if digit < 0 { -magnitude } else { magnitude }
                });
                assert_eq!(value, *scalar);
            }
        }
    }

    #[test]
    fn small_numbers_of_either_sign_take_few_windows() {
        let numbers = (0..4096).map(|i| if i % 2 == 0 { i } else { -i });
        let digits = Digits::new(&numbers.clone().map(Signed::from).collect::<Vec<_>>());
        let field = |i: i64| if i < 0 { -Fr::from(i.unsigned_abs()) } else { Fr::from(i.unsigned_abs()) };
        let same = Digits::new(&numbers.map(|i| Signed::from(&field(i))).collect::<Vec<_>>());
        assert_eq!(digits.digits, same.digits);
        assert!(digits.windows() * digits.width() as usize <= 24, "{} of {}", digits.windows(), digits.width());
        assert_eq!(Digits::new(&[Signed::from(0); 9]).windows(), 0);
    }
}
