//! Eight field elements side by side, in five limbs of 52 bits.
//!
//! # Form
//! A vector register holds one limb of all eight. Elements are in Montgomery form with `S = 2^260`, or, where the other
//! operand of a product is in that form, in whatever form they came: `multiply(a, b)` is `a * b / S`. The eight bits that
//! `S` has beyond the order `p` are room: a value may be anything below `84 p`, additions and subtractions do not reduce, and
//!
//! `multiply(a, b) < p + a * b / S < 2 p`   as long as   `a * b < 84 p^2`,   since `S > 84 p`.
//!
//! Every function says what it takes and gives in multiples of `p`.
//!
//! # Source
//! Gueron, Krasnov, "Accelerating big integer arithmetic using Intel IFMA extensions", 2016; Montgomery, "Modular
//! multiplication without trial division", 1985.

use std::{arch::x86_64::*, marker::PhantomData};

use super::memory::{Pack, load, store};

/// `floor(S / p)`: what a value, or the product of two bounds, must stay below, in multiples of `p`.
pub(super) const ROOM: u32 = 84;

/// Products that may be added up before a reduction: `(200 + 1) * 9 * 2^52 + 2^52 < 2^63`.
pub(super) const MOST_SUMMANDS: usize = 200;

const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// An odd order of less than 254 bits.
pub(super) trait Order: Copy + 'static {
    /// In limbs of 64 bits.
    const WORDS: [u64; 4];
    /// `0, p, 2 p, ..`.
    const MULTIPLES: &'static [[u64; 5]; 85] = &multiples(Self::WORDS);
    /// `-p^-1` modulo `2^52`.
    const NEGATIVE_INVERSE: u64 = negative_inverse(Self::WORDS[0]);
    /// `floor(2^(260 + 10) / p)`, to estimate quotients.
    const QUOTIENT: u64 = quotient(Self::WORDS);
}

/// Of BN254's scalars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalars;

impl Order for Scalars {
    const WORDS: [u64; 4] =
        [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
}

/// Of BN254's coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coordinates;

impl Order for Coordinates {
    const WORDS: [u64; 4] =
        [0x3c20_8c16_d87c_fd47, 0x9781_6a91_6871_ca8d, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
}

/// From limbs of 64 bits to limbs of 52.
pub(super) const fn split(words: [u64; 4]) -> [u64; 5] {
    [
        words[0] & MASK,
        (words[0] >> 52 | words[1] << 12) & MASK,
        (words[1] >> 40 | words[2] << 24) & MASK,
        (words[2] >> 28 | words[3] << 36) & MASK,
        words[3] >> 16,
    ]
}

const fn multiples(order: [u64; 4]) -> [[u64; 5]; 85] {
    let order = split(order);
    let mut table = [[0; 5]; 85];
    let mut multiple = 1;
    while multiple < 85 {
        let (mut limb, mut carry) = (0, 0);
        while limb < 5 {
            let sum = table[multiple - 1][limb] + order[limb] + carry;
            table[multiple][limb] = sum & MASK;
            carry = sum >> BITS;
            limb += 1;
        }
        multiple += 1;
    }
    table
}

const fn negative_inverse(low: u64) -> u64 {
    // Newton's iteration doubles the bits that are right; an odd number is its own inverse modulo 8.
    let (mut inverse, mut step) = (low, 0);
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(low.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & MASK
}

const fn quotient(order: [u64; 4]) -> u64 {
    // 2^270 / p from the highest 64 bits of p, a little too large, rounded up: the quotient rounded down.
    let high = (order[3] as u128) + 1;
    ((1u128 << (270 - 192)) / high) as u64
}

/// Eight elements.
#[derive(Clone, Copy)]
pub(super) struct Lanes<P> {
    limbs: [__m512i; 5],
    order: PhantomData<P>,
}

/// A subset of the lanes.
pub(super) type Subset = __mmask8;

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn splat(word: u64) -> __m512i {
    _mm512_set1_epi64(word as i64)
}

/// Brings all limbs but the highest below `2^52`; limbs may be negative, the whole may not.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn carry(mut limbs: [__m512i; 5]) -> [__m512i; 5] {
    let mask = splat(MASK);
    for at in 0..4 {
        limbs[at + 1] = _mm512_add_epi64(limbs[at + 1], _mm512_srai_epi64::<BITS>(limbs[at]));
        limbs[at] = _mm512_and_si512(limbs[at], mask);
    }
    limbs
}

impl<P: Order> Lanes<P> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(limbs: [__m512i; 5]) -> Self {
        Self { limbs, order: PhantomData }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero() -> Self {
        Self::new([_mm512_setzero_si512(); 5])
    }

