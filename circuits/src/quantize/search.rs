//! The choice of a plan.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{
    Error, Narrowing, Plan, Precision, QuantizeOptions, Quantized, RealRange,
    accuracy::{self, Accuracy, Variation},
    cost, io, lower,
    plan::{LEAST_BITS, MOST_BITS},
    ranges::{self, InputRange},
    simplify,
    table::Tables,
};

use crate::{
    float::{self, NodeId, Tensor},
    int,
    report::{self, DataOrigin, Decision, ErrorReport, Parts},
};

/// Shares of the target that the tables of functions may take: fine tables leave the layers more, coarse ones are short.
const TABLE_SHARES: [f64; 2] = [0.2, 0.7];

/// How far a second search goes beyond the target, to come back to it, where a smaller `k` is near.
const SLACK: f64 = 1.5;

/// Uniform plans that are refined layer by layer.
const REFINED: usize = 3;

/// Terms of sums that refinement may evaluate, over all plans that it tries: a few seconds' work.
const WORK: usize = 1 << 30;

/// Plans that refinement may try, however large or small the model.
const ATTEMPTS: std::ops::RangeInclusive<usize> = 40..=1500;

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
    tables: Tables,
}

impl<'a> Search<'a> {
    pub(super) fn new(graph: &'a float::Graph, options: &'a QuantizeOptions) -> Result<Self, Error> {
        let known: Vec<String> = graph.outputs.iter().map(|output| output.name.clone()).collect();
        if let Some(name) = options.thresholds.keys().find(|name| !known.contains(name)) {
            return Err(Error::UnknownName { what: "output", name: name.clone(), known });
        }
        let ranges = ranges::resolve(graph, &options.input_ranges, &options.calibration)?;
        let decisions = report::decisions(graph, &options.thresholds);
        let (tables, samples, origin) = (Tables::default(), Vec::new(), DataOrigin::Calibration);
        let spreads = Vec::new();
        let mut search = Self { graph, options, ranges, samples, origin, decisions, spreads, tables };
        // What does not fit with the fewest bits never fits. Said before any sample is run, so that it names the node.
        search.compile(Plan::uniform(LEAST_BITS, LEAST_BITS, 0.1))?;
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
        let spreads = accuracy::spreads(graph, given.map(|sample| &sample.trace));
        Ok(Self { origin, spreads, ..search })
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
                self.report(best, None)
            }
            Precision::Auto { max_error } if max_error > 0.0 => self.cheapest(max_error),
            Precision::Auto { max_error } => Err(Error::MaxError { got: max_error }),
        }
    }

    /// Carries out a plan.
    fn compile(&self, plan: Plan) -> Result<Candidate, Error> {
        let lowered = lower::lower(self.graph, &plan, &self.ranges, &self.tables)?;
        let simplified = simplify::simplify(&lowered.graph)?;
        let follow =
            |id: &Option<int::NodeId>| id.and_then(|id| simplified.nodes.get(id.0 as usize).copied().flatten());
        let nodes = lowered.nodes.iter().map(follow).collect();
        let units = cost::units(&simplified.graph, self.options.limb_bits);
        let rows = cost::Rows::of(&simplified.graph, self.options.limb_bits);
        let (bounds, sites, weighted) = (lowered.bounds, lowered.sites, lowered.weighted);
        Ok(Candidate { plan, graph: simplified.graph, nodes, bounds, sites, weighted, units, rows, cost: rows.cost() })
    }

    /// Errors over the samples. With a limit, stops at the first sample that exceeds it or flips, and an output that is the same on
    /// all samples must not vary by more than the limit in the model.
    fn measure(&self, candidate: &Candidate, limit: Option<f64>) -> Result<Accuracy, Error> {
        let executor = int::Executor::of_built(&candidate.graph);
        let mut accuracy = Accuracy { error: 0.0, given: 0.0, flips: 0, constant: self.constant_output(candidate) };
        let mut variation = Variation::new(self.decisions.len());
        for (at, sample) in self.samples.iter().enumerate() {
            let failed = |error: Error| Error::Sample { sample: at, source: Box::new(error) };
            let inputs = match io::quantize_tensors(&candidate.graph, &sample.inputs) {
                Ok(inputs) => inputs,
                // Ranges hold the samples, but perhaps not at so coarse a scale.
                Err(Error::InputValue { .. }) => return Ok(Accuracy::NONE),
                Err(error) => return Err(failed(error)),
            };
            let trace = executor.run(&inputs).map_err(|error| failed(error.into()))?;
            let outputs = io::dequantize_outputs(&candidate.graph, trace.outputs(&candidate.graph));
            for ((decision, got), output) in self.decisions.iter().zip(&outputs).zip(&self.graph.outputs) {
                let measured = decision.compare(sample.trace.of(output.node), got);
                accuracy.error = accuracy.error.max(measured.max_error);
                if sample.role == Role::Given {
                    accuracy.given = accuracy.given.max(measured.max_error);
                    accuracy.flips += measured.flips;
                }
            }
            if sample.role == Role::Given {
                variation.see(&outputs);
            }
            if limit.is_some_and(|limit| accuracy.flips > 0 || accuracy.error > limit) {
                return Ok(accuracy);
            }
        }
        if let Some(limit) = limit {
            let same = |(at, spread): (usize, &Option<RealRange>)| {
                spread.is_some_and(|spread| spread.hi - spread.lo > limit && !variation.varied(at)).then_some(at)
            };
            accuracy.constant = accuracy.constant.or_else(|| self.spreads.iter().enumerate().find_map(same));
        }
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
    fn is_good(&self, candidate: &Candidate, max_error: f64) -> Result<bool, Error> {
        Ok(self.measure(candidate, Some(max_error))?.is_within(max_error))
    }

    fn cheapest(&self, max_error: f64) -> Result<Quantized, Error> {
        let mut last_error = None;
        let mut best = self.refined(max_error, &mut last_error)?.into_iter().next();
        // Errors do not grow evenly, and the way to a cheap plan may lead through worse ones.
        if let Some(strict) = best.take_if(|best| best.rows.nearly_smaller()) {
            let mut cheapest = strict;
            for candidate in self.refined(max_error * SLACK, &mut last_error)? {
                if let Some(found) = self.tighten(candidate, max_error, cheapest.cost)? {
                    cheapest = found;
                }
            }
            best = Some(cheapest);
        }
        match best {
            Some(best) => self.report(best, Some(max_error)),
            None => self.most_accurate(max_error, last_error),
        }
    }

    /// Refined plans, the cheapest first.
    fn refined(&self, max_error: f64, last_error: &mut Option<Error>) -> Result<Vec<Candidate>, Error> {
        let mut border = Vec::new();
        for share in TABLE_SHARES {
            border.extend(self.border(max_error, max_error * share, last_error)?);
        }
        border.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        border.truncate(REFINED);
        let refined = border.into_par_iter().map(|candidate| self.refine(candidate, max_error));
        let mut refined = refined.collect::<Result<Vec<_>, _>>()?;
        // Stable, so that the choice does not hang on which was done first.
        refined.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        Ok(refined)
    }

    /// Changes numbers of bits while that makes the model more accurate and leaves it cheaper than `limit`, until it is
    /// accurate enough.
    fn tighten(&self, mut best: Candidate, max_error: f64, limit: f64) -> Result<Option<Candidate>, Error> {
        if best.cost >= limit {
            return Ok(None);
        }
        let mut attempts = self.attempts(&best);
        let mut error = self.measure(&best, None)?.error;
        let mut verdict = if error <= max_error { Verdict::Enough } else { Verdict::Taken };
        while verdict == Verdict::Taken {
            verdict = self.turn(&mut best, &mut attempts, |_, candidate| {
                if candidate.cost >= limit {
                    return Ok(Verdict::Refused);
                }
                let measured = self.measure(candidate, Some(error))?;
                if !measured.is_within(error) || measured.error >= error {
                    return Ok(Verdict::Refused);
                }
                error = measured.error;
                Ok(if error <= max_error { Verdict::Enough } else { Verdict::Taken })
            })?;
        }
        Ok((verdict == Verdict::Enough).then_some(best))
    }

    /// Uniform plans along the border of what is accurate enough: with more bits for activations, weights need fewer or as
    /// many. Sets `last_error` to why a plan could not be carried out.
    fn border(
        &self,
        max_error: f64,
        table_error: f64,
        last_error: &mut Option<Error>,
    ) -> Result<Vec<Candidate>, Error> {
        let mut border: Vec<Candidate> = Vec::new();
        let mut weight_bits = MOST_BITS;
        for activation_bits in LEAST_BITS..=MOST_BITS {
            let mut best = None;
            while weight_bits >= LEAST_BITS {
                let candidate = match self.compile(Plan::uniform(activation_bits, weight_bits, table_error)) {
                    Ok(candidate) => candidate,
                    // Too many bits for the accumulators: fewer may fit.
                    Err(error) if best.is_none() => {
                        *last_error = Some(error);
                        weight_bits -= 1;
                        continue;
                    }
                    Err(_) => break,
                };
                if !self.is_good(&candidate, max_error)? {
                    break;
                }
                best = Some(candidate);
                weight_bits -= 1;
            }
            if let Some(best) = best {
                weight_bits = best.plan.weight_bits;
                border.push(best);
            } else if border.is_empty() {
                // Nothing was accurate enough yet; whatever did not fit is tried again with other activations.
                weight_bits = MOST_BITS;
            }
        }
        Ok(border)
    }

    /// Changes numbers of bits while that makes the model cheaper and leaves it accurate enough.
    fn refine(&self, mut best: Candidate, max_error: f64) -> Result<Candidate, Error> {
        let mut attempts = self.attempts(&best);
        let cheaper = |best: &Candidate, candidate: &Candidate| {
            let taken = candidate.cost < best.cost && self.is_good(candidate, max_error)?;
            Ok(if taken { Verdict::Taken } else { Verdict::Refused })
        };
        while self.turn(&mut best, &mut attempts, cheaper)? == Verdict::Taken {}
        Ok(best)
    }

    /// Changes one number of bits at a time, or two, each once, and goes on from where `judge`, which is given the best so
    /// far and what the change makes of it, takes it; until nothing is left to try, or it has enough. Taken if anything was.
    fn turn(
        &self,
        best: &mut Candidate,
        attempts: &mut usize,
        mut judge: impl FnMut(&Candidate, &Candidate) -> Result<Verdict, Error>,
    ) -> Result<Verdict, Error> {
        let mut overall = Verdict::Refused;
        let (knobs, start) = (self.knobs(best), best.plan.clone());
        for changes in steps(&knobs, &start) {
            if *attempts == 0 {
                break;
            }
            let mut plan = best.plan.clone();
            if !changes.iter().all(|(knob, step)| knob.turn(&mut plan, *step)) || plan == best.plan {
                continue;
            }
            *attempts -= 1;
            let Ok(candidate) = self.compile(plan) else { continue };
            match judge(best, &candidate)? {
                Verdict::Refused => {}
                Verdict::Taken => {
                    *best = candidate;
                    overall = Verdict::Taken;
                }
                Verdict::Enough => {
                    *best = candidate;
                    return Ok(Verdict::Enough);
                }
            }
        }
        Ok(overall)
    }

    /// How many plans refinement may try.
    fn attempts(&self, candidate: &Candidate) -> usize {
        let terms = |node: &int::Node| match &node.op {
            int::Op::Linear { rows } => rows.iter().map(|row| row.terms.len()).sum(),
            int::Op::SumOfProducts { rows } => rows.iter().map(Vec::len).sum(),
            _ => node.len(),
        };
        let terms: usize = candidate.graph.nodes.iter().map(terms).sum();
        // To compile a term takes as long as to evaluate it on some forty samples.
        let each = terms.max(1).saturating_mul(self.samples.len() + 40);
        (WORK / each).clamp(*ATTEMPTS.start(), *ATTEMPTS.end())
    }

    /// What can be changed in a plan: inputs and layers in their order, then weights.
    fn knobs(&self, candidate: &Candidate) -> Vec<Knob> {
        let inputs = self.graph.inputs().filter(|(_, node)| node.element.is_float()).map(|(id, _)| id);
        let sites: BTreeSet<NodeId> = inputs.chain(candidate.sites.iter().copied()).collect();
        let weights = candidate.weighted.iter().copied().map(Knob::Weights);
        let tables = (!candidate.graph.piecewise.is_empty()).then_some(Knob::Tables);
        sites.into_iter().map(Knob::Narrowing).chain(weights).chain(tables).collect()
    }

    /// Leaves fraction bits where they are wherever that is no dearer: it is never less accurate.
    fn keep_where_cheaper(&self, mut best: Candidate) -> Result<Candidate, Error> {
        for site in best.sites.clone() {
            let mut plan = best.plan.clone();
            plan.narrowing.insert(site, Narrowing::Keep);
            match self.compile(plan) {
                Ok(candidate) if candidate.cost <= best.cost => best = candidate,
                _ => {}
            }
        }
        Ok(best)
    }

    /// For a target out of reach: the plan with the fewest flips and the least error.
    fn most_accurate(&self, max_error: f64, mut last_error: Option<Error>) -> Result<Quantized, Error> {
        let mut best: Option<(Accuracy, Candidate)> = None;
        for bits in (LEAST_BITS..=MOST_BITS).step_by(2) {
            // Tables at their finest: their own error may be what is in the way.
            let candidate = match self.compile(Plan::uniform(bits, bits, max_error * TABLE_SHARES[0] / 4.0)) {
                Ok(candidate) => candidate,
                Err(error) => {
                    last_error = Some(error);
                    continue;
                }
            };
            let accuracy = self.measure(&candidate, None)?;
            if best.as_ref().is_none_or(|(least, _)| accuracy.beats(least, max_error)) {
                best = Some((accuracy, candidate));
            }
        }
        let Some((_, candidate)) = best else {
            let last = last_error.unwrap_or(Error::MaxError { got: max_error });
            return Err(Error::NoPrecision { max: MOST_BITS.unsigned_abs(), last: Box::new(last) });
        };
        self.report(candidate, Some(max_error))
    }

    fn report(&self, best: Candidate, target: Option<f64>) -> Result<Quantized, Error> {
        // With a target that is met, an output that is the same on all samples is found too.
        if let Some(at) = self.measure(&best, target)?.constant {
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
        let report = ErrorReport { target, units: best.units, input_ranges: origins.collect(), ..report };
        Ok(Quantized { graph: best.graph, nodes: best.nodes, plan: best.plan, report: report.with_warnings() })
    }

    fn constant_error(&self, at: usize) -> Error {
        let range = self.spreads.get(at).copied().flatten().unwrap_or(RealRange { lo: 0.0, hi: 0.0 });
        let output = self.graph.outputs.get(at).map_or_else(String::new, |output| output.name.clone());
        Error::ConstantOutput { output, range }
    }
}

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Refused,
    Taken,
    /// Taken, and the last.
    Enough,
}

