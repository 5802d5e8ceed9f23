//! Transforms between coefficients and values on a coset of the domain.
//!
//! A transform of size `n` is a remainder tree: modulo `X^n - c^2`, then modulo `X^(n/2) - c` and `X^(n/2) + c`, and so on. All
//! blocks of a layer that have the same place use the same root, whatever the layer, so that one table in bit-reversed order
//! serves all layers. Sums and differences are not reduced: a value is below `2 p` at first, below `16 p` after three layers,
//! whose products with the root 1 are left out, and grows by `2 p` a layer from there, to `(2 k + 10) p` at most. That is
//! below `84 p` up to `k = 28`, which is all that the field has roots for; the other factor of every product is below `p`.
//!
//! The first three layers work on eight rows of `n / 8` elements, eight neighbours at a time; then rows become lanes, and what
//! is left are eight independent transforms side by side. Rows go to lanes in bit-reversed order: so the results, with packs
//! in bit-reversed order, have neighbours in neighbouring lanes again, and no element is ever moved alone.
//!
//! The inverse is the same transform read backwards: coefficient `i` is value `-i` divided by `n`.
//!
//! # Source
//! Cooley, Tukey, 1965, in the form of Seiler, "Faster AVX2 optimized NTT multiplication for Ring-LWE lattice cryptography",
//! 2018; the order of the roots and the lazy sums are Harvey's, "Faster arithmetic for number-theoretic transforms", 2014.

use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use rayon::prelude::*;

use super::{
    Avx512,
    lanes::{Lanes, Scalars},
    memory::{Pack, gather, scatter, store, transpose, words, words_mut},
    vectors,
};
use crate::engine::Job;

/// The smallest transform: eight rows of eight.
pub(super) const SMALLEST: u32 = 6;

/// Packs that one thread transforms alone: about what the second-level cache holds.
const ALONE: usize = 1 << 11;

/// Row of a lane.
const ROWS: [usize; 8] = [0, 4, 2, 6, 1, 5, 3, 7];

type Values = Lanes<Scalars>;

/// Roots of unity for transforms of `2^k` elements.
#[derive(Debug)]
pub(super) struct Transform {
    simd: Avx512,
    k: u32,
    /// Of the first three layers, without the first, which is 1.
    first: [[u64; 4]; 3],
    /// At `2^layer - 1 + block`, the layers after those: the root of the block, row by row.
    rest: Vec<Pack>,
    /// `1 / n`.
    size_inverse: [u64; 4],
}

/// What is transformed.
#[derive(Clone, Copy)]
enum Input<'a> {
    Elements(&'a [Fr]),
    Packs(&'a [Pack]),
}

/// What each element is multiplied with on the way; the form is Montgomery's with `2^260`.
#[derive(Clone, Copy)]
enum Factors<'a> {
    Nothing,
    One([u64; 4]),
    Each(&'a [Pack]),
}

impl Factors<'_> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn apply(self, values: Values, at: usize) -> Values {
        match self {
            Self::Nothing => values,
            Self::One(factor) => values.multiply(Values::all(factor)),
            Self::Each(packs) => values.multiply(Values::load(&packs[at])),
        }
    }
}

impl Transform {
    /// For the `2^k`-th roots of unity, `k >= SMALLEST`; `omega` is primitive.
    pub(super) fn new(simd: Avx512, k: u32, omega: Fr) -> Self {
        let half = 1usize << (k - 1);
        let powers: Vec<Fr> = std::iter::successors(Some(Fr::ONE), |power| Some(*power * omega)).take(half).collect();
        let root = |at: usize| powers[at.reverse_bits() >> (usize::BITS - (k - 1))];
        let mut rest = vec![Pack::ZERO; (1 << (k - 3)) - 1];
        for layer in 0..k - 3 {
            let blocks = 1 << layer;
            let of_layer = &mut rest[blocks - 1..2 * blocks - 1];
            of_layer.par_iter_mut().enumerate().for_each(|(block, pack)| {
                *pack = Pack::montgomery(ROWS.map(|row| root(row * blocks + block)));
            });
        }
        let size_inverse = (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
        Self {
            simd,
            k,
            first: [1, 2, 3].map(|at| vectors::form(root(at))),
            rest,
            size_inverse: vectors::form(size_inverse),
        }
    }

    fn packs(&self) -> usize {
        1 << (self.k - 3)
    }

    /// Coefficients to values on a coset, `factors` being the powers of its shift. Both in natural order.
    pub(super) fn evaluate_on_coset(&self, job: &Job<'_>, coefficients: &[Fr], factors: &[Pack]) -> Vec<Pack> {
        let values = self.transform(job, Input::Elements(coefficients), Factors::Each(factors));
        let mut result = vec![Pack::ZERO; self.packs()];
        self.simd.each(&mut result, 256, |at, packs| {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.reorder(&values, at, packs);
            }
        });
        result
    }

