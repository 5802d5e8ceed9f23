//! Max and ArgMax.
//!
//! # Statement
//! `m = max(x_i)` and `j` the first position at which it stands.
//! # Equations, for bits `e_i`
//! 1. `(e_i, 0)` looked up in the table of bits; `sum(e_i) = 1`.
//! 2. `sum(e_i * x_i) = m`.
//! 3. `m - x_i - sum(e_j, j > i) = sum(2^(b*l) d_il)` for every `i`.
//! # Soundness
//! By (1) exactly one bit is set, at `j` say, and by (2) `m = x_j`. By (3) `m >= x_i` for every `i`, and
//! `m >= x_i + 1` for every `i < j`, since then the sum over later bits is 1. So `j` is the first greatest and there
//! is no freedom at ties. The differences stay below `2^64`, so a negative one, which is `p` less than
//! that, has no limbs.
//! # Cost
//! For `n` values: about `n^2/4 + n * (2 + ceil(bits/b)) + n/2` units.

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    lower::Lowering,
    table::{Outputs, Table},
    wire::{Def, Wire},
};
use crate::int::{Interval, Node, NodeId};

impl Lowering<'_> {
    pub(crate) fn max(&mut self, index: u32, node: &Node, groups: &[Vec<u32>]) -> Result<Vec<Form>, Error> {
        let mut forms = Vec::with_capacity(groups.len());
        for (element, group) in groups.iter().enumerate() {
            if let [only] = group.as_slice() {
                forms.push(self.form(node.inputs[0], *only as usize)?);
                continue;
            }
            let m = self.builder.value(index, element, node.range(element));
            self.greatest(node.inputs[0], group, m)?;
            forms.push(Form::wire(m));
        }
        Ok(forms)
    }

    pub(crate) fn arg_max(&mut self, node: &Node, groups: &[Vec<u32>]) -> Result<Vec<Form>, Error> {
        let mut forms = Vec::with_capacity(groups.len());
        for group in groups {
            if group.len() == 1 {
                forms.push(Form::constant(0));
                continue;
            }
            let operand = node.inputs[0];
            let ranges = group.iter().map(|e| self.builder.graph.node(operand).range(*e as usize));
            let bound = ranges.map(|r| r.lo.unsigned_abs().max(r.hi.unsigned_abs())).max().unwrap_or(0);
            let bits = self.position(operand, group)?;
            let cells = self.cells(operand, group)?;
            let terms = bits.iter().zip(&cells).map(|(bit, x)| (1, *bit, Some(*x))).collect();
            let m = self.builder.wire(Def::Quadratic { constant: 0, terms }, bound as f64);
            self.is_greatest(operand, group, m, &bits)?;
            let terms = (1..).zip(&bits[1..]).map(|(at, bit)| (*bit, at)).collect();
            forms.push(Form { constant: 0, terms });
        }
        Ok(forms)
    }

    fn cells(&mut self, operand: NodeId, group: &[u32]) -> Result<Vec<Wire>, Error> {
        group.iter().map(|element| self.cell(operand, *element as usize)).collect()
    }

    fn greatest(&mut self, operand: NodeId, group: &[u32], m: Wire) -> Result<(), Error> {
        let bits = self.position(operand, group)?;
        self.is_greatest(operand, group, m, &bits)
    }

    /// Equation (1).
    fn position(&mut self, operand: NodeId, group: &[u32]) -> Result<Vec<Wire>, Error> {
        let table = Table { name: "bit".into(), first: 0, outputs: Outputs::Small(vec![0, 0]) };
        let table = self.builder.tables.intern(table);
        let cells = self.cells(operand, group)?;
        let position = self.builder.wire(Def::ArgMax { of: cells }, group.len() as f64);
        let mut equation = Equation::default();
        let mut bits = Vec::with_capacity(group.len());
        for at in 0..group.len() {
            let bit = self.builder.wire(Def::Equals { of: position, value: at as i64 }, 1.0);
            equation.lookup(table, bit, None, Weight::int(1));
            bits.push(bit);
        }
        let one = self.builder.one()?;
        equation.linear(one, Weight::int(-1))?;
        self.builder.push(equation)?;
        Ok(bits)
    }

    /// Equations (2) and (3).
    fn is_greatest(&mut self, operand: NodeId, group: &[u32], m: Wire, bits: &[Wire]) -> Result<(), Error> {
        let cells = self.cells(operand, group)?;
        let mut equation = Equation::default();
        for (bit, x) in bits.iter().zip(&cells) {
            equation.product(*bit, *x, Weight::int(1));
        }
        equation.linear(m, Weight::int(-1))?;
        self.builder.push(equation)?;

        let ranges = group.iter().map(|element| self.builder.graph.node(operand).range(*element as usize));
        let hull = ranges.reduce(|a, b| Interval::new(a.lo.min(b.lo), a.hi.max(b.hi))).unwrap_or(Interval::point(0));
        let width = bits_of(i128::from(hull.hi) - i128::from(hull.lo));
        for (at, x) in cells.iter().enumerate() {
            let mut terms = vec![(1, m, None), (-1, *x, None)];
            terms.extend(bits[at + 1..].iter().map(|later| (-1, *later, None)));
            let mut equation = Equation::default();
            for (weight, wire, _) in &terms {
                equation.linear(*wire, Weight::int(*weight))?;
            }
            let excess = self.builder.wire(Def::Quadratic { constant: 0, terms }, 2f64.powi(63));
            let what = Decomposed { of: excess, offset: 0 };
            self.builder.subtract_limbs(&mut equation, what, width, Bound::Loose, 0);
            self.builder.push(equation)?;
        }
        Ok(())
    }
}
