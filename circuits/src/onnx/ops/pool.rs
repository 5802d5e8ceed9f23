//! Poolings: what each window of an image holds, one channel at a time.
//!
//! The elements of each window are moved to an axis of their own, which is then reduced. Padding never wins a maximum: an
//! element of the same window stands in its place.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::compose::Reduced;
use super::super::domain::Domain;
use super::window::{Ends, Read, Sliding};
use super::{Error, Import, Registry};
use crate::float::{ElementType, NodeId, Op, Ties, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.add_in(Domain::Onnx, "MaxPool", 1, Import::Several(max_pool));
    registry.compose("AveragePool", 1, average_pool);
    registry.compose("LpPool", 1, lp_pool);
    registry.compose("GlobalAveragePool", 1, |call| global(call, |axes| Op::ReduceMean { axes }));
    registry.compose("GlobalMaxPool", 1, |call| global(call, |axes| Op::ReduceMax { axes }));
    registry.compose("GlobalLpPool", 1, |call| {
        let p = order(call)?;
        let (x, axes) = inner_axes(call)?;
        let powers = call.absolute_power(x, p)?;
        let sum = call.reduction(|axes| Op::ReduceSum { axes }, powers, &axes, Reduced::Kept)?;
        call.power(sum, 1.0 / p)
    });
}

fn inner_axes(call: &Call<'_>) -> Result<(NodeId, Vec<usize>), Error> {
    let x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    match call.shape(x).len() {
        rank @ 3.. => Ok((x, (2..rank).collect())),
        rank => Err(call.refuse(format!("pools a tensor of rank {rank}, expected 3 or more"))),
    }
}

fn global(call: &mut Call<'_>, op: fn(Vec<usize>) -> Op) -> Result<NodeId, Error> {
    let (x, axes) = inner_axes(call)?;
    call.reduction(op, x, &axes, Reduced::Kept)
}

fn order(call: &mut Call<'_>) -> Result<f64, Error> {
    match call.attributes.int("p")?.unwrap_or(2) {
        // Small enough to be exact.
        p @ 1..=64 => Ok(p as f64),
        p => Err(call.attributes.refuse("p", format!("is {p}, expected 1 to 64"))),
    }
}

/// A window, what it reads, and the shape of what a pooling yields.
struct Pooling {
    x: NodeId,
    reads: Vec<Vec<Read>>,
    shape: Vec<usize>,
    plane: usize,
}

impl Pooling {
    fn read(call: &mut Call<'_>) -> Result<Self, Error> {
        let x = call.operand(0, "X")?;
        call.require_number(x, "X")?;
        let sliding = Sliding::read(call, x, None)?;
        let ends = match call.attributes.flag("ceil_mode", Flag::No)? {
            Flag::Yes => Ends::Ceil,
            Flag::No => Ends::Floor,
        };
        let positions = sliding.positions(call, ends)?;
        let shape = [&call.shape(x)[..2], &positions].concat();
        call.builder.check_room(&[&shape[..], &sliding.taps].concat())?;
        let plane = sliding.lengths.iter().product();
        Ok(Self { x, reads: sliding.reads(&positions), shape, plane })
    }

    /// `[N, C, positions.., taps]`: what each window holds; `source` says where an element of plane 0 comes from.
    fn windows(
        &self,
        call: &mut Call<'_>,
        inputs: Vec<NodeId>,
        source: impl Fn(&[Read], Read) -> (usize, usize),
    ) -> Result<NodeId, Error> {
        let taps = self.reads.first().map_or(0, Vec::len);
        let shape = [&self.shape[..], &[taps]].concat();
        let element = call.element(self.x);
        let planes: usize = self.shape[..2].iter().product();
        let mut sources = Vec::with_capacity(planes * self.reads.len() * taps);
        for plane in 0..planes {
            for window in &self.reads {
                sources.extend(window.iter().map(|&read| match source(window, read) {
                    (0, at) => (0, plane * self.plane + at),
                    other => other,
                }));
            }
        }
        let moved = call.rearrange(inputs, shape, element, sources.into_iter())?;
        call.part("windows", moved)
    }
}

/// The element that stands for padding: the first of the window.
fn first_of(window: &[Read]) -> Option<usize> {
    window.iter().find_map(|read| if let Read::Element(at) = read { Some(*at) } else { None })
}

