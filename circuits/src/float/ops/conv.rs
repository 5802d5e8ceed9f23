//! Convolution over one to three axes.

use super::Operand;
use crate::float::{Window, layout};

/// `[N, M, ..positions]` of `x [N, C, ..]` and a kernel `[M, C / groups, ..window]`.
pub(crate) fn conv_shape(x: &[usize], kernel: &[usize], window: &Window) -> Result<Vec<usize>, String> {
    let rank = window.strides.len();
    if !(1..=3).contains(&rank) || x.len() != rank + 2 || kernel.len() != rank + 2 {
        return Err(format!(
            "x of shape {x:?} and a kernel of shape {kernel:?} along {rank} axes: expected 1 to 3 axes after the first two"
        ));
    }
    let Window { strides, pads, dilations, groups } = window;
    if pads.len() != rank || dilations.len() != rank || strides.contains(&0) || dilations.contains(&0) {
        return Err(format!("has strides {strides:?}, dilations {dilations:?} and pads {pads:?}"));
    }
    let (channels, outputs) = (x[1], kernel[0]);
    if *groups == 0 || channels % groups != 0 || outputs % groups != 0 || kernel[1] != channels / groups {
        return Err(format!(
            "{channels} channels in {groups} groups do not fit a kernel of shape {kernel:?}: expected [a multiple of \
             {groups}, {channels} / {groups}, ..]"
        ));
    }
    let mut shape = vec![x[0], outputs];
    for axis in 0..rank {
        let (length, taps) = (x[axis + 2], kernel[axis + 2]);
        let padded = length.checked_add(pads[axis][0]).and_then(|sum| sum.checked_add(pads[axis][1]));
        let reach = taps.checked_sub(1).and_then(|gaps| gaps.checked_mul(dilations[axis]));
        let room = padded.zip(reach).and_then(|(padded, reach)| padded.checked_sub(reach)?.checked_sub(1));
        let Some(room) = room else {
            return Err(format!(
                "{taps} taps, {} apart, do not fit {length} elements with pads {:?} along axis {}",
                dilations[axis],
                pads[axis],
                axis + 2
            ));
        };
        shape.push(room / strides[axis] + 1);
    }
    Ok(shape)
}

pub(super) fn compute(x: Operand<'_>, kernel: Operand<'_>, window: &Window, shape: &[usize]) -> Vec<f64> {
    let (positions, taps, lengths) = (&shape[2..], &kernel.shape[2..], &x.shape[2..]);
    let (outputs, channels) = (kernel.shape[0], kernel.shape[1]);
    let per_group = outputs / window.groups.max(1);
    let plane: usize = lengths.iter().product();
    let size: usize = taps.iter().product();
    let tap_indices = indices(taps);
    let mut y = Vec::with_capacity(shape.iter().product());
    // Where each tap of each position reads, the same for all channels.
    let reads: Vec<Vec<(usize, usize)>> = indices(positions)
        .iter()
        .map(|position| {
            let read = |(tap, index): (usize, &Vec<usize>)| Some((tap, window.source(position, index, lengths)?));
            tap_indices.iter().enumerate().filter_map(read).collect()
        })
        .collect();
    for sample in 0..shape[0] {
        for output in 0..outputs {
            let first = output / per_group.max(1) * channels;
            for reads in &reads {
                let mut sum = 0.0;
                for channel in 0..channels {
                    let from = (sample * x.shape[1] + first + channel) * plane;
                    let weights = &kernel.values[(output * channels + channel) * size..][..size];
                    sum += reads.iter().map(|&(tap, at)| weights[tap] * x.values[from + at]).sum::<f64>();
                }
                y.push(sum);
            }
        }
    }
    y
}

/// All indices of a shape, row-major.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let strides = layout::strides(shape);
    let of = |flat: usize| shape.iter().zip(&strides).map(|(dim, stride)| flat / stride % dim).collect();
    (0..shape.iter().product()).map(of).collect()
}

impl Window {
    /// The element, along axes of `lengths`, that the tap reads at a position; `None` in the padding.
    pub(crate) fn source(&self, position: &[usize], tap: &[usize], lengths: &[usize]) -> Option<usize> {
        let mut flat = 0;
        for (axis, length) in lengths.iter().enumerate() {
            let padded = position[axis] * self.strides[axis] + tap[axis] * self.dilations[axis];
            let at = padded.checked_sub(self.pads[axis][0]).filter(|at| at < length)?;
            flat = flat * length + at;
        }
        Some(flat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(strides: &[usize], pads: &[[usize; 2]], dilations: &[usize], groups: usize) -> Window {
        Window { strides: strides.to_vec(), pads: pads.to_vec(), dilations: dilations.to_vec(), groups }
    }

    #[test]
    fn a_line_with_stride_padding_and_dilation() {
        let window = window(&[2], &[[1, 2]], &[2], 1);
        let shape = conv_shape(&[1, 1, 5], &[1, 1, 2], &window).unwrap();
        assert_eq!(shape, [1, 1, 3]);
        let x = Operand { shape: &[1, 1, 5], values: &[1.0, 2.0, 3.0, 4.0, 5.0] };
        let kernel = Operand { shape: &[1, 1, 2], values: &[10.0, 1.0] };
        // Padded: 0 1 2 3 4 5 0 0.
        assert_eq!(compute(x, kernel, &window, &shape), [2.0, 24.0, 40.0]);
    }

    #[test]
    fn groups_see_their_own_channels() {
        let window = window(&[1, 1], &[[0, 0]; 2], &[1, 1], 2);
        let shape = conv_shape(&[1, 2, 1, 2], &[2, 1, 1, 1], &window).unwrap();
        let x = Operand { shape: &[1, 2, 1, 2], values: &[1.0, 2.0, 3.0, 4.0] };
        let kernel = Operand { shape: &[2, 1, 1, 1], values: &[10.0, 100.0] };
        assert_eq!(compute(x, kernel, &window, &shape), [10.0, 20.0, 300.0, 400.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plain = window(&[1], &[[0, 0]], &[1], 1);
        assert!(conv_shape(&[1, 1, 2], &[1, 1, 3], &plain).unwrap_err().contains("do not fit 2 elements"));
        assert!(conv_shape(&[1, 3, 4], &[2, 1, 3], &window(&[1], &[[0, 0]], &[1], 2)).is_err());
        assert!(conv_shape(&[1, 1, 2], &[1, 1, 1], &window(&[0], &[[0, 0]], &[1], 1)).is_err());
        let huge = window(&[1], &[[usize::MAX, 1]], &[1], 1);
        assert!(conv_shape(&[1, 1, 2], &[1, 1, 1], &huge).is_err());
    }
}
