//! Max and ArgMax.
//!
//! # Statement
//! `m = max(x_i)` and `j` the first position at which it stands, of `n >= 2` values.
//! # Layout of the table
//! Walking along the group, position `i` is in one of three states, the key `t_i`; the output is the bit `e_i`:
//!
//! | `t` | `e` | | `t - e`: `j >= i` | `t - 2e`: `j > i` |
//! |---|---|---|---|---|
//! | 0 | 0 | `j` was before | 0 | 0 |
//! | 1 | 0 | `j` comes later | 1 | 1 |
//! | 2 | 1 | `j` is here | 1 | 0 |
//!
//! The first position has a table of its own, without state 0.
//! # Equations
//! 1. `sum(e_i * x_i) = m`.
//! 2. `2*(m - x_i) - (t_i - 2*e_i) - (t_(i+1) - e_(i+1)) = 2 * sum(2^(b*l) d_il)` for every `i`, with `(t_i, e_i)` looked up.
//!    For the last `i` there is no `t_(i+1) - e_(i+1)`.
//! # Soundness
//! The tables pin every `e_i` to a bit, and `later_i = t_i - 2*e_i` and `now_i = t_i - e_i` too, with `now_i - later_i = e_i`.
//! By (1) `m` is then an integer below `n * 2^62`, so both sides of (2) are integers below `2^250` and (2) holds over the
//! integers. The right side is even, so `later_i + now_(i+1)` is: being bits, they are equal, and the last `later_i` is 0.
//! With `now_0 = 1`, which its table says, the sum of all `e_i = now_i - now_(i+1)` is 1: exactly one bit is set, at `j`
//! say, and `later_i` is 1 for `i < j` and 0 from `j` on. So `m = x_j` by (1), and (2) says `m - x_i - later_i >= 0`: `m >= x_i`
//! for every `i`, and `m >= x_i + 1` for every `i < j`. `j` is the first greatest and there is no freedom at ties. The
//! differences stay below `2^64`, so a negative one, which is `p` less than that, has no limbs.
//! # Cost
//! For `n` values: `n * (4 + ceil(bits/b))` units. 5 rows of tables.

use super::super::{
    Error,
    builder::{Bound, Decomposed, Form, bits_of},
    equation::Equation,
    field::Weight,
    lower::Lowering,
    table::{Outputs, Table, TableId},
    units::Count,
    wire::{Def, Wire},
};
use crate::int::{Interval, Node, NodeId};

/// Units of the node's groups.
pub(in crate::machine) fn units(count: &Count<'_>, groups: &[Vec<u32>]) -> f64 {
    let operand = count.operand();
    let of_group = |group: &Vec<u32>| {
        let hull = group.iter().map(|element| operand.range(*element as usize)).reduce(Interval::union);
        group.len() as f64 * (4.0 + count.limbs(hull.map_or(0, Interval::bits)))
    };
    groups.iter().filter(|group| group.len() > 1).map(of_group).sum()
}

/// Where a position stands relative to that of the greatest.
struct Place {
    /// The state, key of its table.
    state: Wire,
    /// 1 at the greatest, else 0.
    bit: Wire,
    table: TableId,
}

pub(crate) fn max(
    lowering: &mut Lowering<'_>,
    index: u32,
    node: &Node,
    groups: &[Vec<u32>],
) -> Result<Vec<Form>, Error> {
    let mut forms = Vec::with_capacity(groups.len());
    for (element, group) in groups.iter().enumerate() {
        lowering.builder.relabel_element(element);
        if let [only] = group.as_slice() {
            forms.push(lowering.form(node.inputs[0], *only as usize)?);
            continue;
        }
        let cells = cells(lowering, node.inputs[0], group)?;
        let places = places(lowering, &cells);
        let m = lowering.builder.value(index, element, node.range(element));
        is_greatest(lowering, node.inputs[0], group, &cells, m, &places)?;
        forms.push(Form::wire(m));
    }
    Ok(forms)
}

