//! Where units stand: equations become rows of a shape.

use std::collections::HashMap;

use super::{
    Error,
    equation::Unit,
    label::Label,
    lower::Equations,
    shape::{Shape, k_for, usable_rows},
    table::Tables,
    wire::{Def, Wire},
};

/// The number of instance values before the inputs: the context as two 128-bit limbs, low half first.
pub const CONTEXT_INSTANCES: usize = 2;

/// The smallest `k` at which units, tables and instance fit.
fn min_k(rows: usize, table_rows: usize, num_instances: usize) -> u32 {
    k_for(rows.max(table_rows).max(num_instances))
}

/// A lane of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) lane: usize,
    pub(crate) row: usize,
}

/// A model laid out for one shape: what stands in fixed columns, and what must be equal.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(crate) shape: Shape,
    /// log2 of the number of rows.
    pub(crate) k: u32,
    pub(crate) defs: Vec<Def>,
    pub(crate) tables: Tables,
    /// Row by row, `shape.units()` each.
    pub(crate) units: Vec<Unit>,
    /// Rows at which an equation starts, and the row after the last: the running sum is 0 there.
    pub(crate) zero_rows: Vec<usize>,
    /// Public values after the context, in order.
    pub(crate) public: Vec<Wire>,
    units_per_node: Vec<usize>,
    /// What each equation is for, in their order.
    labels: Vec<Label>,
    /// Of the graph's nodes.
    names: Vec<Box<str>>,
}

impl Layout {
    /// Packs equations into rows: each starts a new one.
    ///
    /// # Errors
    /// [`Error::Unplaced`] for a public value that no equation holds.
    pub(crate) fn new(equations: Equations, shape: Shape) -> Result<Self, Error> {
        let width = shape.units();
        let (rows, _) = Self::size(&equations, shape);
        let Equations { defs, blocks, tables, public, units: units_per_node, names } = equations;
        let mut units = Vec::with_capacity(rows * width);
        let mut zero_rows = Vec::new();
        let mut placed = vec![false; defs.len()];
        for block in blocks.iter() {
            zero_rows.push(units.len() / width);
            units.extend_from_slice(block);
            units.resize(units.len().next_multiple_of(width), Unit::EMPTY);
            block.iter().flat_map(|unit| unit.lanes).flatten().for_each(|wire| placed[wire.0 as usize] = true);
        }
        zero_rows.push(units.len() / width);
        if let Some(index) = public.iter().position(|wire| !placed[wire.0 as usize]) {
            return Err(Error::Unplaced { index });
        }
        let labels = blocks.into_labels();
        let mut layout = Self { shape, k: 0, defs, tables, units, zero_rows, public, units_per_node, labels, names };
        layout.k = min_k(layout.rows(), layout.table_rows(), layout.num_instances());
        Ok(layout)
    }

    /// Rows that equations take in a shape, and the smallest `k` for them.
    pub(crate) fn size(equations: &Equations, shape: Shape) -> (usize, u32) {
        let rows = equations.blocks.iter().map(|block| block.len().div_ceil(shape.units())).sum();
        let num_instances = CONTEXT_INSTANCES + equations.public.len();
        (rows, min_k(rows, equations.tables.rows(), num_instances))
    }

    /// The columns it is laid out for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// log2 of the number of rows.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// Rows that may take part in equations and lookups.
    pub(crate) fn active_rows(&self) -> usize {
        usable_rows(self.k)
    }

    /// Public values, the context included.
    pub fn num_instances(&self) -> usize {
        CONTEXT_INSTANCES + self.public.len()
    }

    /// Rows that hold units.
    pub fn rows(&self) -> usize {
        self.units.len() / self.shape.units()
    }

    /// Rows of the lookup tables.
    pub fn table_rows(&self) -> usize {
        self.tables.rows()
    }

    /// Units that each node of the graph took, in the graph's order. What a consumer made of a lazy value counts there.
    pub fn units_per_node(&self) -> &[usize] {
        &self.units_per_node
    }

    /// What the equation in a row is for: "requantization of `fc1`, element 7". Names a constraint that fails.
    pub fn describe_row(&self, row: usize) -> String {
        let equation = self.zero_rows.partition_point(|start| *start <= row).checked_sub(1);
        let label = equation.and_then(|equation| self.labels.get(equation));
        label.map_or_else(|| "no equation".to_owned(), |label| label.describe(&self.names))
    }

    /// Lookups that rows make.
    pub fn lookups(&self) -> usize {
        self.units.iter().filter(|unit| unit.table.is_some()).count()
    }

    /// The units of a row.
    pub(crate) fn row(&self, row: usize) -> &[Unit] {
        let width = self.shape.units();
        &self.units[row * width..(row + 1) * width]
    }

    /// Cells that hold the same wire, as pairs to be copied, and one cell for each wire that has any.
    pub(crate) fn copies(&self) -> (Vec<(Cell, Cell)>, HashMap<Wire, Cell>) {
        let width = self.shape.units();
        let mut first: HashMap<Wire, Cell> = HashMap::new();
        let mut copies = Vec::new();
        for (at, unit) in self.units.iter().enumerate() {
            for (side, wire) in unit.lanes.iter().enumerate() {
                let Some(wire) = wire else { continue };
                let cell = Cell { lane: 2 * (at % width) + side, row: at / width };
                match first.entry(*wire) {
                    std::collections::hash_map::Entry::Occupied(known) => copies.push((*known.get(), cell)),
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        entry.insert(cell);
                    }
                }
            }
        }
        (copies, first)
    }
}