/// A number of bits that a plan may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knob {
    Narrowing(NodeId),
    Weights(NodeId),
    /// Of the error that tables of functions aim at. Two bits fewer halve their segments.
    Tables,
}

/// How a knob is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// To so many bits more.
    By(i32),
    /// To no narrowing at all.
    Keep,
}

/// Single steps first, then two at a time: a layer's shift crosses the border of a limb only if what its operands, its
/// weights and its result have in bits moves together. Made one by one: there are millions for a model of a thousand layers,
/// of which few are tried.
fn steps<'a>(knobs: &'a [Knob], plan: &'a Plan) -> impl Iterator<Item = Vec<(Knob, Step)>> + 'a {
    let single = knobs.iter().flat_map(move |knob| {
        let narrows = matches!(knob, Knob::Narrowing(site) if plan.narrowing_of(*site) != Narrowing::Keep);
        let keep = narrows.then_some(Step::Keep);
        keep.into_iter().chain([-1, -2, -3, 1].map(Step::By)).map(move |step| vec![(*knob, step)])
    });
    const PAIRS: [(i32, i32); 8] = [(-1, -1), (-1, -2), (-2, -1), (-2, -2), (1, -2), (-2, 1), (1, -3), (-3, 1)];
    let pairs = knobs.iter().enumerate().flat_map(move |(at, first)| {
        let others = knobs[at + 1..].iter();
        others.flat_map(move |second| PAIRS.map(|(a, b)| vec![(*first, Step::By(a)), (*second, Step::By(b))]))
    });
    single.chain(pairs)
}

