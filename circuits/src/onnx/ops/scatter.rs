//! GatherElements, GatherND, ScatterElements, ScatterND: elements by indices.
//!
//! Constant indices are data movement. Computed ones pick by a row of the unit matrix, which the float graph's Gather looks up: an index
//! outside of the data has no row, and is refused.

use std::collections::HashMap;

use super::super::call::{Call, Computed};
use super::super::compose::Reduced;
use super::{Error, Registry};
use crate::float::{NodeId, Op, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("GatherElements", 2, gather_elements);
    registry.compose("GatherND", 2, gather_nd);
    registry.compose("ScatterElements", 3, scatter_elements);
    // What ScatterElements was called before operator set 11.
    registry.compose("Scatter", 3, scatter_elements);
    registry.compose("ScatterND", 3, scatter_nd);
}

/// An index into `len` elements; negative ones count from the end.
fn resolve(call: &Call<'_>, index: i64, len: usize) -> Result<usize, Error> {
    let at = if index < 0 { index.saturating_add(len as i64) } else { index };
    let at = usize::try_from(at).ok().filter(|&at| at < len);
    at.ok_or_else(|| call.refuse(format!("index {index} lies outside of an axis of {len} elements")))
}

fn require_indices(call: &Call<'_>, indices: NodeId) -> Result<(), Error> {
    match call.element(indices).is_integer() {
        true => Ok(()),
        false => {
            let element = call.element(indices);
            Err(call.refuse(format!("operand `indices` has elements of type {element}, expected integers")))
        }
    }
}

impl Call<'_> {
    /// For computed indices `[..i]` into `len` elements: `[..i, len]`, 1 at the index and 0 elsewhere.
    pub(super) fn unit_rows(&mut self, indices: NodeId, len: usize, like: NodeId) -> Result<NodeId, Error> {
        self.builder.check_room(&[len, len])?;
        let element = self.element(like);
        let unit = (0..len * len).map(|at| f64::from(u8::from(at / len == at % len))).collect();
        let unit = self.constant_tensor("unit", vec![len, len], unit, element)?;
        let shape = [&self.shape(indices)[..], &[len]].concat();
        self.part("picks", Computed { op: Op::Gather, inputs: vec![unit, indices], shape, element })
    }
}

/// `y[.., i, ..] = x[.., indices[.., i, ..], ..]`.
fn gather_elements(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, indices) = (call.operand(0, "data")?, call.operand(1, "indices")?);
    require_indices(call, indices)?;
    let (from, shape) = (call.shape(x), call.shape(indices));
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, from.len())?;
    let fits = shape.len() == from.len() && (0..shape.len()).all(|at| at == axis || shape[at] <= from[at]);
    if !fits {
        return Err(call.refuse(format!("has indices of shape {shape:?} into data of shape {from:?}")));
    }
    let (strides, own) = (layout::strides(&from), layout::strides(&shape));
    if call.constant(indices).is_some() {
        let picked = call.constant_ints(indices, "indices")?;
        let picked = picked.iter().map(|&at| resolve(call, at, from[axis])).collect::<Result<Vec<_>, _>>()?;
        return call.gathered(x, None, shape, |index| {
            let flat: usize = index.iter().zip(&own).map(|(at, stride)| at * stride).sum();
            let place = |(at, &along): (usize, &usize)| strides[at] * if at == axis { picked[flat] } else { along };
            Some(index.iter().enumerate().map(place).sum())
        });
    }
    let picks = call.unit_rows(indices, from[axis], x)?;
    // What stands along the axis, for each element of the result.
    let wide = [&shape[..], &[from[axis]]].concat();
    let candidates = call.gathered(x, None, wide.clone(), |index| {
        let (last, index) = index.split_last()?;
        let place = |(at, &along): (usize, &usize)| strides[at] * if at == axis { *last } else { along };
        Some(index.iter().enumerate().map(place).sum())
    })?;
    let chosen = call.binary(Op::Mul, picks, candidates)?;
    call.reduction(|axes| Op::ReduceSum { axes }, chosen, &[wide.len() - 1], Reduced::Dropped)
}

/// Tuples of indices, the last axis of `indices`, into the axes of the data after `batch_dims`.
struct Tuples {
    indices: Vec<i64>,
    /// How many indices a tuple has.
    depth: usize,
    /// How many tuples there are.
    count: usize,
}

impl Tuples {
    fn read(call: &Call<'_>, indices: NodeId, available: usize) -> Result<Self, Error> {
        let shape = call.shape(indices);
        match shape.split_last() {
            Some((&depth, outer)) if (1..=available).contains(&depth) => {
                let (indices, count) = (call.constant_ints(indices, "indices")?, outer.iter().product());
                Ok(Self { indices, depth, count })
            }
            _ => Err(call.refuse(format!(
                "has indices of shape {shape:?}, expected a last dimension in 1 to {available}, the axes of the data"
            ))),
        }
    }

