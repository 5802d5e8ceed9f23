//! Interval analysis: what every element of every node can be, given the declared ranges of the inputs.
//!
//! Each operator's rule is exact for independent operands. Two rules know more, because softmax needs them:
//! `max(g) - x[e]` is not negative if `e` is in `g`, and a term of a sum of non-negative terms is at most the sum.

//!
//! # Time
//! Whatever a graph says, analysis takes time in proportion to its length, but for logarithms: what several rows or elements
//! ask for again ([`Known`]) is found out once.

use std::collections::{HashMap, HashSet};

use super::extremes::Extremes;
use super::hulls::Hulls;
use super::interval::collapse;
use super::ops::{square_root, step};
use super::piecewise::shift_rounding_half_up;
use super::{Error, Graph, Interval, Node, NodeId, Op, Row, Source, limits, structure};

/// An element of a node that is not just moved data.
type Origin = (NodeId, u32);

/// What analysis has found out of a graph's nodes so far, beside their ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// By node: where the elements of a [`Op::Rearrange`] come from. Empty for all others.
    origins: Vec<Vec<Origin>>,
    /// Which values a [`Op::Max`] is the greatest of, by its node and element.
    members: HashMap<(NodeId, u32), HashSet<Origin>>,
    /// The terms of a row of a [`Op::Linear`], by its node and position, if it is a sum of terms that are not negative.
    summands: HashMap<(NodeId, u32), Option<HashSet<Origin>>>,
    /// Of the segments of each [`super::Piecewise`] that was asked for.
    segments: HashMap<u32, Extremes>,
}

impl Known {
    /// Where a value comes from, before data was moved.
    fn origin(&self, id: NodeId, element: u32) -> Origin {
        let moved = self.origins.get(id.0 as usize).and_then(|origins| origins.get(element as usize));
        moved.copied().unwrap_or((id, element))
    }

    /// Where the elements of `node` come from, whose operands are known; empty if it computes them.
    fn origins_of(&self, node: &Node) -> Vec<Origin> {
        let Op::Rearrange { sources } = &node.op else { return Vec::new() };
        sources.iter().map(|source| self.origin(node.inputs[source.input as usize], source.element)).collect()
    }
}

impl Graph {
    /// The range of every element of every node, indexed by node, in the form of [`Node::ranges`].
    ///
    /// Only the declared ranges of the inputs are used; those of other nodes are not read.
    ///
    /// # Errors
    /// If the graph is not well formed, if a sum of magnitudes can reach `2^62`, or if an argument can leave
    /// the domain of its operator.
    pub fn analyze(&self) -> Result<Vec<Vec<Interval>>, Error> {
        structure::check_graph(self)?;
        let mut found: Vec<Vec<Interval>> = Vec::with_capacity(self.nodes.len());
        let mut known = Known::default();
        for node in &self.nodes {
            let ranges = infer(self, node, &|id: NodeId| found[id.0 as usize].as_slice(), &mut known)?;
            found.push(ranges);
        }
        Ok(found)
    }

    /// Checks a graph that comes from outside: indices, lengths, shapes, order, constants, and that every declared
    /// range encloses what the node can produce. A graph that passes can be [executed](super::execute) on every input
    /// in its declared ranges without an error.
    ///
    /// # Errors
    /// The first defect found.
    pub fn validate(&self) -> Result<(), Error> {
        let computed = self.analyze()?;
        for (node, computed) in self.nodes.iter().zip(&computed) {
            structure::check_declared_ranges(node)?;
            // One entry stands for all, so the longer of the two lists has every pair that differs.
            for element in 0..node.ranges.len().max(computed.len()) {
                let (declared, computed) = (entry(&node.ranges, element), entry(computed, element));
                if !declared.encloses(computed) {
                    return Err(Error::RangeTooNarrow { node: node.name.clone(), element, declared, computed });
                }
            }
        }
        Ok(())
    }
}