    /// The same element, below `2^256`, in every lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn all(words: [u64; 4]) -> Self {
        Self::all_limbs(&split(words))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn all_limbs(limbs: &[u64; 5]) -> Self {
        Self::new([splat(limbs[0]), splat(limbs[1]), splat(limbs[2]), splat(limbs[3]), splat(limbs[4])])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn load(pack: &Pack) -> Self {
        let limbs = &pack.limbs;
        Self::new([load(&limbs[0]), load(&limbs[1]), load(&limbs[2]), load(&limbs[3]), load(&limbs[4])])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn store(self, pack: &mut Pack) {
        for (limb, to) in self.limbs.into_iter().zip(&mut pack.limbs) {
            store(limb, to);
        }
    }

    /// The eight elements that begin at lane `offset` of the first and go on in the second.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn load_across(first: &Pack, second: &Pack, offset: usize) -> Self {
        let lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
        let index = _mm512_add_epi64(lanes, splat(offset as u64));
        let limb = |at: usize| _mm512_permutex2var_epi64(load(&first.limbs[at]), index, load(&second.limbs[at]));
        Self::new([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }

    /// Lane 0 of the second, then lanes 7 to 1 of the first.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn load_backwards(first: &Pack, second: &Pack) -> Self {
        let index = _mm512_set_epi64(1, 2, 3, 4, 5, 6, 7, 8);
        let limb = |at: usize| _mm512_permutex2var_epi64(load(&first.limbs[at]), index, load(&second.limbs[at]));
        Self::new([limb(0), limb(1), limb(2), limb(3), limb(4)])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn limb(self, at: usize) -> __m512i {
        self.limbs[at]
    }

    /// From four vectors with one limb of 64 bits each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn from_words(words: [__m512i; 4]) -> Self {
        let mask = splat(MASK);
        let [w0, w1, w2, w3] = words;
        let join = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
        Self::new([
            _mm512_and_si512(w0, mask),
            join(_mm512_srli_epi64::<52>(w0), _mm512_slli_epi64::<12>(w1)),
            join(_mm512_srli_epi64::<40>(w1), _mm512_slli_epi64::<24>(w2)),
            join(_mm512_srli_epi64::<28>(w2), _mm512_slli_epi64::<36>(w3)),
            _mm512_srli_epi64::<16>(w3),
        ])
    }

    /// Four vectors with one limb of 64 bits each, of values below `2^256`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn to_words(self) -> [__m512i; 4] {
        let [l0, l1, l2, l3, l4] = self.limbs;
        [
            _mm512_or_si512(l0, _mm512_slli_epi64::<52>(l1)),
            _mm512_or_si512(_mm512_srli_epi64::<12>(l1), _mm512_slli_epi64::<40>(l2)),
            _mm512_or_si512(_mm512_srli_epi64::<24>(l2), _mm512_slli_epi64::<28>(l3)),
            _mm512_or_si512(_mm512_srli_epi64::<36>(l3), _mm512_slli_epi64::<16>(l4)),
        ]
    }

    /// Below `a + b`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(self, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = _mm512_add_epi64(*limb, other);
        }
        Self::new(carry(limbs))
    }

    /// `a - b + multiple * p`, where `b <= multiple * p`: below `a + multiple * p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn subtract(self, other: Self, multiple: usize) -> Self {
        let mut limbs = self.limbs;
        for ((limb, other), order) in limbs.iter_mut().zip(other.limbs).zip(P::MULTIPLES[multiple]) {
            *limb = _mm512_add_epi64(_mm512_sub_epi64(*limb, other), splat(order));
        }
        Self::new(carry(limbs))
    }

