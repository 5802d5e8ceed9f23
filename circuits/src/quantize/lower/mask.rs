//! Masked softmax: a position that a mask takes out gets exactly 0, and its logit costs no bits.
//!
//! Exporters write a mask as numbers so small that nothing is left of them: `Where(keep, x, -1e9)`, or `x` plus a tensor of 0 and -1e9,
//! which is a constant, or `Where(keep, 0, -1e9)`, or `(1 - keep) * -1e9`. In integers such numbers would widen every value that follows.
//! So they are looked through: softmax reads the logits and which of them are kept.

use std::collections::BTreeSet;

use super::{Error, Lowering, Value, index, softmax::PROBABILITY_BITS};
use crate::{
    float::{self, ElementType, NodeId, layout},
    int::{Op, Source},
    quantize::fixed::{round_to_scale, to_real},
};

/// A logit that is lower, or is lowered by as much, is masked: `exp` of it is 0 in single precision.
const LOW: f64 = -1e4;

/// A mask in front of a softmax.
pub(super) struct Mask {
    logits: NodeId,
    kept: Kept,
    /// The greatest number that masks.
    level: f64,
    unkept: Unkept,
    /// Nodes that are not read if nothing but this softmax reads them.
    parts: Vec<NodeId>,
}

/// What a group is of which nothing is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unkept {
    /// Even shares: the mask is all that is left.
    Even,
    /// As if all were kept: the mask was added to all, so that it makes no difference.
    ByLogits,
}

/// Added to a logit, a number as low as this leaves of it what counts, in double precision.
const LOW_ENOUGH_TO_ADD: f64 = -1e10;

/// Added to a logit, a number as low as this leaves nothing of it.
const TOO_LOW_TO_ADD: f64 = -1e18;

/// Which logits are kept.
enum Kept {
    /// By element of a constant of this node's shape.
    Fixed(NodeId, Vec<bool>),
    /// Where a truth value is 1.
    If(NodeId),
    /// Where it is 0.
    Unless(NodeId),
}

/// The mask that `x`, the operand of a softmax, is made with.
pub(super) fn of(graph: &float::Graph, x: NodeId) -> Option<Mask> {
    let node = graph.node(x);
    match (&node.op, node.inputs.as_slice()) {
        (float::Op::Where, [condition, a, b]) => {
            let (logits, kept, low) = match (is_low(graph, *a), is_low(graph, *b)) {
                (false, true) => (*a, Kept::If(*condition), *b),
                (true, false) => (*b, Kept::Unless(*condition), *a),
                _ => return None,
            };
            Some(Mask {
                logits,
                kept: fixed(graph, kept),
                level: level(graph, low),
                unkept: Unkept::Even,
                parts: vec![x],
            })
        }
        (float::Op::Add, [a, b]) => {
            let (logits, mask) = if let Some(mask) = added(graph, *b) { (*a, mask) } else { (*b, added(graph, *a)?) };
            let (kept, low, mut parts) = mask;
            parts.push(x);
            let level = level(graph, low);
            let unkept = if level > TOO_LOW_TO_ADD { Unkept::ByLogits } else { Unkept::Even };
            Some(Mask { logits, kept: fixed(graph, kept), level, unkept, parts })
        }
        _ => None,
    }
}

/// Nodes that nothing reads once softmax looks through masks.
pub(super) fn looked_through(graph: &float::Graph) -> BTreeSet<NodeId> {
    let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in (0u32..).map(NodeId).zip(&graph.nodes) {
        node.inputs.iter().for_each(|input| readers[input.0 as usize].push(at));
    }
    let mut masks: BTreeSet<NodeId> = BTreeSet::new();
    for node in &graph.nodes {
        if let (float::Op::Softmax { .. }, [x]) = (&node.op, node.inputs.as_slice()) {
            masks.extend(of(graph, *x).into_iter().flat_map(|mask| mask.parts));
        }
    }
    let mut gone = BTreeSet::new();
    for at in masks.into_iter().rev() {
        let is_output = graph.outputs.iter().any(|output| output.node == at);
        let unread = |reader: &NodeId| {
            let node = graph.node(*reader);
            gone.contains(reader) || matches!(node.op, float::Op::Softmax { .. }) && of(graph, at).is_some()
        };
        // A part that is also what the others are added to is read.
        let is_logits =
            readers[at.0 as usize].iter().any(|reader| of(graph, *reader).is_some_and(|mask| mask.logits == at));
        if !is_output && !is_logits && readers[at.0 as usize].iter().all(unread) {
            gone.insert(at);
        }
    }
    gone
}

