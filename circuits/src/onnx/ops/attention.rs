//! Attention, of queries, keys and values that have been computed: `softmax(Q K^T * scale + mask) V`, one product of matrices for each
//! head.
//!
//! A position that a mask of truth values or causality takes out is selected away: it gets exactly 0, and no great negative number
//! costs precision on the way.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::super::compose::Reduced;
use super::super::domain::Domain;
use super::{Error, Import, Registry};
use crate::float::{ElementType, Function, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.add_in(Domain::Onnx, "Attention", 6, Import::Several(attention));
}

/// `[batch, heads, length, size]`, of that or of `[batch, length, heads * size]`; `count` is what `attribute` says of the heads.
fn heads(
    call: &mut Call<'_>,
    at: usize,
    role: &str,
    attribute: &str,
    count: Option<i64>,
) -> Result<(NodeId, Layout), Error> {
    let x = call.operand(at, role)?;
    call.require_float(x, role)?;
    match call.shape(x)[..] {
        [_, _, _, _] => Ok((x, Layout::Apart)),
        [batch, length, width] => {
            let count = count.and_then(|count| usize::try_from(count).ok());
            let Some(count) = count.filter(|&count| count > 0 && width.is_multiple_of(count)) else {
                return Err(call
                    .attributes
                    .refuse(attribute, format!("does not divide the {width} numbers of `{role}`")));
            };
            Ok((split(call, x, [batch, length, count, width / count])?, Layout::Joined))
        }
        ref shape => Err(call.refuse(format!("operand `{role}` has shape {shape:?}, expected rank 3 or 4"))),
    }
}

/// Whether heads stand on an axis of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Apart,
    Joined,
}

fn split(call: &mut Call<'_>, x: NodeId, apart: [usize; 4]) -> Result<NodeId, Error> {
    let apart = call.reshaped(x, apart.to_vec())?;
    call.transposed(apart, &[0, 2, 1, 3])
}