    /// Where in axes of `lengths` tuple `at` points, as one index.
    fn place(&self, call: &Call<'_>, at: usize, lengths: &[usize]) -> Result<usize, Error> {
        let tuple = self.indices.get(at * self.depth..(at + 1) * self.depth).unwrap_or_default();
        tuple.iter().zip(lengths).try_fold(0, |place, (&index, &len)| Ok(place * len + resolve(call, index, len)?))
    }
}

fn gather_nd(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, indices) = (call.operand(0, "data")?, call.operand(1, "indices")?);
    require_indices(call, indices)?;
    let (from, of_indices) = (call.shape(x), call.shape(indices));
    let batch = if call.opset < 12 { 0 } else { call.attributes.int("batch_dims")?.unwrap_or(0) };
    let batch = usize::try_from(batch)
        .ok()
        .filter(|&batch| batch < from.len() && batch < of_indices.len() && from[..batch] == of_indices[..batch]);
    let batch = batch.ok_or_else(|| call.attributes.refuse("batch_dims", "does not fit data and indices"))?;
    let depth = of_indices.last().copied().unwrap_or(0);
    if !(1..=from.len() - batch).contains(&depth) {
        return Err(call.refuse(format!("has indices of shape {of_indices:?} into data of shape {from:?}")));
    }
    let (lengths, inner) = (&from[batch..batch + depth], &from[batch + depth..]);
    let shape = [&of_indices[..of_indices.len() - 1], inner].concat();
    let (rows, size): (usize, usize) = (lengths.iter().product(), inner.iter().product());
    if call.constant(indices).is_some() {
        let tuples = Tuples::read(call, indices, from.len() - batch)?;
        let batches: usize = from[..batch].iter().product();
        let each = tuples.count / batches.max(1);
        let mut elements = vec![];
        call.builder.check_room(&shape)?;
        for at in 0..tuples.count {
            let row = at / each.max(1) * rows + tuples.place(call, at, lengths)?;
            elements.extend((0..size).map(|inner| row * size + inner));
        }
        return call.picked("gathered", x, shape, elements);
    }
    if batch > 0 {
        return Err(
            call.refuse("has computed indices and `batch_dims`, which is not supported; make the indices constant")
        );
    }
    // One index of several.
    let mut flat = None;
    let last = of_indices.len() - 1;
    for (at, &len) in lengths.iter().enumerate() {
        let index = call.sliced(indices, last, at, 1, 1)?;
        let index = call.reshaped(index, of_indices[..last].to_vec())?;
        // Each on its own is looked up, so that none passes for one of another row.
        let index = match depth {
            1 => index,
            _ => {
                let element = call.element(index);
                let positions = (0..len).map(|position| position as f64).collect();
                let positions = call.constant_tensor("positions", vec![len], positions, element)?;
                let shape = call.shape(index);
                call.part("position", Computed { op: Op::Gather, inputs: vec![positions, index], shape, element })?
            }
        };
        flat = Some(match flat {
            None => index,
            Some(flat) => {
                let shifted = call.with_scalar(Op::Mul, flat, len as f64)?;
                call.binary(Op::Add, shifted, index)?
            }
        });
    }
    let flat = flat.ok_or_else(|| call.refuse("has no indices"))?;
    let table = call.reshaped(x, vec![rows, size])?;
    let picked = call.looked_up(table, flat)?;
    call.reshaped(picked, shape)
}

impl Call<'_> {
    /// Rows of `table [rows, width]` by computed `indices [..i]`: `[..i, width]`.
    pub(super) fn looked_up(&mut self, table: NodeId, indices: NodeId) -> Result<NodeId, Error> {
        let (rows, width, element) = (self.shape(table)[0], self.shape(table)[1], self.element(table));
        let picked = self.shape(indices);
        let shape = [&picked[..], &[width]].concat();
        if self.constant(table).is_some() {
            return self.part("rows", Computed { op: Op::Gather, inputs: vec![table, indices], shape, element });
        }
        let picks = self.unit_rows(indices, rows, table)?;
        let picks = self.reshaped(picks, vec![picked.iter().product(), rows])?;
        let rows = self.matmul(picks, table)?;
        self.reshaped(rows, shape)
    }
}

/// What becomes of an element that is written to.
#[derive(Clone, Copy, PartialEq)]
enum Writes {
    Replace,
    Add,
    Multiply,
    Max,
    Min,
}

