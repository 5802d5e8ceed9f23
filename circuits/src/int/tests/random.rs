//! Random small graphs: whatever an input in its range makes of any node lies in the range that analysis proved.

use proptest::prelude::*;

use super::*;
use crate::int::{Factor, Piecewise, Window, execute};

/// What one node is made from; numbers are reduced to what its operator allows.
#[derive(Clone, Debug)]
pub(crate) struct Gene {
    op: u8,
    numbers: Vec<u16>,
}

/// Numbers drawn one after the other, over again when they end.
struct Draw<'a>(std::iter::Cycle<std::slice::Iter<'a, u16>>);

impl Draw<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(*self.0.next().unwrap()) % bound
    }

    fn signed(&mut self, magnitude: i64) -> i64 {
        self.below(2 * magnitude as usize + 1) as i64 - magnitude
    }
}

pub(crate) fn genes() -> impl Strategy<Value = Vec<Gene>> {
    let gene = (0u8..17, prop::collection::vec(any::<u16>(), 3..20)).prop_map(|(op, numbers)| Gene { op, numbers });
    prop::collection::vec(gene, 1..12)
}

/// Appends what `gene` describes; nodes that analysis refuses (too wide, outside a domain) are left out.
pub(crate) fn grow(builder: &mut Builder, gene: &Gene) {
    let mut draw = Draw(gene.numbers.iter().cycle());
    let count = builder.graph().nodes.len();
    let id = |n: usize| NodeId(n as u32);
    let operands = [id(draw.below(count)), id(draw.below(count))];
    let [len, second_len] = operands.map(|id| builder.node(id).len());
    let any_source = |draw: &mut Draw| {
        let input = draw.below(2);
        Source { input: input as u32, element: draw.below([len, second_len][input]) as u32 }
    };
    let groups = |draw: &mut Draw, least: usize| -> Vec<Vec<u32>> {
        let sizes: Vec<usize> = (0..1 + draw.below(3)).map(|_| least + draw.below(4)).collect();
        sizes.iter().map(|size| (0..*size).map(|_| draw.below(len) as u32).collect()).collect()
    };
    let out_len = 1 + draw.below(4);
    let (op, arity, len) = match gene.op {
        0 => (Op::Constant { values: (0..out_len).map(|_| draw.signed(9000)).collect() }, 0, out_len),
        1 => (Op::Rearrange { sources: (0..out_len).map(|_| any_source(&mut draw)).collect() }, 2, out_len),
        2 => {
            let rows = (0..out_len)
                .map(|_| {
                    let mut terms: Vec<Term> = (0..draw.below(4))
                        .map(|_| Term { source: any_source(&mut draw), weight: draw.signed(300) })
                        .filter(|term| term.weight != 0)
                        .collect();
                    terms.sort_by_key(|term| (term.source.input, term.source.element));
                    terms.dedup_by_key(|term| term.source);
                    Row { bias: draw.signed(1000), terms }
                })
                .collect();
            (Op::Linear { rows }, 2, out_len)
        }
        3 => {
            let rows = (0..out_len)
                .map(|_| (0..draw.below(3)).map(|_| (any_source(&mut draw), any_source(&mut draw))).collect())
                .collect();
            (Op::SumOfProducts { rows }, 2, out_len)
        }
        4 => (Op::Shift { bits: 1 + draw.below(12) as u32 }, 1, len),
        5 => (Op::Relu, 1, len),
        6 => {
            let segments = 1 + draw.below(8);
            let domain = builder.node(operands[0]).ranges.iter().copied().reduce(Interval::union).unwrap();
            let segment_bits = domain.bits().saturating_sub(segments.ilog2()).min(24);
            let table = Piecewise {
                name: "random".into(),
                lo: domain.lo - draw.below(3) as i64,
                segment_bits,
                base: (0..2 * segments).map(|_| draw.signed(30_000)).collect(),
                slope: (0..2 * segments).map(|_| draw.signed(5)).collect(),
                out_shift: draw.below(9) as u32,
            };
            (Op::Piecewise { table: builder.table(table).unwrap() }, 1, len)
        }
        7 => {
            let groups = groups(&mut draw, 1);
            let len = groups.len();
            (Op::Max { groups }, 1, len)
        }
        8 => {
            let groups = groups(&mut draw, 1);
            let len = groups.len();
            (Op::ArgMax { groups }, 1, len)
        }
        9 => {
            let divisor = (0..len).map(|_| draw.below(second_len) as u32).collect();
            let rounding = [Rounding::HalfUp, Rounding::Floor][draw.below(2)];
            (Op::Divide { shift: draw.below(10) as u32, divisor, rounding }, 2, len)
        }
        12 => {
            // Whole rows of as many elements as there are, or the first few.
            let (k, n) = (1 + draw.below(len.min(3)), 1 + draw.below(2));
            let left = moved(builder, operands[0], k * (len / k));
            let values = (0..k * n).map(|_| draw.signed(60) * draw.below(2) as i64).collect();
            let right = Factor::Fixed { shape: vec![k, n], values };
            let op = Op::MatMul { left: Factor::Computed { shape: vec![len / k, k] }, right };
            let _refused = builder.push(format!("n{count}"), op, vec![left], vec![len / k, n], 0);
            return;
        }
        13 => {
            let taps = 1 + draw.below(2);
            let pads = [draw.below(2), draw.below(2)];
            let window = Window { strides: vec![1 + draw.below(2)], pads: vec![pads], dilations: vec![1], groups: 1 };
            let Some(steps) = (len + pads[0] + pads[1]).checked_sub(taps) else { return };
            let out = steps / window.strides[0] + 1;
            let data = Factor::Computed { shape: vec![1, 1, len] };
            let kernel_shape = vec![1, 1, taps];
            if draw.below(2) == 0 || second_len < taps {
                let values = (0..taps).map(|_| draw.signed(60)).collect();
                let kernel = Factor::Fixed { shape: kernel_shape, values };
                let op = Op::Conv { data, kernel, window };
                let _refused = builder.push(format!("n{count}"), op, vec![operands[0]], vec![out], 0);
            } else {
                let taps = moved(builder, operands[1], taps);
                let op = Op::Conv { data, kernel: Factor::Computed { shape: kernel_shape }, window };
                let _refused = builder.push(format!("n{count}"), op, vec![operands[0], taps], vec![out], 0);
            }
            return;
        }
        14 => (Op::Step, 1, len),
        15 => (Op::SquareRoot { shift: draw.below(10) as u32 }, 1, len),
        16 => (Op::IsZero, 1, len),
        table => {
            let width = 1 + draw.below(2);
            let range = builder.node(operands[0]).ranges.iter().copied().reduce(Interval::union).unwrap();
            let height = (range.hi.clamp(0, 40) + 1) as usize;
            let rows = (0..height).map(|_| (0..width).map(|_| draw.signed(500)).collect()).collect();
            if table == 10 {
                (Op::Gather { rows }, 1, len * width)
            } else {
                let groups = groups(&mut draw, 0);
                let len = groups.len() * width;
                (Op::EmbeddingSum { rows, groups }, 1, len)
            }
        }
    };
    let inputs = operands[..arity].to_vec();
    let _refused = builder.push(format!("n{count}"), op, inputs, vec![len], 0);
}

