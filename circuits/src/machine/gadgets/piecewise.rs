//! Functions of one integer by piecewise linear tables: sigmoid, tanh, exp.
//!
//! # Statement
//! With `x - lo = i * 2^s + t`, `0 <= t < 2^s`: `y = floor((base[i] + slope[i]*t + half) / 2^o)`.
//! # Equations
//! 1. `x - lo = 2^s * i + sum(2^(b*j) t_j)`, the limbs of `t` looked up, `s` bits exactly.
//! 2. `base + slope*t + half = 2^o * y + sum(2^(b*j) r_j)`, `r` of `o` bits exactly; `(i, base)` and `(i, slope)`
//!    looked up.
//! 3. where `o > 0`: `y - lo_y = sum(2^(b*j) l_j)`.
//! # Soundness
//! `i` is a key of the table, so it lies in `[0, len)` and with the exact `t` the pair `(i, t)` is the only one for
//! `x`: an `x` outside the domain has none. The tables are functions of the key, so `base` and `slope` are
//! determined; quotient and remainder in (2) are unique as in [rectify](super::rectify). A slope table and a base
//! table have tags of their own.
//! # Cost
//! `ceil(s/b) + ceil(o/b) + ceil(bits(y)/b) + 7` units, and twice the number of segments in table rows.

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    label::Label,
    lower::Lowering,
    table::{Outputs, Table, TableId},
    wire::Def,
};
use crate::int::{Node, Piecewise};

impl Lowering<'_> {
    pub(crate) fn piecewise(&mut self, index: u32, node: &Node, table: u32) -> Result<Vec<Form>, Error> {
        let graph = self.builder.graph;
        let function = &graph.piecewise[table as usize];
        let tables = match self.functions.get(&table) {
            Some(known) => *known,
            None => {
                self.builder.check_table_rows(function.base.len())?;
                let mut made = |kind: &str, outputs: &[i64]| {
                    let name = format!("{} {kind}", function.name);
                    self.builder.table(Table { name, first: 0, outputs: Outputs::Small(outputs.to_vec()) })
                };
                let tables = [made("base", &function.base)?, made("slope", &function.slope)?];
                self.functions.insert(table, tables);
                tables
            }
        };
        (0..node.len()).map(|element| self.segment(index, node, element, function, tables)).collect()
    }

    fn segment(
        &mut self,
        index: u32,
        node: &Node,
        element: usize,
        function: &Piecewise,
        tables: [TableId; 2],
    ) -> Result<Form, Error> {
        self.builder.label = Label::of_element("function", index, element);
        let operand = node.inputs[0];
        let x = self.form(operand, element)?;
        let hint = self.builder.value(operand.0, element, self.builder.graph.node(operand).range(element));
        let segment_bits = function.segment_bits;
        let offset = function.lo.checked_neg().ok_or(Error::WeightOverflow)?;

        let shifted = Def::Digit { of: hint, offset, shift: segment_bits, bits: 62 };
        let segment = self.builder.wire(shifted, function.base.len() as f64);
        let [base, slope] = tables.map(|table| {
            let magnitude = self.builder.tables.magnitude(table);
            self.builder.wire(Def::Lookup { table, key: segment }, magnitude)
        });

        let mut equation = Equation::default();
        self.builder.add_form(&mut equation, &x, Weight::int(1))?;
        self.builder.add_form(&mut equation, &Form::constant(offset), Weight::int(1))?;
        equation.lookup(tables[0], segment, Some(base), Weight::minus_power(segment_bits));
        let what = Decomposed { of: hint, offset };
        let t = self.builder.subtract_limbs(&mut equation, what, segment_bits, Bound::Exact, 0);
        self.builder.push(equation)?;

        let range = node.range(element);
        let y = self.builder.value(index, element, range);
        let mut equation = Equation::default();
        equation.lookup(tables[1], segment, Some(slope), Weight::ZERO);
        let mut value = vec![(1, base, None)];
        for (limb, power) in &t {
            equation.product(slope, *limb, Weight::power(*power));
            value.push((1i64 << power, slope, Some(*limb)));
        }
        equation.linear(base, Weight::int(1))?.linear(y, Weight::minus_power(function.out_shift))?;
        if function.out_shift > 0 {
            let half = 1i64 << (function.out_shift - 1);
            self.builder.add_form(&mut equation, &Form::constant(half), Weight::int(1))?;
            let magnitude = 2f64.powi(62);
            let value = self.builder.wire(Def::Quadratic { constant: 0, terms: value }, magnitude);
            let what = Decomposed { of: value, offset: half };
            self.builder.subtract_limbs(&mut equation, what, function.out_shift, Bound::Exact, 0);
        }
        self.builder.push(equation)?;
        if function.out_shift > 0 {
            let width = bits_of(i128::from(range.hi) - i128::from(range.lo));
            self.builder.range(&Form::wire(y), y, range.lo, width, Bound::Loose)?;
        }
        Ok(Form::wire(y))
    }
}
