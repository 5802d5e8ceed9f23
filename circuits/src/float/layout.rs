//! Row-major layout: strides, broadcasting, and the groups that a reduction runs over.

/// Strides of a row-major tensor: how far apart two neighbours along each axis stand.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

/// The shape that `a` and `b` broadcast to, by NumPy's rule; `None` if they do not.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// For each element of a tensor of shape `to`, row-major, the element of a tensor of shape `from` that broadcasts to
/// it.
///
/// `from` must broadcast to `to`: see [`broadcast`].
pub fn broadcast_offsets(from: &[usize], to: &[usize]) -> Offsets {
    let own = strides(from);
    let missing = to.len() - from.len();
    let strides = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(at) if from[at] != 1 => own[at],
            _ => 0,
        })
        .collect();
    Offsets::new(to.to_vec(), strides)
}

/// The elements of a tensor of shape `shape`, grouped by reducing `axes`: one group per element of the reduced tensor,
/// in its row-major order; within a group, row-major.
pub fn groups(shape: &[usize], axes: &[usize]) -> Groups {
    let all = strides(shape);
    let (mut kept, mut reduced) = ((vec![], vec![]), (vec![], vec![]));
    for axis in 0..shape.len() {
        let part = if axes.contains(&axis) { &mut reduced } else { &mut kept };
        part.0.push(shape[axis]);
        part.1.push(all[axis]);
    }
    Groups { starts: Offsets::new(kept.0, kept.1), members: Offsets::new(reduced.0, reduced.1).collect() }
}

/// Flat offsets of a strided walk over a shape, the last axis fastest.
#[derive(Clone, Debug)]
pub struct Offsets {
    shape: Vec<usize>,
    strides: Vec<usize>,
    index: Vec<usize>,
    offset: usize,
    remaining: usize,
}

impl Offsets {
    /// Walks `shape`; a step along axis `i` moves by `strides[i]`. Both are of one length.
    pub fn new(shape: Vec<usize>, strides: Vec<usize>) -> Self {
        debug_assert_eq!(shape.len(), strides.len());
        let remaining = shape.iter().product();
        Self { index: vec![0; shape.len()], shape, strides, offset: 0, remaining }
    }
}

impl Iterator for Offsets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.remaining = self.remaining.checked_sub(1)?;
        let current = self.offset;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            self.offset += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.offset -= self.index[axis] * self.strides[axis];
            self.index[axis] = 0;
        }
        Some(current)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl ExactSizeIterator for Offsets {}

/// See [`groups`].
#[derive(Clone, Debug)]
pub struct Groups {
    starts: Offsets,
    members: Vec<usize>,
}

impl Groups {
    /// How many elements each group has.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// The groups, each as flat indices.
    pub fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = usize> + '_> + '_ {
        self.starts.clone().map(|start| self.members.iter().map(move |member| start + member))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(shape: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
        groups(shape, axes).iter().map(Iterator::collect).collect()
    }

    #[test]
    fn broadcast_follows_numpy() {
        assert_eq!(broadcast(&[2, 1, 3], &[4, 1]), Some(vec![2, 4, 3]));
        assert_eq!(broadcast(&[], &[2]), Some(vec![2]));
        assert_eq!(broadcast(&[], &[]), Some(vec![]));
        assert_eq!(broadcast(&[2], &[3]), None);
    }

    #[test]
    fn broadcast_repeats_along_axes_of_one() {
        assert_eq!(broadcast_offsets(&[2, 1], &[2, 3]).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_offsets(&[3], &[2, 3]).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast_offsets(&[], &[2]).collect::<Vec<_>>(), [0, 0]);
    }

    #[test]
    fn groups_cover_each_element_once() {
        assert_eq!(lists(&[2, 3], &[1]), [[0, 1, 2], [3, 4, 5]]);
        assert_eq!(lists(&[2, 3], &[0]), [[0, 3], [1, 4], [2, 5]]);
        assert_eq!(lists(&[2, 2, 2], &[0, 2]), [[0, 1, 4, 5], [2, 3, 6, 7]]);
        assert_eq!(lists(&[2, 2], &[0, 1]), [[0, 1, 2, 3]]);
    }

    #[test]
    fn an_empty_shape_has_one_element_and_an_empty_dimension_none() {
        assert_eq!(Offsets::new(vec![], vec![]).collect::<Vec<_>>(), [0]);
        assert_eq!(Offsets::new(vec![2, 0], vec![0, 1]).count(), 0);
    }
}
