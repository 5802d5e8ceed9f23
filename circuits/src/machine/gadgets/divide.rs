//! Division with rounding, for softmax.
//!
//! # Statement
//! For `a >= 0`, `d >= 1`: `y = floor((2*a*2^s + d) / (2*d))`: `a * 2^s / d`, rounded half up.
//! # Equations
//! 1. `2^(s+1)*a + d = 2*y*d + r`.
//! 2. `r = sum(2^(b*i) r_i)`.
//! 3. `2*d - 1 - r = sum(2^(b*i) g_i)`.
//! 4. `y = sum(2^(b*i) y_i)`.
//! # Soundness
//! By (2) and (3) `0 <= r < 2d` over the integers, by (4) `y` is below `2^(bits(y)+b)`, so both sides of (1) stay
//! below `2^250` ([`Builder::push`] checks it, with that slack) and (1) holds over the integers: quotient and remainder are unique,
//! at ties too. `d >= 1` is proven by interval analysis, so there is no division by zero, and no wrap-around since
//! the quotient has its range check.
//! # Cost
//! `ceil(bits(2d)/b) * 2 + ceil(bits(y)/b) + 6` units.
//!
//! [`Builder::push`]: super::super::builder::Builder::push

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    lower::Lowering,
    wire::Def,
};
use crate::int::Node;

impl Lowering<'_> {
    pub(crate) fn divide(&mut self, index: u32, node: &Node, shift: u32, divisor: &[u32]) -> Result<Vec<Form>, Error> {
        let mut forms = Vec::with_capacity(divisor.len());
        let scale = 1i64.checked_shl(shift + 1).filter(|s| *s > 0).ok_or(Error::WeightOverflow)?;
        for (element, divisor) in divisor.iter().enumerate() {
            let a = self.cell(node.inputs[0], element)?;
            let d = self.cell(node.inputs[1], *divisor as usize)?;
            let divisors = self.builder.graph.node(node.inputs[1]).range(*divisor as usize);
            if divisors.lo < 1 {
                return Err(Error::DivisorMayBeZero { node: node.name.clone() });
            }
            let range = node.range(element);
            let y = self.builder.value(index, element, range);
            let width = bits_of(2 * i128::from(divisors.hi) - 1);
            let r = Def::Quadratic { constant: 0, terms: vec![(scale, a, None), (1, d, None), (-2, y, Some(d))] };
            let r = self.builder.wire(r, 2f64.powi(width as i32));

            let mut equation = Equation::default();
            equation.product(y, d, Weight::int(-2));
            equation.linear(a, Weight::int(scale))?.linear(d, Weight::int(1))?.linear(r, Weight::int(-1))?;
            self.builder.push(equation)?;

            self.builder.range(&Form::wire(r), r, 0, width, Bound::Loose)?;
            let gap = Form { constant: -1, terms: vec![(d, 2), (r, -1)] };
            let hint = Def::Quadratic { constant: -1, terms: vec![(2, d, None), (-1, r, None)] };
            let hint = self.builder.wire(hint, 2f64.powi(width as i32));
            let mut equation = Equation::default();
            self.builder.add_form(&mut equation, &gap, Weight::int(1))?;
            self.builder.subtract_limbs(&mut equation, Decomposed { of: hint, offset: 0 }, width, Bound::Loose, 0);
            self.builder.push(equation)?;
            self.builder.range(&Form::wire(y), y, 0, bits_of(range.hi.into()), Bound::Loose)?;
            forms.push(Form::wire(y));
        }
        Ok(forms)
    }
}