    /// `2^BY a`: below `2^BY * a`, which must be below `84 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double<const BY: u32>(self) -> Self {
        let mut limbs = self.limbs;
        for limb in &mut limbs {
            *limb = _mm512_slli_epi64::<BY>(*limb);
        }
        Self::new(carry(limbs))
    }

    /// `a * b / S`, below `2 p`, for `a * b < 84 p^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn multiply(self, other: Self) -> Self {
        let mut product = Product::zero();
        product.add(self, other);
        product.reduce()
    }

    /// `a^2 / S`, below `2 p`, for `a < 9 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square(self) -> Self {
        let a = self.limbs;
        let mut columns = [_mm512_setzero_si512(); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], a[i], a[j]);
                columns[i + j + 1] = _mm512_madd52hi_epu64(columns[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut columns {
            *column = _mm512_slli_epi64::<1>(*column);
        }
        for i in 0..5 {
            columns[2 * i] = _mm512_madd52lo_epu64(columns[2 * i], a[i], a[i]);
            columns[2 * i + 1] = _mm512_madd52hi_epu64(columns[2 * i + 1], a[i], a[i]);
        }
        Product { columns, order: PhantomData::<P> }.reduce()
    }

    /// The same modulo `p`, below `2 p`, for anything below `84 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self) -> Self {
        // q = floor(floor(a / 2^208) * QUOTIENT / 2^62) is a / p rounded down, or one less: the first floor loses less than
        // 2^208 / p, QUOTIENT, having 17 bits and being rounded down, less than 84 / 2^16, and the last floor less than 1. So
        // a - q p is below 1.01 p.
        let zero = _mm512_setzero_si512();
        let quotient = _mm512_srli_epi64::<10>(_mm512_madd52hi_epu64(zero, self.limbs[4], splat(P::QUOTIENT)));
        let mut limbs = self.limbs;
        let order = P::MULTIPLES[1];
        for at in 0..5 {
            limbs[at] = _mm512_sub_epi64(limbs[at], _mm512_madd52lo_epu64(zero, quotient, splat(order[at])));
        }
        for at in 0..4 {
            limbs[at + 1] = _mm512_sub_epi64(limbs[at + 1], _mm512_madd52hi_epu64(zero, quotient, splat(order[at])));
        }
        Self::new(carry(limbs))
    }

    /// The same modulo `p`, below `p`, for anything below `2 p`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn canonical(self) -> Self {
        let mut less = self.limbs;
        for (limb, order) in less.iter_mut().zip(P::MULTIPLES[1]) {
            *limb = _mm512_sub_epi64(*limb, splat(order));
        }
        let less = carry(less);
        let negative = _mm512_cmplt_epi64_mask(less[4], _mm512_setzero_si512());
        Self::new(less).select(negative, self)
    }

    /// `other` in these lanes, `self` in the rest.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn select(self, lanes: Subset, other: Self) -> Self {
        let mut limbs = self.limbs;
        for (limb, other) in limbs.iter_mut().zip(other.limbs) {
            *limb = _mm512_mask_blend_epi64(lanes, *limb, other);
        }
        Self::new(limbs)
    }

    /// Lanes in which all limbs are zero.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zeros(self) -> Subset {
        let [l0, l1, l2, l3, l4] = self.limbs;
        let any = _mm512_or_si512(_mm512_or_si512(l0, l1), _mm512_or_si512(_mm512_or_si512(l2, l3), l4));
        _mm512_testn_epi64_mask(any, any)
    }

    /// Lanes in which both have the same limbs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn equal(self, other: Self) -> Subset {
        let mut difference = _mm512_setzero_si512();
        for (a, b) in self.limbs.into_iter().zip(other.limbs) {
            difference = _mm512_or_si512(difference, _mm512_xor_si512(a, b));
        }
        _mm512_testn_epi64_mask(difference, difference)
    }
}

/// A sum of products before its reduction.
#[derive(Clone, Copy)]
pub(super) struct Product<P> {
    columns: [__m512i; 10],
    order: PhantomData<P>,
}

impl<P: Order> Product<P> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero() -> Self {
        Self { columns: [_mm512_setzero_si512(); 10], order: PhantomData }
    }

    /// Adds `a * b`. A column grows by less than `9 * 2^52`, and must stay below `2^63` after a reduction has added as much as
    /// another product: no more than [`MOST_SUMMANDS`] times between reductions, and the sum below `84 p^2`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&mut self, a: Lanes<P>, b: Lanes<P>) {
        for i in 0..5 {
            for j in 0..5 {
                self.columns[i + j] = _mm512_madd52lo_epu64(self.columns[i + j], a.limbs[i], b.limbs[j]);
                self.columns[i + j + 1] = _mm512_madd52hi_epu64(self.columns[i + j + 1], a.limbs[i], b.limbs[j]);
            }
        }
    }

    /// The sum divided by `S`, below `p + sum / S`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self) -> Lanes<P> {
        let mut columns = self.columns;
        let (zero, inverse, order) = (_mm512_setzero_si512(), splat(P::NEGATIVE_INVERSE), P::MULTIPLES[1]);
        for i in 0..5 {
            // The multiple of p that makes the lowest 52 bits vanish.
            let multiple = _mm512_madd52lo_epu64(zero, columns[i], inverse);
            for j in 0..5 {
                let limb = splat(order[j]);
                columns[i + j] = _mm512_madd52lo_epu64(columns[i + j], multiple, limb);
                columns[i + j + 1] = _mm512_madd52hi_epu64(columns[i + j + 1], multiple, limb);
            }
            columns[i + 1] = _mm512_add_epi64(columns[i + 1], _mm512_srli_epi64::<BITS>(columns[i]));
        }
        Lanes::new(carry([columns[5], columns[6], columns[7], columns[8], columns[9]]))
    }
}