/// The ranges of `node`, whose operands are nodes of `graph` with the ranges that `found` gives.
/// `node` must have passed [`structure::check_node`]; it need not be in the graph yet. `known` is of the nodes before it, each
/// of which has been inferred, and then of this one too.
pub(super) fn infer<'r>(
    graph: &Graph,
    node: &Node,
    found: &dyn Fn(NodeId) -> &'r [Interval],
    known: &mut Known,
) -> Result<Vec<Interval>, Error> {
    let ranges = node.inputs.iter().map(|id| found(*id)).collect();
    let mut operands = Operands { graph, node, found, known: &mut *known, ranges };
    let ranges = match &node.op {
        Op::Input { .. } => node.ranges.clone(),
        Op::Constant { values } => values.iter().map(|value| Interval::point(*value)).collect(),
        Op::Rearrange { sources } => sources.iter().map(|source| operands.source(*source)).collect(),
        Op::Linear { rows } => {
            rows.iter().enumerate().map(|(element, row)| operands.linear(element, row)).collect::<Result<_, _>>()?
        }
        Op::SumOfProducts { rows } => {
            rows.iter().enumerate().map(|(element, row)| operands.products(element, row)).collect::<Result<_, _>>()?
        }
        Op::Shift { bits } => operands.each(|_, x| Ok(x.map_increasing(|x| shift_rounding_half_up(x, *bits))))?,
        Op::Relu => operands.each(|_, x| Ok(x.map_increasing(|x| x.max(0))))?,
        Op::Piecewise { table } => operands.piecewise(*table)?,
        Op::Max { groups } => groups
            .iter()
            .map(|group| {
                let members = group.iter().map(|member| operands.at(0, *member as usize));
                members.reduce(|a, b| Interval::new(a.lo.max(b.lo), a.hi.max(b.hi))).unwrap_or(Interval::point(0))
            })
            .collect(),
        Op::ArgMax { groups } => {
            groups.iter().map(|group| Interval::new(0, group.len().saturating_sub(1) as i64)).collect()
        }
        Op::Divide { shift, divisor } => (divisor.iter().enumerate())
            .map(|(element, index)| operands.divide(element, *shift, *index))
            .collect::<Result<_, _>>()?,
        Op::Gather { rows } => operands.gather(rows)?,
        Op::EmbeddingSum { rows, groups } => operands.embedding_sum(rows, groups)?,
        Op::Step => operands.each(|_, x| Ok(step::range(x)))?,
        Op::SquareRoot { shift } => operands.each(|element, x| square_root::range(node, element, x, *shift))?,
    };
    let origins = known.origins_of(node);
    known.origins.push(origins);
    Ok(collapse(ranges))
}

struct Operands<'a, 'r> {
    graph: &'a Graph,
    node: &'a Node,
    found: &'a dyn Fn(NodeId) -> &'r [Interval],
    known: &'a mut Known,
    ranges: Vec<&'r [Interval]>,
}

impl Operands<'_, '_> {
    fn at(&self, input: usize, element: usize) -> Interval {
        entry(self.ranges[input], element)
    }

    fn source(&self, source: Source) -> Interval {
        self.at(source.input as usize, source.element as usize)
    }

    /// Applies `f` to each range of operand 0: once if one stands for all.
    fn each(&self, f: impl Fn(usize, Interval) -> Result<Interval, Error>) -> Result<Vec<Interval>, Error> {
        self.ranges[0].iter().enumerate().map(|(element, range)| f(element, *range)).collect()
    }

    fn linear(&mut self, element: usize, row: &Row) -> Result<Interval, Error> {
        let mut sum = Sum::of(row.bias);
        for term in &row.terms {
            sum.add(product(Interval::point(term.weight), self.source(term.source)));
        }
        let range = sum.finish(self.node, element)?;
        if self.is_distance_to_max(row) { Ok(Interval::new(range.lo.max(row.bias), range.hi)) } else { Ok(range) }
    }

    /// Whether the row is `bias + w * (max(group) - x[e])` with `w > 0` and `e` in `group`.
    fn is_distance_to_max(&mut self, row: &Row) -> bool {
        let [a, b] = row.terms.as_slice() else { return false };
        let (max, member) = if a.weight > 0 { (a, b) } else { (b, a) };
        if max.weight <= 0 || i128::from(member.weight) != -i128::from(max.weight) {
            return false;
        }
        let (max, member) = (self.origin(max.source), self.origin(member.source));
        let max_node = self.graph.node(max.0);
        let Op::Max { groups } = &max_node.op else { return false };
        let Known { members, origins, .. } = &mut *self.known;
        let members = members.entry(max).or_insert_with(|| {
            let (operand, group) = (max_node.inputs[0], &groups[max.1 as usize]);
            let moved = &origins[operand.0 as usize];
            group.iter().map(|element| moved.get(*element as usize).copied().unwrap_or((operand, *element))).collect()
        });
        members.contains(&member)
    }

