//! What a plan can be changed in, and how.

use crate::{
    float::NodeId,
    quantize::{
        Narrowing, Plan,
        plan::{LEAST_BITS, MOST_BITS},
    },
};

/// A number of bits that a plan may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knob {
    Narrowing(NodeId),
    Weights(NodeId),
    /// Of the error that tables of functions aim at. Two bits fewer halve their segments.
    Tables,
}

/// How a knob is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To so many bits more.
    By(i32),
    /// To no narrowing at all.
    Keep,
}

/// Single steps first, then two at a time: a layer's shift crosses the border of a limb only if what its operands, its
/// weights and its result have in bits moves together. Made one by one: there are millions for a model of a thousand layers,
/// of which few are tried.
pub(super) fn steps<'a>(knobs: &'a [Knob], plan: &'a Plan) -> impl Iterator<Item = Vec<(Knob, Step)>> + 'a {
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
    pub(super) fn turn(self, plan: &mut Plan, step: Step) -> bool {
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
