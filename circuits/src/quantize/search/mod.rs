//! The choice of a plan.
//!
//! | part | what it does |
//! |---|---|
//! | here | carries a plan out, and measures it |
//! | `choose` | uniform plans along the border of what is accurate enough; the best of all |
//! | `refine` | one number of bits after the other, until a plan is cheaper or more accurate |
//! | `knob` | the numbers of bits that there are |

mod choose;
mod knob;
mod refine;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    Error, Plan, Precision, QuantizeOptions, Quantized, RealRange,
    accuracy::{self, Accuracy, Variation},
    cost, io, lower,
    plan::{LEAST_BITS, MOST_BITS},
    ranges::{self, InputRange, Widening},
    simplify,
    table::Tables,
    target::{self, Goal, Tolerance},
};

use crate::{
    float::{self, NodeId, Tensor},
    int,
    report::{self, DataOrigin, Decision, ErrorReport, Parts},
};

/// A plan carried out.
struct Candidate {
    plan: Plan,
    graph: int::Graph,
    nodes: Vec<Option<int::NodeId>>,
    bounds: Vec<Option<f64>>,
    sites: BTreeSet<NodeId>,
    weighted: BTreeSet<NodeId>,
    units: f64,
    rows: cost::Rows,
    /// What the search minimizes: that of `rows`.
    cost: f64,
}

/// A sample and what the float graph makes of it.
struct Sample {
    inputs: Vec<Tensor>,
    trace: float::Trace,
    role: Role,
}

/// What a sample counts for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Errors and flipped decisions; the report is about these.
    Given,
    /// Errors only. Between two samples of different classes lie inputs that no class is sure of: there errors are greatest,
    /// and few calibration samples lie there. Decisions may be near ties, which either model may break.
    Mixed,
}

pub(super) struct Search<'a> {
    graph: &'a float::Graph,
    options: &'a QuantizeOptions,
    ranges: BTreeMap<NodeId, InputRange>,
    samples: Vec<Sample>,
    origin: DataOrigin,
    decisions: Vec<Decision>,
    /// By output: how the model varies it over the samples that are reported, if it does.
    spreads: Vec<Option<RealRange>>,
    goal: Goal,
    tables: Tables,
    /// Terms of the model's sums.
    terms: usize,
    /// The sample that the last plan failed at: it is measured first.
    hardest: AtomicUsize,
}

/// Terms of the sums of a node, or its elements.
fn terms(graph: &float::Graph, node: &float::Node) -> usize {
    let inner = match (&node.op, node.inputs.first()) {
        (float::Op::MatMul, Some(id)) => graph.node(*id).shape.last().copied().unwrap_or(1),
        // All weights but the first axis, that of the outputs.
        (float::Op::Conv { .. }, _) => {
            let weights = node.inputs.get(1).map(|id| graph.node(*id).shape.as_slice()).unwrap_or_default();
            weights.iter().skip(1).fold(1, |product: usize, extent| product.saturating_mul(*extent))
        }
        _ => 1,
    };
    node.len().saturating_mul(inner)
}

