//! Arithmetic on vectors of scalars.

use halo2curves::{
    bn256::Fr,
    ff::{BatchInvert, Field},
};
use rayon::prelude::*;

use super::{
    Avx512,
    lanes::{Lanes, MOST_SUMMANDS, Product, Scalars, split},
    memory::{Pack, gather, scatter, words, words_mut},
};

type Values = Lanes<Scalars>;

/// Elements that one task takes.
const TASK: usize = 1 << 11;

/// Products that are added up before a reduction; see [`Product::add`].
const SUMMANDS: usize = 32;
const _: () = assert!(SUMMANDS <= MOST_SUMMANDS);

/// From Montgomery form with `2^256` to that with `2^260`.
pub(super) fn form(value: Fr) -> [u64; 4] {
    let value = value.double().double().double().double();
    words(std::slice::from_ref(&value))[0]
}

impl Pack {
    /// Eight elements in Montgomery form with `2^260`.
    pub(super) fn montgomery(elements: [Fr; 8]) -> Self {
        let mut pack = Self::ZERO;
        for (lane, element) in elements.into_iter().enumerate() {
            for (limb, word) in pack.limbs.iter_mut().zip(split(form(element))) {
                limb[lane] = word;
            }
        }
        pack
    }
}

/// Eight neighbours as they stand, in their own form.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn read(elements: &[Fr], at: usize) -> Values {
    match words(elements).get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(eight) => Values::from_words(gather(eight)),
        // The short tail.
        None => {
            let mut eight = [[0; 4]; 8];
            for (to, from) in eight.iter_mut().zip(words(elements).get(at..).unwrap_or(&[])) {
                *to = *from;
            }
            Values::from_words(gather(&eight))
        }
    }
}

/// Eight neighbours in Montgomery form with `2^260`, below `2 p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn read_packed(elements: &[Fr], at: usize) -> Values {
    read(elements, at).double::<4>().reduce()
}

/// Writes eight neighbours, below `p`, or as many as there is place for.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn write(values: Values, elements: &mut [Fr], at: usize) {
    // SAFETY: the caller gives values below the order.
    #[allow(unsafe_code)]
    let words = unsafe { words_mut(elements) };
    let Some(rest) = words.get_mut(at..) else { return };
    match rest.first_chunk_mut::<8>() {
        Some(eight) => scatter(values.to_words(), eight),
        None => {
            let mut eight = [[0; 4]; 8];
            scatter(values.to_words(), &mut eight);
            for (to, from) in rest.iter_mut().zip(eight) {
                *to = from;
            }
        }
    }
}

