//! Solves the constraints of a layout from its public inputs alone.
//!
//! It reads what the fixed columns say (units, tables, where equations end) and what copies join (wires); how wires
//! are computed it does not know. Every rule follows from a constraint, so a wire with one value left has that value
//! in *every* witness, and where no value is left there is no witness.
//!
//! # Rules
//! 1. A looked-up key lies in its table, and a known key has one output. Of a short table a known output leaves the rows
//!    that have it.
//! 2. An equation with one unknown wire determines it.
//! 3. An equation whose unknowns have ranges, and coefficients of which each exceeds what all smaller terms add up
//!    to, determines them all: they are digits.
//! 4. An unknown with coefficient 1 or -1 lies in the range of what the others add up to.
//! 5. Of an equation whose odd coefficients all belong to one tuple of a short table, only those rows of the table are left
//!    that make the sum of these terms even or odd as the rest of the equation is.
//! 6. What [roots](super::roots) says of equations that square an unknown.
//! 7. Where no rule helps, a wire with a small range is tried with each of its values.
//!
//! # Order and bounds of the search
//! Rule 7 takes its wire from the first equation that has one. Equations stand in the order of the graph's nodes, so what
//! the equation reads has been found by then, and a wrong choice is refused within the gadget that it belongs to. A wire of a
//! later gadget would be refused by nothing yet, and all its values would be tried again for each one of the earlier gadget.
//! Of an equation it takes what follows from no key: a key, or the output of a short table, which leaves few keys. So a
//! running state over `n` values, of which each leaves two successors, costs about `2n` states and not `2^n`. The order
//! changes how long a search takes, never what it finds. One that looks at too many states is [given up](Witnesses::GivenUp).
//!
//! Sums of ranges count as integers only while they stay below `2^252 < p`: none can wrap around the field.

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use super::{
    knowledge::{Contradiction, Digit, Progress, Range, Residue, State, greatest, is_odd, to_u64},
    roots,
};
use crate::machine::{
    Layout, Wire,
    equation::Unit,
    field::fr_from_i128,
    table::{Outputs, Table, TableId},
};

/// A range with more values than this is not tried value by value.
const MAX_CHOICES: u64 = 40;

/// A table with more rows than this is not looked through for what an equation leaves of it.
const SHORT: usize = 8;

/// States looked at before a search is given up, unless the test sets another limit.
const MAX_STATES: usize = 1_000;

/// How many witnesses there are for given public inputs.
#[derive(Debug)]
pub(super) enum Witnesses {
    /// The constraints contradict the inputs.
    None,
    /// A single one, with the value of each wire that has a cell.
    One(BTreeMap<Wire, Fr>),
    /// At least two.
    Several,
    /// The rules do not suffice; a wire that stays open.
    Undecided(Wire),
    /// The search came to its limit before it was through.
    GivenUp,
}

/// The constraints of a layout, one list of units for each equation.
pub(super) struct Solver<'a> {
    layout: &'a Layout,
    equations: Vec<&'a [Unit]>,
    /// Those that square a wire.
    squares: Vec<&'a [Unit]>,
    wires: Vec<Wire>,
    /// Outputs of lookups.
    outputs: BTreeSet<Wire>,
    /// By its key and by its output: what is looked up in a short table.
    tuples: BTreeMap<Wire, (TableId, [Option<Wire>; 2])>,
    states: usize,
    max_states: usize,
}

impl<'a> Solver<'a> {
    /// Panics if a cell that no wire stands for could enter an equation, or if rows lie outside all equations.
    pub(super) fn new(layout: &'a Layout) -> Self {
        let width = layout.shape.units();
        let [first, .., last] = layout.zero_rows.as_slice() else { panic!("no equation") };
        assert_eq!((*first, last * width), (0, layout.units.len()), "the running sum is not 0 at both ends");
        for unit in &layout.units {
            let absent = unit.lanes.iter().zip(unit.weights).filter(|(wire, _)| wire.is_none());
            for (_, weight) in absent {
                assert!(weight.is_zero() && unit.product.is_zero(), "a free cell enters an equation: {unit:?}");
            }
            assert!(unit.table.is_none() || unit.lanes[0].is_some(), "a free cell is looked up: {unit:?}");
        }
        let equations = layout.zero_rows.windows(2).map(|rows| &layout.units[rows[0] * width..rows[1] * width]);
        let outputs = layout.units.iter().filter(|unit| unit.table.is_some()).filter_map(|unit| unit.lanes[1]);
        let outputs = outputs.collect();
        let mut tuples = BTreeMap::new();
        for unit in &layout.units {
            if let Some(table) = unit.table.filter(|table| layout.tables.get(*table).len() <= SHORT) {
                tuples.extend(unit.lanes.into_iter().flatten().map(|wire| (wire, (table, unit.lanes))));
            }
        }
        let equations: Vec<&[Unit]> = equations.collect();
        let squares = equations.iter().copied().filter(|equation| equation.iter().any(roots::squares)).collect();
        let wires = layout.placed_wires();
        Self { layout, equations, squares, wires, outputs, tuples, states: 0, max_states: MAX_STATES }
    }

