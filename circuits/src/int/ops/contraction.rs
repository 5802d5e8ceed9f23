//! What [`Op::MatMul`] and [`Op::Conv`] share: each output is a sum of products of an element of one factor with one of the
//! other. Which elements these are, a [`Walk`] says; nothing lists them.

use crate::int::{
    Error, Factor, Interval, Node, Op, Source,
    analyze::Operands,
    bounds::{Sum, product, square},
    execute::Run,
    limits,
    structure::{Shape, length, limit, within},
};

use super::{conv::Windows, matmul::Matrices};

/// A node that multiplies two tensors, which has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Contraction<'a> {
    pub(crate) factors: [&'a Factor; 2],
    walk: Walk,
}

/// Which elements are multiplied.
#[derive(Clone, Debug)]
enum Walk {
    Matrices(Matrices),
    Windows(Windows),
}

impl<'a> Contraction<'a> {
    /// Of an operator that is one, if its shapes fit; else what is wrong with them.
    fn new(op: &'a Op) -> Option<Result<Self, &'static str>> {
        match op {
            Op::MatMul { left, right } => {
                let walk = Matrices::new(left.shape(), right.shape()).map(Walk::Matrices);
                Some(walk.map(|walk| Self { factors: [left, right], walk }))
            }
            Op::Conv { data, kernel, window } => {
                let walk = Windows::new(data.shape(), kernel.shape(), window).map(Walk::Windows);
                Some(walk.map(|walk| Self { factors: [data, kernel], walk }))
            }
            _ => None,
        }
    }

    /// Of an operator that is one and has been checked.
    pub(crate) fn of(op: &'a Op) -> Option<Self> {
        Self::new(op)?.ok()
    }

    /// How many outputs there are.
    pub(crate) fn len(&self) -> usize {
        match &self.walk {
            Walk::Matrices(walk) => walk.len(),
            Walk::Windows(walk) => walk.len(),
        }
    }

    /// The most products that an output is a sum of.
    pub(crate) fn depth(&self) -> usize {
        match &self.walk {
            Walk::Matrices(walk) => walk.depth(),
            Walk::Windows(walk) => walk.depth(),
        }
    }

    /// The products of all outputs, those with padding included.
    fn products(&self) -> usize {
        self.len().saturating_mul(self.depth())
    }

    /// Calls `f` with the elements of both factors for each product of an output, in a fixed order. No pair comes twice.
    pub(crate) fn each(&self, output: usize, f: &mut impl FnMut(usize, usize)) {
        match &self.walk {
            Walk::Matrices(walk) => walk.each(output, f),
            Walk::Windows(walk) => walk.each(output, f),
        }
    }

    /// The node's operand that a factor is, if it is not fixed.
    pub(crate) fn input(&self, factor: usize) -> Option<u32> {
        let computed = |factor: usize| matches!(self.factors[factor], Factor::Computed { .. });
        computed(factor).then(|| u32::from(factor == 1 && computed(0)))
    }

    /// The terms of an output, `(weight, source)`, where one factor is fixed: a weight of zero is none.
    pub(crate) fn each_term(&self, output: usize, f: &mut impl FnMut(i64, Source)) {
        let mut term = |weight: i64, element: usize| {
            if weight != 0 {
                f(weight, Source { input: 0, element: element as u32 });
            }
        };
        match self.factors.map(Factor::values) {
            [Some(weights), _] => self.each(output, &mut |a, b| term(weights[a], b)),
            [None, Some(weights)] => self.each(output, &mut |a, b| term(weights[b], a)),
            [None, None] => {}
        }
    }

    /// Whether both factors are computed.
    pub(crate) fn is_of_computed(&self) -> bool {
        self.factors.iter().all(|factor| factor.values().is_none())
    }

    /// Calls `f` for each element of an operand that an output reads.
    pub(crate) fn each_source(&self, output: usize, f: &mut impl FnMut(Source)) {
        if !self.is_of_computed() {
            return self.each_term(output, &mut |_, source| f(source));
        }
        self.each(output, &mut |a, b| {
            f(Source { input: 0, element: a as u32 });
            f(Source { input: 1, element: b as u32 });
        });
    }
}

/// How many operands a node of such factors has: none where both are fixed, which no node may be.
pub(in crate::int) fn num_operands(factors: [&Factor; 2]) -> usize {
    factors.iter().filter(|factor| factor.values().is_none()).count()
}

/// Products of a node, of any.
pub(in crate::int) fn num_products(op: &Op) -> usize {
    Contraction::of(op).map_or(0, |contraction| contraction.products())
}

pub(in crate::int) fn check(shape: &Shape<'_>, factors: [&Factor; 2]) -> Result<(), Error> {
    let node = shape.node;
    let mut input = 0;
    for factor in factors {
        let dims = factor.shape();
        if dims.len() > limits::RANK {
            return Err(limit(node, "the number of a factor's dimensions", dims.len(), 0, limits::RANK));
        }
        let len = dims.iter().fold(1usize, |product, dim| product.saturating_mul(*dim));
        if !(1..=limits::TOTAL_ELEMENTS).contains(&len) {
            return Err(limit(node, "the number of a factor's elements", len, 1, limits::TOTAL_ELEMENTS));
        }
        let got = factor.values().map_or_else(|| shape.operand_len(input), <[i64]>::len);
        if got != len {
            return Err(length(node, "elements of a factor", len, got));
        }
        input += u32::from(factor.values().is_none());
    }
    let contraction = match Contraction::new(&node.op) {
        Some(Ok(contraction)) => contraction,
        Some(Err(what)) => {
            let [left, right] = factors.map(|factor| factor.shape().to_vec());
            return Err(Error::Factors { node: node.name.clone(), what, left, right });
        }
        None => return Ok(()),
    };
    if contraction.len() != shape.len {
        return Err(length(node, "elements of the shape", contraction.len(), shape.len));
    }
    if contraction.products() > limits::TERMS {
        return Err(limit(node, "the number of products", contraction.products(), 1, limits::TERMS));
    }
    let weights = limits::magnitude(limits::WEIGHT_BITS);
    let fixed = factors.into_iter().filter_map(Factor::values).flatten();
    fixed.copied().try_for_each(|weight| within(node, "a weight", weight, weights))
}

fn of(node: &Node) -> Result<Contraction<'_>, Error> {
    // A checked node is one.
    Contraction::of(&node.op).ok_or_else(|| length(node, "factors", 2, 0))
}