fn attention(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let (q_heads, kv_heads) = (call.attributes.int("q_num_heads")?, call.attributes.int("kv_num_heads")?);
    let (query, layout) = heads(call, 0, "Q", "q_num_heads", q_heads)?;
    let mut sides = vec![];
    for (at, role, past) in [(1, "K", 4), (2, "V", 5)] {
        let (mut x, _) = heads(call, at, role, "kv_num_heads", kv_heads)?;
        call.require_same_type(query, x)?;
        if let Some(past) = call.optional(past) {
            if call.shape(past).len() != 4 {
                return Err(call.refuse(format!("has a past of shape {:?}, expected rank 4", call.shape(past))));
            }
            x = call.concatenated(vec![past, x], 2)?;
        }
        sides.push(x);
    }
    let (present_key, present_value) = (sides[0], sides[1]);
    let (of_query, of_key) = (call.shape(query), call.shape(present_key));
    let (many, few) = (of_query[1], of_key[1]);
    if few == 0 || !many.is_multiple_of(few) {
        return Err(call.refuse(format!("has {many} heads of queries and {few} of keys, expected a multiple")));
    }
    let (length, total) = (of_query[2], of_key[2]);
    let past = match call.optional(4) {
        // Of rank 4: it has been concatenated.
        Some(past) => call.shape(past)[2],
        None => 0,
    };
    let default = 1.0 / (of_query[3] as f64).sqrt();
    let scale = call.attributes.float("scale")?.unwrap_or(default);
    let softcap = call.attributes.float("softcap")?.unwrap_or(0.0);
    let causal = call.attributes.flag("is_causal", Flag::No)?;
    // How precise the softmax is computed: real numbers here.
    call.attributes.int("softmax_precision")?;
    let mode = call.attributes.int("qk_matmul_output_mode")?.unwrap_or(0);
    let key = repeated(call, present_key, many / few)?;
    let value = repeated(call, present_value, many / few)?;
    let key = call.transposed(key, &[0, 1, 3, 2])?;
    let scaled = call.with_scalar(Op::Mul, query, scale)?;
    let raw = call.matmul(scaled, key)?;
    let mut scores = raw;
    // Before the mask, as ONNX Runtime has it.
    if softcap != 0.0 {
        let inner = call.with_scalar(Op::Mul, scores, 1.0 / softcap)?;
        let tanh = call.unary(Op::Tanh, inner)?;
        scores = call.with_scalar(Op::Mul, tanh, softcap)?;
    }
    let mut kept = None;
    if let Some(mask) = call.optional(3) {
        if call.broadcast_shape(&[raw, mask])? != call.shape(raw) {
            let (mask, scores) = (call.shape(mask), call.shape(raw));
            return Err(call.refuse(format!("has a mask of shape {mask:?}, which does not broadcast to {scores:?}")));
        }
        match call.element(mask) {
            ElementType::Bool => kept = Some(mask),
            _ => {
                call.require_same_type(scores, mask)?;
                scores = call.binary(Op::Add, scores, mask)?;
            }
        }
    }
    if causal == Flag::Yes {
        call.builder.check_room(&[length, total])?;
        let seen = |at: usize| f64::from(u8::from(at % total <= at / total + past));
        let seen = (0..length * total).map(seen).collect();
        let seen = call.constant_tensor("causal", vec![length, total], seen, ElementType::Bool)?;
        kept = Some(match kept {
            None => seen,
            Some(kept) => call.binary(Op::Mul, kept, seen)?,
        });
    }
    let weights = match kept {
        None => call.unary(Op::Softmax { axis: 3 }, scores)?,
        Some(kept) => selected(call, scores, kept)?,
    };
    let mixed = call.matmul(weights, value)?;
    let y = match layout {
        Layout::Apart => mixed,
        Layout::Joined => {
            let turned = call.transposed(mixed, &[0, 2, 1, 3])?;
            let shape = call.shape(turned);
            call.reshaped(turned, vec![shape[0], shape[1], shape[2] * shape[3]])?
        }
    };
    let mut outputs = vec![y, present_key, present_value];
    if call.wants(3) {
        outputs.push(match (mode, kept) {
            (0, _) => raw,
            (3, _) => weights,
            (1 | 2, None) if softcap == 0.0 => scores,
            (2, None) if call.optional(3).is_none() => scores,
            _ => {
                return Err(call
                    .attributes
                    .refuse("qk_matmul_output_mode", format!("is {mode}, of masked or capped scores")));
            }
        });
    }
    Ok(outputs)
}

/// Each head of keys or values for so many heads of queries.
fn repeated(call: &mut Call<'_>, x: NodeId, times: usize) -> Result<NodeId, Error> {
    let shape = call.shape(x);
    if times == 1 {
        return Ok(x);
    }
    let apart = call.reshaped(x, vec![shape[0], shape[1], 1, shape[2], shape[3]])?;
    let wide = call.expanded(apart, vec![shape[0], shape[1], times, shape[2], shape[3]])?;
    call.reshaped(wide, vec![shape[0], shape[1] * times, shape[2], shape[3]])
}

/// Softmax along the last axis over the positions that are kept, of which each row has one.
fn selected(call: &mut Call<'_>, scores: NodeId, kept: NodeId) -> Result<NodeId, Error> {
    let element = call.element(scores);
    let axis = call.shape(scores).len() - 1;
    // What is taken out does not win the maximum: the least of the row stands in its place.
    let negated = call.negated(scores)?;
    let least = call.reduction(|axes| Op::ReduceMax { axes }, negated, &[axis], Reduced::Kept)?;
    let least = call.negated(least)?;
    let shown = call.elementwise(Op::Where, &[kept, scores, least], element)?;
    let max = call.reduction(|axes| Op::ReduceMax { axes }, shown, &[axis], Reduced::Kept)?;
    let below = call.binary(Op::Sub, shown, max)?;
    let exp = call.unary(Op::Function { function: Function::Exp }, below)?;
    let kept = call.retyped(kept, element)?;
    let exp = call.binary(Op::Mul, exp, kept)?;
    let sum = call.reduction(|axes| Op::ReduceSum { axes }, exp, &[axis], Reduced::Kept)?;
    call.binary(Op::Div, exp, sum)
}
