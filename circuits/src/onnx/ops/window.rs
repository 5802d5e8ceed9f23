//! Windows that slide along the axes after the first two: what Conv, ConvTranspose and the poolings share.

use super::super::call::Call;
use super::Error;
use crate::float::{NodeId, layout};

/// How a window slides, as the attributes say.
pub(super) struct Sliding {
    /// How many elements of the input there are along each axis.
    pub(super) lengths: Vec<usize>,
    pub(super) taps: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    pub(super) padding: Padding,
}

/// Where padding comes from.
pub(super) enum Padding {
    /// Before and after, along each axis.
    Given(Vec<(usize, usize)>),
    /// As many positions as strides fit the input; an odd one of padding stands after (`SAME_UPPER`).
    SameUpper,
    /// The same, but before.
    SameLower,
}

/// What is done with elements that are less than a stride.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// They are left out.
    Floor,
    /// They get a position of their own (`ceil_mode`).
    Ceil,
}

/// Positive integers, one for each axis.
fn extents(call: &mut Call<'_>, name: &str, rank: usize) -> Result<Option<Vec<usize>>, Error> {
    let Some(values) = call.attributes.ints(name)? else { return Ok(None) };
    let extents: Option<Vec<usize>> =
        values.iter().map(|&value| usize::try_from(value).ok().filter(|&v| v > 0)).collect();
    match extents.filter(|extents| extents.len() == rank) {
        // Bounded, so that no product or sum of a few of them overflows.
        Some(extents) if extents.iter().all(|&extent| extent <= u32::MAX as usize) => Ok(Some(extents)),
        _ => Err(call.attributes.refuse(name, format!("is {values:?}, expected {rank} positive integers"))),
    }
}

/// Numbers from 0 on: `pads` and `output_padding`.
pub(super) fn counts(call: &mut Call<'_>, name: &str, len: usize) -> Result<Vec<usize>, Error> {
    let Some(values) = call.attributes.ints(name)? else { return Ok(vec![0; len]) };
    let counts: Option<Vec<usize>> =
        values.iter().map(|&value| u32::try_from(value).ok().map(|value| value as usize)).collect();
    match counts.filter(|counts| counts.len() == len) {
        Some(counts) => Ok(counts),
        None => {
            Err(call.attributes.refuse(name, format!("is {values:?}, expected {len} integers that are not negative")))
        }
    }
}

impl Sliding {
    /// Reads `kernel_shape`, `strides`, `dilations`, `auto_pad` and `pads`. `kernel` are the taps if an operand says them.
    pub(super) fn read(call: &mut Call<'_>, x: NodeId, kernel: Option<&[usize]>) -> Result<Self, Error> {
        let shape = call.shape(x);
        if shape.len() < 3 {
            return Err(call.refuse(format!("slides over a tensor of shape {shape:?}, expected rank 3 or more")));
        }
        let lengths = shape[2..].to_vec();
        let rank = lengths.len();
        let taps = match (extents(call, "kernel_shape", rank)?, kernel) {
            (Some(taps), Some(kernel)) if taps != kernel => {
                return Err(call
                    .attributes
                    .refuse("kernel_shape", format!("is {taps:?}, but the kernel's is {kernel:?}")));
            }
            (Some(taps), _) => taps,
            (None, Some(kernel)) => kernel.to_vec(),
            (None, None) => return Err(call.attributes.refuse("kernel_shape", "is missing")),
        };
        let strides = extents(call, "strides", rank)?.unwrap_or_else(|| vec![1; rank]);
        let dilations = extents(call, "dilations", rank)?.unwrap_or_else(|| vec![1; rank]);
        let pads = counts(call, "pads", 2 * rank)?;
        let given = || (0..rank).map(|axis| (pads[axis], pads[rank + axis])).collect();
        let padding = match call.attributes.string("auto_pad")? {
            None | Some("NOTSET") => Padding::Given(given()),
            Some("VALID") => Padding::Given(vec![(0, 0); rank]),
            Some("SAME_UPPER") => Padding::SameUpper,
            Some("SAME_LOWER") => Padding::SameLower,
            Some(_) => {
                return Err(call.attributes.refuse("auto_pad", "is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER"));
            }
        };
        Ok(Self { lengths, taps, strides, dilations, padding })
    }

