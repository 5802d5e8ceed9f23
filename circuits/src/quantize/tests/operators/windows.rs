//! Conv.

use super::*;
use crate::float::Window;

fn window(strides: &[usize], pads: &[[usize; 2]], dilations: &[usize], groups: usize) -> Window {
    Window { strides: strides.to_vec(), pads: pads.to_vec(), dilations: dilations.to_vec(), groups }
}

/// A convolution with a kernel of these values, or one that is computed.
fn conv(x: &[usize], kernel: &[usize], values: Option<&[f64]>, window: Window, y: &[usize]) -> Case {
    let mut model = Model::default();
    let input = model.input(x);
    let mut ranges = vec![between(-2.0, 2.0)];
    let kernel = match values {
        Some(values) => model.constant(kernel, values),
        None => {
            ranges.push(between(-1.0, 1.0));
            model.input(kernel)
        }
    };
    let y = model.real(Op::Conv { window }, &[input, kernel], y);
    Case { graph: model.finish(y), ranges }
}

/// Padded: 0 1 2 3 4 5 0 0.
#[test]
fn a_line_with_stride_padding_and_dilation() {
    let case = conv(&[1, 1, 5], &[1, 1, 2], Some(&[0.5, 0.25]), window(&[2], &[[1, 2]], &[2], 1), &[1, 1, 3]);
    let y = real_run(&case.quantized(4).unwrap(), &[real_tensor(&[1, 1, 5], &[1.0, 2.0, -1.0, 0.5, 0.25])]);
    assert_eq!(y, [0.5, 1.125, 0.25]);
}

#[test]
fn errors_stay_within_their_bounds() {
    let weights: Vec<f64> = (0..2 * 9).map(|at| f64::from(at * 37 % 23 - 11) / 8.0).collect();
    let cases = [
        conv(&[1, 1, 5], &[1, 1, 2], Some(&[0.3, -0.7]), window(&[2], &[[1, 2]], &[2], 1), &[1, 1, 3]),
        conv(&[1, 2, 3, 3], &[2, 1, 3, 3], Some(&weights), window(&[1, 1], &[[1, 1]; 2], &[1, 1], 2), &[1, 2, 3, 3]),
        conv(&[2, 2, 2, 2], &[1, 2, 2, 1], None, window(&[1, 2], &[[0, 1], [1, 0]], &[1, 1], 1), &[2, 1, 2, 2]),
        conv(&[1, 1, 2, 2, 2], &[1, 1, 2, 2, 2], None, window(&[1; 3], &[[0, 1]; 3], &[1; 3], 1), &[1, 1, 2, 2, 2]),
    ];
    for case in cases {
        assert_eq!(case.holds_under_any_plan(), 15, "{:?}", case.graph);
        case.proves(6);
    }
}

/// A position that reads nothing but padding is 0.
#[test]
fn padding_contributes_nothing() {
    let case = conv(&[1, 1, 1], &[1, 1, 1], Some(&[0.5]), window(&[1], &[[1, 1]], &[1], 1), &[1, 1, 3]);
    assert_eq!(real_run(&case.quantized(4).unwrap(), &[real_tensor(&[1, 1, 1], &[1.5])]), [0.0, 0.75, 0.0]);
}
