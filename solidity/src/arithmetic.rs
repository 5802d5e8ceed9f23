//! Field arithmetic as Yul: shared subexpressions computed once, reductions left out where 256 bits have room.
//!
//! # Lazy reduction
//! `5r < 2^256`, so a value may stand for its residue as long as it is at most `5r`. Every expression carries a bound:
//! it is at most `bound * r`. `mulmod` takes any operands and brings the bound back to 1, so sums are plain `add` until
//! the bound would pass 5, and `a - b` is `a + (bound_b * r - b)`.

use apodict_verifier::{Fr, fr_to_be_bytes};
use ark_ff::{One, PrimeField, Zero};
use std::collections::HashMap;

/// Largest multiple of `r` below `2^256`.
const MAX_BOUND: u32 = 5;

/// Stack slots that one rendered expression may use: the EVM reaches 16, the rest belongs to what stands around it.
const MAX_STACK: usize = 8;

/// A value, by its position in an [`Arithmetic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Value(usize);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// A reduced word in memory.
    Word(String),
    Constant(Fr),
    Negated(Value),
    Sum(Value, Value),
    Difference(Value, Value),
    Product(Value, Value),
}

/// Rendered: what to write for a value, how large it can be and how much stack it takes.
#[derive(Clone, Debug)]
struct Rendered {
    yul: String,
    bound: u32,
    stack: usize,
    gas: usize,
}

/// A set of values in which equal ones are one.
#[derive(Debug, Default)]
pub(crate) struct Arithmetic {
    nodes: Vec<Node>,
    known: HashMap<Node, Value>,
}

impl Arithmetic {
    fn intern(&mut self, node: Node) -> Value {
        if let Some(value) = self.known.get(&node) {
            return *value;
        }
        let value = Value(self.nodes.len());
        self.nodes.push(node.clone());
        self.known.insert(node, value);
        value
    }

    fn node(&self, value: Value) -> Node {
        self.nodes.get(value.0).cloned().unwrap_or(Node::Constant(Fr::zero()))
    }

    /// A reduced word that stands at a memory address, given as a Yul expression.
    pub(crate) fn word(&mut self, address: impl Into<String>) -> Value {
        self.intern(Node::Word(address.into()))
    }

    pub(crate) fn constant(&mut self, constant: Fr) -> Value {
        self.intern(Node::Constant(constant))
    }

    pub(crate) fn negated(&mut self, a: Value) -> Value {
        match self.node(a) {
            Node::Constant(constant) => self.constant(-constant),
            Node::Negated(inner) => inner,
            Node::Difference(a, b) => self.intern(Node::Difference(b, a)),
            _ => self.intern(Node::Negated(a)),
        }
    }

    pub(crate) fn sum(&mut self, a: Value, b: Value) -> Value {
        match (self.node(a), self.node(b)) {
            (Node::Constant(x), Node::Constant(y)) => self.constant(x + y),
            (Node::Constant(zero), _) if zero.is_zero() => b,
            (_, Node::Constant(zero)) if zero.is_zero() => a,
            (Node::Negated(x), Node::Negated(y)) => {
                let sum = self.sum(x, y);
                self.negated(sum)
            }
            (Node::Negated(x), _) => self.intern(Node::Difference(b, x)),
            (_, Node::Negated(y)) => self.intern(Node::Difference(a, y)),
            _ => self.intern(Node::Sum(a.min(b), a.max(b))),
        }
    }

    pub(crate) fn difference(&mut self, a: Value, b: Value) -> Value {
        let negated = self.negated(b);
        self.sum(a, negated)
    }

    pub(crate) fn product(&mut self, a: Value, b: Value) -> Value {
        match (self.node(a), self.node(b)) {
            (Node::Constant(x), Node::Constant(y)) => self.constant(x * y),
            (Node::Constant(x), _) if x.is_zero() || x.is_one() => {
                if x.is_zero() {
                    a
                } else {
                    b
                }
            }
            (Node::Constant(x), _) if x == -Fr::one() => self.negated(b),
            (_, Node::Constant(_)) => self.product(b, a),
            (Node::Negated(x), Node::Negated(y)) => self.product(x, y),
            (Node::Negated(x), _) => {
                let product = self.product(x, b);
                self.negated(product)
            }
            (_, Node::Negated(y)) => {
                let product = self.product(a, y);
                self.negated(product)
            }
            _ => self.intern(Node::Product(a.min(b), a.max(b))),
        }
    }

