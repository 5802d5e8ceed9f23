//! Softmax.

use super::Operand;
use crate::{elementary, float::layout};

pub(super) fn compute(x: Operand<'_>, axis: usize) -> Vec<f64> {
    let mut y = vec![0.0; x.values.len()];
    for group in layout::groups(x.shape, &[axis]).iter() {
        let group: Vec<usize> = group.collect();
        let max = group.iter().map(|&i| x.values[i]).fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for &i in &group {
            y[i] = elementary::exp(x.values[i] - max);
            sum += y[i];
        }
        group.iter().for_each(|&i| y[i] /= sum);
    }
    y
}
