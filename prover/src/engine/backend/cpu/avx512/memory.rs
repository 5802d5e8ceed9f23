//! Between memory and vectors. The only unsafe code of the kernels.

use std::arch::x86_64::*;

use halo2curves::bn256::{Fq, Fr};

/// Eight elements in memory: limb by limb, lane by lane.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Pack {
    pub(super) limbs: [[u64; 8]; 5],
}

impl Pack {
    pub(super) const ZERO: Self = Self { limbs: [[0; 8]; 5] };
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &[u64; 8]) -> __m512i {
    // SAFETY: the reference is to 64 bytes that may be read; the instruction asks for no alignment.
    #[allow(unsafe_code)]
    unsafe {
        _mm512_loadu_epi64(words.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(vector: __m512i, words: &mut [u64; 8]) {
    // SAFETY: the reference is to 64 bytes that may be written; the instruction asks for no alignment.
    #[allow(unsafe_code)]
    unsafe {
        _mm512_storeu_epi64(words.as_mut_ptr().cast(), vector);
    }
}

/// What is made of four words and nothing else: Montgomery form with `2^256`, below the order.
///
/// # Safety
/// The type has the size and alignment of `[u64; 4]`, and any such words below the order are one of its values.
#[allow(unsafe_code)]
pub(super) unsafe trait Words: Copy {}

// SAFETY: halo2curves defines both as a tuple of one `[u64; 4]`, in Montgomery form with 2^256 and reduced. A tuple of one
// field that is as large as the field has it at offset 0; the sizes are checked below, the form by a test.
#[allow(unsafe_code)]
unsafe impl Words for Fr {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Words for Fq {}

const _: () = assert!(size_of::<Fr>() == 32 && align_of::<Fr>() == 8 && size_of::<Fq>() == 32 && align_of::<Fq>() == 8);

/// Elements as words.
pub(super) fn words<F: Words>(elements: &[F]) -> &[[u64; 4]] {
    // SAFETY: the trait's contract: same size, same alignment, every value is four words.
    #[allow(unsafe_code)]
    unsafe {
        std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len())
    }
}

/// Elements as words that may be written.
///
/// # Safety
/// Words written must be below the order.
#[allow(unsafe_code)]
pub(super) unsafe fn words_mut<F: Words>(elements: &mut [F]) -> &mut [[u64; 4]] {
    // SAFETY: the trait's contract, and the caller's promise that what is written are values of the type.
    unsafe { std::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), elements.len()) }
}

/// Rows to columns: vector `i` of the result has word `i` of every argument.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    // Pairs of words, then pairs of pairs, then halves.
    let (a0, a1) = (_mm512_unpacklo_epi64(r0, r1), _mm512_unpackhi_epi64(r0, r1));
    let (a2, a3) = (_mm512_unpacklo_epi64(r2, r3), _mm512_unpackhi_epi64(r2, r3));
    let (a4, a5) = (_mm512_unpacklo_epi64(r4, r5), _mm512_unpackhi_epi64(r4, r5));
    let (a6, a7) = (_mm512_unpacklo_epi64(r6, r7), _mm512_unpackhi_epi64(r6, r7));
    // a0 = r0[0] r1[0] r0[2] r1[2] r0[4] r1[4] r0[6] r1[6]
    let even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    let odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    // b0 = r0..r3[0] | r0..r3[4]; b2 = r0..r3[2] | r0..r3[6]
    let (b0, b2) = (_mm512_permutex2var_epi64(a0, even, a2), _mm512_permutex2var_epi64(a0, odd, a2));
    let (b1, b3) = (_mm512_permutex2var_epi64(a1, even, a3), _mm512_permutex2var_epi64(a1, odd, a3));
    let (b4, b6) = (_mm512_permutex2var_epi64(a4, even, a6), _mm512_permutex2var_epi64(a4, odd, a6));
    let (b5, b7) = (_mm512_permutex2var_epi64(a5, even, a7), _mm512_permutex2var_epi64(a5, odd, a7));
    [
        _mm512_shuffle_i64x2::<0x44>(b0, b4),
        _mm512_shuffle_i64x2::<0x44>(b1, b5),
        _mm512_shuffle_i64x2::<0x44>(b2, b6),
        _mm512_shuffle_i64x2::<0x44>(b3, b7),
        _mm512_shuffle_i64x2::<0xee>(b0, b4),
        _mm512_shuffle_i64x2::<0xee>(b1, b5),
        _mm512_shuffle_i64x2::<0xee>(b2, b6),
        _mm512_shuffle_i64x2::<0xee>(b3, b7),
    ]
}

