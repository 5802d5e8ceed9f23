//! What the compiler itself refuses, however it comes about: sums that wrap around, public values that nothing ties to the
//! computation, divisors that may be zero, witnesses that do not satisfy the circuit.

use super::{
    models::{model, models},
    *,
};
use crate::{
    int::{Interval, Node, NodeId, Op, Row, Source, Term},
    machine::{
        Wire,
        builder::Builder,
        equation::Equation,
        field::Weight,
        lower::Equations,
        room::Room,
        table::{Outputs, Table},
        wire::Def,
    },
};

const LIMB_BITS: u32 = 6;

/// Limbs may make a value that an equation determines so much greater than it was declared.
const SLACK: f64 = 64.0;

/// What comes of an equation over wires of these magnitudes, if its sum is to be exact, and if it is not.
fn pushed(magnitudes: &[f64], build: impl Fn(&mut Builder<'_>, &mut Equation, &[Wire])) -> [Result<(), Error>; 2] {
    let graph = Graph::default();
    [Builder::push_exact, Builder::push].map(|push| {
        let mut builder = Builder::new(&graph, LIMB_BITS, Room::LARGEST);
        let wires: Vec<Wire> = magnitudes.iter().map(|most| builder.wire(Def::Constant(0), *most)).collect();
        let mut equation = Equation::default();
        build(&mut builder, &mut equation, &wires);
        push(&mut builder, equation)
    })
}

/// Half of what is refused, and all of it, whatever the sum consists of.
fn assert_bounded(what: &str, build: impl Fn(&mut Builder<'_>, &mut Equation, &[Wire]), factors: usize) {
    let limit = 2f64.powi(250);
    let of = |sum: f64| {
        // The first wire makes up for all others, which are 1.
        let magnitudes: Vec<f64> = std::iter::once(sum).chain(vec![1.0; factors - 1]).collect();
        pushed(&magnitudes, &build)
    };
    let refused = |result: &Result<(), Error>| matches!(result, Err(Error::Wraps { .. }));
    let [exact, loose] = of(limit / 2.0);
    assert!(exact.is_ok() && refused(&loose), "{what}: {exact:?} {loose:?}");
    let [exact, loose] = of(limit / SLACK / 2.0);
    assert!(exact.is_ok() && loose.is_ok(), "{what}: {exact:?} {loose:?}");
    let [exact, loose] = of(limit / SLACK);
    assert!(exact.is_ok() && refused(&loose), "{what}: {exact:?} {loose:?}");
    for most in [limit, f64::INFINITY, f64::NAN] {
        let results = of(most);
        assert!(results.iter().all(refused), "{what}, up to {most:e}: {results:?}");
    }
}

/// `2^250` on either side is below the field's order: what is equal in the field is then equal as integers.
#[test]
fn a_sum_that_could_wrap_around_is_refused() {
    let linear = |_: &mut Builder<'_>, equation: &mut Equation, wires: &[Wire]| {
        equation.linear(wires[0], Weight::int(-1)).expect("a small weight");
    };
    assert_bounded("a linear term", linear, 1);
    let product = |_: &mut Builder<'_>, equation: &mut Equation, wires: &[Wire]| {
        equation.product(wires[1], wires[0], Weight::int(1));
    };
    assert_bounded("a product", product, 2);
    let looked_up = |builder: &mut Builder<'_>, equation: &mut Equation, wires: &[Wire]| {
        let table = Table { name: "t".into(), first: 0, outputs: Outputs::Small(vec![0]) };
        let table = builder.tables.intern(table);
        equation.lookup(table, wires[0], None, Weight::int(1));
    };
    assert_bounded("a limb", looked_up, 1);
}

/// Weights count, with their powers of two, and terms add up.
#[test]
fn weights_and_terms_count_towards_the_bound() {
    let is_refused = |build: &dyn Fn(&mut Equation, &[Wire])| {
        let build = |_: &mut Builder<'_>, equation: &mut Equation, wires: &[Wire]| build(equation, wires);
        pushed(&[2f64.powi(40), 2f64.powi(40)], build)[0].is_err()
    };
    let linear = |weight| {
        move |equation: &mut Equation, wires: &[Wire]| {
            equation.linear(wires[0], weight).expect("a small weight");
        }
    };
    assert!(!is_refused(&linear(Weight::power(209))) && is_refused(&linear(Weight::power(210))));
    assert!(!is_refused(&linear(Weight::minus_power(209))) && is_refused(&linear(Weight::minus_power(210))));
    let weight = Weight { mantissa: 4, exponent: 208 };
    assert!(is_refused(&linear(weight)));
    let product = |power| {
        move |equation: &mut Equation, wires: &[Wire]| {
            equation.product(wires[0], wires[1], Weight::power(power));
        }
    };
    assert!(!is_refused(&product(169)) && is_refused(&product(170)));
    // Two terms of opposite signs may still be of opposite signs as values.
    assert!(is_refused(&|equation, wires| {
        equation.linear(wires[0], Weight::power(209)).expect("a small weight");
        equation.linear(wires[1], Weight::minus_power(209)).expect("a small weight");
    }));
    assert!(is_refused(&|equation, wires| {
        equation.product(wires[0], wires[1], Weight::power(169));
        equation.linear(wires[1], Weight::minus_power(209)).expect("a small weight");
    }));
}

