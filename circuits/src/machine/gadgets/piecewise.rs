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
    units::Count,
    wire::Def,
};
use crate::int::{Interval, Node, Piecewise};

/// Units of the node, whose function is `table` of the graph.
pub(in crate::machine) fn units(count: &Count<'_>, table: u32) -> f64 {
    let Some(table) = count.graph.piecewise.get(table as usize) else { return 0.0 };
    let shift = |y: Interval| match table.out_shift {
        0 => 0.0,
        bits => count.limbs(bits) + count.limbs(y.bits()),
    };
    count.sum(count.node, |y| count.limbs(table.segment_bits) + shift(y) + 7.0)
}

/// Rows of the tables of a function.
pub(in crate::machine) fn table_rows(function: &Piecewise) -> usize {
    2 * function.base.len()
}

pub(crate) fn piecewise(lowering: &mut Lowering<'_>, index: u32, node: &Node, table: u32) -> Result<Vec<Form>, Error> {
    let graph = lowering.builder.graph;
    let function = &graph.piecewise[table as usize];
    let tables = match lowering.functions.get(&table) {
        Some(known) => *known,
        None => {
            lowering.builder.check_table_rows(function.base.len())?;
            let mut made = |kind: &str, outputs: &[i64]| {
                let name = format!("{} {kind}", function.name);
                lowering.builder.table(Table { name, first: 0, outputs: Outputs::Small(outputs.to_vec()) })
            };
            let tables = [made("base", &function.base)?, made("slope", &function.slope)?];
            lowering.functions.insert(table, tables);
            tables
        }
    };
    (0..node.len()).map(|element| segment(lowering, index, node, element, function, tables)).collect()
}

fn segment(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    element: usize,
    function: &Piecewise,
    tables: [TableId; 2],
) -> Result<Form, Error> {
    lowering.builder.label = Label::of_element("function", index, element);
    let operand = node.inputs[0];
    let x = lowering.form(operand, element)?;
    let hint = lowering.builder.value(operand.0, element, lowering.builder.graph.node(operand).range(element));
    let segment_bits = function.segment_bits;
    let offset = function.lo.checked_neg().ok_or(Error::WeightOverflow)?;

    let shifted = Def::Digit { of: hint, offset, shift: segment_bits, bits: 62 };
    let segment = lowering.builder.wire(shifted, function.base.len() as f64);
    let [base, slope] = tables.map(|table| {
        let magnitude = lowering.builder.tables.magnitude(table);
        lowering.builder.wire(Def::Lookup { table, key: segment }, magnitude)
    });

    let mut equation = Equation::default();
    lowering.builder.add_form(&mut equation, &x, Weight::int(1))?;
    lowering.builder.add_form(&mut equation, &Form::constant(offset), Weight::int(1))?;
    equation.lookup(tables[0], segment, Some(base), Weight::minus_power(segment_bits));
    let what = Decomposed { of: hint, offset };
    let t = lowering.builder.subtract_limbs(&mut equation, what, segment_bits, Bound::Exact, 0);
    lowering.builder.push(equation)?;

    let range = node.range(element);
    let y = lowering.builder.value(index, element, range);
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
        lowering.builder.add_form(&mut equation, &Form::constant(half), Weight::int(1))?;
        let magnitude = 2f64.powi(62);
        let value = lowering.builder.wire(Def::Quadratic { constant: 0, terms: value }, magnitude);
        let what = Decomposed { of: value, offset: half };
        lowering.builder.subtract_limbs(&mut equation, what, function.out_shift, Bound::Exact, 0);
    }
    lowering.builder.push(equation)?;
    if function.out_shift > 0 {
        let width = bits_of(i128::from(range.hi) - i128::from(range.lo));
        lowering.builder.range(&Form::wire(y), y, range.lo, width, Bound::Loose)?;
    }
    Ok(Form::wire(y))
}
