//! The best of the plans that there are.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::{Candidate, Search, refine::Outcome};
use crate::quantize::{
    Error, Plan,
    accuracy::Accuracy,
    plan::{LEAST_BITS, MOST_BITS},
    target::Goal,
};

/// Shares of the target that the tables of functions may take: fine tables leave the layers more, coarse ones are short.
const TABLE_SHARES: [f64; 2] = [0.2, 0.7];

/// How far a second search goes beyond the target, to come back to it, where a smaller `k` is near.
const SLACK: f64 = 1.5;

/// Uniform plans that are refined layer by layer.
const REFINED: usize = 3;

/// Terms of sums that a plan may take to try, samples included, for all to be looked at that may be the cheapest: those of a network of a few
/// thousand weights. Of larger ones only what lies near the coarsest plan that is accurate enough is.
const THOROUGH: usize = 1 << 21;

/// How much of the plans is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Thorough,
    Quick,
}

impl Search<'_> {
    pub(super) fn cheapest(&self) -> Result<Candidate, Error> {
        let mut last_error = None;
        let declared = |name: &str| self.options.tolerances.contains_key(name) || self.options.tolerance_is_declared();
        let mut best = match self.goal.of_probabilities(self.graph, declared) {
            Some(strict) => self.within(&strict, &mut last_error)?,
            None => None,
        };
        if best.as_ref().is_none_or(|best| best.rows.nearly_smaller()) {
            let looser = self.within(&self.goal, &mut last_error)?;
            best = match (best, looser) {
                (Some(best), Some(looser)) if looser.rows.log2() < best.rows.log2() => Some(looser),
                (best, looser) => best.or(looser),
            };
        }
        best.map_or_else(|| self.most_accurate(last_error), Ok)
    }

    /// The cheapest plan that reaches `goal`.
    fn within(&self, goal: &Goal, last_error: &mut Option<Error>) -> Result<Option<Candidate>, Error> {
        let mut best = self.refined(goal, last_error)?.into_iter().next();
        if self.effort() == Effort::Quick {
            return Ok(best);
        }
        // Errors do not grow evenly, and the way to a cheap plan may lead through worse ones.
        if let Some(strict) = best.take_if(|best| best.rows.nearly_smaller()) {
            let mut cheapest = strict;
            for candidate in self.refined(&goal.times(SLACK), last_error)? {
                if candidate.cost < cheapest.cost
                    && let (found, Outcome::Reached) = self.tighten(candidate, goal, cheapest.cost)?
                {
                    cheapest = found;
                }
            }
            best = Some(cheapest);
        }
        Ok(best)
    }

    /// Refined plans, the cheapest first.
    fn refined(&self, goal: &Goal, last_error: &mut Option<Error>) -> Result<Vec<Candidate>, Error> {
        let mut border = Vec::new();
        let effort = self.effort();
        for share in TABLE_SHARES {
            let table_error = goal.share * share;
            let near = match effort {
                Effort::Quick => self.coarsest(goal, table_error)?,
                Effort::Thorough => None,
            };
            let (activations, weights) = match near {
                // Of one bit fewer or a few more for activations, weights may have some more or fewer.
                Some(bits) => ((bits - 1).max(LEAST_BITS)..=(bits + 3).min(MOST_BITS), (bits + 4).min(MOST_BITS)),
                None => (LEAST_BITS..=MOST_BITS, MOST_BITS),
            };
            border.extend(self.border(goal, table_error, activations, weights, last_error)?);
        }
        border.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        border.truncate(if effort == Effort::Quick { 1 } else { REFINED });
        let refined = border.into_par_iter().map(|candidate| self.refine(candidate, goal));
        let mut refined = refined.collect::<Result<Vec<_>, _>>()?;
        // Stable, so that the choice does not hang on which was done first.
        refined.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        Ok(refined)
    }

    fn effort(&self) -> Effort {
        if self.terms.saturating_mul(self.samples.len() + 40) > THOROUGH { Effort::Quick } else { Effort::Thorough }
    }

    /// The fewest bits that are accurate enough for activations, with two more for weights, found by halving.
    fn coarsest(&self, goal: &Goal, table_error: f64) -> Result<Option<i32>, Error> {
        let (mut low, mut high) = (LEAST_BITS, MOST_BITS + 1);
        while low < high {
            let bits = i32::midpoint(low, high);
            let good = match self.compile(Plan::uniform(bits, (bits + 2).min(MOST_BITS), table_error)) {
                Ok(candidate) => self.is_good(&candidate, goal)?,
                // Too many bits for the accumulators: there the whole border is walked.
                Err(_) => return Ok(None),
            };
            if good { high = bits } else { low = bits + 1 }
        }
        Ok(Some(low).filter(|bits| *bits <= MOST_BITS))
    }

    /// Uniform plans along the border of what is accurate enough: with more bits for activations, weights need fewer or as
    /// many. Sets `last_error` to why a plan could not be carried out.
    fn border(
        &self,
        goal: &Goal,
        table_error: f64,
        activations: RangeInclusive<i32>,
        most_weight_bits: i32,
        last_error: &mut Option<Error>,
    ) -> Result<Vec<Candidate>, Error> {
        let mut border: Vec<Candidate> = Vec::new();
        let mut weight_bits = most_weight_bits;
        for activation_bits in activations {
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
                if !self.is_good(&candidate, goal)? {
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
                weight_bits = most_weight_bits;
            }
        }
        Ok(border)
    }

    /// Where no uniform plan is accurate enough: the most accurate of them, refined, until it is, or as far as it goes.
    fn most_accurate(&self, mut last_error: Option<Error>) -> Result<Candidate, Error> {
        let mut best: Option<(Accuracy, Candidate)> = None;
        for bits in (LEAST_BITS..=MOST_BITS).step_by(2) {
            // Tables at their finest: their own error may be what is in the way.
            let candidate = match self.compile(Plan::uniform(bits, bits, self.goal.share * TABLE_SHARES[0] / 4.0)) {
                Ok(candidate) => candidate,
                Err(error) => {
                    last_error = Some(error);
                    continue;
                }
            };
            let accuracy = self.measure(&candidate, &self.goal, None)?;
            if accuracy.holds_samples() && best.as_ref().is_none_or(|(least, _)| accuracy.beats(least)) {
                best = Some((accuracy, candidate));
            }
        }
        let Some((_, candidate)) = best else {
            let max = MOST_BITS.unsigned_abs();
            return Err(match last_error {
                Some(last) => Error::NoPrecision { max, last: Box::new(last) },
                None => Error::NoScale { max },
            });
        };
        match self.tighten(candidate, &self.goal, f64::INFINITY)? {
            (found, Outcome::Reached) => self.refine(found, &self.goal),
            (found, Outcome::Missed) => Ok(found),
        }
    }
}
