//! Gather: any data by constant indices, rows of a constant table by computed indices, and rows of computed data by a product with
//! rows of the unit matrix.

use super::super::call::{Call, Computed};
use super::{Error, Registry, movement};
use crate::float::{NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Gather", 2, gather);
}

fn gather(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (data, indices) = (call.operand(0, "data")?, call.operand(1, "indices")?);
    if !call.element(indices).is_integer() {
        return Err(
            call.refuse(format!("operand `indices` has elements of type {}, expected integers", call.element(indices)))
        );
    }
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, call.shape(data).len())?;
    gathered(call, data, indices, axis)
}

/// Along an axis what the indices name, whichever of the two is computed.
pub(super) fn gathered(call: &mut Call<'_>, data: NodeId, indices: NodeId, axis: usize) -> Result<NodeId, Error> {
    let data_is_fixed = call.builder.node(data).constant().is_some();
    if call.builder.node(indices).constant().is_some() {
        let moved = by_constant_indices(call, data, indices, axis)?;
        return call.part("gathered", moved);
    }
    if data_is_fixed {
        let rows = from_table(call, data, indices, axis)?;
        return call.part("gathered", rows);
    }
    // Both computed: rows of the data, as a matrix.
    let from = call.shape(data);
    let order: Vec<usize> = std::iter::once(axis).chain((0..from.len()).filter(|&other| other != axis)).collect();
    let turned = call.transposed(data, &order)?;
    let others: Vec<usize> = order[1..].iter().map(|&other| from[other]).collect();
    let table = call.reshaped(turned, vec![from[axis], others.iter().product()])?;
    let rows = call.looked_up(table, indices)?;
    let picked = call.shape(indices).len();
    let rows = call.reshaped(rows, [&call.shape(indices)[..], &others].concat())?;
    // From [picked, outer, inner] to [outer, picked, inner].
    let outer = picked..picked + axis;
    let order: Vec<usize> = outer.clone().chain(0..picked).chain(outer.end..picked + others.len()).collect();
    call.transposed(rows, &order)
}

/// Data movement: `y[outer, i, inner] = data[outer, indices[i], inner]`.
fn by_constant_indices(call: &mut Call<'_>, data: NodeId, indices: NodeId, axis: usize) -> Result<Computed, Error> {
    let (from, element) = (call.shape(data), call.element(data));
    let rows = from[axis];
    let resolve = |index: i64| {
        // A dimension is far below 2^63.
        let row = if index < 0 { index.saturating_add(rows as i64) } else { index };
        usize::try_from(row).ok().filter(|&row| row < rows)
    };
    let picked: Result<Vec<usize>, Error> = call
        .constant_ints(indices, "indices")?
        .into_iter()
        .map(|index| {
            resolve(index)
                .ok_or_else(|| call.refuse(format!("index {index} lies outside of axis {axis}, which has {rows} rows")))
        })
        .collect();
    let picked = picked?;
    let inner: usize = from[axis + 1..].iter().product();
    let outer: usize = from[..axis].iter().product();
    let shape = [&from[..axis], &call.shape(indices), &from[axis + 1..]].concat();
    let sources = (0..outer).flat_map(|outer| {
        picked.iter().flat_map(move |row| (0..inner).map(move |inner_at| (0, (outer * rows + row) * inner + inner_at)))
    });
    call.rearrange(vec![data], shape, element, sources)
}

/// The float graph gathers rows: another axis is brought to the front of the table, and back in the result.
fn from_table(call: &mut Call<'_>, mut table: NodeId, indices: NodeId, axis: usize) -> Result<Computed, Error> {
    let element = call.element(table);
    let rank = call.shape(table).len();
    if axis > 0 {
        let order: Vec<usize> = std::iter::once(axis).chain((0..rank).filter(|&other| other != axis)).collect();
        let turned = movement::transposed(call, table, &order)?;
        table = call.part("table", turned)?;
    }
    let picked = call.shape(indices);
    let shape = [&picked, &call.shape(table)[1..]].concat();
    let rows = Computed { op: Op::Gather, inputs: vec![table, indices], shape: shape.clone(), element };
    if axis == 0 {
        return Ok(rows);
    }
    let rows = call.part("rows", rows)?;
    // From [picked, outer, inner] to [outer, picked, inner].
    let outer = picked.len()..picked.len() + axis;
    let order: Vec<usize> = outer.clone().chain(0..picked.len()).chain(outer.end..shape.len()).collect();
    movement::transposed(call, rows, &order)
}