impl<'a> Search<'a> {
    pub(super) fn new(
        graph: &'a float::Graph,
        options: &'a QuantizeOptions,
        widening: Widening,
    ) -> Result<Self, Error> {
        let known: Vec<String> = graph.outputs.iter().map(|output| output.name.clone()).collect();
        let named = options.decisions.keys().chain(options.tolerances.keys());
        if let Some(name) = named.into_iter().find(|name| !known.contains(name)) {
            return Err(Error::UnknownName { what: "output", name: name.clone(), known });
        }
        let tolerances: Vec<Tolerance> =
            known.iter().map(|name| options.tolerances.get(name).copied().unwrap_or(options.tolerance)).collect();
        tolerances.iter().try_for_each(|tolerance| tolerance.check())?;
        let known: Vec<String> = graph.inputs().map(|(_, node)| node.tensor.clone()).collect();
        if let Some(name) = options.saturate.iter().find(|name| !known.contains(name)) {
            return Err(Error::UnknownName { what: "input", name: name.clone(), known });
        }
        let ranges = ranges::resolve(graph, options, widening)?;
        let decisions = report::decisions(graph, &options.decisions)?;
        let (tables, samples, origin) = (Tables::default(), Vec::new(), DataOrigin::Calibration);
        let hardest = AtomicUsize::new(0);
        let (spreads, goal) = (Vec::new(), Goal { errors: Vec::new(), share: 0.1 });
        let terms = graph.nodes.iter().map(|node| terms(graph, node)).fold(0, usize::saturating_add);
        let mut search =
            Self { graph, options, ranges, samples, origin, decisions, spreads, goal, tables, terms, hardest };
        // What does not fit with the fewest bits never fits. Said before any sample is run, so that it names the node.
        // What wants bits may fit with more.
        match search.compile(Plan::uniform(LEAST_BITS, LEAST_BITS, 0.1)) {
            Err(error) if !error.wants_bits() => return Err(error),
            _ => {}
        }
        let (origin, inputs) = match options.calibration.as_slice() {
            [] => (DataOrigin::Synthetic, ranges::synthetic(graph, &search.ranges)),
            given => (DataOrigin::Calibration, given.to_vec()),
        };
        let mixed = ranges::mixed(graph, &inputs).into_iter().map(|inputs| (inputs, Role::Mixed));
        let inputs: Vec<(Vec<Tensor>, Role)> =
            inputs.into_iter().map(|inputs| (inputs, Role::Given)).chain(mixed).collect();
        for (sample, (inputs, role)) in inputs.into_iter().enumerate() {
            let failed = |error: float::Error| Error::Sample { sample, source: Box::new(error.into()) };
            let trace = float::execute(graph, &inputs).map_err(failed)?;
            search.samples.push(Sample { inputs, trace, role });
        }
        let given = search.samples.iter().filter(|sample| sample.role == Role::Given);
        let given = given.map(|sample| &sample.trace);
        let spreads = accuracy::spreads(graph, given.clone());
        let goal = Goal::new(graph, &tolerances, &target::spans(graph, given));
        Ok(Self { origin, spreads, goal, ..search })
    }

    pub(super) fn run(&self) -> Result<Quantized, Error> {
        match self.options.precision {
            Precision::Bits(bits) => {
                let most = u32::try_from(MOST_BITS).unwrap_or(0);
                let within = i32::try_from(bits).ok().filter(|bits| (1..=MOST_BITS).contains(bits));
                let activation_bits = within.ok_or(Error::Bits { got: bits, max: most })?;
                // A quarter of the step of an activation.
                let table_error = 0.25 * 0.5f64.powi(activation_bits);
                let plan = Plan::uniform(activation_bits, (activation_bits + 2).min(MOST_BITS), table_error);
                let best = self.keep_where_cheaper(self.compile(plan)?)?;
                self.report(best)
            }
            Precision::Auto => {
                let best = self.cheapest()?;
                self.report(best)
            }
        }
    }

    /// Carries out a plan.
    fn compile(&self, plan: Plan) -> Result<Candidate, Error> {
        let lowered = lower::lower(self.graph, &plan, &self.ranges, &self.options.saturate, &self.tables)?;
        let simplified = simplify::simplify(&lowered.graph)?;
        let follow =
            |id: &Option<int::NodeId>| id.and_then(|id| simplified.nodes.get(id.0 as usize).copied().flatten());
        let nodes = lowered.nodes.iter().map(follow).collect();
        let units = cost::units(&simplified.graph, self.options.limb_bits);
        let rows = cost::Rows::of(&simplified.graph, self.options.limb_bits);
        let (bounds, sites, weighted) = (lowered.bounds, lowered.sites, lowered.weighted);
        Ok(Candidate { plan, graph: simplified.graph, nodes, bounds, sites, weighted, units, rows, cost: rows.cost() })
    }