    /// Values on the domain, in their own form, to coefficients in the same form, in place.
    pub(super) fn interpolate(&self, job: &Job<'_>, values: &mut [Fr]) {
        let transformed = self.transform(job, Input::Elements(values), Factors::Nothing);
        self.finish(&transformed, Factors::One(self.size_inverse), values);
    }

    /// Values on a coset to coefficients times `n`, each times its factor, in natural order.
    pub(super) fn interpolate_on_coset(&self, job: &Job<'_>, values: &[Pack], factors: &[Pack]) -> Vec<Fr> {
        let transformed = self.transform(job, Input::Packs(values), Factors::Nothing);
        let mut coefficients = vec![Fr::ZERO; 8 * self.packs()];
        self.finish(&transformed, Factors::Each(factors), &mut coefficients);
        coefficients
    }

    /// Packs in bit-reversed order; anything at all, if the job is cancelled.
    fn transform(&self, job: &Job<'_>, input: Input<'_>, factors: Factors<'_>) -> Vec<Pack> {
        let mut data = vec![Pack::ZERO; self.packs()];
        self.simd.each(&mut data, 256, |at, packs| {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.rows(input, factors, at, packs);
            }
        });
        self.descend_together(job, &mut data, 0, 0);
        data
    }

    /// The first three layers, for the packs from `at` on.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn rows(&self, input: Input<'_>, factors: Factors<'_>, at: usize, packs: &mut [Pack]) {
        let row = self.packs() / 8;
        let roots = self.first.map(|root| Values::all(root));
        let (blocks, _) = packs.as_chunks_mut::<8>();
        for (block, packs) in blocks.iter_mut().enumerate() {
            let block = at / 8 + block;
            let mut x = [Values::zero(); 8];
            for (at, x) in x.iter_mut().enumerate() {
                let pack = at * row + block;
                let loaded = match input {
                    Input::Elements(elements) => Values::from_words(gather(&words(elements).as_chunks().0[pack])),
                    Input::Packs(packs) => Values::load(&packs[pack]),
                };
                *x = factors.apply(loaded, pack);
            }
            for at in 0..4 {
                (x[at], x[at + 4]) = (x[at].add(x[at + 4]), x[at].subtract(x[at + 4], 2));
            }
            for at in 0..2 {
                (x[at], x[at + 2]) = (x[at].add(x[at + 2]), x[at].subtract(x[at + 2], 4));
                (x[at + 4], x[at + 6]) = butterfly(x[at + 4], x[at + 6], roots[0]);
            }
            (x[0], x[1]) = (x[0].add(x[1]), x[0].subtract(x[1], 8));
            (x[2], x[3]) = butterfly(x[2], x[3], roots[0]);
            (x[4], x[5]) = butterfly(x[4], x[5], roots[1]);
            (x[6], x[7]) = butterfly(x[6], x[7], roots[2]);
            for limb in 0..5 {
                let columns = transpose(ROWS.map(|row| x[row].limb(limb)));
                for (pack, column) in packs.iter_mut().zip(columns) {
                    store(column, &mut pack.limbs[limb]);
                }
            }
        }
    }

    /// The rest of the layers on one block, on several threads where it is large.
    fn descend_together(&self, job: &Job<'_>, data: &mut [Pack], layer: u32, block: usize) {
        if job.cancelled() {
            return;
        }
        if data.len() <= ALONE {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.descend(data, layer, block);
            }
            return;
        }
        let quarter = data.len() / 4;
        let (low, high) = data.split_at_mut(2 * quarter);
        let ((x0, x1), (x2, x3)) = (low.split_at_mut(quarter), high.split_at_mut(quarter));
        let parts =
            (x0.par_chunks_mut(64).zip(x1.par_chunks_mut(64))).zip(x2.par_chunks_mut(64).zip(x3.par_chunks_mut(64)));
        parts.for_each(|((x0, x1), (x2, x3))| {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.two_layers([x0, x1, x2, x3], layer, block);
            }
        });
        let quarters: Vec<(usize, &mut [Pack])> = data.chunks_mut(quarter).enumerate().collect();
        quarters.into_par_iter().for_each(|(at, part)| self.descend_together(job, part, layer + 2, 4 * block + at));
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn descend(&self, data: &mut [Pack], layer: u32, block: usize) {
        match data.len() {
            0 | 1 => {}
            2 => {
                let root = Values::load(self.root(layer, block));
                let (sum, difference) = butterfly(Values::load(&data[0]), Values::load(&data[1]), root);
                sum.store(&mut data[0]);
                difference.store(&mut data[1]);
            }
            len => {
                let (low, high) = data.split_at_mut(len / 2);
                let ((x0, x1), (x2, x3)) = (low.split_at_mut(len / 4), high.split_at_mut(len / 4));
                self.two_layers([x0, x1, x2, x3], layer, block);
                if len > 4 {
                    for (at, part) in data.chunks_exact_mut(len / 4).enumerate() {
                        self.descend(part, layer + 2, 4 * block + at);
                    }
                }
            }
        }
    }

    fn root(&self, layer: u32, block: usize) -> &Pack {
        &self.rest[(1 << layer) - 1 + block]
    }

    /// A layer, and the next one on both halves.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn two_layers(&self, quarters: [&mut [Pack]; 4], layer: u32, block: usize) {
        let root = self.root(layer, block);
        let (low, high) = (self.root(layer + 1, 2 * block), self.root(layer + 1, 2 * block + 1));
        let [q0, q1, q2, q3] = quarters;
        for ((q0, q1), (q2, q3)) in q0.iter_mut().zip(q1).zip(q2.iter_mut().zip(q3)) {
            let (x0, x2) = butterfly(Values::load(q0), Values::load(q2), Values::load(root));
            let (x1, x3) = butterfly(Values::load(q1), Values::load(q3), Values::load(root));
            let (x0, x1) = butterfly(x0, x1, Values::load(low));
            x0.store(q0);
            x1.store(q1);
            let (x2, x3) = butterfly(x2, x3, Values::load(high));
            x2.store(q2);
            x3.store(q3);
        }
    }

    /// Packs in natural order from `at` on, below `2 p`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reorder(&self, values: &[Pack], at: usize, packs: &mut [Pack]) {
        for (offset, pack) in packs.iter_mut().enumerate() {
            Values::load(&values[self.reversed(at + offset)]).reduce().store(pack);
        }
    }

    fn reversed(&self, pack: usize) -> usize {
        pack.reverse_bits() >> (usize::BITS - (self.k - 3))
    }

    /// Reads values backwards.
    fn finish(&self, values: &[Pack], factors: Factors<'_>, coefficients: &mut [Fr]) {
        self.simd.each(coefficients, 2048, |at, chunk| {
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.backwards(values, factors, at / 8, chunk);
            }
        });
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backwards(&self, values: &[Pack], factors: Factors<'_>, at: usize, chunk: &mut [Fr]) {
        // SAFETY: canonical values are written.
        #[allow(unsafe_code)]
        let (blocks, _) = unsafe { words_mut(chunk) }.as_chunks_mut::<8>();
        let packs = self.packs();
        for (offset, block) in blocks.iter_mut().enumerate() {
            let at = at + offset;
            // Coefficients 8 at .. 8 at + 7 are values n - 8 at .. n - 8 at - 7, modulo n.
            let before = &values[self.reversed(packs - 1 - at)];
            let first = &values[self.reversed((packs - at) % packs)];
            let read = factors.apply(Values::load_backwards(before, first), at);
            scatter(read.canonical().to_words(), block);
        }
    }
}

/// `(a + root * b, a - root * b)`, `2 p` more than `a` at most.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn butterfly(a: Values, b: Values, root: Values) -> (Values, Values) {
    let product = b.multiply(root);
    (a.add(product), a.subtract(product, 2))
}
