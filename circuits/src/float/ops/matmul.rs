//! Products of matrices.

use super::Operand;
use crate::float::layout;

/// The shape of a product of two tensors of rank 2 or more.
pub(crate) fn matmul_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let (Some((a_batch, &[m, k])), Some((b_batch, &[l, n]))) = (a.split_last_chunk::<2>(), b.split_last_chunk::<2>())
    else {
        return Err(format!("{a:?} and {b:?}: both need rank 2 or more"));
    };
    if k != l {
        return Err(format!("{a:?} times {b:?}: the inner dimensions {k} and {l} differ"));
    }
    let mut shape = layout::broadcast(a_batch, b_batch).ok_or_else(|| format!("{a:?} and {b:?} do not broadcast"))?;
    shape.extend([m, n]);
    Ok(shape)
}

pub(super) fn compute(a: Operand<'_>, b: Operand<'_>, shape: &[usize]) -> Vec<f64> {
    let (a_batch, a_last) = a.shape.split_at(a.shape.len() - 2);
    let (b_batch, b_last) = b.shape.split_at(b.shape.len() - 2);
    let (m, k, n) = (a_last[0], a_last[1], b_last[1]);
    let batch = &shape[..shape.len() - 2];
    let mut y = vec![0.0; shape.iter().product()];
    if y.is_empty() || k == 0 {
        return y;
    }
    let pairs = layout::broadcast_offsets(a_batch, batch).zip(layout::broadcast_offsets(b_batch, batch));
    for ((i, j), y) in pairs.zip(y.chunks_exact_mut(m * n)) {
        let a = &a.values[i * m * k..][..m * k];
        let b = &b.values[j * k * n..][..k * n];
        for (a, y) in a.chunks_exact(k).zip(y.chunks_exact_mut(n)) {
            for (a, b) in a.iter().zip(b.chunks_exact(n)) {
                y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
            }
        }
    }
    y
}