impl Writes {
    fn read(call: &mut Call<'_>) -> Result<Self, Error> {
        if call.opset < 16 {
            return Ok(Self::Replace);
        }
        match call.attributes.string("reduction")? {
            None | Some("none") => Ok(Self::Replace),
            Some("add") => Ok(Self::Add),
            Some("mul") => Ok(Self::Multiply),
            Some("max") if call.opset >= 18 => Ok(Self::Max),
            Some("min") if call.opset >= 18 => Ok(Self::Min),
            Some(_) => Err(call.attributes.refuse("reduction", "is none of none, add, mul, max and min (from 18)")),
        }
    }
}

/// Element `target` of `x` gets element `source` of `updates`, for each of `writes`, in their order.
fn scattered(
    call: &mut Call<'_>,
    x: NodeId,
    updates: NodeId,
    writes: &[(usize, usize)],
    how: Writes,
) -> Result<NodeId, Error> {
    call.require_same_type(x, updates)?;
    let (shape, element) = (call.shape(x), call.element(x));
    let len: usize = shape.iter().product();
    let op = match how {
        Writes::Replace => {
            let last: HashMap<usize, usize> = writes.iter().copied().collect();
            let sources: Vec<_> = (0..len).map(|at| last.get(&at).map_or((0, at), |&source| (1, source))).collect();
            let moved = call.rearrange(vec![x, updates], shape, element, sources.into_iter())?;
            return call.part("scattered", moved);
        }
        Writes::Add => Op::Add,
        Writes::Multiply => Op::Mul,
        Writes::Max => Op::Max,
        Writes::Min => Op::Min,
    };
    // In rounds, in each of which an element is written to at most once.
    let mut rounds: Vec<Vec<(usize, usize)>> = vec![];
    let mut times: HashMap<usize, usize> = HashMap::new();
    for &(target, source) in writes {
        let round = times.entry(target).or_default();
        if *round == rounds.len() {
            rounds.push(vec![]);
        }
        rounds[*round].push((target, source));
        *round += 1;
    }
    let mut y = x;
    for round in rounds {
        let (targets, sources): (Vec<usize>, Vec<usize>) = round.into_iter().unzip();
        let count = targets.len();
        let old = call.picked("old", y, vec![count], targets.clone())?;
        let new = call.picked("new", updates, vec![count], sources)?;
        let written = call.binary(op.clone(), old, new)?;
        let places: HashMap<usize, usize> = targets.into_iter().enumerate().map(|(at, target)| (target, at)).collect();
        let moved: Vec<_> = (0..len).map(|at| places.get(&at).map_or((0, at), |&place| (1, place))).collect();
        let moved = call.rearrange(vec![y, written], shape.clone(), element, moved.into_iter())?;
        y = call.part("scattered", moved)?;
    }
    Ok(y)
}

fn scatter_elements(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, indices) = (call.operand(0, "data")?, call.operand(1, "indices")?);
    let updates = call.operand(2, "updates")?;
    require_indices(call, indices)?;
    let (to, shape) = (call.shape(x), call.shape(indices));
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, to.len())?;
    let how = Writes::read(call)?;
    let fits = shape.len() == to.len() && (0..shape.len()).all(|at| at == axis || shape[at] <= to[at]);
    if !fits || call.shape(updates) != shape {
        let updates = call.shape(updates);
        return Err(
            call.refuse(format!("has indices of shape {shape:?} and updates of {updates:?} for data of {to:?}"))
        );
    }
    let places = call.constant_ints(indices, "indices")?;
    let (strides, own) = (layout::strides(&to), layout::strides(&shape));
    let mut writes = vec![];
    for (flat, &index) in places.iter().enumerate() {
        let index = resolve(call, index, to[axis])?;
        let place = |at: usize| strides[at] * if at == axis { index } else { flat / own[at] % shape[at] };
        writes.push(((0..to.len()).map(place).sum(), flat));
    }
    scattered(call, x, updates, &writes, how)
}

fn scatter_nd(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, indices) = (call.operand(0, "data")?, call.operand(1, "indices")?);
    let updates = call.operand(2, "updates")?;
    require_indices(call, indices)?;
    let how = Writes::read(call)?;
    let to = call.shape(x);
    let tuples = Tuples::read(call, indices, to.len())?;
    let (lengths, inner) = to.split_at(tuples.depth);
    let of_indices = call.shape(indices);
    let expected = [&of_indices[..of_indices.len() - 1], inner].concat();
    if call.shape(updates) != expected {
        return Err(call.refuse(format!("has updates of shape {:?}, expected {expected:?}", call.shape(updates))));
    }
    let size: usize = inner.iter().product();
    let mut writes = vec![];
    for at in 0..tuples.count {
        let row = tuples.place(call, at, lengths)?;
        writes.extend((0..size).map(|inner| (row * size + inner, at * size + inner)));
    }
    scattered(call, x, updates, &writes, how)
}