/// The first elements of a node.
fn moved(builder: &mut Builder, id: NodeId, len: usize) -> NodeId {
    let sources = (0..len as u32).map(source).collect();
    builder.push("first", Op::Rearrange { sources }, vec![id], vec![len], 0).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn values_lie_in_analyzed_ranges(
        genes in genes(),
        ranges in prop::collection::vec((-3000i64..3000, 0i64..3000), 3),
        positions in prop::collection::vec(prop::collection::vec(0f64..=1.0, 3), 8),
    ) {
        let mut builder = Builder::new();
        let ranges: Vec<Interval> = ranges.iter().map(|(lo, len)| Interval::new(*lo, lo + len)).collect();
        builder.input("x", vec![3], 0, ranges.clone()).unwrap();
        builder.input("small", vec![1], 0, vec![Interval::new(1, 30)]).unwrap();
        genes.iter().for_each(|gene| grow(&mut builder, gene));
        let last = NodeId(builder.graph().nodes.len() as u32 - 1);
        let graph = builder.finish(vec![output(last)]).unwrap();
        graph.validate().unwrap();
        prop_assert_eq!(graph.analyze().unwrap(), graph.nodes.iter().map(|n| n.ranges.clone()).collect::<Vec<_>>());
        for position in positions {
            let at = |range: &Interval, t: f64| range.lo + ((range.hi - range.lo) as f64 * t).round() as i64;
            let x = ranges.iter().zip(&position).map(|(range, t)| at(range, *t)).collect();
            let small = vec![at(&Interval::new(1, 30), position[0])];
            // The executor itself checks every value against its node's range.
            execute(&graph, &[x, small]).unwrap();
        }
    }
}
