//! The float32 reference: the same ONNX model run by tract, an implementation that shares no code with the float graph.
//!
//! Errors of the quantized model are reported against it, because single precision is what users run today. Two forms
//! that import accepts are refused by tract: the MatMul of two vectors, and Squeeze without `axes` before operator set
//! 13.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::{
    Datum, DatumType, Framework, InferenceModelExt, IntoRunnable, IntoTValue, TVec, TractResult, TypedModel,
};
use tract_onnx::prelude::{Tensor as TractTensor, TypedRunnableModel};

use super::Model;
use crate::float::{ElementType, Error, Node, Tensor, Values, check_input};

/// An imported model, ready to be run in single precision.
#[derive(Clone, Debug)]
pub struct Reference {
    plan: Arc<TypedRunnableModel>,
    inputs: Vec<Node>,
}

impl Reference {
    /// Prepares `model`, which import has accepted. Whatever panics in tract nevertheless becomes an error.
    ///
    /// # Errors
    /// [`Error::Reference`], in tract's words.
    pub fn new(model: &Model) -> Result<Self, Error> {
        let plan = contain("prepare the model", || {
            let onnx = tract_onnx::onnx().with_ignore_value_info(true);
            let optimized: TypedModel = onnx.model_for_proto_model(model.reduced())?.into_optimized()?;
            optimized.into_runnable()
        })?;
        Ok(Self { plan, inputs: model.graph().inputs().map(|(_, node)| node.clone()).collect() })
    }

    /// Runs the model on tensors as [`crate::float::execute`] takes them. Yields the outputs, in the model's order.
    ///
    /// # Errors
    /// Tensors that do not fit the inputs; [`Error::Reference`] if tract fails.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, Error> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::InputCount { expected: self.inputs.len(), got: inputs.len() });
        }
        for (node, tensor) in self.inputs.iter().zip(inputs) {
            check_input(node, tensor)?;
        }
        contain("run the model", || {
            let feed = self.inputs.iter().zip(inputs).map(|(node, tensor)| Ok(to_tract(node, tensor)?.into_tvalue()));
            let outputs = self.plan.run(feed.collect::<TractResult<TVec<_>>>()?)?;
            outputs.iter().map(|output| from_tract(output)).collect()
        })
    }
}

/// A model that was accepted is not expected to make tract panic, but what tract asserts is not ours to decide.
fn contain<T>(stage: &'static str, run: impl FnOnce() -> TractResult<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| Error::Reference { stage, reason: format!("{error:#}") }),
        Err(_) => Err(Error::Reference { stage, reason: "it panicked".into() }),
    }
}

fn to_tract(node: &Node, tensor: &Tensor) -> TractResult<TractTensor> {
    let shape = &tensor.shape;
    match (&tensor.values, node.element) {
        (Values::Float(values), ElementType::F64) => TractTensor::from_shape(shape, values),
        // Rounds: single precision is what this runtime is for.
        (Values::Float(values), _) => {
            TractTensor::from_shape(shape, &values.iter().map(|&value| value as f32).collect::<Vec<_>>())
        }
        (Values::Int(values), element) => int_to_tract(shape, values, element),
        (Values::Bool(values), _) => TractTensor::from_shape(shape, values),
    }
}

fn int_to_tract(shape: &[usize], values: &[i64], element: ElementType) -> TractResult<TractTensor> {
    fn narrow<T: Datum + Copy + TryFrom<i64>>(shape: &[usize], values: &[i64]) -> TractResult<TractTensor>
    where
        <T as TryFrom<i64>>::Error: std::error::Error + Send + Sync + 'static,
    {
        TractTensor::from_shape(shape, &values.iter().map(|&value| T::try_from(value)).collect::<Result<Vec<_>, _>>()?)
    }
    match element {
        ElementType::I8 => narrow::<i8>(shape, values),
        ElementType::I16 => narrow::<i16>(shape, values),
        ElementType::I32 => narrow::<i32>(shape, values),
        ElementType::U8 => narrow::<u8>(shape, values),
        ElementType::U16 => narrow::<u16>(shape, values),
        ElementType::U32 => narrow::<u32>(shape, values),
        ElementType::U64 => narrow::<u64>(shape, values),
        _ => TractTensor::from_shape(shape, values),
    }
}

fn from_tract(tensor: &TractTensor) -> TractResult<Tensor> {
    let shape = tensor.shape().to_vec();
    let values = match tensor.datum_type() {
        DatumType::Bool => Values::Bool(tensor.try_as_plain_ram()?.as_slice::<bool>()?.to_vec()),
        kind if kind.is_float() => {
            Values::Float(tensor.cast_to::<f64>()?.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
        }
        _ => Values::Int(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec()),
    };
    Ok(Tensor { shape, values })
}