/// What is kept where `mask` is added, the constant that masks, and the nodes that say so.
fn added(graph: &float::Graph, mask: NodeId) -> Option<(Kept, NodeId, Vec<NodeId>)> {
    let node = graph.node(mask);
    if let Some(values) = node.constant() {
        let is_mask =
            values.iter().all(|value| *value == 0.0 || *value <= LOW) && values.iter().any(|value| *value <= LOW);
        let kept = || values.iter().map(|value| *value == 0.0).collect();
        return is_mask.then(|| (Kept::Fixed(mask, kept()), mask, Vec::new()));
    }
    match (&node.op, node.inputs.as_slice()) {
        (float::Op::Where, [condition, a, b]) if is_all(graph, *a, 0.0) && is_low(graph, *b) => {
            Some((Kept::If(*condition), *b, vec![mask]))
        }
        (float::Op::Where, [condition, a, b]) if is_low(graph, *a) && is_all(graph, *b, 0.0) => {
            Some((Kept::Unless(*condition), *a, vec![mask]))
        }
        (float::Op::Mul, [a, b]) => {
            let (factor, low) = if is_low(graph, *b) { (*a, *b) } else { is_low(graph, *a).then_some((*b, *a))? };
            let inner = graph.node(factor);
            match (&inner.op, inner.inputs.as_slice()) {
                (float::Op::Sub, [one, keep]) if is_all(graph, *one, 1.0) && is_boolean(graph, *keep) => {
                    Some((Kept::If(*keep), low, vec![factor, mask]))
                }
                _ => is_boolean(graph, factor).then(|| (Kept::Unless(factor), low, vec![mask])),
            }
        }
        _ => None,
    }
}

/// As `kept`, evaluated if it is a constant.
fn fixed(graph: &float::Graph, kept: Kept) -> Kept {
    let evaluated = |condition: NodeId, keeps: bool| {
        let values = graph.node(condition).constant()?;
        Some(Kept::Fixed(condition, values.iter().map(|value| (*value != 0.0) == keeps).collect()))
    };
    match kept {
        Kept::If(condition) => evaluated(condition, true).unwrap_or(Kept::If(condition)),
        Kept::Unless(condition) => evaluated(condition, false).unwrap_or(Kept::Unless(condition)),
        fixed @ Kept::Fixed(..) => fixed,
    }
}

/// A constant of numbers that mask.
fn is_low(graph: &float::Graph, id: NodeId) -> bool {
    graph.node(id).constant().is_some_and(|values| values.iter().all(|value| *value <= LOW))
}

/// The greatest number of a constant that masks.
fn level(graph: &float::Graph, id: NodeId) -> f64 {
    let values = graph.node(id).constant().unwrap_or_default().iter().copied();
    values.filter(|value| *value <= LOW).fold(f64::NEG_INFINITY, f64::max)
}

fn is_all(graph: &float::Graph, id: NodeId, number: f64) -> bool {
    graph.node(id).constant().is_some_and(|values| values.iter().all(|value| *value == number))
}

/// Truth values, also where they were moved or cast.
fn is_boolean(graph: &float::Graph, id: NodeId) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![id]);
    while let Some(id) = left.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = graph.node(id);
        match &node.op {
            float::Op::Constant { .. } => return false,
            _ if node.element == ElementType::Bool => {}
            float::Op::Rearrange { .. } => left.extend(&node.inputs),
            _ => return false,
        }
    }
    true
}

