//! Collects wires, tables and equations.

use std::collections::HashMap;

use super::{
    Error,
    equation::{Blocks, Equation},
    field::Weight,
    label::Label,
    room::Room,
    table::{Outputs, Table, TableId, Tables},
    wire::{Def, Wire},
};
use crate::int::{Graph, Interval};

/// `constant + sum(weight * wire)`: a value that has no cell of its own yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    pub(crate) constant: i64,
    pub(crate) terms: Vec<(Wire, i64)>,
}

impl Form {
    pub(crate) fn wire(wire: Wire) -> Self {
        Self { constant: 0, terms: vec![(wire, 1)] }
    }

    pub(crate) fn constant(constant: i64) -> Self {
        Self { constant, terms: Vec::new() }
    }

    /// The wire, if the form is just that.
    pub(crate) fn as_wire(&self) -> Option<Wire> {
        match (self.constant, self.terms.as_slice()) {
            (0, [(wire, 1)]) => Some(*wire),
            _ => None,
        }
    }
}

/// Whether a range check may prove a wider range than asked, which spares tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// `[0, 2^bits)` and nothing more.
    Exact,
    /// `[0, 2^bits)`, `bits` rounded up to whole limbs.
    Loose,
}

/// What a range check decomposes: `(of + offset) / 2^shift`, floored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decomposed {
    pub(crate) of: Wire,
    pub(crate) offset: i64,
}

/// A limb: its wire and the power of two that it counts.
pub(crate) type Limb = (Wire, u32);

/// Collects what lowering emits.
pub(crate) struct Builder<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) limb_bits: u32,
    pub(crate) defs: Vec<Def>,
    pub(crate) blocks: Blocks,
    pub(crate) tables: Tables,
    /// What the next equations are for.
    pub(crate) label: Label,
    room: Room,
    /// Rows that the equations take in the room.
    rows: usize,
    magnitudes: Vec<f64>,
    constants: HashMap<i64, Wire>,
    ranges: HashMap<u32, TableId>,
}

/// Bits that every integer in `[0, max]` fits.
pub(crate) fn bits_of(max: i128) -> u32 {
    128 - max.max(0).leading_zeros()
}

impl<'a> Builder<'a> {
    /// Collects no more than there is `room` for.
    pub(crate) fn new(graph: &'a Graph, limb_bits: u32, room: Room) -> Self {
        Self {
            graph,
            limb_bits,
            defs: Vec::new(),
            blocks: Blocks::default(),
            tables: Tables::default(),
            label: Label::of_node("", 0),
            room,
            rows: 0,
            magnitudes: Vec::new(),
            constants: HashMap::new(),
            ranges: HashMap::new(),
        }
    }

    /// Says what the next equations are for; what the last ones were.
    pub(crate) fn relabel(&mut self, label: Label) -> Label {
        std::mem::replace(&mut self.label, label)
    }

    /// Says which element of the node the next equations are about.
    pub(crate) fn relabel_element(&mut self, element: usize) {
        self.label.element = u32::try_from(element).ok();
    }

    /// A new wire. `magnitude` bounds `|value|` once the equations around it hold; the caller sees to that.
    pub(crate) fn wire(&mut self, def: Def, magnitude: f64) -> Wire {
        self.defs.push(def);
        self.magnitudes.push(magnitude);
        Wire((self.defs.len() - 1) as u32)
    }

    /// A wire for an element of a node of the graph.
    pub(crate) fn value(&mut self, node: u32, element: usize, range: Interval) -> Wire {
        let magnitude = range.lo.unsigned_abs().max(range.hi.unsigned_abs()) as f64;
        self.wire(Def::Value { node, element: element as u32 }, magnitude)
    }

    pub(crate) fn magnitude(&self, wire: Wire) -> f64 {
        self.magnitudes[wire.0 as usize]
    }

    /// The wire that holds 1, pinned by a table with that one key.
    pub(crate) fn one(&mut self) -> Result<Wire, Error> {
        if let Some(one) = self.constants.get(&1) {
            return Ok(*one);
        }
        let table = Table { name: "one".into(), first: 1, outputs: Outputs::Small(vec![0]) };
        let table = self.table(table)?;
        let one = self.wire(Def::Constant(1), 1.0);
        let mut equation = Equation::default();
        equation.lookup(table, one, None, Weight::ZERO);
        let before = self.relabel(Label { what: "constant", ..self.label });
        self.push(equation)?;
        self.label = before;
        self.constants.insert(1, one);
        Ok(one)
    }

    /// A wire that holds a fixed integer.
    pub(crate) fn constant(&mut self, value: i64) -> Result<Wire, Error> {
        let one = self.one()?;
        if let Some(wire) = self.constants.get(&value) {
            return Ok(*wire);
        }
        let wire = self.wire(Def::Constant(value), value.unsigned_abs() as f64);
        let mut equation = Equation::default();
        equation.linear(one, Weight::int(value))?.linear(wire, Weight::int(-1))?;
        let before = self.relabel(Label { what: "constant", ..self.label });
        self.push(equation)?;
        self.label = before;
        self.constants.insert(value, wire);
        Ok(wire)
    }

    /// Adds an equation, after checking that it cannot wrap around the field whatever a liar's limbs are.
    pub(crate) fn push(&mut self, equation: Equation) -> Result<(), Error> {
        self.push_with_slack(equation, 2f64.powi(self.limb_bits as i32))
    }

    /// As [`Self::push`], for an equation whose undetermined wires are bounded exactly, to what they are declared as.
    pub(crate) fn push_exact(&mut self, equation: Equation) -> Result<(), Error> {
        self.push_with_slack(equation, 1.0)
    }