pub(crate) fn arg_max(lowering: &mut Lowering<'_>, node: &Node, groups: &[Vec<u32>]) -> Result<Vec<Form>, Error> {
    let mut forms = Vec::with_capacity(groups.len());
    for (element, group) in groups.iter().enumerate() {
        lowering.builder.relabel_element(element);
        if group.len() == 1 {
            forms.push(Form::constant(0));
            continue;
        }
        let operand = node.inputs[0];
        let cells = cells(lowering, operand, group)?;
        let places = places(lowering, &cells);
        let bound = hull(lowering, operand, group).max_abs();
        let terms = places.iter().zip(&cells).map(|(place, x)| (1, place.bit, Some(*x))).collect();
        let m = lowering.builder.wire(Def::Quadratic { constant: 0, terms }, bound as f64);
        is_greatest(lowering, operand, group, &cells, m, &places)?;
        let terms = (1..).zip(&places[1..]).map(|(at, place)| (place.bit, at)).collect();
        forms.push(Form { constant: 0, terms });
    }
    Ok(forms)
}

fn cells(lowering: &mut Lowering<'_>, operand: NodeId, group: &[u32]) -> Result<Vec<Wire>, Error> {
    group.iter().map(|element| lowering.cell(operand, *element as usize)).collect()
}

/// What any member of a group can be.
fn hull(lowering: &Lowering<'_>, operand: NodeId, group: &[u32]) -> Interval {
    let operand = lowering.builder.graph.node(operand);
    let ranges = group.iter().map(|element| operand.range(*element as usize));
    ranges.reduce(Interval::union).unwrap_or(Interval::point(0))
}

/// The wires of all states and bits. Nothing is proven of them yet.
fn places(lowering: &mut Lowering<'_>, cells: &[Wire]) -> Vec<Place> {
    let tables = &mut lowering.builder.tables;
    let mut table = |name: &str, first, outputs| {
        tables.intern(Table { name: name.into(), first, outputs: Outputs::Small(outputs) })
    };
    let (first, other) = (table("first position", 1, vec![0, 1]), table("position", 0, vec![0, 0, 1]));
    let position = lowering.builder.wire(Def::ArgMax { of: cells.to_vec() }, cells.len() as f64);
    let place = |at: usize| {
        let table = if at == 0 { first } else { other };
        let state = lowering.builder.wire(Def::Place { of: position, at: at as i64 }, 2.0);
        let bit = lowering.builder.wire(Def::Lookup { table, key: state }, 1.0);
        Place { state, bit, table }
    };
    (0..cells.len()).map(place).collect()
}

fn is_greatest(
    lowering: &mut Lowering<'_>,
    operand: NodeId,
    group: &[u32],
    cells: &[Wire],
    m: Wire,
    places: &[Place],
) -> Result<(), Error> {
    // sum(e_i * x_i) - m = 0
    let mut equation = Equation::default();
    for (place, x) in places.iter().zip(cells) {
        equation.product(place.bit, *x, Weight::int(1));
    }
    equation.linear(m, Weight::int(-1))?;
    lowering.builder.push(equation)?;

    let hull = hull(lowering, operand, group);
    let width = bits_of(i128::from(hull.hi) - i128::from(hull.lo));
    for (at, (place, x)) in places.iter().zip(cells).enumerate() {
        // 2m - 2x_i - t_i + 2e_i - t_(i+1) + e_(i+1) - 2 sum(2^(b*l) d_il) = 0
        let mut equation = Equation::default();
        equation.lookup(place.table, place.state, Some(place.bit), Weight::int(-1));
        equation.linear(place.bit, Weight::int(2))?;
        equation.linear(m, Weight::int(2))?.linear(*x, Weight::int(-2))?;
        if let Some(next) = places.get(at + 1) {
            equation.linear(next.state, Weight::int(-1))?.linear(next.bit, Weight::int(1))?;
        }
        let terms = vec![(1, m, None), (-1, *x, None), (-1, place.state, None), (2, place.bit, None)];
        let excess = lowering.builder.wire(Def::Quadratic { constant: 0, terms }, 2f64.powi(63));
        let what = Decomposed { of: excess, offset: 0 };
        lowering.builder.subtract_limbs(&mut equation, what, width, Bound::Loose, 1);
        lowering.builder.push(equation)?;
    }
    Ok(())
}