impl Knob {
    /// Turns it in `plan`, if it can be turned so far.
    fn turn(self, plan: &mut Plan, step: Step) -> bool {
        let within = |bits: i32| Some(bits).filter(|bits| (LEAST_BITS..=MOST_BITS).contains(bits));
        match (self, step) {
            (Self::Narrowing(site), Step::Keep) => {
                plan.narrowing.insert(site, Narrowing::Keep);
                true
            }
            (Self::Narrowing(site), Step::By(by)) => {
                let now = match plan.narrowing_of(site) {
                    Narrowing::To(bits) => bits,
                    Narrowing::Keep => plan.activation_bits,
                };
                within(now + by).map(|bits| plan.narrowing.insert(site, Narrowing::To(bits))).is_some()
            }
            (Self::Weights(node), Step::By(by)) => {
                let now = plan.weight_bits_of(node);
                within(now + by).map(|bits| plan.weights.insert(node, bits)).is_some()
            }
            (Self::Tables, Step::By(by)) => {
                plan.table_error *= 0.5f64.powi(by);
                true
            }
            (Self::Weights(_) | Self::Tables, Step::Keep) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pairs of a hundred thousand knobs would fill any memory.
    #[test]
    fn changes_are_made_one_by_one() {
        let plan = Plan::uniform(8, 10, 1e-3);
        let knobs: Vec<Knob> = (0..100_000).map(|node| Knob::Weights(NodeId(node))).collect();
        assert_eq!(steps(&knobs, &plan).nth(399_999), Some(vec![(knobs[99_999], Step::By(1))]));
        assert_eq!(steps(&knobs, &plan).nth(400_000), Some(vec![(knobs[0], Step::By(-1)), (knobs[1], Step::By(-1))]));
        assert_eq!(steps(&knobs[..3], &plan).count(), 3 * 4 + 3 * 8);
        assert_eq!(
            steps(&[Knob::Narrowing(NodeId(0))], &plan).next(),
            Some(vec![(Knob::Narrowing(NodeId(0)), Step::Keep)])
        );
    }
}