    /// Errors over the samples, as shares of what `goal` allows. With a limit, stops at the first sample that exceeds it or flips.
    fn measure(&self, candidate: &Candidate, goal: &Goal, limit: Option<f64>) -> Result<Accuracy, Error> {
        let executor = int::Executor::of_built(&candidate.graph);
        let mut accuracy = Accuracy { error: 0.0, given: 0.0, flips: 0, constant: self.constant_output(candidate) };
        let mut variation = Variation::new(self.decisions.len());
        // Whichever sample was too much for the last plan is likely to be for the next one: whether one is does not hang on the order.
        let first = self.hardest.load(Ordering::Relaxed);
        let order = (0..self.samples.len()).filter(|at| *at != first);
        let order = Some(first).filter(|at| *at < self.samples.len()).into_iter().chain(order);
        for at in order {
            let sample = &self.samples[at];
            let failed = |error: Error| Error::Sample { sample: at, source: Box::new(error) };
            let inputs = match io::quantize_tensors(&candidate.graph, &sample.inputs) {
                Ok(inputs) => inputs,
                // Ranges hold the samples, but perhaps not at so coarse a scale.
                Err(Error::InputValue { .. }) => return Ok(Accuracy::NONE),
                Err(error) => return Err(failed(error)),
            };
            let trace = executor.run(&inputs).map_err(|error| failed(error.into()))?;
            let outputs = io::dequantize_outputs(&candidate.graph, trace.outputs(&candidate.graph));
            let mut errors = Vec::with_capacity(outputs.len());
            for ((decision, got), output) in self.decisions.iter().zip(&outputs).zip(&self.graph.outputs) {
                let measured = decision.compare(sample.trace.of(output.node), got);
                errors.push(measured.max_error);
                if sample.role == Role::Given {
                    accuracy.flips += measured.flips;
                }
            }
            let share = goal.share_of(&errors);
            accuracy.error = accuracy.error.max(share);
            if sample.role == Role::Given {
                accuracy.given = accuracy.given.max(share);
                variation.see(&outputs);
            }
            if limit.is_some_and(|limit| accuracy.flips > 0 || accuracy.error > limit) {
                self.hardest.store(at, Ordering::Relaxed);
                return Ok(accuracy);
            }
        }
        let same = |((at, spread), most): ((usize, &Option<RealRange>), &f64)| {
            spread.is_some_and(|spread| spread.hi - spread.lo > *most && !variation.varied(at)).then_some(at)
        };
        let spreads = self.spreads.iter().enumerate().zip(&goal.errors);
        accuracy.constant = accuracy.constant.or_else(|| spreads.into_iter().find_map(same));
        Ok(accuracy)
    }

    /// The first output that is proven to be constant, but is not in the model.
    fn constant_output(&self, candidate: &Candidate) -> Option<usize> {
        let outputs = candidate.graph.outputs.iter().zip(&self.spreads);
        let constant = |(output, spread): (&int::Output, &Option<RealRange>)| {
            spread.is_some() && accuracy::is_constant(candidate.graph.node(output.node))
        };
        outputs.map(constant).position(|constant| constant)
    }

    /// Whether the plan is accurate enough.
    fn is_good(&self, candidate: &Candidate, goal: &Goal) -> Result<bool, Error> {
        Ok(self.measure(candidate, goal, Some(1.0))?.is_within(1.0))
    }

    fn report(&self, best: Candidate) -> Result<Quantized, Error> {
        if let Some(at) = self.measure(&best, &self.goal, None)?.constant {
            return Err(self.constant_error(at));
        }
        let parts = Parts { float: self.graph, graph: &best.graph, nodes: &best.nodes, bounds: &best.bounds };
        let given = self.samples.iter().filter(|sample| sample.role == Role::Given);
        let samples = given.map(|sample| (sample.inputs.as_slice(), &sample.trace, None));
        let report = ErrorReport::measure(&parts, &self.decisions, samples, self.origin)?;
        let origins = self
            .graph
            .inputs()
            .filter_map(|(id, node)| self.ranges.get(&id).map(|range| (node.tensor.clone(), range.origin)));
        let targets = matches!(self.options.precision, Precision::Auto).then_some(self.goal.errors.as_slice());
        let report = ErrorReport { units: best.units, input_ranges: origins.collect(), ..report }.with_targets(targets);
        let mut report = report.with_warnings();
        let constant = ranges::that_never_vary(self.graph, &self.options.calibration);
        if !constant.is_empty() {
            report.warnings.push(format!(
                "the same in all of the calibration data: {}; what the program makes of other values was not looked at, and only those \
                 in the range that it has are taken (--range, --saturate)",
                constant.join(", ")
            ));
        }
        Ok(Quantized { graph: best.graph, nodes: best.nodes, plan: best.plan, report })
    }

    fn constant_error(&self, at: usize) -> Error {
        let range = self.spreads.get(at).copied().flatten().unwrap_or(RealRange { lo: 0.0, hi: 0.0 });
        let output = self.graph.outputs.get(at).map_or_else(String::new, |output| output.name.clone());
        Error::ConstantOutput { output, range }
    }
}
