//! MatMul: products of matrices, for each index of leading axes that broadcast.

/// Which elements of `[.., m, k]` and `[.., k, n]` are multiplied.
#[derive(Clone, Debug)]
pub(super) struct Matrices {
    m: usize,
    k: usize,
    n: usize,
    /// Leading axes of the output.
    batch: Vec<usize>,
    /// By how many matrices a step along each of them moves in either factor: by none where it is broadcast.
    strides: [Vec<usize>; 2],
}

impl Matrices {
    /// For factors of these shapes, each of which has as many elements as fit memory.
    pub(super) fn new(left: &[usize], right: &[usize]) -> Result<Self, &'static str> {
        let ([a_batch @ .., m, k], [b_batch @ .., inner, n]) = (left, right) else {
            return Err("a matrix has two dimensions at the least");
        };
        if k != inner {
            return Err("a row of the left matrix must be as long as a column of the right one");
        }
        let rank = a_batch.len().max(b_batch.len());
        let dim = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
        let mut batch = Vec::with_capacity(rank);
        for axis in 0..rank {
            match (dim(a_batch, axis), dim(b_batch, axis)) {
                (a, b) if a == b || b == 1 => batch.push(a),
                (1, b) => batch.push(b),
                _ => return Err("leading dimensions must be equal, or one of them 1"),
            }
        }
        let strides = [a_batch, b_batch].map(|shape| {
            let mut strides = vec![0; rank];
            let mut stride = 1;
            for axis in (0..rank).rev() {
                let dim = dim(shape, axis);
                if dim != 1 {
                    strides[axis] = stride;
                }
                stride *= dim;
            }
            strides
        });
        Ok(Self { m: *m, k: *k, n: *n, batch, strides })
    }

    pub(super) fn len(&self) -> usize {
        self.batch.iter().chain([&self.m, &self.n]).fold(1, |product, dim| product.saturating_mul(*dim))
    }

    pub(super) fn depth(&self) -> usize {
        self.k
    }

    pub(super) fn each(&self, output: usize, f: &mut impl FnMut(usize, usize)) {
        let Self { m, k, n, .. } = *self;
        let (mut index, row, column) = (output / (m * n), output / n % m, output % n);
        let mut starts = [0, 0];
        for (axis, dim) in self.batch.iter().enumerate().rev() {
            let at = index % dim;
            index /= dim;
            (0..2).for_each(|side| starts[side] += at * self.strides[side][axis]);
        }
        let (left, right) = (starts[0] * m * k + row * k, starts[1] * k * n + column);
        (0..k).for_each(|at| f(left + at, right + at * n));
    }
}