    /// How far the window reaches along an axis.
    pub(super) fn reach(&self, axis: usize) -> usize {
        (self.taps[axis].saturating_sub(1)).saturating_mul(self.dilations[axis]).saturating_add(1)
    }

    /// Padding before and after each axis.
    pub(super) fn pads(&self) -> Vec<(usize, usize)> {
        if let Padding::Given(pads) = &self.padding {
            return pads.clone();
        }
        let of = |axis: usize| {
            let (length, stride) = (self.lengths[axis], self.strides[axis]);
            let positions = length.div_ceil(stride);
            let needed = (positions.saturating_sub(1)).saturating_mul(stride).saturating_add(self.reach(axis));
            let total = needed.saturating_sub(length);
            match self.padding {
                Padding::SameLower => (total - total / 2, total / 2),
                _ => (total / 2, total - total / 2),
            }
        };
        (0..self.lengths.len()).map(of).collect()
    }

    /// How many positions there are along each axis. With [`Ends::Ceil`], none that starts in the padding after the input.
    pub(super) fn positions(&self, call: &Call<'_>, ends: Ends) -> Result<Vec<usize>, Error> {
        let pads = self.pads();
        let of = |axis: usize| {
            let (length, stride) = (self.lengths[axis], self.strides[axis]);
            let padded = length.saturating_add(pads[axis].0).saturating_add(pads[axis].1);
            let room = padded.checked_sub(self.reach(axis));
            let positions = room.map(|room| match ends {
                Ends::Floor => room / stride + 1,
                Ends::Ceil => {
                    let positions = room.div_ceil(stride) + 1;
                    let starts_after = (positions - 1).saturating_mul(stride) >= length + pads[axis].0;
                    positions - usize::from(starts_after)
                }
            });
            positions.filter(|&positions| positions > 0).ok_or_else(|| {
                call.refuse(format!(
                    "has a window that reaches over {} elements, but axis {} has {length}, padded to {padded}",
                    self.reach(axis),
                    axis + 2
                ))
            })
        };
        (0..self.lengths.len()).map(of).collect()
    }

    /// What each position reads: for each tap the element within the lengths, or `Err` of whether the padding there counts
    /// (it does not beyond the padding that was asked for). `leading` is the product of the axes before.
    ///
    /// The caller has made sure that there is room for positions times taps.
    pub(super) fn reads(&self, positions: &[usize]) -> Vec<Vec<Read>> {
        let pads = self.pads();
        let rank = positions.len();
        let (own, of_taps) = (layout::strides(positions), layout::strides(&self.taps));
        let taps: usize = self.taps.iter().product();
        let read = |position: usize, tap: usize| {
            let (mut flat, mut inside, mut counts) = (0, true, true);
            for axis in 0..rank {
                let start = position / own[axis] % positions[axis] * self.strides[axis];
                let padded = start + tap / of_taps[axis] % self.taps[axis] * self.dilations[axis];
                let at = padded.checked_sub(pads[axis].0).filter(|&at| at < self.lengths[axis]);
                inside &= at.is_some();
                counts &= padded < pads[axis].0 + self.lengths[axis] + pads[axis].1;
                flat = flat * self.lengths[axis] + at.unwrap_or(0);
            }
            match (inside, counts) {
                (true, _) => Read::Element(flat),
                (false, true) => Read::Padding,
                (false, false) => Read::Beyond,
            }
        };
        (0..positions.iter().product()).map(|position| (0..taps).map(|tap| read(position, tap)).collect()).collect()
    }
}

/// What a tap of a window reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// An element, by its index along the axes that the window slides over.
    Element(usize),
    /// The padding that was asked for.
    Padding,
    /// What lies beyond it, with `ceil_mode`.
    Beyond,
}
