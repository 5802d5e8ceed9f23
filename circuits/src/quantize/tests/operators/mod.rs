//! The operators that came after the first few, one family a file: known answers, errors within their stated bounds on random inputs under
//! random plans, what is refused and what is said of it. Each goes through to a circuit that an honest run satisfies.

mod comparisons;
mod divisions;
mod functions;
mod integers;
mod masks;
mod windows;

use halo2_proofs::{dev::MockProver, halo2curves::bn256::Fr};

use super::*;
use crate::{
    machine::{CONTEXT_INSTANCES, Machine, Objective, plan},
    quantize::{
        Error, lower,
        plan::{Narrowing, Plan},
        ranges::{self, Widening},
        simplify,
        table::Tables,
    },
};

/// Numbers that differ from test to test and not from day to day: xorshift64*.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn within(&mut self, range: RealRange) -> f64 {
        range.lo + (range.hi - range.lo) * self.unit()
    }
}

/// A float graph with the range of each of its inputs.
struct Case {
    graph: Graph,
    ranges: Vec<RealRange>,
}

fn between(lo: f64, hi: f64) -> RealRange {
    RealRange { lo, hi }
}

/// One operator, of real inputs of these ranges, each of `shape`.
fn case(op: Op, ranges: &[RealRange], shape: &[usize]) -> Case {
    let mut model = Model::default();
    let inputs: Vec<NodeId> = ranges.iter().map(|_| model.input(shape)).collect();
    let y = model.real(op, &inputs, shape);
    Case { graph: model.finish(y), ranges: ranges.to_vec() }
}

impl Case {
    fn input_ranges(&self) -> BTreeMap<String, Vec<RealRange>> {
        self.graph.inputs().zip(&self.ranges).map(|((_, node), range)| (node.tensor.clone(), vec![*range])).collect()
    }

    fn lowered(&self, plan: &Plan) -> Result<lower::Lowered, Error> {
        let options = QuantizeOptions { input_ranges: self.input_ranges(), ..QuantizeOptions::default() };
        let ranges = ranges::resolve(&self.graph, &options, Widening::Magnitude)?;
        lower::lower(&self.graph, plan, &ranges, &BTreeSet::new(), &Tables::default())
    }

    fn quantized(&self, bits: u32) -> Result<Quantized, Error> {
        let options = QuantizeOptions {
            precision: Precision::Bits(bits),
            input_ranges: self.input_ranges(),
            ..QuantizeOptions::default()
        };
        quantize(&self.graph, &options)
    }

    /// Inputs within their ranges, of the types that they have.
    fn draw(&self, dice: &mut Dice) -> Vec<Tensor> {
        let tensor = |((_, node), range): ((NodeId, &Node), &RealRange)| {
            let values: Vec<f64> = (0..node.len()).map(|_| dice.within(*range)).collect();
            let values = match node.element {
                ElementType::Bool => Values::Bool(values.iter().map(|value| *value >= 0.5).collect()),
                ElementType::I64 | ElementType::I32 => {
                    Values::Int(values.iter().map(|value| value.round_ties_even() as i64).collect())
                }
                _ => Values::Float(
                    values.iter().map(|value| f64::from(*value as f32).clamp(range.lo, range.hi)).collect(),
                ),
            };
            Tensor { shape: node.shape.clone(), values }
        };
        self.graph.inputs().zip(&self.ranges).map(tensor).collect()
    }

    /// Runs the integer graph of `plan` on random inputs: each error is within its stated bound, and simplification changes nothing. The
    /// greatest bound, and the greatest error.
    fn holds(&self, plan: &Plan, seed: u64) -> Result<(f64, f64), Error> {
        let lowered = self.lowered(plan)?;
        lowered.graph.validate().expect("what is built is valid");
        let simple = simplify::simplify(&lowered.graph)?;
        let bound = lowered.bounds[0].unwrap_or(f64::INFINITY);
        let mut dice = Dice(seed | 1);
        let mut greatest = 0.0f64;
        for _ in 0..40 {
            let inputs = self.draw(&mut dice);
            let integers = quantize_tensors(&lowered.graph, &inputs).expect("inputs in range");
            let raw = int::execute(&lowered.graph, &integers).expect("a run");
            let simplified = int::execute(&simple.graph, &integers).expect("a run");
            assert_eq!(raw.outputs(&lowered.graph).next(), simplified.outputs(&simple.graph).next());
            let got = dequantize_outputs(&lowered.graph, raw.outputs(&lowered.graph)).remove(0);
            for (got, exact) in got.iter().zip(float_run(&self.graph, &inputs)) {
                let error = (got - exact).abs();
                greatest = greatest.max(error);
                let name = self.graph.node(self.graph.outputs[0].node).op.name();
                assert!(
                    error <= bound * (1.0 + 1e-9) + 1e-12,
                    "{name} of {inputs:?}: {got}, not {exact}; error {error:e}, bound {bound:e}, {plan:?}"
                );
            }
        }
        Ok((bound, greatest))
    }

    /// As [`Self::holds`], under plans from coarse to fine and scattered ones; how many of them could be carried out.
    fn holds_under_any_plan(&self) -> usize {
        let mut carried_out = 0;
        for bits in [3, 6, 9, 12, 16] {
            for scatter in 0..3u64 {
                let mut plan = Plan::uniform(bits, bits + 2, 0.25 * 0.5f64.powi(bits));
                let mut dice = Dice(scatter.wrapping_mul(0x9e37_79b9) + 77);
                for node in (0..self.graph.nodes.len() as u32).map(NodeId).filter(|_| scatter > 0) {
                    let own = 3 + (dice.unit() * 10.0) as i32;
                    match (dice.unit() * 3.0) as u32 {
                        0 => plan.narrowing.insert(node, Narrowing::Keep),
                        1 => plan.narrowing.insert(node, Narrowing::To(own)),
                        _ => None,
                    };
                }
                // Some are too coarse, and some too fine; those are refused, not wrong.
                carried_out += usize::from(self.holds(&plan, scatter + 1).is_ok());
            }
        }
        carried_out
    }

    /// Goes through to a circuit, which an honest run satisfies.
    fn proves(&self, bits: u32) {
        let quantized = self.quantized(bits).expect("a quantized model");
        let (_, layout) = plan(&quantized.graph, Objective::Gas).expect("it fits a circuit");
        let inputs = self.draw(&mut Dice(12345));
        let integers = quantize_tensors(&quantized.graph, &inputs).expect("inputs in range");
        let trace = int::execute(&quantized.graph, &integers).expect("a run");
        let values = layout.values(&trace).expect("a trace of this graph");
        let witness = layout.witness(values).expect("the equations hold");
        let context = (0..CONTEXT_INSTANCES as u64).map(Fr::from);
        let instance = context.chain(witness.public.iter().copied()).collect();
        let circuit = Machine::with_witness(&layout, &witness);
        let prover = MockProver::run(layout.k(), &circuit, vec![instance]).expect("the circuit synthesizes");
        prover.verify().expect("an honest run satisfies the circuit");
    }
}

/// What a graph that cannot be quantized is told, naming its last node.
fn refused(case: &Case) -> String {
    let error = case.quantized(12).expect_err("a refusal").to_string();
    assert!(error.contains(&case.graph.node(case.graph.outputs[0].node).name), "{error}");
    error
}