    /// Gives a search up after so many states.
    pub(super) fn with_max_states(self, max_states: usize) -> Self {
        Self { max_states, ..self }
    }

    /// States that the last search looked at.
    pub(super) fn states(&self) -> usize {
        self.states
    }

    /// Solves for the wires, with `inputs` for the first public values.
    pub(super) fn solve(&mut self, inputs: &[Fr]) -> Witnesses {
        let mut state = State::new(self.layout.defs.len(), self.equations.len());
        for (wire, input) in self.layout.public.iter().zip(inputs) {
            if state.set(*wire, *input).is_err() {
                return Witnesses::None;
            }
        }
        self.states = 0;
        self.search(state)
    }

    /// Applies the rules, then rule 7.
    fn search(&mut self, mut state: State) -> Witnesses {
        self.states += 1;
        if self.propagate(&mut state).is_err() {
            return Witnesses::None;
        }
        let open: Vec<Wire> = self.wires.iter().copied().filter(|wire| state.value(*wire).is_none()).collect();
        let Some(any) = open.first() else {
            let values = self.wires.iter().filter_map(|wire| Some((*wire, state.value(*wire)?)));
            return Witnesses::One(values.collect());
        };
        match self.choice(&state, &open) {
            None => Witnesses::Undecided(*any),
            Some(_) if self.states >= self.max_states => Witnesses::GivenUp,
            Some((wire, range)) => self.try_each(&state, wire, range),
        }
    }

    /// The wire that rule 7 tries; `None` if all ranges are too wide.
    fn choice(&self, state: &State, open: &[Wire]) -> Option<(Wire, Range)> {
        let narrow = |wire: Wire| {
            let range = state.range(wire).filter(|range| range.width < Fr::from(MAX_CHOICES))?;
            state.value(wire).is_none().then_some((wire, range))
        };
        // The output of a long table says little of its key, and follows from it.
        let follows = |wire: &Wire| self.outputs.contains(wire) && !self.tuples.contains_key(wire);
        let of_equation = |equation: &&[Unit]| {
            let wires = equation.iter().flat_map(|unit| unit.lanes).flatten().filter(|wire| !follows(wire));
            wires.filter_map(narrow).min_by_key(|(_, range)| range.width)
        };
        let unsettled = self.equations.iter().zip(&state.settled).filter(|(_, settled)| !**settled);
        let mut choices = unsettled.filter_map(|(equation, _)| of_equation(equation));
        choices.next().or_else(|| open.iter().copied().filter_map(narrow).min_by_key(|(_, range)| range.width))
    }

    fn try_each(&mut self, state: &State, wire: Wire, range: Range) -> Witnesses {
        let mut found = Witnesses::None;
        let choices = (0..MAX_CHOICES).map(Fr::from).take_while(|t| *t <= range.width);
        for t in choices {
            let mut chosen = state.clone();
            if chosen.set(wire, range.lo + t).is_err() {
                continue;
            }
            found = match (found, self.search(chosen)) {
                (_, Witnesses::Undecided(open)) => return Witnesses::Undecided(open),
                (_, end @ (Witnesses::GivenUp | Witnesses::Several)) => return end,
                (Witnesses::None, new) => new,
                (old, Witnesses::None) => old,
                _ => return Witnesses::Several,
            };
        }
        found
    }

    /// Applies rules 1 to 6 until none adds anything.
    fn propagate(&self, state: &mut State) -> Result<(), Contradiction> {
        let mut progress = true;
        while progress {
            progress = false;
            for (at, equation) in self.equations.iter().enumerate() {
                if state.settled[at] {
                    continue;
                }
                let complete =
                    equation.iter().flat_map(|unit| unit.lanes).flatten().all(|wire| state.value(wire).is_some());
                for unit in *equation {
                    progress |= self.look_up(state, unit)?;
                }
                progress |= balance(state, equation)?;
                progress |= self.match_parity(state, equation)?;
                state.settled[at] = complete;
            }
            progress |= roots::narrow(state, &self.squares)?;
        }
        Ok(())
    }

    /// Rule 1.
    fn look_up(&self, state: &mut State, unit: &Unit) -> Progress {
        let (Some(table), [Some(key), output]) = (unit.table, unit.lanes) else { return Ok(false) };
        let table = self.layout.tables.get(table);
        let keys = Range { lo: fr_from_i128(table.first.into()), width: Fr::from(table.len() as u64 - 1) };
        let mut progress = state.narrow(key, keys)?;
        let Some(output) = output else { return Ok(progress) };
        if let Some(key) = state.value(key) {
            // The key lies in the table, or it could not have been narrowed to it.
            let (_, value) = table.entry(to_u64(key - keys.lo) as usize);
            progress |= state.set(output, value)?;
        } else if let (Some(value), true) = (state.value(output), table.len() <= SHORT) {
            let rows = (0..table.len()).filter(|row| table.entry(*row).1 == value);
            progress |= narrow_to_rows(state, key, table, rows)?;
        } else if let Outputs::Small(outputs) = &table.outputs {
            let (least, most) = outputs.iter().fold((i64::MAX, i64::MIN), |(a, b), o| (a.min(*o), b.max(*o)));
            let width = fr_from_i128(i128::from(most) - i128::from(least));
            progress |= state.narrow(output, Range { lo: fr_from_i128(least.into()), width })?;
        }
        Ok(progress)
    }
}

