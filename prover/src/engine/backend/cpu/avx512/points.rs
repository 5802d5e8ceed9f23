//! Many additions of points at once, eight side by side.
//!
//! The formulas are those of affine coordinates, with one inversion for a whole batch (Montgomery's trick): five
//! multiplications and a square for an addition. Each lane has a running product of its own; the eight are inverted together.
//! Equal points are doubled, opposite ones cancel, infinity, which is `(0, 0)` here, adds nothing: lanes where one of these
//! may be are found by their coordinates in each group of eight, and treated by value.
//!
//! # Source
//! Montgomery, "Speeding the Pollard and elliptic curve methods of factorization", 1987, section 10.3.1.

use halo2curves::{
    bn256::{Fq, G1Affine},
    ff::Field,
};

use super::{
    Avx512,
    lanes::{Coordinates, Lanes, Order, Subset},
    memory::{Pack, gather, gather_rows, load, prefetch, scatter, store, transpose, words, words_mut},
};

/// Additions that share an inversion: as many running products as the second-level cache holds beside the points.
pub(super) const BATCH: usize = 2048;

/// Groups of eight that go in step.
const GROUPS: usize = 4;

/// Blocks between asking for a point and adding it: the multiples of the bases are more than a cache holds.
const AHEAD: usize = 2;

/// Pairs of a block.
const BLOCK: usize = 8 * GROUPS;

type Field8 = Lanes<Coordinates>;

/// A point: `x`, then `y`, below the order, in Montgomery form with `2^260`. Infinity is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Point([u64; 8]);

impl Point {
    pub(super) const INFINITY: Self = Self([0; 8]);

    pub(super) fn new(point: &G1Affine) -> Self {
        // From 2^256 to 2^260: times 16.
        let coordinates = [point.x, point.y].map(|value| value.double().double().double().double());
        let (words, _) = words(&coordinates).as_flattened().as_chunks::<8>();
        Self(words[0])
    }

    /// Given [`sixteenth`].
    pub(super) fn to_affine(self, sixteenth: &Fq) -> G1Affine {
        let mut coordinates = [Fq::ZERO; 2];
        // SAFETY: both are below the order.
        #[allow(unsafe_code)]
        unsafe { words_mut(&mut coordinates) }.as_flattened_mut().copy_from_slice(&self.0);
        let [x, y] = coordinates.map(|value| value * sixteenth);
        G1Affine { x, y }
    }

    /// `(x, p - y)`.
    pub(super) fn opposite(&self) -> Self {
        let mut point = *self;
        if self.0[4..] == [0; 4] {
            return point;
        }
        let mut borrow = false;
        for (limb, order) in point.0[4..].iter_mut().zip(Coordinates::WORDS) {
            let (partial, first) = order.overflowing_sub(*limb);
            let (word, second) = partial.overflowing_sub(u64::from(borrow));
            *limb = word;
            borrow = first || second;
        }
        point
    }
}

/// `1 / 16`.
pub(super) fn sixteenth() -> Fq {
    Option::<Fq>::from(Fq::from(16).invert()).unwrap_or(Fq::ONE)
}

/// A point to add, or its opposite.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    pub(super) point: &'a Point,
    pub(super) negated: bool,
}

/// What a batch keeps from its first pass for the second.
pub(super) struct Adder {
    /// Running product before each group.
    products: Vec<[Pack; GROUPS]>,
    /// Lanes that are no plain addition, group by group.
    special: Vec<[Special; GROUPS]>,
    one: [u64; 4],
}

/// Lanes that are not plain additions.
#[derive(Clone, Copy, Default)]
struct Special {
    any: Subset,
    first_infinite: Subset,
    second_infinite: Subset,
    doubled: Subset,
    cancelled: Subset,
}

