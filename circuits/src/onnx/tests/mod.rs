//! Tests of import: known answers per operator and operator set, refusals, damaged files.

mod branches;
mod damaged;
mod exporters;
mod known;
mod limits;
mod operators;
mod refusals;
mod reports;
mod structure;

use super::fixture::{Dim, Fixture};
use super::{Error, ImportOptions, Model, import};
use crate::float::{Tensor, Values, execute};

fn import_default(fixture: &Fixture) -> Result<Model, Error> {
    import(&fixture.bytes(), &ImportOptions::default())
}

fn floats(shape: &[usize], values: &[f64]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: Values::Float(values.to_vec()) }
}

/// What the outputs of a model are: shapes and values.
fn outputs(model: &Model, inputs: &[Tensor]) -> Vec<(Vec<usize>, Vec<f64>)> {
    let graph = model.graph();
    graph.check().unwrap();
    let trace = execute(graph, inputs).unwrap();
    graph.outputs.iter().map(|output| (graph.node(output.node).shape.clone(), trace.of(output.node).to_vec())).collect()
}