    fn operands(&self, value: Value) -> Vec<Value> {
        match self.node(value) {
            Node::Word(_) | Node::Constant(_) => vec![],
            Node::Negated(a) => vec![a],
            Node::Sum(a, b) | Node::Difference(a, b) | Node::Product(a, b) => vec![a, b],
        }
    }

    /// How often each value is an operand of what `roots` need, roots included.
    fn uses(&self, roots: &[Value]) -> Vec<usize> {
        let mut uses = vec![0usize; self.nodes.len()];
        let mut pending = roots.to_vec();
        while let Some(value) = pending.pop() {
            if let Some(count) = uses.get_mut(value.0) {
                *count += 1;
                if *count == 1 {
                    pending.extend(self.operands(value));
                }
            }
        }
        uses
    }
}

/// Writes values out, in the order in which they are asked for.
pub(crate) struct Writer<'a> {
    values: &'a Arithmetic,
    uses: Vec<usize>,
    written: HashMap<Value, Rendered>,
    /// Names of the words that hold shared values, in order of their first use.
    pub(crate) stored: Vec<String>,
}

impl<'a> Writer<'a> {
    /// `roots` are all values that will be asked for.
    pub(crate) fn new(values: &'a Arithmetic, roots: &[Value]) -> Self {
        Self { values, uses: values.uses(roots), written: HashMap::new(), stored: Vec::new() }
    }

    /// An expression for a value, not reduced, and its bound; pushes the statements that must stand before it.
    pub(crate) fn expression(&mut self, value: Value, before: &mut Vec<String>) -> (String, u32) {
        let Rendered { yul, bound, .. } = self.render(value, before);
        (yul, bound)
    }

    /// `acc * factor + value` for a reduced or lazy `acc`.
    pub(crate) fn fold(&mut self, acc: &str, factor: &str, value: Value, before: &mut Vec<String>) -> String {
        let (yul, bound) = self.expression(value, before);
        let product = format!("mulmod({acc}, {factor}, r)");
        if bound < MAX_BOUND { format!("add({yul}, {product})") } else { format!("addmod({yul}, {product}, r)") }
    }

    fn render(&mut self, value: Value, before: &mut Vec<String>) -> Rendered {
        if let Some(known) = self.written.get(&value) {
            return known.clone();
        }
        let rendered = match self.values.node(value) {
            Node::Word(address) => Rendered { yul: format!("mload({address})"), bound: 1, stack: 1, gas: 6 },
            Node::Constant(constant) => Rendered { yul: literal(&constant), bound: 1, stack: 1, gas: 3 },
            Node::Negated(a) => {
                let a = self.render(a, before);
                negated(&a)
            }
            Node::Product(a, b) => {
                let (a, b) = self.operands(a, b, before);
                self.binary("mulmod", a, b, 1, before)
            }
            Node::Sum(a, b) => {
                let (a, b) = self.operands(a, b, before);
                self.sum(a, b, before)
            }
            Node::Difference(a, b) => {
                let (a, b) = self.operands(a, b, before);
                self.sum(a, negated(&b), before)
            }
        };
        // Computed once and stored, the value costs its gas, a store and a load for each use.
        let uses = self.uses.get(value.0).copied().unwrap_or_default();
        let worth_storing = uses * rendered.gas > rendered.gas + 6 + 6 * uses;
        let rendered = if worth_storing { self.store(rendered, before) } else { rendered };
        self.written.insert(value, rendered.clone());
        rendered
    }

    fn operands(&mut self, a: Value, b: Value, before: &mut Vec<String>) -> (Rendered, Rendered) {
        (self.render(a, before), self.render(b, before))
    }

    fn sum(&mut self, a: Rendered, b: Rendered, before: &mut Vec<String>) -> Rendered {
        let bound = a.bound + b.bound;
        if bound <= MAX_BOUND {
            self.binary("add", a, b, bound, before)
        } else {
            self.binary("addmod", a, b, 1, before)
        }
    }