/// Exact for independent operands; a square is not negative.
pub(in crate::int) fn ranges(operands: &Operands<'_, '_>) -> Result<Vec<Interval>, Error> {
    let node = operands.node;
    let contraction = of(node)?;
    let mut ranges = Vec::with_capacity(contraction.len());
    for output in 0..contraction.len() {
        let mut sum = Sum::of(0);
        if contraction.is_of_computed() {
            contraction.each(output, &mut |a, b| {
                let [a, b] = [(0, a), (1, b)].map(|(input, element)| Source { input, element: element as u32 });
                let (x, y) = (operands.source(a), operands.source(b));
                let same = operands.origin(a) == operands.origin(b);
                sum.add(if same { square(x) } else { product(x, y) });
            });
        } else {
            contraction.each_term(output, &mut |weight, source| sum.add_scaled(weight, operands.source(source)));
        }
        ranges.push(sum.finish(node, output)?);
    }
    Ok(ranges)
}

pub(in crate::int) fn run(run: &Run<'_>) -> Result<Vec<i128>, Error> {
    let contraction = of(run.node)?;
    let value = |output: usize| {
        // A sum within analyzed ranges fits 64 bits; any other is still exact, and refused as it is.
        let mut narrow = Some(0i64);
        let mut add = |a: i64, b: i64| narrow = narrow.and_then(|sum| sum.checked_add(a.checked_mul(b)?));
        each_product(run, &contraction, output, &mut add);
        narrow.map_or_else(
            || {
                let mut wide = 0i128;
                let mut add = |a: i64, b: i64| wide = wide.saturating_add(i128::from(a) * i128::from(b));
                each_product(run, &contraction, output, &mut add);
                wide
            },
            i128::from,
        )
    };
    Ok((0..contraction.len()).map(value).collect())
}

fn each_product(run: &Run<'_>, contraction: &Contraction<'_>, output: usize, f: &mut impl FnMut(i64, i64)) {
    let values = [0, 1].map(|factor| match contraction.input(factor) {
        Some(input) => run.operands[input as usize],
        None => contraction.factors[factor].values().unwrap_or_default(),
    });
    contraction.each(output, &mut |a, b| f(values[0][a], values[1][b]));
}
