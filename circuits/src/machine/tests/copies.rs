//! Copy constraints: what makes the cells of a wire one value.

use std::collections::{BTreeMap, BTreeSet};

use super::{models::models, *};
use crate::machine::{
    Wire,
    layout::Cell,
    wire::{Def, evaluate},
};

/// The cells of each wire.
fn cells(layout: &Layout) -> BTreeMap<Wire, Vec<Cell>> {
    let mut cells: BTreeMap<Wire, Vec<Cell>> = BTreeMap::new();
    for row in 0..layout.rows() {
        let lanes = layout.row(row).iter().flat_map(|unit| unit.lanes);
        for (lane, wire) in lanes.enumerate() {
            if let Some(wire) = wire {
                cells.entry(wire).or_default().push(Cell { lane, row });
            }
        }
    }
    cells
}

/// What `start` is connected to.
fn reachable(copies: &[(Cell, Cell)], start: Cell) -> BTreeSet<(usize, usize)> {
    let mut reached = BTreeSet::from([(start.lane, start.row)]);
    let mut fresh = vec![start];
    while let Some(cell) = fresh.pop() {
        for (a, b) in copies.iter().filter(|(a, b)| *a == cell || *b == cell) {
            let other = if *a == cell { *b } else { *a };
            if reached.insert((other.lane, other.row)) {
                fresh.push(other);
            }
        }
    }
    reached
}

#[test]
fn copies_connect_the_cells_of_a_wire_and_no_others() {
    for model in models() {
        for shape in Shape::ALL {
            let layout = lay_out(&model.graph, shape, 5).expect("the graph fits the machine");
            let (copies, first) = layout.copies();
            let cells = cells(&layout);
            assert_eq!(first.len(), cells.len());
            for (wire, cells) in cells {
                let expected: BTreeSet<_> = cells.iter().map(|cell| (cell.lane, cell.row)).collect();
                assert_eq!(reachable(&copies, first[&wire]), expected, "{} {shape} {wire:?}", model.name);
            }
        }
    }
}

/// Two honest runs of a layout that are about to become one.
struct Runs<'a> {
    layout: &'a Layout,
    top: Values,
    bottom: Values,
}

impl Runs<'_> {
    /// A layout without the copies that cross row `cut`: from there on every wire is another.
    fn torn(&self, cut: usize) -> Layout {
        let mut torn = self.layout.clone();
        let num_wires = torn.defs.len() as u32;
        let other = |wire: Wire| Wire(wire.0 + num_wires);
        let width = torn.shape.units();
        for lane in torn.units[cut * width..].iter_mut().flat_map(|unit| &mut unit.lanes) {
            *lane = lane.map(other);
        }
        let (_, first) = self.layout.copies();
        for wire in torn.public.iter_mut().filter(|wire| first[wire].row >= cut) {
            *wire = other(*wire);
        }
        let values =
            (0..num_wires).map(Wire).zip(&self.layout.defs).map(|(wire, def)| match (self.bottom.small(wire), def) {
                (None, Def::Lookup { table, key }) => Def::Lookup { table: *table, key: other(*key) },
                (None, Def::Inverse { of }) => Def::Inverse { of: other(*of) },
                (value, _) => Def::Constant(value.expect("only tables and inverses hold large values")),
            });
        torn.defs.extend(values.collect::<Vec<_>>());
        torn
    }

    /// Whether a wire on both sides of row `cut` differs between the runs.
    fn differ_across(&self, cut: usize) -> bool {
        let crosses =
            |cells: &[Cell]| cells.iter().any(|cell| cell.row < cut) && cells.iter().any(|cell| cell.row >= cut);
        let differs = |wire| self.top.field(wire) != self.bottom.field(wire);
        cells(self.layout).iter().any(|(wire, cells)| differs(*wire) && crosses(cells))
    }
}

/// The rows of one honest run above a cut between equations, of another below: range checks of one input and outputs
/// of another, for example. Every equation and every lookup holds on its own, so only copies can tell.
#[test]
fn halves_of_two_runs_fail_only_in_copies() {
    let mut spliced = 0;
    for model in models() {
        for shape in Shape::ALL {
            let layout = lay_out(&model.graph, shape, 5).expect("the graph fits the machine");
            let [top, bottom] =
                [0, 1].map(|at| execute(&model.graph, &model.inputs[at]).expect("the inputs are in range"));
            let values = |trace| layout.values(trace).expect("the trace is one of this graph");
            let runs = Runs { layout: &layout, top: values(&top), bottom: values(&bottom) };
            let step = layout.zero_rows.len().div_ceil(30);
            for cut in layout.zero_rows.iter().copied().skip(1).step_by(step) {
                let torn = runs.torn(cut);
                let values = evaluate(&torn.defs, &torn.tables, &top).expect("the trace is one of this graph");
                let witness = torn.witness(values).expect("each half is honest");
                assert!(failures(&torn, &witness).is_empty(), "{} {shape} {cut}", model.name);

                let lookups = |theta, beta| torn.lookup_columns(&witness, theta, beta);
                let circuit = Machine::with_forged_lookups(&layout, &witness, &lookups);
                let expected: &[&str] = if runs.differ_across(cut) { &["copy"] } else { &[] };
                assert_eq!(failures_of(&layout, &circuit, &witness), expected, "{} {shape} {cut}", model.name);
                spliced += expected.len();
            }
        }
    }
    assert!(spliced > 100, "{spliced} cuts tear a wire apart");
}