/// `first, first * base, first * base^2, ..`, in Montgomery form with `2^260`.
pub(super) fn packed_powers(simd: Avx512, base: Fr, first: Fr, packs: usize) -> Vec<Pack> {
    let mut powers = vec![Pack::ZERO; packs];
    let step = form(base.pow_vartime([8]));
    simd.each(&mut powers, TASK / 8, |at, powers| {
        let mut power = first * base.pow_vartime([8 * at as u64]);
        let start = [(); 8].map(|()| {
            let own = power;
            power *= base;
            own
        });
        // SAFETY: of the features there is proof.
        #[allow(unsafe_code)]
        unsafe {
            geometric(Pack::montgomery(start), step, powers);
        }
    });
    powers
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn geometric(start: Pack, step: [u64; 4], powers: &mut [Pack]) {
    let (mut power, step) = (Values::load(&start), Values::all(step));
    for pack in powers {
        power.canonical().store(pack);
        power = power.multiply(step);
    }
}

/// `sum_i poly[i] * powers[i]`: the value of a polynomial, given the powers of the point.
pub(super) fn evaluate(_: Avx512, poly: &[Fr], powers: &[Pack]) -> Fr {
    let parts = poly.par_chunks(TASK).zip(powers.par_chunks(TASK / 8));
    // SAFETY: of the features there is proof.
    #[allow(unsafe_code)]
    parts.map(|(poly, powers)| unsafe { dot(poly, powers) }).sum()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn dot(poly: &[Fr], powers: &[Pack]) -> Fr {
    let mut sum = Values::zero();
    for (at, powers) in powers.chunks(SUMMANDS).enumerate() {
        let mut product = Product::zero();
        for (offset, power) in powers.iter().enumerate() {
            product.add(read(poly, 8 * (at * SUMMANDS + offset)), Values::load(power));
        }
        sum = sum.add(product.reduce()).reduce();
    }
    let mut lanes = [Fr::ZERO; 8];
    write(sum.canonical(), &mut lanes, 0);
    lanes.into_iter().sum()
}

/// `sum_i factors[i] * polys[i]`; what is beyond a polynomial's end is 0.
pub(super) fn combine(simd: Avx512, polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
    let factors: Vec<[u64; 5]> = factors.iter().map(|factor| split(form(*factor))).collect();
    let mut sum = vec![Fr::ZERO; len];
    simd.each(&mut sum, TASK, |at, sum| {
        // SAFETY: of the features there is proof.
        #[allow(unsafe_code)]
        unsafe {
            combine_part(polys, &factors, at, sum);
        }
    });
    sum
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn combine_part(polys: &[&[Fr]], factors: &[[u64; 5]], at: usize, sum: &mut [Fr]) {
    for offset in (0..sum.len()).step_by(8) {
        let mut total = Values::zero();
        for (polys, factors) in polys.chunks(SUMMANDS).zip(factors.chunks(SUMMANDS)) {
            let mut product = Product::zero();
            for (poly, factor) in polys.iter().zip(factors) {
                product.add(read(poly, at + offset), Values::all_limbs(factor));
            }
            total = total.add(product.reduce()).reduce();
        }
        write(total.canonical(), sum, offset);
    }
}

/// From Montgomery form with `2^256` to packs in that with `2^260`.
pub(super) fn pack(simd: Avx512, elements: &[Fr]) -> Vec<Pack> {
    let mut packs = vec![Pack::ZERO; elements.len().div_ceil(8)];
    simd.each(&mut packs, TASK / 8, |at, packs| {
        // SAFETY: of the features there is proof.
        #[allow(unsafe_code)]
        unsafe {
            pack_part(elements, at, packs);
        }
    });
    packs
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn pack_part(elements: &[Fr], at: usize, packs: &mut [Pack]) {
    for (offset, pack) in packs.iter_mut().enumerate() {
        read_packed(elements, 8 * (at + offset)).store(pack);
    }
}

/// `values[i] *= factors[i]`.
pub(super) fn multiply_each(_: Avx512, values: &mut [Pack], factors: &[Pack]) {
    // SAFETY: of the features there is proof.
    #[allow(unsafe_code)]
    unsafe {
        multiply_part(values, factors);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_part(values: &mut [Pack], factors: &[Pack]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        Values::load(value).multiply(Values::load(factor)).store(value);
    }
}

/// The inverse of [`pack`], of values below `2 p`.
pub(super) fn unpack(simd: Avx512, packs: &[Pack]) -> Vec<Fr> {
    let mut elements = vec![Fr::ZERO; 8 * packs.len()];
    simd.each(&mut elements, TASK, |at, elements| {
        // SAFETY: of the features there is proof.
        #[allow(unsafe_code)]
        unsafe {
            unpack_part(&packs[at / 8..], elements);
        }
    });
    elements
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn unpack_part(packs: &[Pack], elements: &mut [Fr]) {
    // a * 2^260 * 2^256 / 2^260: the words of one, in Montgomery form with 2^256.
    let factor = Values::all(words(&[Fr::ONE])[0]);
    for (at, pack) in (0..elements.len()).step_by(8).zip(packs) {
        write(Values::load(pack).multiply(factor).canonical(), elements, at);
    }
}

/// `numerators[i] / denominators[i]` in place of the denominators; zero where the denominator is.
pub(super) fn divide_each(simd: Avx512, numerators: &[Fr], denominators: &mut [Fr]) {
    simd.each(denominators, TASK, |at, part| {
        // SAFETY: of the features there is proof.
        #[allow(unsafe_code)]
        unsafe {
            divide_part(&numerators[at..], part);
        }
    });
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn divide_part(numerators: &[Fr], denominators: &mut [Fr]) {
    // In Montgomery form with 2^260; any element that is not zero serves instead of one that is.
    let one = Values::all(form(Fr::ONE));
    let zeros = |values: Values| values.zeros();
    let mut before = Vec::with_capacity(denominators.len().div_ceil(8));
    let mut product = one;
    for at in (0..denominators.len()).step_by(8) {
        let values = read(denominators, at);
        let mut pack = Pack::ZERO;
        product.store(&mut pack);
        before.push(pack);
        product = product.multiply(values.select(zeros(values), one));
    }
    let mut lanes = [Fr::ZERO; 8];
    write(product.canonical(), &mut lanes, 0);
    lanes.iter_mut().batch_invert();
    // Words w of a product are read as w / 2^256: the inverse has words 2^512 / w, and 2^516 / w is wanted, so that own
    // inverses times a numerator in Montgomery form with 2^256 are in that form.
    let scaled = lanes.map(|lane| lane * Fr::from(16));
    let mut inverse = read(&scaled, 0);
    for (at, before) in (0..denominators.len()).step_by(8).zip(&before).rev() {
        let values = read(denominators, at);
        let zero = zeros(values);
        let own = inverse.multiply(Values::load(before));
        inverse = inverse.multiply(values.select(zero, one));
        let quotient = own.multiply(read(numerators, at)).select(zero, Values::zero());
        write(quotient.canonical(), denominators, at);
    }
}
