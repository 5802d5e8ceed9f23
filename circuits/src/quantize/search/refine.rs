//! One number of bits after the other.

use std::collections::BTreeSet;

use super::{
    Candidate, Search,
    knob::{Knob, steps},
};
use crate::{
    float::NodeId,
    int,
    quantize::{Error, Narrowing, target::Goal},
};

/// Terms of sums that refinement may evaluate, over all plans that it tries: a few seconds' work.
const WORK: usize = 1 << 28;

/// Plans that refinement may try, however large or small the model.
const ATTEMPTS: std::ops::RangeInclusive<usize> = 40..=1500;

/// Whether a goal was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Reached,
    Missed,
}

impl Search<'_> {
    /// Changes numbers of bits while that makes the model more accurate and leaves it cheaper than `limit`, until it is
    /// accurate enough. The last is nothing if that did not come about.
    pub(super) fn tighten(&self, mut best: Candidate, goal: &Goal, limit: f64) -> Result<(Candidate, Outcome), Error> {
        let mut attempts = self.attempts(&best);
        let mut accuracy = self.measure(&best, goal, None)?;
        let mut verdict = if accuracy.is_within(1.0) { Verdict::Enough } else { Verdict::Taken };
        while verdict == Verdict::Taken {
            verdict = self.turn(&mut best, &mut attempts, |_, candidate| {
                if candidate.cost >= limit {
                    return Ok(Verdict::Refused);
                }
                // Without flips there is no reason to look further than the first that is worse.
                let stop = (accuracy.flips == 0).then_some(accuracy.error);
                let measured = self.measure(candidate, goal, stop)?;
                if !measured.beats(&accuracy) {
                    return Ok(Verdict::Refused);
                }
                accuracy = measured;
                Ok(if accuracy.is_within(1.0) { Verdict::Enough } else { Verdict::Taken })
            })?;
        }
        Ok((best, if verdict == Verdict::Enough { Outcome::Reached } else { Outcome::Missed }))
    }

    /// Changes numbers of bits while that makes the model cheaper and leaves it accurate enough.
    pub(super) fn refine(&self, mut best: Candidate, goal: &Goal) -> Result<Candidate, Error> {
        let mut attempts = self.attempts(&best);
        let cheaper = |best: &Candidate, candidate: &Candidate| {
            let taken = candidate.cost < best.cost && self.is_good(candidate, goal)?;
            Ok(if taken { Verdict::Taken } else { Verdict::Refused })
        };
        while self.turn(&mut best, &mut attempts, cheaper)? == Verdict::Taken {}
        Ok(best)
    }

    /// Changes one number of bits at a time, or two, each once, and goes on from where `judge`, which is given the best so
    /// far and what the change makes of it, takes it; until nothing is left to try, or it has enough. Taken if anything was.
    pub(super) fn turn(
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
    pub(super) fn attempts(&self, candidate: &Candidate) -> usize {
        let terms = |node: &int::Node| match &node.op {
            int::Op::Linear { rows } => rows.iter().map(|row| row.terms.len()).sum(),
            int::Op::SumOfProducts { rows } => rows.iter().map(Vec::len).sum(),
            op => int::Contraction::of(op).map_or(node.len(), |of| of.len() * of.depth()),
        };
        let terms: usize = candidate.graph.nodes.iter().map(terms).sum();
        // To compile a term takes as long as to evaluate it on some forty samples.
        let each = terms.max(1).saturating_mul(self.samples.len() + 40);
        (WORK / each).clamp(*ATTEMPTS.start(), *ATTEMPTS.end())
    }

    /// What can be changed in a plan: inputs and layers in their order, then weights.
    pub(super) fn knobs(&self, candidate: &Candidate) -> Vec<Knob> {
        let inputs = self.graph.inputs().filter(|(_, node)| node.element.is_float()).map(|(id, _)| id);
        let sites: BTreeSet<NodeId> = inputs.chain(candidate.sites.iter().copied()).collect();
        let weights = candidate.weighted.iter().copied().map(Knob::Weights);
        let tables = (!candidate.graph.piecewise.is_empty()).then_some(Knob::Tables);
        sites.into_iter().map(Knob::Narrowing).chain(weights).chain(tables).collect()
    }

    /// Leaves fraction bits where they are wherever that is no dearer: it is never less accurate.
    pub(super) fn keep_where_cheaper(&self, mut best: Candidate) -> Result<Candidate, Error> {
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
}

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Refused,
    Taken,
    /// Taken, and the last.
    Enough,
}
