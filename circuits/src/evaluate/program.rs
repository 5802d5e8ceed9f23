//! A program beside a model of which it may have been made, whoever made it.

use std::collections::BTreeMap;

use crate::{
    Program,
    float::{self, ElementType, Tensor},
    quantize::{Error, synthetic_within},
    report::{self, DataOrigin, ErrorReport, Parts},
};

/// Whether a program has the inputs and the outputs of a model: without them it is of another.
pub(crate) fn check_interface(graph: &float::Graph, program: &Program) -> Result<(), Error> {
    let integers = program.graph();
    let named = |name: &str, shape: &[usize], element: ElementType| format!("{name}: {element} {shape:?}");
    let inputs = |graph: &float::Graph| {
        graph.inputs().map(|(_, node)| named(&node.tensor, &node.shape, node.element)).collect::<Vec<_>>().join(", ")
    };
    let same = |what, expected: String, got: String| match expected == got {
        true => Ok(()),
        false => Err(Error::OtherInterface { what, expected, got }),
    };
    same("inputs", inputs(graph), inputs(&program.signature()))?;
    let sized = |name: &str, len: usize| format!("{name}: {len} elements");
    let expected = graph.outputs.iter().map(|output| sized(&output.name, graph.node(output.node).len()));
    let got = integers.outputs.iter().map(|output| sized(&output.name, integers.node(output.node).len()));
    same("outputs", expected.collect::<Vec<_>>().join(", "), got.collect::<Vec<_>>().join(", "))
}

/// Measures a program, whoever made it, against a float model of which it may have been made: on `samples`, or without any on inputs
/// drawn uniformly from the ranges that the program gives them. Layers are not told apart, and there are no static bounds.
///
/// # Errors
/// A program whose inputs or outputs are not the model's; samples that the program or the model cannot take.
pub fn measure_program(graph: &float::Graph, program: &Program, samples: &[Vec<Tensor>]) -> Result<ErrorReport, Error> {
    let integers = program.graph();
    check_interface(graph, program)?;
    let (origin, drawn) = match samples {
        [] => (DataOrigin::Synthetic, synthetic_within(graph, integers)),
        _ => (DataOrigin::Calibration, Vec::new()),
    };
    let samples = if samples.is_empty() { &drawn } else { samples };
    let mut runs = Vec::with_capacity(samples.len());
    for (sample, inputs) in samples.iter().enumerate() {
        let failed = |error: float::Error| Error::Sample { sample, source: Box::new(error.into()) };
        runs.push((inputs.as_slice(), float::execute(graph, inputs).map_err(failed)?));
    }
    let (nodes, bounds) = (vec![None; graph.nodes.len()], vec![None; graph.outputs.len()]);
    let parts = Parts { float: graph, graph: integers, nodes: &nodes, bounds: &bounds };
    let decisions = report::decisions(graph, &BTreeMap::new())?;
    let runs = runs.iter().map(|(inputs, trace)| (*inputs, trace, None));
    Ok(ErrorReport::measure(&parts, &decisions, runs, origin)?.with_warnings())
}