/// Eight pairs.
struct Group<'a> {
    first: [&'a Point; 8],
    second: [&'a Point; 8],
    negated: [Subset; 2],
}

impl<'a> Group<'a> {
    /// The pairs from `at` on; what is beyond `count` is infinity.
    #[inline(always)]
    fn new(at: usize, count: usize, operands: &impl Fn(usize) -> [Operand<'a>; 2]) -> Self {
        let mut group = Group { first: [&Point::INFINITY; 8], second: [&Point::INFINITY; 8], negated: [0; 2] };
        if at + 8 <= count {
            for lane in 0..8 {
                group.set(lane, operands(at + lane));
            }
        } else {
            for lane in 0..count.saturating_sub(at) {
                group.set(lane, operands(at + lane));
            }
        }
        group
    }

    #[inline(always)]
    fn set(&mut self, lane: usize, [first, second]: [Operand<'a>; 2]) {
        self.first[lane] = first.point;
        self.second[lane] = second.point;
        self.negated[0] |= u8::from(first.negated) << lane;
        self.negated[1] |= u8::from(second.negated) << lane;
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn x(points: &[&Point; 8]) -> Field8 {
        let x = |lane: usize| &points[lane].0.as_chunks::<4>().0[0];
        Field8::from_words(gather_rows([x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7)]))
    }

    /// Coordinates, with `y` of negated ones replaced by `p - y`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn coordinates(points: &[&Point; 8], negated: Subset) -> (Field8, Field8) {
        let row = |lane: usize| load(&points[lane].0);
        let rows = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
        let [x0, x1, x2, x3, y0, y1, y2, y3] = transpose(rows);
        let (x, y) = (Field8::from_words([x0, x1, x2, x3]), Field8::from_words([y0, y1, y2, y3]));
        let y = if negated == 0 { y } else { y.select(negated, Field8::zero().subtract(y, 1)) };
        (x, y)
    }

    #[cold]
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn special(&self, any: Subset) -> Special {
        let ((x1, y1), (x2, y2)) = (Self::coordinates(&self.first, 0), Self::coordinates(&self.second, 0));
        let first_infinite = x1.zeros() & y1.zeros();
        let second_infinite = x2.zeros() & y2.zeros();
        let finite = !(first_infinite | second_infinite);
        let ((_, y1), (_, y2)) =
            (Self::coordinates(&self.first, self.negated[0]), Self::coordinates(&self.second, self.negated[1]));
        let same = x1.equal(x2) & finite;
        let doubled = same & y1.equal(y2);
        Special { any, first_infinite, second_infinite, doubled, cancelled: same & !doubled }
    }
}

impl Special {
    /// What is inverted instead of a difference that is zero or means nothing.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn denominator(&self, plain: Field8, y: Field8, one: Field8) -> Field8 {
        let needless = self.first_infinite | self.second_infinite | self.cancelled;
        plain.select(self.doubled, y.add(y)).select(needless, one)
    }
}

impl Default for Adder {
    fn default() -> Self {
        let one = Fq::from(16);
        Self { products: Vec::new(), special: Vec::new(), one: words(&[one])[0] }
    }
}

impl Adder {
    /// `sums[target(i)] = first + second` for the `count` pairs of `operands`.
    pub(super) fn add<'a>(
        &mut self,
        _: Avx512,
        count: usize,
        operands: impl Fn(usize) -> [Operand<'a>; 2],
        sums: &mut [Point],
        target: impl Fn(usize) -> usize,
    ) {
        for start in (0..count).step_by(BATCH) {
            let len = BATCH.min(count - start);
            // SAFETY: of the features there is proof.
            #[allow(unsafe_code)]
            unsafe {
                self.batch(len, |at| operands(start + at), sums, |at| target(start + at));
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn batch<'a>(
        &mut self,
        count: usize,
        operands: impl Fn(usize) -> [Operand<'a>; 2],
        sums: &mut [Point],
        target: impl Fn(usize) -> usize,
    ) {
        let one = Field8::all(self.one);
        let blocks = count.div_ceil(BLOCK);
        if self.products.len() < blocks {
            self.products.resize(blocks, [Pack::ZERO; GROUPS]);
            self.special.resize(blocks, [Special::default(); GROUPS]);
        }
        // Each group of a block has a running product of its own, so that none waits for another.
        let mut products = [one; GROUPS];
        for block in 0..blocks {
            for at in (block + AHEAD) * BLOCK..((block + AHEAD + 1) * BLOCK).min(count) {
                for operand in operands(at) {
                    prefetch(operand.point);
                }
            }
            let mut denominators = [one; GROUPS];
            for (at, denominator) in denominators.iter_mut().enumerate() {
                let start = block * BLOCK + 8 * at;
                if start >= count {
                    break;
                }
                let group = Group::new(start, count, &operands);
                let (x1, x2) = (Group::x(&group.first), Group::x(&group.second));
                *denominator = x2.subtract(x1, 1);
                let any = x1.equal(x2) | x1.zeros() | x2.zeros();
                self.special[block][at].any = any;
                if any != 0 {
                    let special = group.special(any);
                    let (_, y) = Group::coordinates(&group.first, group.negated[0]);
                    *denominator = special.denominator(*denominator, y, one);
                    self.special[block][at] = special;
                }
            }
            for at in 0..GROUPS {
                products[at].store(&mut self.products[block][at]);
                products[at] = products[at].multiply(denominators[at]);
            }
        }

        let mut inverses = invert(products);
        let zero = Field8::zero();
        for block in (0..blocks).rev() {
            let groups = (count - block * BLOCK).div_ceil(8).min(GROUPS);
            let (mut x1, mut y1, mut x2, mut y2) = ([zero; GROUPS], [zero; GROUPS], [zero; GROUPS], [zero; GROUPS]);
            let (mut denominators, mut slopes) = ([one; GROUPS], [zero; GROUPS]);
            for at in 0..groups {
                let group = Group::new(block * BLOCK + 8 * at, count, &operands);
                (x1[at], y1[at]) = Group::coordinates(&group.first, group.negated[0]);
                (x2[at], y2[at]) = Group::coordinates(&group.second, group.negated[1]);
                denominators[at] = x2[at].subtract(x1[at], 1);
                slopes[at] = y2[at].subtract(y1[at], 1);
                let special = &self.special[block][at];
                if special.any != 0 {
                    denominators[at] = special.denominator(denominators[at], y1[at], one);
                    let square = x1[at].square();
                    slopes[at] = slopes[at].select(special.doubled, square.add(square).add(square));
                }
            }
            // The slopes: (y2 - y1) / (x2 - x1), or 3 x^2 / 2 y. Step by step for all groups, so that products overlap.
            for (slope, product) in slopes.iter_mut().zip(&self.products[block]).take(groups) {
                *slope = slope.multiply(Field8::load(product));
            }
            for at in 0..groups {
                slopes[at] = slopes[at].multiply(inverses[at]);
            }
            for at in 0..groups {
                inverses[at] = inverses[at].multiply(denominators[at]);
            }
            // x = slope^2 - x1 - x2, y = slope * (x1 - x) - y1
            let (mut x, mut y) = ([zero; GROUPS], [zero; GROUPS]);
            for at in 0..groups {
                x[at] = slopes[at].square();
            }
            for at in 0..groups {
                x[at] = x[at].subtract(x1[at].add(x2[at]), 2).reduce().canonical();
            }
            for at in 0..groups {
                y[at] = slopes[at].multiply(x1[at].subtract(x[at], 1));
            }
            for at in 0..groups {
                let mut x = x[at];
                let mut y = y[at].subtract(y1[at], 1).reduce().canonical();
                let special = &self.special[block][at];
                if special.any != 0 {
                    let (first, second) = (special.first_infinite, special.second_infinite);
                    x = x.select(special.cancelled, zero).select(second, x1[at]).select(first, x2[at]);
                    y = y.select(special.cancelled, zero).select(second, y1[at]).select(first, y2[at]);
                    // The opposite of infinity has y = p here.
                    y = y.select(first & second, zero);
                }
                let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (x.to_words(), y.to_words());
                let rows = transpose([x0, x1, x2, x3, y0, y1, y2, y3]);
                let start = block * BLOCK + 8 * at;
                for (lane, row) in rows.into_iter().enumerate() {
                    if start + lane < count {
                        store(row, &mut sums[target(start + lane)].0);
                    }
                }
            }
        }
    }
}

/// The inverse of each lane of each; none is zero.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert(values: [Field8; GROUPS]) -> [Field8; GROUPS] {
    let mut product = values[0];
    let mut before = values;
    for at in 1..GROUPS {
        before[at] = product;
        product = product.multiply(values[at]);
    }
    let mut inverse = invert_lanes(product);
    let mut result = values;
    for at in (1..GROUPS).rev() {
        result[at] = inverse.multiply(before[at]);
        inverse = inverse.multiply(values[at]);
    }
    result[0] = inverse;
    result
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn invert_lanes(values: Field8) -> Field8 {
    let mut elements = [Fq::ZERO; 8];
    // SAFETY: canonical values are written.
    #[allow(unsafe_code)]
    let lanes = unsafe { words_mut(&mut elements) };
    if let Some(eight) = lanes.first_chunk_mut::<8>() {
        scatter(values.canonical().to_words(), eight);
    }
    let mut before = [Fq::ONE; 8];
    let mut product = Fq::ONE;
    for (before, element) in before.iter_mut().zip(&elements) {
        *before = product;
        product *= element;
    }
    // Words of v * 2^260 are read as an element 16 v, and must become those of 16 / v: 256 / (16 v).
    let mut inverse = Option::<Fq>::from(product.invert()).unwrap_or(Fq::ONE) * Fq::from(256);
    // One factor 256 for each lane: the inverse of a product of the others takes it along.
    for (before, element) in before.iter().zip(&mut elements).rev() {
        let own = inverse * before;
        inverse *= *element;
        *element = own;
    }
    Field8::from_words(gather(words(&elements).first_chunk::<8>().unwrap_or(&[[0; 4]; 8])))
}