    /// As [`Self::push`], for an equation that is meant in the field and not over the integers: nothing may follow from it for
    /// which it would have to hold there.
    pub(crate) fn push_in_field(&mut self, equation: Equation) -> Result<(), Error> {
        self.add(equation)
    }

    fn push_with_slack(&mut self, equation: Equation, slack: f64) -> Result<(), Error> {
        // p > 2^253: below 2^250 on either side, equal in the field is equal as integers. Wires that are determined
        // already are within their proven bounds; one that this equation determines may have been proven to lie in
        // whole limbs only (`Bound::Loose`), which is at most 2^limb_bits times as wide. No product has two such but the
        // square of a root, whose own bound is that of the whole limbs already.
        let magnitude = self.magnitude_of(&equation) * slack;
        // A bound that is not a number is none.
        if magnitude.is_nan() || magnitude >= 2f64.powi(250) {
            return Err(Error::Wraps { bits: crate::elementary::log2(magnitude).ceil() });
        }
        self.add(equation)
    }

    fn add(&mut self, equation: Equation) -> Result<(), Error> {
        let units = equation.into_units();
        if !units.is_empty() {
            self.rows += units.len().div_ceil(self.room.width);
            self.room.check(self.rows.max(self.tables.rows()))?;
            self.blocks.push(units, self.label);
        }
        Ok(())
    }

    /// An upper bound on an equation's magnitude, whatever the wires hold within their bounds.
    pub(crate) fn magnitude_of(&self, equation: &Equation) -> f64 {
        let of = |wire: Option<Wire>| wire.map_or(0.0, |w| self.magnitude(w));
        let units = equation.units.iter().map(|unit| {
            let [u, v] = unit.lanes.map(of);
            unit.weights[0].magnitude() * u + unit.weights[1].magnitude() * v + unit.product.magnitude() * u * v
        });
        let linear = equation.linear.iter().map(|((wire, exponent), mantissa)| {
            Weight { mantissa: *mantissa, exponent: *exponent }.magnitude() * of(Some(*wire))
        });
        units.chain(linear).sum()
    }

    /// Refuses a table of so many rows, before it is made, where there is no room even for it alone. What others take does not
    /// count yet: it may hold the same as one of them.
    pub(crate) fn check_table_rows(&self, rows: usize) -> Result<(), Error> {
        self.room.check(Tables::default().rows().saturating_add(rows))
    }

    /// Adds a table, or finds the one that holds the same.
    pub(crate) fn table(&mut self, table: Table) -> Result<TableId, Error> {
        let table = self.tables.intern(table);
        self.room.check(self.tables.rows())?;
        Ok(table)
    }

    /// Adds `weight * form` to an equation.
    pub(crate) fn add_form(&mut self, equation: &mut Equation, form: &Form, weight: Weight) -> Result<(), Error> {
        let scaled = |w: i64| {
            let mantissa = weight.mantissa.checked_mul(w).ok_or(Error::WeightOverflow)?;
            Ok::<_, Error>(Weight { mantissa, ..weight })
        };
        for (wire, w) in &form.terms {
            equation.linear(*wire, scaled(*w)?)?;
        }
        if form.constant != 0 {
            let one = self.one()?;
            equation.linear(one, scaled(form.constant)?)?;
        }
        Ok(())
    }

    /// The integers `[0, 2^bits)`, each with its highest bit.
    pub(crate) fn range_table(&mut self, bits: u32) -> TableId {
        let tables = &mut self.tables;
        *self.ranges.entry(bits).or_insert_with(|| {
            let outputs = (0..1i64 << bits).map(|v| v >> (bits - 1)).collect();
            tables.intern(Table { name: format!("range {bits}"), first: 0, outputs: Outputs::Small(outputs) })
        })
    }

    /// Limbs of `(of + offset)`, from bit `shift` on, `bits` of them: looks each up and subtracts
    /// `2^(at + own power) * limb` from the equation. Returns the limbs, lowest first.
    pub(crate) fn subtract_limbs(
        &mut self,
        equation: &mut Equation,
        what: Decomposed,
        bits: u32,
        bound: Bound,
        at: u32,
    ) -> Vec<Limb> {
        let limb_bits = self.limb_bits;
        let bits = match bound {
            Bound::Exact => bits,
            Bound::Loose => bits.next_multiple_of(limb_bits),
        };
        let mut limbs = Vec::new();
        let mut low = 0;
        while low < bits {
            let width = limb_bits.min(bits - low);
            let table = self.range_table(width);
            let def = Def::Digit { of: what.of, offset: what.offset, shift: low, bits: width };
            let limb = self.wire(def, 2f64.powi(width as i32));
            equation.lookup(table, limb, None, Weight::minus_power(at + low));
            limbs.push((limb, low));
            low += width;
        }
        limbs
    }

    /// Proves `form` to lie in `[lo, lo + 2^bits)`, where `hint` is a wire of the form's value.
    pub(crate) fn range(&mut self, form: &Form, hint: Wire, lo: i64, bits: u32, bound: Bound) -> Result<(), Error> {
        let mut equation = Equation::default();
        self.add_form(&mut equation, form, Weight::int(1))?;
        let offset = lo.checked_neg().ok_or(Error::WeightOverflow)?;
        self.add_form(&mut equation, &Form::constant(offset), Weight::int(1))?;
        self.subtract_limbs(&mut equation, Decomposed { of: hint, offset }, bits, bound, 0);
        self.push(equation)
    }
}