fn max_pool(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let pooling = Pooling::read(call)?;
    let storage_order = call.attributes.int("storage_order")?.unwrap_or(0);
    if !(0..=1).contains(&storage_order) {
        return Err(call.attributes.refuse("storage_order", format!("is {storage_order}, expected 0 or 1")));
    }
    if pooling.reads.iter().any(|window| first_of(window).is_none()) {
        return Err(call.refuse("has a window that lies in the padding entirely"));
    }
    let of = |window: &[Read], read: Read| match read {
        Read::Element(at) => at,
        _ => first_of(window).unwrap_or(0),
    };
    let windows = pooling.windows(call, vec![pooling.x], |window, read| (0, of(window, read)))?;
    let axis = pooling.shape.len();
    let max = call.reduction(|axes| Op::ReduceMax { axes }, windows, &[axis], Reduced::Dropped)?;
    if !call.wants(1) {
        return Ok(vec![max]);
    }
    // Within a plane, the last axis counts fastest, or with `storage_order` = 1 the first.
    let lengths = call.shape(pooling.x)[2..].to_vec();
    let numbered = |at: usize| match storage_order {
        0 => at,
        _ => {
            let strides = layout::strides(&lengths);
            let place = |(number, stride): (usize, usize), axis: usize| {
                (number + at / strides[axis] % lengths[axis] * stride, stride * lengths[axis])
            };
            (0..lengths.len()).fold((0, 1), place).0
        }
    };
    // The tap of the greatest, and of that the index in the whole tensor.
    let kept = [&pooling.shape[..], &[1]].concat();
    let op = Op::ArgMax { axis, ties: Ties::First };
    let tap = call.part("ArgMax", Computed { op, inputs: vec![windows], shape: kept, element: ElementType::I64 })?;
    let taps = pooling.reads.first().map_or(0, Vec::len);
    let numbers = (0..taps).map(|tap| tap as f64).collect();
    let numbers = call.constant_tensor("taps", vec![taps], numbers, ElementType::I64)?;
    let hot = call.equal(tap, numbers)?;
    let hot = call.retyped(hot, ElementType::I64)?;
    let planes: usize = pooling.shape[..2].iter().product();
    let index = |plane: usize| {
        let within = pooling.reads.iter().flat_map(|window| window.iter().map(|&read| of(window, read)));
        within.map(numbered).map(|at| (plane * pooling.plane + at) as f64).collect::<Vec<_>>()
    };
    let indices: Vec<f64> = (0..planes).flat_map(index).collect();
    let indices = call.constant_tensor("indices", [&pooling.shape[..], &[taps]].concat(), indices, ElementType::I64)?;
    let picked = call.binary(Op::Mul, hot, indices)?;
    let indices = call.reduction(|axes| Op::ReduceSum { axes }, picked, &[axis], Reduced::Dropped)?;
    Ok(vec![max, indices])
}

fn average_pool(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let pooling = Pooling::read(call)?;
    call.require_float(pooling.x, "X")?;
    let include = call.attributes.flag("count_include_pad", Flag::No)?;
    let counted = |read: &&Read| match read {
        Read::Element(_) => true,
        Read::Padding => include == Flag::Yes,
        Read::Beyond => false,
    };
    let counts: Vec<usize> = pooling.reads.iter().map(|window| window.iter().filter(counted).count()).collect();
    if counts.contains(&0) {
        return Err(call.refuse("has a window that lies in the padding entirely"));
    }
    let sum = window_sum(call, &pooling, pooling.x)?;
    let positions = pooling.shape[2..].to_vec();
    let shares: Vec<f64> = counts.iter().map(|&count| 1.0 / count as f64).collect();
    let element = call.element(sum);
    let uniform = shares.iter().all(|share| *share == shares[0]);
    let shares = match uniform {
        true => call.scalar("share", shares[0], element)?,
        false => call.constant_tensor("shares", positions, shares, element)?,
    };
    call.binary(Op::Mul, sum, shares)
}

/// The sum of each window of `x`, which has the shape of the pooling's own operand; padding is 0.
fn window_sum(call: &mut Call<'_>, pooling: &Pooling, x: NodeId) -> Result<NodeId, Error> {
    let zero = call.scalar("zero", 0.0, call.element(x))?;
    let windows = pooling.windows(call, vec![x, zero], |_, read| match read {
        Read::Element(at) => (0, at),
        _ => (1, 0),
    })?;
    let axis = pooling.shape.len();
    call.reduction(|axes| Op::ReduceSum { axes }, windows, &[axis], Reduced::Dropped)
}

fn lp_pool(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let p = order(call)?;
    let pooling = Pooling::read(call)?;
    call.require_float(pooling.x, "X")?;
    let powers = call.absolute_power(pooling.x, p)?;
    let sum = window_sum(call, &pooling, powers)?;
    call.power(sum, 1.0 / p)
}

impl Call<'_> {
    /// `|x|^p`.
    pub(super) fn absolute_power(&mut self, x: NodeId, p: f64) -> Result<NodeId, Error> {
        let even = p % 2.0 == 0.0;
        let size = if even { x } else { self.absolute(x)? };
        self.power(size, p)
    }
}