/// Four words each of eight elements that stand one after the other: word by word.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn gather(elements: &[[u64; 4]; 8]) -> [__m512i; 4] {
    let (rows, _) = elements.as_flattened().as_chunks::<8>();
    join([load(&rows[0]), load(&rows[1]), load(&rows[2]), load(&rows[3])])
}

/// From all words of two elements each to one word each of all.
#[inline]
#[target_feature(enable = "avx512f")]
fn join([r0, r1, r2, r3]: [__m512i; 4]) -> [__m512i; 4] {
    let low = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0);
    let high = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
    let (a, b) = (_mm512_permutex2var_epi64(r0, low, r1), _mm512_permutex2var_epi64(r2, low, r3));
    let (c, d) = (_mm512_permutex2var_epi64(r0, high, r1), _mm512_permutex2var_epi64(r2, high, r3));
    [
        _mm512_shuffle_i64x2::<0x44>(a, b),
        _mm512_shuffle_i64x2::<0xee>(a, b),
        _mm512_shuffle_i64x2::<0x44>(c, d),
        _mm512_shuffle_i64x2::<0xee>(c, d),
    ]
}

/// The inverse of [`gather`].
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn scatter(words: [__m512i; 4], elements: &mut [[u64; 4]; 8]) {
    let [w0, w1, w2, w3] = words;
    let (a, b) = (_mm512_shuffle_i64x2::<0x44>(w0, w1), _mm512_shuffle_i64x2::<0xee>(w0, w1));
    let (c, d) = (_mm512_shuffle_i64x2::<0x44>(w2, w3), _mm512_shuffle_i64x2::<0xee>(w2, w3));
    // a has words 0 of elements 0 to 3, then words 1 of them; c words 2 and 3.
    let first = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0);
    let second = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
    let (rows, _) = elements.as_flattened_mut().as_chunks_mut::<8>();
    store(_mm512_permutex2var_epi64(a, first, c), &mut rows[0]);
    store(_mm512_permutex2var_epi64(a, second, c), &mut rows[1]);
    store(_mm512_permutex2var_epi64(b, first, d), &mut rows[2]);
    store(_mm512_permutex2var_epi64(b, second, d), &mut rows[3]);
}

/// Four words each of eight elements that stand anywhere: word by word.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn gather_rows(elements: [&[u64; 4]; 8]) -> [__m512i; 4] {
    let [e0, e1, e2, e3, e4, e5, e6, e7] = elements;
    join([pair(e0, e1), pair(e2, e3), pair(e4, e5), pair(e6, e7)])
}

#[inline]
#[target_feature(enable = "avx512f")]
fn pair(low: &[u64; 4], high: &[u64; 4]) -> __m512i {
    // SAFETY: the references are to 32 bytes each that may be read; the instruction asks for no alignment.
    #[allow(unsafe_code)]
    let [low, high] = [low, high].map(|words| unsafe { _mm256_loadu_si256(words.as_ptr().cast()) });
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}

/// Asks for what will be read soon.
#[inline]
pub(super) fn prefetch<T>(soon: &T) {
    // SAFETY: it is a hint about an address, and does nothing else; every x86-64 processor has it.
    #[allow(unsafe_code)]
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(soon).cast());
    }
}
