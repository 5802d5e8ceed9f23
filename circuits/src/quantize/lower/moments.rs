//! What interval analysis does not see of variances and norms, because it takes operands for independent: a variance is not
//! negative, no element is greater than the norm that it is part of, and the greatest of all gives 1 to a sum of `exp(x - max)`.
//! Where a model computes one of them, its value is clamped to what it cannot leave in real numbers. That saturates nothing: the
//! clamped value is nowhere farther from what it stands for.

use super::{Error, Lowering, Value};
use crate::{
    float::{Function, Node, NodeId, Op, Source},
    quantize::fixed::power_of_two,
};

impl Lowering<'_> {
    /// What no element of `a / b` passes, if `b` is a root of the mean or the sum of squares of `a`, perhaps with an epsilon, or of the
    /// variance of what `a` is centred from: the root of the number of elements that the mean is taken of, and 1 with a sum in place of
    /// the mean. Infinite if that is not what is computed.
    pub(super) fn most_of_norm(&self, a: NodeId, b: NodeId) -> f64 {
        let graph = self.float;
        let root = graph.node(b);
        let (Op::Sqrt, [sum]) = (&root.op, root.inputs.as_slice()) else { return f64::INFINITY };
        // An epsilon that is added makes the quotient smaller.
        let is_epsilon = |id: NodeId| self.constant(id).is_some_and(|values| values.iter().all(|value| *value >= 0.0));
        let added = graph.node(*sum);
        let moment = match (&added.op, added.inputs.as_slice()) {
            (Op::Add, [x, epsilon]) if is_epsilon(*epsilon) => *x,
            (Op::Add, [epsilon, x]) if is_epsilon(*epsilon) => *x,
            _ => *sum,
        };
        let (axes, is_mean) = match (self.variance(moment), &graph.node(moment).op) {
            (Some((x, mean, axes)), _) => {
                let centred = graph.node(a);
                if !matches!(centred.op, Op::Sub) || centred.inputs != [x, mean] {
                    return f64::INFINITY;
                }
                (axes, true)
            }
            (None, Op::ReduceMean { axes }) if self.squared(moment) == Some(a) => (axes.as_slice(), true),
            (None, Op::ReduceSum { axes }) if self.squared(moment) == Some(a) => (axes.as_slice(), false),
            _ => return f64::INFINITY,
        };
        // Each element is divided by the root of the group that its square is in.
        let shape = &graph.node(a).shape;
        let kept = |(axis, dim): (usize, &usize)| if axes.contains(&axis) { 1 } else { *dim };
        let of_groups: Vec<usize> = shape.iter().enumerate().map(kept).collect();
        let size: f64 = axes.iter().filter_map(|axis| shape.get(*axis)).map(|dim| *dim as f64).product();
        match root.shape == of_groups {
            true if is_mean => size.sqrt(),
            true => 1.0,
            false => f64::INFINITY,
        }
    }

    /// Whether `id` is the sum of `exp(x - m)`, with `m` the greatest of the `x` that the sum is over: then it is 1 or more.
    pub(super) fn holds_one(&self, id: NodeId) -> bool {
        let graph = self.float;
        let Op::ReduceSum { axes } = &graph.node(id).op else { return false };
        let single = |id: NodeId| match graph.node(id).inputs.as_slice() {
            [x] => Some(*x),
            _ => None,
        };
        let Some(exp) = single(id) else { return false };
        let Op::Function { function: Function::Exp } = &graph.node(exp).op else { return false };
        let Some(below) = single(exp).map(|below| graph.node(below)) else { return false };
        let (Op::Sub, [x, max]) = (&below.op, below.inputs.as_slice()) else { return false };
        let greatest = graph.node(*max);
        let Op::ReduceMax { axes: of } = &greatest.op else { return false };
        // Each `x` has the maximum of its own group: the shape is that of `x`, with 1 along what is reduced.
        let shape = &graph.node(*x).shape;
        let kept = |(axis, dim): (usize, &usize)| if axes.contains(&axis) { 1 } else { *dim };
        let of_groups: Vec<usize> = shape.iter().enumerate().map(kept).collect();
        axes == of && greatest.inputs == [*x] && greatest.shape == of_groups && below.shape == *shape
    }

    /// What to subtract from what, if `node` is `x` less the logarithm of the sum of the `exp(x)`, which is `m + log(sum of exp(x - m))`
    /// with `m` the greatest `x`: `x - m` and the logarithm. Of these interval analysis knows that the first is not above 0 and the
    /// second not below.
    pub(super) fn log_share(&self, node: &Node) -> Option<[NodeId; 2]> {
        let graph = self.float;
        let (Op::Sub, [x, log_sum_exp]) = (&node.op, node.inputs.as_slice()) else { return None };
        let sum = graph.node(self.copied(*log_sum_exp));
        let (Op::Add, [max, log]) = (&sum.op, sum.inputs.as_slice()) else { return None };
        let (Op::Function { function: Function::Log }, [sum]) =
            (&graph.node(*log).op, graph.node(*log).inputs.as_slice())
        else {
            return None;
        };
        if !self.holds_one(*sum) {
            return None;
        }
        let [exp] = graph.node(*sum).inputs.as_slice() else { return None };
        let [below] = graph.node(*exp).inputs.as_slice() else { return None };
        // Each `x` meets the logarithm of its own group.
        let same_groups = graph.node(*log).shape == graph.node(*log_sum_exp).shape;
        let same_shape = graph.node(*below).shape == node.shape;
        (graph.node(*below).inputs == [*x, *max] && same_groups && same_shape).then_some([*below, *log])
    }

    /// Whether `max` holds the greatest of some of the elements of `x`.
    pub(super) fn is_greatest_of(&self, max: NodeId, x: NodeId) -> bool {
        let max = self.float.node(max);
        matches!(max.op, Op::ReduceMax { .. }) && max.inputs == [x]
    }

    /// Where the elements of `id` come from, if it has them all in their order.
    fn copied(&self, mut id: NodeId) -> NodeId {
        loop {
            let node = self.float.node(id);
            let (Op::Rearrange { sources }, [x]) = (&node.op, node.inputs.as_slice()) else { return id };
            let in_place = |(at, source): (usize, &Source)| source.input == 0 && source.element as usize == at;
            if self.float.node(*x).len() != sources.len() || !sources.iter().enumerate().all(in_place) {
                return id;
            }
            id = *x;
        }
    }

    /// `x`, its mean and the axes, if `id` is the mean of the squares of `x` less the square of its mean.
    pub(super) fn variance(&self, id: NodeId) -> Option<(NodeId, NodeId, &[usize])> {
        let graph = self.float;
        let (Op::Sub, [of_squares, squared_mean]) = (&graph.node(id).op, graph.node(id).inputs.as_slice()) else {
            return None;
        };
        let x = self.squared(*of_squares)?;
        let (Op::Mul, [mean, same]) = (&graph.node(*squared_mean).op, graph.node(*squared_mean).inputs.as_slice())
        else {
            return None;
        };
        match (&graph.node(*of_squares).op, &graph.node(*mean).op) {
            (Op::ReduceMean { axes }, Op::ReduceMean { axes: others }) if axes == others => {
                (mean == same && graph.node(*mean).inputs == [x]).then_some((x, *mean, axes.as_slice()))
            }
            _ => None,
        }
    }

    /// What is squared, if `id` is computed from squares.
    fn squared(&self, id: NodeId) -> Option<NodeId> {
        let [square] = self.float.node(id).inputs.as_slice() else { return None };
        let square = self.float.node(*square);
        match (&square.op, square.inputs.as_slice()) {
            (Op::Mul, [x, same]) if x == same => Some(*x),
            _ => None,
        }
    }

    /// `x`, which stands for what is not negative.
    pub(super) fn not_negative(&mut self, x: Value) -> Result<Value, Error> {
        if self.is_scaled(&x) || self.hull(&x).lo >= 0 {
            return Ok(x);
        }
        let node = self.relu_of(x.node)?;
        Ok(Value { node, ..x })
    }

    /// `x`, which stands for what does not leave `[-most, most]`.
    pub(super) fn within(&mut self, x: Value, most: f64) -> Result<Value, Error> {
        let frac_bits = self.frac_bits(&x);
        let end = most * power_of_two(frac_bits);
        // Where there is no bound, or one that interval analysis has too.
        if end >= self.hull(&x).max_abs() as f64 {
            return Ok(x);
        }
        let end = end.ceil() as i64;
        let clamped = self.clamp(&x, frac_bits, Some(-end), Some(end))?;
        Ok(Value { errors: x.errors, site: x.site, ..clamped })
    }
}
