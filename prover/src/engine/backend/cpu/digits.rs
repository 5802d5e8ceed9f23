//! Scalars as signed digits.
//!
//! A scalar `s` is taken with the sign that makes it shorter and written as `sum_w digit_w * 2^(w * width)`, with digits in
//! `[-2^(width - 1), 2^(width - 1)]`. The width of a column's digits follows from how long its scalars are. Most columns of a
//! witness are short but for their last rows, which are blinded with full scalars: those few have digits of their own, or
//! they would make as many windows for all.

use halo2curves::{bn256::Fr, ff::PrimeField};
use rayon::prelude::*;

/// Widths of digits that are tried; a digit of the widest fits an `i16`.
const WIDTHS: std::ops::RangeInclusive<u32> = 2..=15;

/// Rows whose digits are written together.
const ROWS: usize = 1 << 12;

/// Bits of a scalar that counts as short.
const SHORT: u32 = 64;

/// Limbs of the field's order, the lowest first.
const ORDER: [u64; 4] = [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];

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
        for (limb, bytes) in magnitude.iter_mut().zip(scalar.to_repr().as_ref().as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
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

/// How many multiples of each base there are to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Multiples {
    /// The base alone.
    One,
    /// `2^(stride * j)` times the base, as often as a scalar has strides.
    Every(u32),
}

/// Digits of some rows of a column.
pub(super) struct Digits {
    /// The rows; nothing means all from the first on.
    rows: Option<Vec<u32>>,
    len: usize,
    width: u32,
    windows: usize,
    /// Windows with the same remainder share their buckets: as many as there are remainders.
    sets: usize,
    /// Window by window.
    digits: Vec<i16>,
}

impl Digits {
    /// The digits of a column: of its short scalars, and of the others.
    pub(super) fn of(mut scalars: Vec<Signed>, multiples: Multiples) -> Vec<Self> {
        let long: Vec<u32> = (0u32..).zip(&scalars).filter(|(_, s)| s.bits() > SHORT).map(|(row, _)| row).collect();
        if long.is_empty() || 8 * long.len() > scalars.len() {
            return vec![Self::new(None, &scalars, multiples)];
        }
        let taken: Vec<Signed> =
            long.iter().map(|row| std::mem::replace(&mut scalars[*row as usize], Signed::from(0))).collect();
        vec![Self::new(None, &scalars, multiples), Self::new(Some(long), &taken, multiples)]
    }