impl Solver<'_> {
    /// Rule 5.
    fn match_parity(&self, state: &mut State, equation: &[Unit]) -> Progress {
        let reads_tuple = |unit: &Unit| unit.lanes.into_iter().flatten().any(|wire| self.tuples.contains_key(&wire));
        let Some(residue) = equation.iter().any(reads_tuple).then(|| state.residue(equation)).flatten() else {
            return Ok(false);
        };
        // Only if the equation holds over the integers.
        if residue.digits(state).is_none() {
            return Ok(false);
        }
        let odd: Vec<Wire> = residue.terms.iter().filter(|(_, c)| is_odd(**c)).map(|(wire, _)| *wire).collect();
        let Some(first) = odd.first() else {
            return if is_odd(residue.constant) { Err(Contradiction) } else { Ok(false) };
        };
        let Some((table, [Some(key), output])) = self.tuples.get(first) else { return Ok(false) };
        if !odd.iter().all(|wire| wire == key || Some(*wire) == *output) {
            return Ok(false);
        }
        let table = self.layout.tables.get(*table);
        let fits = |row: &usize| {
            let (k, o) = table.entry(*row);
            let of = |wire: &Wire| if wire == key { k } else { o };
            is_odd(odd.iter().map(of).fold(Fr::ZERO, |sum, term| sum + term)) == is_odd(residue.constant)
        };
        narrow_to_rows(state, *key, table, (0..table.len()).filter(fits))
    }
}

/// The key lies between the first and the last of the rows that are left of its table.
fn narrow_to_rows(state: &mut State, key: Wire, table: &Table, mut rows: impl Iterator<Item = usize>) -> Progress {
    let first = rows.next().ok_or(Contradiction)?;
    let last = rows.last().unwrap_or(first);
    state.narrow(key, Range { lo: table.entry(first).0, width: Fr::from((last - first) as u64) })
}

/// Rules 2 to 4.
fn balance(state: &mut State, equation: &[Unit]) -> Progress {
    let Some(residue) = state.residue(equation) else { return Ok(false) };
    let mut terms = residue.terms.iter();
    match (terms.next(), terms.next()) {
        (None, _) if residue.constant == Fr::ZERO => return Ok(false),
        (None, _) => return Err(Contradiction),
        (Some((wire, coefficient)), None) => {
            let inverse = coefficient.invert().unwrap_or(Fr::ZERO);
            return state.set(*wire, -residue.constant * inverse);
        }
        _ => {}
    }
    if let Some((digits, target)) = residue.digits(state)
        && set_digits(state, &digits, target)?
    {
        return Ok(true);
    }
    bound_by_others(state, &residue)
}

/// Rule 3.
fn set_digits(state: &mut State, digits: &[Digit], target: Fr) -> Progress {
    let mut smaller = Fr::ZERO;
    let mut unique = true;
    for digit in digits {
        unique &= digit.coefficient > smaller;
        smaller += digit.coefficient * digit.range.width;
    }
    if target > smaller {
        return Err(Contradiction);
    }
    if !unique {
        return Ok(false);
    }
    let mut rest = target;
    for Digit { wire, coefficient, range, downward } in digits.iter().rev() {
        let t = greatest(*coefficient, range.width, rest);
        rest -= *coefficient * t;
        state.set(*wire, range.lo + if *downward { range.width - t } else { t })?;
    }
    if rest == Fr::ZERO { Ok(true) } else { Err(Contradiction) }
}

/// Rule 4.
fn bound_by_others(state: &mut State, residue: &Residue) -> Progress {
    let mut progress = false;
    for (wire, coefficient) in &residue.terms {
        // coefficient = 1 or -1, so wire = -coefficient * (constant + sum of the others).
        if *coefficient != Fr::one() && *coefficient != -Fr::one() {
            continue;
        }
        let others = Residue {
            constant: -residue.constant * coefficient,
            terms: residue.terms.iter().filter(|(w, _)| *w != wire).map(|(w, c)| (*w, -*c * coefficient)).collect(),
        };
        let Some((digits, target)) = others.digits(state) else { continue };
        let width = digits.iter().fold(Fr::ZERO, |sum, digit| sum + digit.coefficient * digit.range.width);
        progress |= state.narrow(*wire, Range { lo: -target, width })?;
    }
    Ok(progress)
}