    /// Where an element of an operand comes from.
    fn origin(&self, source: Source) -> Origin {
        self.known.origin(self.node.inputs[source.input as usize], source.element)
    }

    fn products(&self, element: usize, row: &[(Source, Source)]) -> Result<Interval, Error> {
        let mut sum = Sum::of(0);
        for (first, second) in row {
            let (a, b) = (self.source(*first), self.source(*second));
            let same = self.node.inputs[first.input as usize] == self.node.inputs[second.input as usize]
                && first.element == second.element;
            let (lo, hi) = product(a, b);
            sum.add(if same { (if a.contains(0) { 0 } else { lo.max(0) }, hi) } else { (lo, hi) });
        }
        sum.finish(self.node, element)
    }

    fn piecewise(&mut self, index: u32) -> Result<Vec<Interval>, Error> {
        let table = &self.graph.piecewise[index as usize];
        let mut images: HashMap<Interval, Interval> = HashMap::new();
        let mut ranges = Vec::with_capacity(self.ranges[0].len());
        for (element, argument) in self.ranges[0].iter().enumerate() {
            let image = match images.get(argument) {
                Some(image) => Some(*image),
                None => {
                    let segments = self.known.segments.entry(index).or_insert_with(|| table.extremes());
                    table.image_by(segments, *argument)
                }
            };
            let image = image.ok_or_else(|| Error::OutsideDomain {
                node: self.node.name.clone(),
                element,
                what: "the argument of the table",
                got: *argument,
                allowed: table.domain(),
                advice: "clamp it before, or widen the table",
            })?;
            images.insert(*argument, image);
            ranges.push(image);
        }
        Ok(ranges)
    }

    fn divide(&mut self, element: usize, shift: u32, divisor: u32) -> Result<Interval, Error> {
        let (a, b) = (self.at(0, element), self.at(1, divisor as usize));
        let greatest = limits::magnitude(limits::VALUE_BITS).hi;
        let outside = |what, got, lo, advice| {
            let allowed = Interval::new(lo, greatest);
            Err(Error::OutsideDomain { node: self.node.name.clone(), element, what, got, allowed, advice })
        };
        if a.lo < 0 {
            return outside("the dividend", a, 0, "it must be proven not to be negative: apply Relu before");
        }
        if b.lo < 1 {
            return outside("the divisor", b, 1, "it must be proven to be positive: add a positive constant");
        }
        let mut sum = Sum::of(b.hi);
        sum.add((0, i128::from(a.hi) << (shift + 1)));
        sum.finish(self.node, element)?;
        // The greatest quotient is the dividend's `a * 2^shift`, which the line above has bounded.
        let end = |a, b| i64::try_from(quotient(a, b, shift)).unwrap_or(greatest);
        let (lo, hi) = (end(a.lo, b.hi), end(a.hi, b.lo));
        let hi = if self.is_part_of_divisor(element, divisor) { hi.min(1 << shift) } else { hi };
        Ok(Interval::new(lo, hi))
    }

    /// Whether the divisor is a sum of non-negative terms, the dividend among them, so that the quotient is at most 1.
    fn is_part_of_divisor(&mut self, element: usize, divisor: u32) -> bool {
        let [dividend_id, divisor_id] = [self.node.inputs[0], self.node.inputs[1]];
        let dividend = self.known.origin(dividend_id, element as u32);
        if !self.known.summands.contains_key(&(divisor_id, divisor)) {
            let summands = self.summands(divisor_id, divisor);
            self.known.summands.insert((divisor_id, divisor), summands);
        }
        let summands = self.known.summands.get(&(divisor_id, divisor)).and_then(Option::as_ref);
        summands.is_some_and(|summands| summands.contains(&dividend))
    }