impl Lowering<'_> {
    /// As [`Self::softmax`], of the elements that are kept; all others are 0. Where none of a group is kept, shares are what they are in
    /// floating point: see [`Unkept`].
    pub(super) fn masked_softmax(
        &mut self,
        at: NodeId,
        node: &float::Node,
        groups: &[Vec<usize>],
        mask: &Mask,
    ) -> Result<Value, Error> {
        let x = self.value(mask.logits)?;
        let arg_bits = self.argument_bits(&x);
        let x = self.narrow(&x, arg_bits)?;
        let offsets = |id: NodeId| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        // Logits may broadcast to the mask's shape.
        let places: Vec<usize> = offsets(mask.logits).collect();
        let hull = self.hull(&x);
        let farthest = to_real(hull.lo, self.frac_bits(&x)).abs().max(to_real(hull.hi, self.frac_bits(&x)).abs());
        let shares = match &mask.kept {
            Kept::Fixed(id, kept) => {
                let kept: Vec<bool> = offsets(*id).map(|at| kept[at]).collect();
                self.of_fixed(at, node, groups, (&x, &places), (&kept, mask.unkept))
            }
            Kept::If(id) => {
                let bits: Vec<usize> = offsets(*id).collect();
                let condition = self.value(*id)?;
                self.of_computed(at, node, groups, (&x, &places), (&condition, &bits), mask.unkept)
            }
            Kept::Unless(id) => {
                let bits: Vec<usize> = offsets(*id).collect();
                let condition = self.value(*id)?;
                let not = self.affine(condition.node, "not", -1, 1)?;
                self.of_computed(
                    at,
                    node,
                    groups,
                    (&x, &places),
                    (&Value { node: not, ..condition }, &bits),
                    mask.unkept,
                )
            }
        }?;
        // Logits as large as the mask itself would be seen through it in floating point.
        let rounds = mask.unkept == Unkept::ByLogits && mask.level < LOW_ENOUGH_TO_ADD;
        let masks = 4.0 * farthest <= -mask.level && !rounds;
        let errors = shares.errors.iter().map(|error| if masks { *error } else { 1.0 }).collect();
        Ok(Value { errors, ..shares })
    }

    /// Those that are kept make a smaller softmax.
    fn of_fixed(
        &mut self,
        at: NodeId,
        node: &float::Node,
        groups: &[Vec<usize>],
        (x, places): (&Value, &[usize]),
        (kept, unkept): (&[bool], Unkept),
    ) -> Result<Value, Error> {
        let mut sources = Vec::new();
        let mut place = vec![None; node.len()];
        let mut smaller = Vec::new();
        for group in groups {
            let mut members: Vec<usize> = group.iter().copied().filter(|element| kept[*element]).collect();
            if members.is_empty() && unkept == Unkept::ByLogits {
                members.clone_from(group);
            }
            let first = sources.len();
            for (position, element) in members.iter().enumerate() {
                place[*element] = Some(first + position);
                sources.push(places[*element]);
            }
            if !members.is_empty() {
                smaller.push((first..sources.len()).collect::<Vec<usize>>());
            }
        }
        let bits = PROBABILITY_BITS as i32;
        let mut rows = vec![(0, Vec::new()); node.len()];
        let mut errors = vec![0.0; node.len()];
        if !sources.is_empty() {
            let op =
                Op::Rearrange { sources: sources.iter().map(|at| Source { input: 0, element: index(*at) }).collect() };
            let (name, shape) = (format!("{}.kept", node.name), vec![sources.len()]);
            let id = self.builder.push(name, op, vec![x.node], shape, self.frac_bits(x))?;
            let errors_of = sources.iter().map(|at| x.errors[*at]).collect();
            let shares = self.shares(at, node, &Value { node: id, errors: errors_of, site: x.site }, &smaller, None)?;
            for (element, place) in place.iter().enumerate() {
                if let Some(place) = place {
                    rows[element].1.push((shares.node, *place, 1));
                    errors[element] = shares.errors[*place];
                }
            }
        }
        for group in groups.iter().filter(|group| group.iter().all(|element| place[*element].is_none())) {
            let share = 1.0 / group.len() as f64;
            let rounded = round_to_scale(share, bits).unwrap_or(0);
            for element in group {
                rows[*element].0 = rounded;
                errors[*element] = (to_real(rounded, bits) - share).abs();
            }
        }
        let id = self.sums(node, rows, bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    /// With a bit `c` for each logit, `w` the same but 1 where no `c` of the group is, and `l` the least that logits can be: softmax of
    /// `l + c (x - l)`, or of `l + w (x - l)` where logits count if none is kept, whose exponentials are multiplied by `w`.
    fn of_computed(
        &mut self,
        at: NodeId,
        node: &float::Node,
        groups: &[Vec<usize>],
        (x, places): (&Value, &[usize]),
        (condition, bits): (&Value, &[usize]),
        unkept: Unkept,
    ) -> Result<Value, Error> {
        let part = |part: &str| (format!("{}.{part}", node.name), node.shape.clone());
        // Whether any of a group is kept.
        let count =
            |group: &Vec<usize>| (-1, group.iter().map(|element| (condition.node, bits[*element], 1)).collect());
        let count = self.linear(part("count").0, vec![groups.len()], groups.iter().map(count).collect(), 0)?;
        let any = self.builder.push(part("any").0, Op::Step, vec![count], vec![groups.len()], 0)?;
        let mut rows = vec![(0, Vec::new()); node.len()];
        for (at, group) in groups.iter().enumerate() {
            for element in group {
                rows[*element] = (1, vec![(condition.node, bits[*element], 1), (any, at, -1)]);
            }
        }
        let (name, shape) = part("weights");
        let weights = self.linear(name, shape, rows, 0)?;

        let (least, frac_bits) = (self.hull(x).lo, self.frac_bits(x));
        let (name, shape) = part("above_least");
        let rows = places.iter().map(|place| (-least, vec![(x.node, *place, 1)])).collect();
        let above = self.linear(name, shape, rows, frac_bits)?;
        let (name, shape) = part("chosen");
        let source = |input, element| Source { input, element: index(element) };
        let in_order: Vec<usize> = (0..node.len()).collect();
        let (chooser, of) = match unkept {
            Unkept::Even => (condition.node, bits),
            Unkept::ByLogits => (weights, in_order.as_slice()),
        };
        let rows = of.iter().enumerate().map(|(element, bit)| vec![(source(0, *bit), source(1, element))]);
        let op = Op::SumOfProducts { rows: rows.collect() };
        let chosen = self.builder.push(name, op, vec![chooser, above], shape, frac_bits)?;
        let logits = self.affine(chosen, "logits", 1, least)?;
        let errors = places.iter().map(|place| x.errors[*place]).collect();
        let logits = Value { node: logits, errors, site: x.site };
        let shares = self.shares(at, node, &logits, groups, Some(weights))?;
        let exact = |bit: &usize| condition.errors[*bit] == 0.0;
        let certain = bits.iter().all(exact);
        // A bit may be the other one, which may change every share.
        let errors = shares.errors.iter().map(|error| if certain { *error } else { 1.0 }).collect();
        Ok(Value { errors, ..shares })
    }
}
