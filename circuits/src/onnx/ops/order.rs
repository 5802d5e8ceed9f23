//! What depends on the order of elements along an axis: TopK by their values, CumSum by their places.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::compose::Reduced;
use super::super::domain::Domain;
use super::reduce::mirrored;
use super::{Error, Import, Registry};
use crate::float::{ElementType, NodeId, Op, Ties};

pub(super) fn register(registry: &mut Registry) {
    registry.add_in(Domain::Onnx, "TopK", 2, Import::Several(top_k));
    registry.compose("CumSum", 2, cum_sum);
}

impl Call<'_> {
    /// `x` as a matrix of rows along `axis`: `[all other axes, axis]`.
    pub(super) fn rows_along(&mut self, x: NodeId, axis: usize) -> Result<NodeId, Error> {
        let shape = self.shape(x);
        let order: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).chain([axis]).collect();
        let turned = if axis + 1 == shape.len() { x } else { self.transposed(x, &order)? };
        let others = order.iter().filter(|&&other| other != axis).map(|&other| shape[other]).product();
        self.reshaped(turned, vec![others, shape[axis]])
    }

    /// What [`Call::rows_along`] takes apart, put together: rows along `axis` of a tensor of shape `shape`.
    pub(super) fn put_together(&mut self, rows: NodeId, axis: usize, shape: &[usize]) -> Result<NodeId, Error> {
        let rank = shape.len();
        let turned = (0..rank).filter(|&other| other != axis).chain([axis]).map(|at| shape[at]).collect();
        let turned = self.reshaped(rows, turned)?;
        if axis + 1 == rank {
            return Ok(turned);
        }
        // Axis `axis` stands last; those after it stand one place before their own.
        let order: Vec<usize> = (0..rank)
            .map(|at| match at {
                _ if at < axis => at,
                _ if at == axis => rank - 1,
                _ => at - 1,
            })
            .collect();
        self.transposed(turned, &order)
    }
}

/// What a round of [`selected`] costs for each element, in comparisons of pairs of [`ranked`], of which there is half of one for each two
/// elements.
const SELECTION_COST: usize = 6;

/// Ties go to the lower index; the order is always that of `sorted`.
fn top_k(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    let mut shape = call.shape(x);
    let k = if call.opset < 10 {
        call.attributes.int("k")?.ok_or_else(|| call.attributes.refuse("k", "is missing"))?
    } else {
        match call.constant_ints(call.operand(1, "K")?, "K")?[..] {
            [k] => k,
            ref values => return Err(call.refuse(format!("operand `K` has {} elements, expected 1", values.len()))),
        }
    };
    let axis = call.attributes.int("axis")?.unwrap_or(-1);
    let axis = call.axis(axis, shape.len())?;
    let (mut largest, len) = (Flag::Yes, shape[axis]);
    if call.opset >= 11 {
        largest = call.attributes.flag("largest", Flag::Yes)?;
        call.attributes.flag("sorted", Flag::Yes)?;
    }
    let k = usize::try_from(k).ok().filter(|k| (1..=len).contains(k));
    let k = k.ok_or_else(|| call.refuse(format!("selects a number of elements that is not in 1 to {len}")))?;
    // What the values are computed of is more than types of few bits hold.
    let own = call.element(x);
    let x = if own.is_integer() { call.retyped(x, ElementType::I64)? } else { x };
    let rows = call.rows_along(x, axis)?;
    let keys = if largest == Flag::Yes { rows } else { mirrored(call, rows)? };
    let count = call.shape(rows)[0];
    shape[axis] = k;
    let (values, indices) = if k == 1 {
        let op = Op::ArgMax { axis: 1, ties: Ties::First };
        let place =
            call.part("ArgMax", Computed { op, inputs: vec![keys], shape: vec![count, 1], element: ElementType::I64 })?;
        let max = call.reduction(|axes| Op::ReduceMax { axes }, keys, &[1], Reduced::Kept)?;
        let value = if largest == Flag::Yes { max } else { call.negated(max)? };
        (value, place)
    } else if SELECTION_COST * k < len {
        let (keys, places) = selected(call, keys, k)?;
        let values = if largest == Flag::Yes { keys } else { call.negated(keys)? };
        (values, places)
    } else {
        ranked(call, rows, keys, k)?
    };
    let values = call.retyped(values, own)?;
    Ok(vec![call.put_together(values, axis, &shape)?, call.put_together(indices, axis, &shape)?])
}