#[cfg(test)]
mod tests {
    use halo2curves::{
        bn256::{Fq, Fr},
        ff::PrimeField,
    };
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::{
        super::{
            Avx512,
            memory::{Words, gather, scatter, transpose, words, words_mut},
        },
        *,
    };

    /// Eight elements at a time, against halo2curves.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn arithmetic<P: Order, F: Words + PrimeField>() {
        let read = |elements: &[F; 8]| {
            Lanes::<P>::from_words(gather(words(elements).first_chunk::<8>().expect("eight elements")))
        };
        let written = |lanes: Lanes<P>| {
            let mut elements = [F::ZERO; 8];
            // SAFETY: canonical values are written.
            #[allow(unsafe_code)]
            let words = unsafe { words_mut(&mut elements) };
            scatter(lanes.canonical().to_words(), words.first_chunk_mut::<8>().expect("eight elements"));
            elements
        };
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let sixteenth = F::from(16).invert().expect("not zero");
        let edges = [F::ZERO, F::ONE, -F::ONE, F::TWO_INV, -F::TWO_INV, F::from(u64::MAX), -F::from(2), F::DELTA];
        for round in 0..200 {
            let mut draw = || [(); 8].map(|()| F::random(&mut rng));
            let (mut a, mut b) = (draw(), draw());
            if round < 64 {
                a = edges;
                b = [edges[round / 8]; 8];
                b[round % 8] = edges[7 - round / 8];
            }
            let both = |of: fn(F, F) -> F| std::array::from_fn::<F, 8, _>(|lane| of(a[lane], b[lane]));
            let (x, y) = (read(&a), read(&b));
            assert_eq!(written(x), a);
            assert_eq!(written(x.add(y)), both(|a, b| a + b));
            assert_eq!(written(x.subtract(y, 1)), both(|a, b| a - b));
            assert_eq!(written(x.multiply(y)), both(|a, b| a * b).map(|v| v * sixteenth));
            assert_eq!(written(x.square()), a.map(|v| v.square() * sixteenth));
            assert_eq!(written(x.double::<4>().reduce()), a.map(|v| v * F::from(16)));
            // All the room there is: 83 p at most, then products of sums.
            let many = (0..82).fold(x, |sum, _| sum.add(y));
            assert_eq!(written(many.reduce()), both(|a, b| a + b * F::from(82)));
            let (eight, nine) = ((0..7).fold(x, |sum, _| sum.add(x)), (0..8).fold(y, |sum, _| sum.add(y)));
            assert_eq!(written(eight.multiply(nine)), both(|a, b| a * b * F::from(72)).map(|v| v * sixteenth));
            assert_eq!(written(eight.square()), a.map(|v| v.square() * F::from(64) * sixteenth));
            let mut product = Product::zero();
            (0..32).for_each(|_| product.add(x, y));
            assert_eq!(written(product.reduce()), both(|a, b| a * b * F::from(32)).map(|v| v * sixteenth));
            let equal = (0..8).filter(|lane| a[*lane] == b[*lane]).fold(0, |set, lane| set | 1 << lane);
            assert_eq!(x.equal(y), equal);
            let zeros = (0..8).filter(|lane| a[*lane] == F::ZERO).fold(0, |set, lane| set | 1 << lane);
            assert_eq!(x.zeros(), zeros);
            assert_eq!(written(x.select(0b1010_0001, y))[5], b[5]);
            assert_eq!(written(x.select(0b1010_0001, y))[6], a[6]);
        }
        let rows: [[u64; 8]; 8] = std::array::from_fn(|row| std::array::from_fn(|at| (8 * row + at) as u64));
        let columns = transpose(std::array::from_fn(|row| load(&rows[row])));
        for (at, column) in columns.into_iter().enumerate() {
            let mut words = [0; 8];
            store(column, &mut words);
            assert_eq!(words, std::array::from_fn(|row| rows[row][at]));
        }
    }

    #[test]
    fn arithmetic_is_that_of_both_fields() {
        // Where the processor lacks the instructions, nothing here is ever run.
        if Avx512::detect().is_some() {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                arithmetic::<Scalars, Fr>();
                arithmetic::<Coordinates, Fq>();
            }
        }
    }
}