/// A value that no equation holds could be anything.
#[test]
fn a_public_value_without_a_cell_is_refused() {
    let honest = lower(&model("dense").graph, 5).expect("a well-formed graph");
    for position in [0, honest.public.len()] {
        let mut equations: Equations = honest.clone();
        let free = Wire(equations.defs.len() as u32);
        equations.defs.push(Def::Constant(3));
        equations.public.insert(position, free);
        for shape in Shape::ALL {
            let error = Layout::new(equations.clone(), shape).expect_err("nothing ties it to the computation");
            assert_eq!(error, Error::Unplaced { index: position });
        }
    }
}

/// A file may declare wider ranges than its nodes need, and the machine goes by what is declared.
#[test]
fn a_divisor_that_is_declared_to_reach_zero_is_refused() {
    let honest = model("divide").graph;
    for lo in [0, -1] {
        let mut graph = honest.clone();
        let term = Term { source: Source { input: 0, element: 0 }, weight: 1 };
        let op = Op::Linear { rows: vec![Row { bias: 0, terms: vec![term] }] };
        let divisor = Node {
            name: "divisor".into(),
            op,
            inputs: vec![NodeId(1)],
            shape: vec![1],
            frac_bits: 4,
            element_bits: Vec::new(),
            ranges: vec![Interval::new(lo, 400)],
        };
        graph.nodes.insert(2, divisor);
        graph.nodes[3].inputs[1] = NodeId(2);
        graph.outputs[0].node = NodeId(3);
        graph.validate().expect("its declared ranges enclose what is computed");
        let error = lay_out(&graph, Shape::Lean, 5).expect_err("the divisor may be zero");
        assert_eq!(error, Error::DivisorMayBeZero { node: "quotient".into() });
        graph.nodes[2].ranges = vec![Interval::new(1, 400)];
        lay_out(&graph, Shape::Lean, 5).expect("the divisor is positive");
    }
}

/// The last row of the first equation that does not hold, summed up in the field.
fn first_broken(layout: &Layout, values: &Values) -> Option<usize> {
    let width = layout.shape.units();
    let of = |wire: Option<Wire>| wire.map_or(Fr::zero(), |wire| values.field(wire));
    let broken = layout.zero_rows.windows(2).find(|rows| {
        let units = &layout.units[rows[0] * width..rows[1] * width];
        let sum = units.iter().fold(Fr::zero(), |sum, unit| {
            let [u, v] = unit.lanes.map(of);
            sum + unit.weights[0].to_fr() * u + unit.weights[1].to_fr() * v + unit.product.to_fr() * u * v
        });
        sum != Fr::zero()
    });
    broken.map(|rows| rows[1] - 1)
}

/// A defect of the compiler, or a trace of another program, is found before a proof is made of it.
#[test]
fn a_witness_that_breaks_an_equation_is_refused() {
    for model in models() {
        for shape in Shape::ALL {
            let (layout, honest) = run(&model.graph, shape, 5, &model.inputs[0]);
            layout.witness(honest.clone()).expect("an honest run");
            let mut broken = 0;
            for wire in layout.placed_wires() {
                let is_key = layout.units.iter().any(|unit| unit.table.is_some() && unit.lanes[0] == Some(wire));
                if is_key {
                    continue;
                }
                // Small enough for sums of integers, and too large.
                for by in [Fr::one(), Fr::from(1 << 62).square()] {
                    let mut forged = honest.clone();
                    match honest.small(wire).filter(|_| by == Fr::one()) {
                        Some(value) => forged.forge(wire, value + 1),
                        None => forged.forge_field(wire, honest.field(wire) + by),
                    }
                    let fails = |row| Error::EquationFails { row, what: layout.describe_row(row) };
                    let expected = first_broken(&layout, &forged).map(fails);
                    broken += usize::from(expected.is_some());
                    assert_eq!(layout.witness(forged).err(), expected, "{} {shape} {wire:?}", model.name);
                }
            }
            assert!(broken > 2, "{}: {broken} equations were broken", model.name);
        }
    }
}

#[test]
fn a_witness_that_looks_up_what_no_table_has_is_refused() {
    for model in models() {
        let (layout, honest) = run(&model.graph, Shape::Lean, 5, &model.inputs[0]);
        for (at, unit) in layout.units.iter().enumerate() {
            let (Some(table), Some(key)) = (unit.table, unit.lanes[0]) else { continue };
            let table = layout.tables.get(table);
            for outside in [table.first - 1, table.first + table.len() as i64] {
                let mut forged = honest.clone();
                forged.forge(key, outside);
                let found = layout.witness(forged).map(|_| ());
                assert!(matches!(&found, Err(Error::NotInTable { key, .. }) if *key == outside), "{found:?}");
            }
            let mut forged = honest.clone();
            forged.forge_field(key, -Fr::from(u64::MAX));
            let first = layout.units[..at].iter().position(|unit| unit.table.is_some() && unit.lanes[0] == Some(key));
            let row = first.unwrap_or(at);
            let expected = Error::EquationFails { row, what: layout.describe_row(row) };
            assert_eq!(layout.witness(forged).map(|_| ()), Err(expected), "{}", model.name);
        }
    }
}