/// The `k` greatest keys of each row, and their places: one after the other, each of which then becomes less than all others.
fn selected(call: &mut Call<'_>, keys: NodeId, k: usize) -> Result<(NodeId, NodeId), Error> {
    let (count, len, element) = (call.shape(keys)[0], call.shape(keys)[1], call.element(keys));
    let places = (0..len).map(|at| at as f64).collect();
    let places = call.constant_tensor("places", vec![len], places, ElementType::I64)?;
    let negated = call.negated(keys)?;
    let least = call.reduction(|axes| Op::ReduceMax { axes }, negated, &[1], Reduced::Kept)?;
    let least = call.negated(least)?;
    let below = call.with_scalar(Op::Sub, least, 1.0)?;
    let (mut left, mut greatest, mut found) = (keys, vec![], vec![]);
    for round in 0..k {
        let op = Op::ArgMax { axis: 1, ties: Ties::First };
        let place =
            call.part("ArgMax", Computed { op, inputs: vec![left], shape: vec![count, 1], element: ElementType::I64 })?;
        greatest.push(call.reduction(|axes| Op::ReduceMax { axes }, left, &[1], Reduced::Kept)?);
        found.push(place);
        if round + 1 < k {
            let hot = call.equal(place, places)?;
            left = call.elementwise(Op::Where, &[hot, below, left], element)?;
        }
    }
    Ok((call.concatenated(greatest, 1)?, call.concatenated(found, 1)?))
}

/// The `k` first of each row by their `keys`, and their places. Each element's rank is counted: how many elements of its row are greater,
/// or as great and stand before it. That takes one comparison for each pair.
fn ranked(call: &mut Call<'_>, rows: NodeId, keys: NodeId, k: usize) -> Result<(NodeId, NodeId), Error> {
    let (count, len) = (call.shape(rows)[0], call.shape(rows)[1]);
    // Before they are allocated.
    call.builder.check_room(&[len, len, len / 2])?;
    call.builder.check_room(&[count, len, len / 2])?;
    let pairs: Vec<(usize, usize)> = (0..len).flat_map(|i| (i + 1..len).map(move |j| (i, j))).collect();
    let side = |pick: fn(&(usize, usize)) -> usize| {
        let pairs = &pairs;
        (0..count).flat_map(move |row| pairs.iter().map(move |pair| row * len + pick(pair))).collect::<Vec<_>>()
    };
    let (left, right) = (side(|pair| pair.0), side(|pair| pair.1));
    let left = call.picked("left", keys, vec![count, pairs.len()], left)?;
    let right = call.picked("right", keys, vec![count, pairs.len()], right)?;
    // Of i < j, j stands before i only if it is strictly greater.
    let swapped = call.less(left, right)?;
    let element = ElementType::I64;
    let swapped = call.retyped(swapped, element)?;
    // rank = base + swapped * signs: each i of a pair falls back by one if it is swapped, each j by one if it is not.
    let mut signs = vec![0.0; pairs.len() * len];
    for (pair, &(i, j)) in pairs.iter().enumerate() {
        signs[pair * len + i] = 1.0;
        signs[pair * len + j] = -1.0;
    }
    let signs = call.constant_tensor("signs", vec![pairs.len(), len], signs, element)?;
    let base = (0..len).map(|j| j as f64).collect();
    let base = call.constant_tensor("base", vec![len], base, element)?;
    let ranks = call.matmul(swapped, signs)?;
    let ranks = call.binary(Op::Add, ranks, base)?;
    // Which element has which of the first ranks.
    let ranks = call.reshaped(ranks, vec![count, 1, len])?;
    let wanted = (0..k).map(|rank| rank as f64).collect();
    let wanted = call.constant_tensor("ranks", vec![k, 1], wanted, element)?;
    let hot = call.equal(ranks, wanted)?;
    let of = call.retyped(hot, call.element(rows))?;
    let rows = call.reshaped(rows, vec![count, 1, len])?;
    let chosen = call.binary(Op::Mul, of, rows)?;
    let values = call.reduction(|axes| Op::ReduceSum { axes }, chosen, &[2], Reduced::Dropped)?;
    let places = (0..len).map(|at| at as f64).collect();
    let places = call.constant_tensor("places", vec![len, 1], places, element)?;
    let hot = call.retyped(hot, element)?;
    let indices = call.matmul(hot, places)?;
    Ok((values, call.reshaped(indices, vec![count, k])?))
}

/// A product with a triangle of ones.
fn cum_sum(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "x")?;
    call.require_number(x, "x")?;
    let shape = call.shape(x);
    let axis = match call.constant_ints(call.operand(1, "axis")?, "axis")?[..] {
        [axis] => call.axis(axis, shape.len())?,
        ref values => return Err(call.refuse(format!("operand `axis` has {} elements, expected 1", values.len()))),
    };
    let exclusive = call.attributes.flag("exclusive", Flag::No)? == Flag::Yes;
    let reverse = call.attributes.flag("reverse", Flag::No)? == Flag::Yes;
    let len = shape[axis];
    call.builder.check_room(&[len, len])?;
    // Whether element `from` counts for the sum at `to`.
    let counts = |from: usize, to: usize| match (reverse, exclusive) {
        (false, false) => from <= to,
        (false, true) => from < to,
        (true, false) => from >= to,
        (true, true) => from > to,
    };
    let triangle = (0..len * len).map(|at| f64::from(u8::from(counts(at / len, at % len)))).collect();
    let triangle = call.constant_tensor("triangle", vec![len, len], triangle, call.element(x))?;
    let rows = call.rows_along(x, axis)?;
    let sums = call.matmul(rows, triangle)?;
    call.put_together(sums, axis, &shape)
}
