//! ONNX-ML (`ai.onnx.ml`): classical models, and what prepares their features. Trees are not among them.
//!
//! Classes are numbered: where the model names them by texts, a label is the index of one.

mod encode;
mod linear;
mod scale;
mod vector;

use super::super::call::Call;
use super::super::domain::Domain;
use super::{Error, Import, Registry};
use crate::float::{ElementType, Function, NodeId, Op, Ties};

pub(super) fn register(registry: &mut Registry) {
    scale::register(registry);
    linear::register(registry);
    vector::register(registry);
    encode::register(registry);
}

fn compose(
    registry: &mut Registry,
    name: &'static str,
    max_operands: usize,
    import: fn(&mut Call<'_>) -> Result<NodeId, Error>,
) {
    registry.add_in(Domain::Ml, name, max_operands, Import::Composed(import));
}

/// What is done with scores at last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transform {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

impl Transform {
    fn read(call: &mut Call<'_>) -> Result<Self, Error> {
        match call.attributes.string("post_transform")? {
            None | Some("NONE") => Ok(Self::None),
            Some("LOGISTIC") => Ok(Self::Logistic),
            Some("SOFTMAX") => Ok(Self::Softmax),
            Some("SOFTMAX_ZERO") => Ok(Self::SoftmaxZero),
            Some(_) => {
                Err(call.attributes.refuse("post_transform", "is none of NONE, LOGISTIC, SOFTMAX and SOFTMAX_ZERO"))
            }
        }
    }

    /// Of scores `[N, E]`, one row at a time.
    fn apply(self, call: &mut Call<'_>, scores: NodeId) -> Result<NodeId, Error> {
        match self {
            Self::None => Ok(scores),
            Self::Logistic => call.unary(Op::Sigmoid, scores),
            Self::Softmax => call.unary(Op::Softmax { axis: 1 }, scores),
            Self::SoftmaxZero => {
                use super::super::compose::Reduced;
                // A score of 0 stays 0, and the others share what there is.
                let zero = call.scalar("zero", 0.0, call.element(scores))?;
                let is_zero = call.equal(scores, zero)?;
                let max = call.reduction(|axes| Op::ReduceMax { axes }, scores, &[1], Reduced::Kept)?;
                let below = call.binary(Op::Sub, scores, max)?;
                let exp = call.unary(Op::Function { function: Function::Exp }, below)?;
                let kept = call.elementwise(Op::Where, &[is_zero, zero, exp], call.element(scores))?;
                let sum = call.reduction(|axes| Op::ReduceSum { axes }, kept, &[1], Reduced::Kept)?;
                call.binary(Op::Div, kept, sum)
            }
        }
    }
}

/// A matrix of features `[N, C]`, as floats. A vector is one row.
fn features(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    let x = if call.element(x).is_float() { x } else { call.retyped(x, ElementType::F32)? };
    match call.shape(x)[..] {
        [columns] => call.reshaped(x, vec![1, columns]),
        [_, _] => Ok(x),
        ref shape => Err(call.refuse(format!("takes features of shape [N, C], not {shape:?}"))),
    }
}

/// The classes of a classifier.
enum Classes {
    Numbers(Vec<i64>),
    /// So many texts.
    Texts(usize),
}

impl Classes {
    fn read(call: &mut Call<'_>, numbers: &str, texts: &str) -> Result<Self, Error> {
        let names = call.attributes.strings(texts)?.map_or(0, |names| names.len());
        match call.attributes.ints(numbers)?.map(<[i64]>::to_vec) {
            Some(numbers) if names == 0 => Ok(Self::Numbers(numbers)),
            Some(_) => Err(call.attributes.refuse(texts, "stands beside labels that are numbers")),
            None => Ok(Self::Texts(names)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(count) => *count,
        }
    }

    /// The label of each class's index.
    fn label(&self, call: &mut Call<'_>, index: NodeId) -> Result<NodeId, Error> {
        let Self::Numbers(numbers) = self else { return Ok(index) };
        if numbers.iter().enumerate().all(|(at, &number)| usize::try_from(number) == Ok(at)) {
            return Ok(index);
        }
        let table = super::super::tensor::exact_ints(numbers, "the labels of a classifier")?;
        let table = call.constant_tensor("labels", vec![table.len(), 1], table, ElementType::I64)?;
        let labels = call.looked_up(table, index)?;
        let shape = call.shape(index);
        call.reshaped(labels, shape)
    }
}

/// The first of the greatest scores of each row: `[N]`.
fn best(call: &mut Call<'_>, scores: NodeId) -> Result<NodeId, Error> {
    let rows = call.shape(scores)[0];
    let op = Op::ArgMax { axis: 1, ties: Ties::First };
    let computed =
        super::super::call::Computed { op, inputs: vec![scores], shape: vec![rows], element: ElementType::I64 };
    call.part("ArgMax", computed)
}