    fn new(rows: Option<Vec<u32>>, scalars: &[Signed], multiples: Multiples) -> Self {
        let mut histogram = [0usize; 257];
        scalars.iter().for_each(|scalar| histogram[scalar.bits() as usize] += 1);
        let longest = histogram.iter().rposition(|count| *count > 0).unwrap_or(0) as u32;
        let (width, sets) = cheapest(&histogram, longest, multiples);
        let windows = windows(longest, width);
        let len = scalars.len();
        let mut digits = vec![0i16; len * windows];
        // Some rows of every window.
        let mut blocks: Vec<Vec<&mut [i16]>> = (0..len.div_ceil(ROWS)).map(|_| Vec::with_capacity(windows)).collect();
        for window in digits.chunks_exact_mut(len.max(1)) {
            window.chunks_mut(ROWS).zip(&mut blocks).for_each(|(rows, block)| block.push(rows));
        }
        blocks
            .par_iter_mut()
            .zip(scalars.par_chunks(ROWS))
            .for_each(|(windows, scalars)| write(windows, scalars, width));
        Self { rows, len, width, windows, sets: sets.min(windows), digits }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// Buckets of a set.
    pub(super) fn buckets(&self) -> usize {
        1 << (self.width - 1)
    }

    /// Sets of buckets: that of window `w` is `w` modulo this.
    pub(super) fn sets(&self) -> usize {
        self.sets
    }

    /// Whether windows share sets, taking multiples of the bases.
    pub(super) fn shares(&self) -> bool {
        self.sets < self.windows
    }

    /// The windows that share a set.
    pub(super) fn of_set(&self, set: usize) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + use<> {
        (set..self.windows).step_by(self.sets.max(1))
    }

    /// Digits of a window.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Calls `each` with the row and the digit of those of a window that are not zero.
    pub(super) fn for_each(&self, window: usize, mut each: impl FnMut(usize, i16)) {
        let digits = &self.digits[window * self.len..(window + 1) * self.len];
        match &self.rows {
            None => {
                for (row, digit) in digits.iter().enumerate() {
                    if *digit != 0 {
                        each(row, *digit);
                    }
                }
            }
            Some(rows) => {
                for (row, digit) in rows.iter().zip(digits) {
                    if *digit != 0 {
                        each(*row as usize, *digit);
                    }
                }
            }
        }
    }
}

/// The digits of some scalars, window by window.
fn write(windows: &mut [&mut [i16]], scalars: &[Signed], width: u32) {
    let mut carries = vec![0u16; scalars.len()];
    let (half, mask) = (1u16 << (width - 1), (1u16 << width) - 1);
    for (window, digits) in windows.iter_mut().enumerate() {
        let start = window as u32 * width;
        let (limb, offset) = ((start / 64) as usize, start % 64);
        for ((digit, carry), scalar) in digits.iter_mut().zip(&mut carries).zip(scalars) {
            let low = scalar.magnitude.get(limb).map_or(0, |word| word >> offset);
            // What the next limb adds: nothing when the window begins with this one.
            let high = scalar.magnitude.get(limb + 1).map_or(0, |word| (word << 1) << (63 - offset));
            let value = ((low | high) as u16 & mask) + *carry;
            *carry = u16::from(value > half);
            let value = (i32::from(value) - (i32::from(*carry) << width)) as i16;
            *digit = if scalar.negative { -value } else { value };
        }
    }
}

/// The width and the sets of buckets that cost the least, for scalars of so many bits.
fn cheapest(histogram: &[usize; 257], longest: u32, multiples: Multiples) -> (u32, usize) {
    let choices = WIDTHS.flat_map(|width| {
        let shared = match multiples {
            Multiples::Every(stride) if stride % width == 0 => Some((width, (stride / width) as usize)),
            _ => None,
        };
        [Some((width, windows(longest, width))), shared].into_iter().flatten()
    });
    choices.min_by_key(|(width, sets)| cost(histogram, *width, *sets)).unwrap_or((2, 0))
}

/// Width and windows of the digits of `len` full scalars, without multiples.
pub(super) fn of_full_scalars(len: usize) -> (u32, usize) {
    let longest = Fr::NUM_BITS - 1;
    let mut histogram = [0; 257];
    histogram[longest as usize] = len;
    let (width, _) = cheapest(&histogram, longest, Multiples::One);
    (width, windows(longest, width))
}

/// Windows of scalars of so many bits, one bit more for the carry.
fn windows(longest: u32, width: u32) -> usize {
    if longest == 0 { 0 } else { (longest + 1).div_ceil(width) as usize }
}

/// Additions that a width costs: one a digit, and two a bucket, which are dearer, being fewer at a time; for each set some
/// doublings.
fn cost(histogram: &[usize; 257], width: u32, sets: usize) -> usize {
    let digits: usize = histogram.iter().zip(0u32..).map(|(count, bits)| count * bits.div_ceil(width) as usize).sum();
    digits + sets * ((5 << (width - 1)) / 2 + 16 + 4 * width as usize)
}

#[cfg(test)]
mod tests {
    use halo2curves::ff::Field;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn value(parts: &[Digits], row: usize) -> Fr {
        let mut sum = Fr::ZERO;
        for part in parts {
            let shift = Fr::from(1 << part.width());
            for window in 0..part.windows {
                part.for_each(window, |at, digit| {
                    assert!(u32::from(digit.unsigned_abs()) <= 1 << (part.width() - 1));
                    if at == row {
                        let magnitude = Fr::from(u64::from(digit.unsigned_abs()));
                        let place = shift.pow_vartime([window as u64]);
                        sum += place * if digit < 0 { -magnitude } else { magnitude };
                    }
                });
            }
        }
        sum
    }

    #[test]
    fn digits_make_up_the_scalar() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let full: Vec<Fr> = (0..100).map(|_| Fr::random(&mut rng)).collect();
        let special = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, -Fr::TWO_INV, Fr::from(u64::MAX), -Fr::from(1 << 63)];
        let short: Vec<Fr> = (0..100).map(|i| if i % 9 == 8 { full[i] } else { Fr::from(i as u64 * 977) }).collect();
        for scalars in [&full[..], &full[..1], &special, &special[1..2], &short, &[]] {
            for multiples in [Multiples::One, Multiples::Every(12), Multiples::Every(24)] {
                let digits = Digits::of(scalars.iter().map(Signed::from).collect::<Vec<_>>(), multiples);
                for (row, scalar) in scalars.iter().enumerate() {
                    assert_eq!(value(&digits, row), *scalar);
                }
            }
        }
    }

    #[test]
    fn small_numbers_of_either_sign_take_few_windows() {
        let numbers = (0..4096).map(|i| if i % 2 == 0 { i } else { -i });
        let digits = Digits::of(numbers.clone().map(Signed::from).collect::<Vec<_>>(), Multiples::One);
        let field = |i: i64| if i < 0 { -Fr::from(i.unsigned_abs()) } else { Fr::from(i.unsigned_abs()) };
        let same = Digits::of(numbers.map(|i| Signed::from(&field(i))).collect::<Vec<_>>(), Multiples::One);
        assert_eq!(digits[0].digits, same[0].digits);
        assert!(digits[0].windows * digits[0].width() as usize <= 24);
        assert_eq!(Digits::of(vec![Signed::from(0); 9], Multiples::One)[0].windows, 0);
    }

    #[test]
    fn a_few_long_scalars_stand_apart() {
        let mut scalars: Vec<Signed> = (0..1000i64).map(|i| Signed::from(i % 300 - 150)).collect();
        scalars[999] = Signed::from(&Fr::TWO_INV);
        let parts = Digits::of(scalars, Multiples::One);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].windows <= 2);
        assert_eq!(parts[1].len(), 1);
    }
}
