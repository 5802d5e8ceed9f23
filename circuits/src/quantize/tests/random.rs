//! Random float graphs under random plans: errors stay below the static bound, simplification changes no output, and the
//! integer graph passes the validation that files from outside must pass.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::quantize::{
    lower,
    plan::{Narrowing, Plan},
    ranges::{self, Widening},
    simplify,
    table::Tables,
};

/// What one node is made from.
#[derive(Clone, Debug)]
struct Gene {
    op: u8,
    numbers: Vec<u16>,
}

struct Draw<'a>(std::iter::Cycle<std::slice::Iter<'a, u16>>);

impl Draw<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(*self.0.next().unwrap()) % bound
    }

    /// Within `[-2, 2)`, in steps that need up to 14 bits.
    fn weight(&mut self) -> f64 {
        (self.below(1 << 16) as f64 - 32_768.0) / 16_384.0
    }

    fn weights(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.weight()).collect()
    }
}

fn genes() -> impl Strategy<Value = Vec<Gene>> {
    let gene = (0u8..17, prop::collection::vec(any::<u16>(), 4..24)).prop_map(|(op, numbers)| Gene { op, numbers });
    prop::collection::vec(gene, 1..8)
}

/// Appends what `gene` describes; every value is a matrix.
fn grow(model: &mut Model, values: &mut Vec<NodeId>, gene: &Gene) {
    let mut draw = Draw(gene.numbers.iter().cycle());
    // Near the end of the graph, so that chains are long.
    let x = values[values.len() - 1 - draw.below(values.len().min(2))];
    let other = values[draw.below(values.len())];
    let shape = model.shape(x);
    let [rows, columns] = shape[..] else { return };
    let y = match gene.op {
        0 | 1 => {
            let width = 1 + draw.below(3);
            let w = draw.weights(columns * width);
            let w = model.constant(&[columns, width], &w);
            model.real(Op::MatMul, &[x, w], &[rows, width])
        }
        2 => {
            let height = 1 + draw.below(3);
            let w = draw.weights(rows * height);
            let w = model.constant(&[height, rows], &w);
            model.real(Op::MatMul, &[w, x], &[height, columns])
        }
        3 => {
            let b = draw.weights(columns);
            let b = model.constant(&[columns], &b);
            model.real(if draw.below(2) == 0 { Op::Add } else { Op::Sub }, &[b, x], &shape)
        }
        4 => {
            let c = draw.weight();
            let c = model.constant(&[], &[c]);
            model.real(Op::Mul, &[x, c], &shape)
        }
        5 if model.shape(other) == shape => {
            model.real([Op::Add, Op::Sub, Op::Mul][draw.below(3)].clone(), &[x, other], &shape)
        }
        6 => model.real(Op::Relu, &[x], &shape),
        7 => {
            let alpha = draw.weight();
            model.real(Op::LeakyRelu { alpha }, &[x], &shape)
        }
        8 => {
            let (a, b) = (draw.weight(), draw.weight());
            let (min, max) =
                (Some(a.min(b)).filter(|_| draw.below(4) > 0), Some(a.max(b)).filter(|_| draw.below(4) > 0));
            model.real(Op::Clip { min, max }, &[x], &shape)
        }
        9 => model.real(Op::Sigmoid, &[x], &shape),
        10 => model.real(Op::Tanh, &[x], &shape),
        11 => model.real(Op::Softmax { axis: draw.below(2) }, &[x], &shape),
        12 => model.real(Op::ReduceSum { axes: vec![0] }, &[x], &[1, columns]),
        13 => model.real(Op::ReduceMean { axes: vec![1] }, &[x], &[rows, 1]),
        14 => {
            let elements: Vec<u32> = (0..4).map(|_| draw.below(rows * columns) as u32).collect();
            model.real(pick(&elements), &[x], &[2, 2])
        }
        15 => {
            let c = draw.weights(columns);
            let c = model.constant(&[1, columns], &c);
            let from = |input| (0..columns as u32).map(move |element| Source { input, element });
            model.real(Op::Rearrange { sources: from(0).chain(from(1)).collect() }, &[x, c], &[2, columns])
        }
        _ => {
            let [m, k] = model.shape(other)[..] else { return };
            if k != rows {
                return;
            }
            model.real(Op::MatMul, &[other, x], &[m, columns])
        }
    };
    values.push(y);
}

/// A plan in which every site and every weight has bits of its own.
fn scattered(bits: i32, numbers: &[u16], nodes: usize) -> Plan {
    let mut draw = Draw(numbers.iter().cycle());
    let mut plan = Plan::uniform(bits, bits + 1, 2f64.powi(-bits));
    for node in (0..nodes as u32).map(NodeId) {
        let own = 3 + draw.below(10) as i32;
        match draw.below(3) {
            0 => plan.narrowing.insert(node, Narrowing::Keep),
            1 => plan.narrowing.insert(node, Narrowing::To(own)),
            _ => None,
        };
        if draw.below(2) == 0 {
            plan.weights.insert(node, own);
        }
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn errors_stay_below_the_static_bound(
        genes in genes(),
        bits in 3i32..12,
        numbers in prop::collection::vec(any::<u16>(), 5..40),
        samples in prop::collection::vec(prop::collection::vec(-1.0f64..=1.0, 6), 6),
    ) {
        let mut model = Model::default();
        let mut values = vec![model.input(&[2, 3])];
        genes.iter().for_each(|gene| grow(&mut model, &mut values, gene));
        let graph = model.finish(*values.last().unwrap());
        let options = options(&graph, 8, -1.0, 1.0);
        let ranges = ranges::resolve(&graph, &options, Widening::Magnitude).unwrap();
        let plan = scattered(bits, &numbers, graph.nodes.len());
        // Some random plans need accumulators that are too wide; those are refused, not wrong.
        let Ok(lowered) = lower::lower(&graph, &plan, &ranges, &BTreeSet::new(), &Tables::default()) else { return Ok(()) };
        lowered.graph.validate().unwrap();
        let Ok(simple) = simplify::simplify(&lowered.graph) else { return Ok(()) };
        simple.graph.validate().unwrap();
        let bound = lowered.bounds[0].expect("no ArgMax here");
        for sample in &samples {
            let inputs = [real_tensor(&[2, 3], sample)];
            let integers = quantize_tensors(&lowered.graph, &inputs).unwrap();
            let raw = int::execute(&lowered.graph, &integers).unwrap();
            let simplified = int::execute(&simple.graph, &integers).unwrap();
            prop_assert_eq!(raw.outputs(&lowered.graph).next(), simplified.outputs(&simple.graph).next());
            // Nodes that were kept have the values they had.
            for (at, kept) in simple.nodes.iter().enumerate() {
                if let Some(kept) = kept {
                    prop_assert_eq!(&raw.values[at], &simplified.values[kept.0 as usize]);
                }
            }
            let got = dequantize_outputs(&simple.graph, simplified.outputs(&simple.graph)).remove(0);
            for (got, exact) in got.iter().zip(float_run(&graph, &inputs)) {
                let error = (got - exact).abs();
                prop_assert!(error <= bound * (1.0 + 1e-9) + 1e-12, "error {error:e}, bound {bound:e}");
            }
        }
    }
}
