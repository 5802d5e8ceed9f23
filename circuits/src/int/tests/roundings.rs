//! Roundings that are made of a shift, which rounds half up, as `docs/machine.md` says.

use super::*;
use crate::int::execute;

const X: NodeId = NodeId(0);

struct Rounder {
    builder: Builder,
    bits: u32,
}

impl Rounder {
    fn new(bits: u32) -> Self {
        let mut builder = Builder::new();
        builder.input("x", vec![1], 0, vec![Interval::new(-300, 300)]).unwrap();
        Self { builder, bits }
    }

    fn half(&self) -> i64 {
        1 << (self.bits - 1)
    }

    fn push(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.builder.push("node", op, operands.to_vec(), vec![1], 0).unwrap()
    }

    /// `bias + sum(weight * node)`.
    fn sum(&mut self, bias: i64, terms: &[(NodeId, i64)]) -> NodeId {
        let operands: Vec<NodeId> = terms.iter().map(|(node, _)| *node).collect();
        let terms: Vec<_> = (0..).zip(terms).map(|(at, (_, weight))| (at, 0, *weight)).collect();
        self.push(Op::Linear { rows: vec![row(bias, &terms)] }, &operands)
    }

    fn down(&mut self, x: NodeId) -> NodeId {
        let moved = self.sum(-self.half(), &[(x, 1)]);
        self.push(Op::Shift { bits: self.bits }, &[moved])
    }

    fn up(&mut self) -> NodeId {
        let moved = self.sum(self.half() - 1, &[(X, 1)]);
        self.push(Op::Shift { bits: self.bits }, &[moved])
    }

    fn towards_zero(&mut self) -> NodeId {
        let negated = self.sum(0, &[(X, -1)]);
        let parts = [X, negated].map(|x| {
            let part = self.push(Op::Relu, &[x]);
            self.down(part)
        });
        self.sum(0, &[(parts[0], 1), (parts[1], -1)])
    }

    fn half_to_even(&mut self) -> NodeId {
        let moved = self.sum(-self.half(), &[(X, 1)]);
        let k = self.push(Op::Shift { bits: self.bits + 1 }, &[moved]);
        let above = self.sum(-self.half() - 1, &[(X, 1), (k, -(2 << self.bits))]);
        let step = self.push(Op::Step, &[above]);
        self.sum(0, &[(k, 2), (step, 1)])
    }

    #[track_caller]
    fn assert_is(self, y: NodeId, function: impl Fn(f64) -> f64) {
        let graph = self.builder.finish(vec![output(y)]).unwrap();
        for x in -300..=300 {
            let found = execute(&graph, &[vec![x]]).unwrap().values[y.0 as usize][0];
            assert_eq!(found, function(x as f64 / 2f64.powi(self.bits as i32)) as i64, "{x} / 2^{}", self.bits);
        }
        // Analysis does not know that the parts depend on each other, and is at most 1 off.
        let range = graph.node(y).range(0);
        let ends = [-300.0, 300.0].map(|x| function(x / 2f64.powi(self.bits as i32)) as i64);
        assert!((ends[0] - range.lo).abs() <= 1 && (ends[1] - range.hi).abs() <= 1, "{range}, {ends:?}");
    }
}

#[test]
fn every_rounding_is_made_of_shifts() {
    for bits in 1..6 {
        let mut rounder = Rounder::new(bits);
        let y = rounder.down(X);
        rounder.assert_is(y, f64::floor);
        let mut rounder = Rounder::new(bits);
        let y = rounder.up();
        rounder.assert_is(y, f64::ceil);
        let mut rounder = Rounder::new(bits);
        let y = rounder.towards_zero();
        rounder.assert_is(y, f64::trunc);
        let mut rounder = Rounder::new(bits);
        let y = rounder.half_to_even();
        rounder.assert_is(y, f64::round_ties_even);
    }
}
