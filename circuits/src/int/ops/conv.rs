//! Conv: a kernel that moves over one to three axes.

use crate::int::Window;

/// Axes that a kernel moves over, at the most.
const AXES: usize = 3;

/// What a kernel does along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Elements of the data, without padding.
    data: usize,
    /// Elements of the output.
    out: usize,
    /// Taps of the kernel.
    taps: usize,
    stride: usize,
    dilation: usize,
    /// Zeros before the data.
    before: usize,
}

/// A missing axis, which has one element.
const NO_AXIS: Axis = Axis { data: 1, out: 1, taps: 1, stride: 1, dilation: 1, before: 0 };

impl Axis {
    fn new(data: usize, taps: usize, stride: usize, pads: [usize; 2], dilation: usize) -> Result<Self, &'static str> {
        if stride == 0 || dilation == 0 {
            return Err("strides and dilations must be 1 at the least");
        }
        let padded = data.checked_add(pads[0]).and_then(|sum| sum.checked_add(pads[1]));
        let extent = taps.checked_sub(1).and_then(|gaps| gaps.checked_mul(dilation)?.checked_add(1));
        let steps = padded.zip(extent).and_then(|(padded, extent)| padded.checked_sub(extent));
        let steps = steps.ok_or("the kernel must not be longer than the data with its padding")?;
        let out = (steps / stride).checked_add(1).ok_or("the output must have fewer elements")?;
        Ok(Self { data, out, taps, stride, dilation, before: pads[0] })
    }

    /// The taps that meet data and not padding, at position `at` of the output.
    fn taps_at(&self, at: usize) -> std::ops::Range<usize> {
        let start = at * self.stride;
        let first = self.before.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.data + self.before).saturating_sub(start).div_ceil(self.dilation).min(self.taps);
        first.min(end)..end
    }

    /// Where a tap of [`Self::taps_at`] reads.
    fn position(&self, at: usize, tap: usize) -> usize {
        at * self.stride + tap * self.dilation - self.before
    }
}

/// Which elements of `[N, C, D1..Dr]` and `[M, C/groups, k1..kr]` are multiplied.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    samples: usize,
    /// Of data, for each group.
    channels: usize,
    /// Of the output, for each group.
    filters: usize,
    groups: usize,
    axes: [Axis; AXES],
}

impl Windows {
    /// For factors of these shapes, each of which has as many elements as fit memory.
    pub(super) fn new(data: &[usize], kernel: &[usize], window: &Window) -> Result<Self, &'static str> {
        let ([samples, channels, dims @ ..], [filters, depth, taps @ ..]) = (data, kernel) else {
            return Err("data and kernel have channels and one to three axes");
        };
        let Window { strides, pads, dilations, groups } = window;
        let rank = dims.len();
        if !(1..=AXES).contains(&rank) || taps.len() != rank {
            return Err("data and kernel have channels and the same one to three axes");
        }
        if [strides.len(), pads.len(), dilations.len()] != [rank; 3] {
            return Err("there must be a stride, two pads and a dilation for each axis");
        }
        if *groups == 0 || !channels.is_multiple_of(*groups) || !filters.is_multiple_of(*groups) {
            return Err("groups must divide the channels of data and output");
        }
        if *depth != channels / groups {
            return Err("the kernel must have as many channels as each group of the data");
        }
        let mut axes = [NO_AXIS; AXES];
        for axis in 0..rank {
            axes[AXES - rank + axis] = Axis::new(dims[axis], taps[axis], strides[axis], pads[axis], dilations[axis])?;
        }
        Ok(Self { samples: *samples, channels: *depth, filters: filters / groups, groups: *groups, axes })
    }

    pub(super) fn len(&self) -> usize {
        let outs = self.axes.iter().map(|axis| axis.out);
        [self.samples, self.groups, self.filters].into_iter().chain(outs).fold(1, usize::saturating_mul)
    }

    pub(super) fn depth(&self) -> usize {
        self.axes.iter().map(|axis| axis.taps).fold(self.channels, usize::saturating_mul)
    }

    pub(super) fn each(&self, output: usize, f: &mut impl FnMut(usize, usize)) {
        let [x, y, z] = &self.axes;
        let mut rest = output;
        let mut next = |dim: usize| {
            let at = rest % dim;
            rest /= dim;
            at
        };
        let (at_z, at_y, at_x) = (next(z.out), next(y.out), next(x.out));
        let (filter, group) = (next(self.filters), next(self.groups));
        let sample = rest;
        for channel in 0..self.channels {
            let data = ((sample * self.groups + group) * self.channels + channel) * x.data;
            let kernel = ((group * self.filters + filter) * self.channels + channel) * x.taps;
            for tap_x in x.taps_at(at_x) {
                let (data, kernel) = ((data + x.position(at_x, tap_x)) * y.data, (kernel + tap_x) * y.taps);
                for tap_y in y.taps_at(at_y) {
                    let (data, kernel) = ((data + y.position(at_y, tap_y)) * z.data, (kernel + tap_y) * z.taps);
                    z.taps_at(at_z).for_each(|tap| f(data + z.position(at_z, tap), kernel + tap));
                }
            }
        }
    }
}