    /// Arguments are evaluated last to first, so the deeper operand goes last, over as little stack as possible.
    fn binary(&mut self, op: &str, a: Rendered, b: Rendered, bound: u32, before: &mut Vec<String>) -> Rendered {
        let (light, heavy) = if a.stack <= b.stack { (a, b) } else { (b, a) };
        let modulus = usize::from(op != "add");
        let heavy = if modulus + heavy.stack > MAX_STACK { self.store(heavy, before) } else { heavy };
        let stack = (modulus + heavy.stack).max(modulus + 1 + light.stack);
        let yul = match modulus {
            0 => format!("{op}({}, {})", light.yul, heavy.yul),
            _ => format!("{op}({}, {}, r)", light.yul, heavy.yul),
        };
        let gas = light.gas + heavy.gas + if modulus == 0 { 3 } else { 11 };
        Rendered { yul, bound, stack, gas }
    }

    fn store(&mut self, rendered: Rendered, before: &mut Vec<String>) -> Rendered {
        let name = format!("SHARED_{}", self.stored.len());
        before.push(format!("mstore({name}, {})", rendered.yul));
        let yul = format!("mload({name})");
        self.stored.push(name);
        Rendered { yul, bound: rendered.bound, stack: 1, gas: 6 }
    }
}

fn negated(a: &Rendered) -> Rendered {
    let yul = format!("sub({}, {})", multiple_of_r(a.bound), a.yul);
    Rendered { yul, bound: a.bound, stack: a.stack + 1, gas: a.gas + 6 }
}

/// `bound * r` as Yul, for a bound of 1 to 5.
pub(crate) fn multiple_of_r(bound: u32) -> String {
    match bound {
        1 => "r".into(),
        _ => format!("R_TIMES_{bound}"),
    }
}

/// A scalar as Yul: decimal where that is short.
pub(crate) fn literal(scalar: &Fr) -> String {
    let [low, rest @ ..] = scalar.into_bigint().0;
    if rest == [0; 3] { low.to_string() } else { format!("0x{}", hex::encode(fr_to_be_bytes(scalar))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_moduli_fit_into_a_word_and_six_do_not() {
        let high = Fr::MODULUS.0[3];
        assert!(u128::from(high) * 5 + 5 < 1 << 64, "5r < 2^256, carries included");
        assert!(u128::from(high) * 6 >= 1 << 64, "6r >= 2^256");
        assert_eq!(MAX_BOUND, 5);
    }

    #[test]
    fn sums_stay_lazy_until_they_would_overflow() {
        let mut values = Arithmetic::default();
        let words: Vec<Value> = (0..6).map(|i| values.word(format!("W{i}"))).collect();
        let five = words[1..5].iter().fold(words[0], |sum, word| values.sum(sum, *word));
        let six = values.sum(five, words[5]);
        let mut writer = Writer::new(&values, &[six]);
        let mut before = Vec::new();
        let (yul, bound) = writer.expression(six, &mut before);
        assert_eq!(bound, 1);
        assert!(yul.starts_with("addmod(") && yul.matches("addmod").count() == 1, "{yul}");
        assert!(before.is_empty());
    }

    #[test]
    fn what_is_used_twice_is_computed_once() {
        let mut values = Arithmetic::default();
        let (a, b) = (values.word("A"), values.word("B"));
        let product = values.product(a, b);
        let again = values.product(b, a);
        assert_eq!(product, again);
        let square = values.product(product, again);
        let mut writer = Writer::new(&values, &[square]);
        let mut before = Vec::new();
        let (yul, _) = writer.expression(square, &mut before);
        assert_eq!(before, ["mstore(SHARED_0, mulmod(mload(A), mload(B), r))"]);
        assert_eq!(yul, "mulmod(mload(SHARED_0), mload(SHARED_0), r)");
    }

    #[test]
    fn negations_become_subtractions() {
        let mut values = Arithmetic::default();
        let (a, b) = (values.word("A"), values.word("B"));
        let one = values.constant(Fr::one());
        let sum = values.sum(a, b);
        let difference = values.difference(one, sum);
        let product = values.product(difference, a);
        let negated = values.negated(product);
        let mut writer = Writer::new(&values, &[negated]);
        let (yul, _) = writer.expression(negated, &mut Vec::new());
        assert_eq!(yul, "sub(r, mulmod(mload(A), add(1, sub(R_TIMES_2, add(mload(A), mload(B)))), r))");
    }
}