    /// The terms of a row, if it is a sum of terms that are not negative.
    fn summands(&self, id: NodeId, row: u32) -> Option<HashSet<Origin>> {
        let sum = self.graph.node(id);
        let Op::Linear { rows } = &sum.op else { return None };
        let row = &rows[row as usize];
        let not_negative = |source: Source| {
            let ranges = (self.found)(sum.inputs[source.input as usize]);
            entry(ranges, source.element as usize).lo >= 0
        };
        let all = row.bias >= 0 && row.terms.iter().all(|term| term.weight >= 1 && not_negative(term.source));
        let origin = |source: Source| self.known.origin(sum.inputs[source.input as usize], source.element);
        all.then(|| row.terms.iter().map(|term| origin(term.source)).collect())
    }

    fn gather(&self, rows: &[Vec<i64>]) -> Result<Vec<Interval>, Error> {
        let width = rows[0].len();
        let elements = self.graph.node(self.node.inputs[0]).len();
        let mut hulls = Hulls::new(rows);
        let mut ranges = Vec::with_capacity(elements * width);
        for element in 0..elements {
            ranges.extend_from_slice(hulls.of(self.node, element, self.at(0, element))?);
        }
        Ok(ranges)
    }

    fn embedding_sum(&self, rows: &[Vec<i64>], groups: &[Vec<u32>]) -> Result<Vec<Interval>, Error> {
        let width = rows[0].len();
        let mut hulls = Hulls::new(rows);
        let mut ranges = Vec::with_capacity(groups.len() * width);
        for (bag, group) in groups.iter().enumerate() {
            let mut sums: Vec<Sum> = (0..width).map(|_| Sum::of(0)).collect();
            let mut add = |hull: &[Interval], times: usize| {
                let times = times as i128;
                for (sum, range) in sums.iter_mut().zip(hull) {
                    sum.add((times * i128::from(range.lo), times * i128::from(range.hi)));
                }
            };
            match (self.ranges[0], group.len()) {
                (_, 0) => {}
                // All tokens select from the same rows.
                ([one], tokens) => add(hulls.of(self.node, bag * width, *one)?, tokens),
                (many, _) => {
                    for member in group {
                        add(hulls.of(self.node, bag * width, many[*member as usize])?, 1);
                    }
                }
            }
            for (column, sum) in sums.iter().enumerate() {
                ranges.push(sum.finish(self.node, bag * width + column)?);
            }
        }
        Ok(ranges)
    }
}

/// An accumulator: what a sum can be, and the most that any partial sum, in any order, can be.
struct Sum {
    lo: i128,
    hi: i128,
    magnitude: i128,
}

impl Sum {
    fn of(bias: i64) -> Self {
        Self { lo: bias.into(), hi: bias.into(), magnitude: i128::from(bias).abs() }
    }

    /// Saturates: each term is below 2^126, and what has reached 2^62 is refused in the end.
    fn add(&mut self, (lo, hi): (i128, i128)) {
        self.lo = self.lo.saturating_add(lo);
        self.hi = self.hi.saturating_add(hi);
        self.magnitude = self.magnitude.saturating_add(lo.abs().max(hi.abs()));
    }

    fn finish(&self, node: &Node, element: usize) -> Result<Interval, Error> {
        match (i64::try_from(self.lo), i64::try_from(self.hi)) {
            (Ok(lo), Ok(hi)) if self.magnitude < 1 << limits::VALUE_BITS => Ok(Interval::new(lo, hi)),
            _ => {
                let log2 = crate::elementary::log2(self.magnitude as f64);
                Err(Error::AccumulatorTooWide { node: node.name.clone(), element, log2 })
            }
        }
    }
}

/// The hull of all products of one value of each.
fn product(a: Interval, b: Interval) -> (i128, i128) {
    let corners = [(a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi)].map(|(x, y)| i128::from(x) * i128::from(y));
    corners.iter().fold((i128::MAX, i128::MIN), |(lo, hi), corner| (lo.min(*corner), hi.max(*corner)))
}

/// `floor((2 * a * 2^shift + b) / (2 * b))` for `a >= 0`, `b >= 1`, `shift <= 40`.
pub(super) fn quotient(a: i64, b: i64, shift: u32) -> i128 {
    let (a, b) = (i128::from(a), i128::from(b));
    ((a << (shift + 1)) + b) / (2 * b)
}

/// One entry stands for all elements, otherwise each has its own.
fn entry(ranges: &[Interval], element: usize) -> Interval {
    match ranges {
        [one] => *one,
        many => many[element],
    }
}
