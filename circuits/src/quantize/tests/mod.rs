//! Known answers per lowering, properties against floating point, accuracy on trained models.

mod known;
mod masks;
mod models;
mod operators;
mod random;
mod refusals;
mod saturation;
mod scales;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use super::{Precision, QuantizeOptions, Quantized, RealRange, dequantize_outputs, quantize, quantize_tensors};
use crate::{
    float::{self, ElementType, Graph, Node, NodeId, Op, Output, Source, Tensor, Values},
    int,
};

/// A float graph in the making.
#[derive(Default)]
struct Model {
    graph: Graph,
}

impl Model {
    fn push(&mut self, op: Op, inputs: &[NodeId], shape: &[usize], element: ElementType) -> NodeId {
        let id = NodeId(self.graph.nodes.len() as u32);
        let name = format!("{}{}", op.name().to_lowercase(), id.0);
        let (inputs, shape) = (inputs.to_vec(), shape.to_vec());
        self.graph.nodes.push(Node { name: name.clone(), tensor: name, op, inputs, shape, element });
        id
    }

    /// A real input `x0`, `x1`, ...
    fn input(&mut self, shape: &[usize]) -> NodeId {
        self.typed_input(shape, ElementType::F32)
    }

    fn typed_input(&mut self, shape: &[usize], element: ElementType) -> NodeId {
        let id = self.push(Op::Input, &[], shape, element);
        self.graph.nodes[id.0 as usize].tensor = format!("x{}", id.0);
        id
    }

    fn constant(&mut self, shape: &[usize], values: &[f64]) -> NodeId {
        self.push(Op::Constant { values: values.to_vec() }, &[], shape, ElementType::F32)
    }

    fn real(&mut self, op: Op, inputs: &[NodeId], shape: &[usize]) -> NodeId {
        self.push(op, inputs, shape, ElementType::F32)
    }

    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.graph.node(id).shape.clone()
    }

    fn finish(mut self, output: NodeId) -> Graph {
        self.graph.outputs = vec![Output { name: "y".into(), node: output }];
        self.graph.check().expect("a consistent graph");
        self.graph
    }
}

/// `bits` of precision, every input in `[lo, hi]`.
fn options(graph: &Graph, bits: u32, lo: f64, hi: f64) -> QuantizeOptions {
    let ranges = graph.inputs().map(|(_, node)| (node.tensor.clone(), vec![RealRange { lo, hi }]));
    QuantizeOptions { precision: Precision::Bits(bits), input_ranges: ranges.collect(), ..QuantizeOptions::default() }
}

fn real_tensor(shape: &[usize], values: &[f64]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: Values::Float(values.to_vec()) }
}

fn int_tensor(shape: &[usize], values: &[i64]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: Values::Int(values.to_vec()) }
}

/// Integers of the first output.
fn run(quantized: &Quantized, inputs: &[Tensor]) -> Vec<i64> {
    let integers = quantize_tensors(&quantized.graph, inputs).expect("inputs in range");
    let trace = int::execute(&quantized.graph, &integers).expect("a run");
    trace.outputs(&quantized.graph).next().expect("an output").to_vec()
}

/// Real values of the first output.
fn real_run(quantized: &Quantized, inputs: &[Tensor]) -> Vec<f64> {
    dequantize_outputs(&quantized.graph, [run(quantized, inputs).as_slice()]).remove(0)
}

/// The operators of the integer graph, in order.
fn operators(graph: &int::Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|node| node.op.name()).collect()
}

/// Rows of one element each, in the order given.
fn pick(elements: &[u32]) -> Op {
    Op::Rearrange { sources: elements.iter().map(|element| Source { input: 0, element: *element }).collect() }
}

fn no_ranges() -> BTreeMap<String, Vec<RealRange>> {
    BTreeMap::new()
}

fn float_run(graph: &Graph, inputs: &[Tensor]) -> Vec<f64> {
    let trace = float::execute(graph, inputs).expect("a float run");
    trace.of(graph.outputs[0].node).to_vec()
}
