//! Functions by tables, and Sqrt.

use super::*;
use crate::float::Function;

/// Each with a range, and what 12 fraction bits are off by at the most: of arguments, values, and the table.
fn functions() -> Vec<(Function, RealRange, f64)> {
    vec![
        (Function::Exp, between(-3.0, 2.0), 4e-3),
        (Function::Exp, between(-60.0, 1.0), 2e-3),
        (Function::Log, between(0.05, 4.0), 6e-3),
        (Function::Log, between(0.001, 1.0), 0.3),
        (Function::Erf, between(-10.0, 10.0), 1e-3),
        (Function::Sin, between(-7.0, 7.0), 1e-3),
        (Function::Cos, between(0.0, 3.0), 1e-3),
        (Function::Tan, between(-1.0, 1.2), 5e-3),
        (Function::Asin, between(-1.0, 1.0), 5e-2),
        (Function::Acos, between(-0.5, 0.9), 2e-3),
        (Function::Atan, between(-5.0, 30.0), 1e-3),
        (Function::Sinh, between(-2.0, 3.0), 4e-3),
        (Function::Cosh, between(-2.0, 3.0), 4e-3),
        (Function::Asinh, between(-4.0, 4.0), 1e-3),
        (Function::Acosh, between(1.0, 9.0), 6e-2),
        (Function::Atanh, between(-0.9, 0.8), 3e-3),
        (Function::Gelu, between(-3.0, 3.0), 1e-3),
        (Function::Gelu, between(-100.0, 300.0), 2e-3),
        (Function::GeluTanh, between(-8.0, 30.0), 1e-3),
        (Function::Silu, between(-30.0, 30.0), 1e-3),
        (Function::Mish, between(-40.0, 40.0), 1e-3),
        (Function::Softplus, between(-100.0, 100.0), 1e-3),
        (Function::Softplus, between(-100.0, -90.0), 1e-3),
        (Function::Softsign, between(-20.0, 30.0), 1e-3),
        (Function::Elu { alpha: 1.5, width: 1.0 }, between(-20.0, 20.0), 2e-3),
        (Function::Elu { alpha: 0.5, width: -2.0 }, between(-3.0, 3.0), 4e-3),
        (Function::Power { exponent: 0.5 }, between(0.0, 9.0), 3e-2),
        (Function::Power { exponent: -0.5 }, between(0.1, 9.0), 2e-2),
        (Function::Power { exponent: -1.0 }, between(-4.0, -0.25), 1e-2),
        (Function::Power { exponent: 1.7 }, between(0.0, 3.0), 3e-2),
        (Function::Power { exponent: -2.5 }, between(0.5, 3.0), 5e-2),
    ]
}

fn of(function: Function, range: RealRange) -> Case {
    case(Op::Function { function }, &[range], &[3])
}

#[test]
fn errors_stay_within_their_bounds() {
    for (function, range, _) in functions() {
        let carried_out = of(function, range).holds_under_any_plan();
        assert!(carried_out >= 6, "{} on {range}: {carried_out} plans", function.name());
    }
}

#[test]
fn twelve_bits_are_precise() {
    let mut imprecise = Vec::new();
    for (function, range, limit) in functions() {
        let plan = Plan::uniform(12, 14, 0.5f64.powi(14));
        let (bound, error) = of(function, range).holds(&plan, 5).expect("it fits");
        if bound > limit {
            imprecise.push(format!("{} on {range}: bound {bound:.2e}, error {error:.2e}", function.name()));
        }
    }
    assert!(imprecise.is_empty(), "{imprecise:#?}");
}

#[test]
fn each_goes_through_to_a_circuit() {
    let with = |function, lo, hi| of(function, between(lo, hi));
    with(Function::Gelu, -20.0, 20.0).proves(8);
    with(Function::Exp, -20.0, 2.0).proves(8);
    with(Function::Log, 0.01, 4.0).proves(10);
    with(Function::Softsign, -3.0, 3.0).proves(8);
    with(Function::Power { exponent: -0.5 }, 0.25, 3.0).proves(8);
    case(Op::Sqrt, &[between(0.0, 5.0)], &[2]).proves(8);
}

/// Beyond where it is flat a function costs no longer table.
#[test]
fn wide_arguments_are_clamped() {
    let segments = |lo, hi| {
        let quantized = of(Function::Gelu, between(lo, hi)).quantized(10).unwrap();
        (quantized.graph.piecewise[0].base.len(), operators(&quantized.graph))
    };
    let (narrow, kinds) = segments(-3.0, 3.0);
    assert_eq!(kinds, ["Input", "Piecewise"]);
    let (wide, kinds) = segments(-1000.0, 1000.0);
    assert!(wide <= 8 * narrow && kinds.contains(&"Relu"), "{wide} segments, {kinds:?}");
}

/// A root is precise where its argument is small: the epsilon of a normalization has bits of its own.
#[test]
fn roots_of_small_numbers_have_significant_bits() {
    let mut model = Model::default();
    let x = model.input(&[2]);
    let square = model.real(Op::Mul, &[x, x], &[2]);
    let epsilon = model.constant(&[], &[1e-5]);
    let sum = model.real(Op::Add, &[square, epsilon], &[2]);
    let root = model.real(Op::Sqrt, &[sum], &[2]);
    let one = model.constant(&[], &[1.0]);
    let y = model.real(Op::Div, &[one, root], &[2]);
    let case = Case { graph: model.finish(y), ranges: vec![between(-1.0, 1.0)] };
    // Even a plan that rounds 1e-5 to 0 is carried out.
    for bits in [3, 8, 12] {
        case.holds(&Plan::uniform(bits, bits, 0.01), 3).expect("epsilon is held");
    }
    let quantized = case.quantized(12).unwrap();
    let y = real_run(&quantized, &[real_tensor(&[2], &[0.0, 1.0])]);
    assert!((y[0] / 316.23 - 1.0).abs() < 0.01 && (y[1] - 1.0).abs() < 0.01, "{y:?}");
    case.proves(8);
}

#[test]
fn known_roots() {
    let quantized = case(Op::Sqrt, &[between(0.0, 16.0)], &[4]).quantized(10).unwrap();
    let y = real_run(&quantized, &[real_tensor(&[4], &[0.0, 0.25, 2.25, 16.0])]);
    assert_eq!(y, [0.0, 0.5, 1.5, 4.0]);
}

#[test]
fn arguments_outside_of_the_domain_are_refused() {
    let refused = |function, lo, hi| refused(&of(function, between(lo, hi)));
    for (function, lo, hi, advice) in [
        (Function::Log, -1.0, 1.0, "more than 0: apply Clip"),
        (Function::Log, 0.0, 1.0, "more than 0: apply Clip"),
        (Function::Asin, -1.5, 1.0, "lie in [-1, 1]: apply Clip"),
        (Function::Acosh, 0.5, 2.0, "at least 1: apply Clip"),
        (Function::Atanh, -1.0, 0.5, "between -1 and 1, both excluded: apply Clip"),
        (Function::Tan, 0.0, 3.0, "odd multiple of pi/2"),
        (Function::Power { exponent: -2.5 }, 0.0, 2.0, "more than 0"),
        (Function::Power { exponent: 1.5 }, -1.0, 2.0, "at least 0"),
        (Function::Sin, -1e6, 1e6, "too wide for a table"),
        (Function::Exp, 0.0, 1e4, "beyond what has a finite value"),
    ] {
        let text = refused(function, lo, hi);
        assert!(text.contains(advice) && text.contains(function.name()), "{text}");
    }
    let text = super::refused(&case(Op::Sqrt, &[between(-1.0, 4.0)], &[1]));
    assert!(text.contains("at least 0: apply Relu or Clip") && text.contains("[-1, 4]"), "{text}");
}

/// What the search tries first is too coarse for an argument near 0. It goes on.
#[test]
fn a_search_gets_past_what_is_too_coarse() {
    let case = of(Function::Log, between(0.05, 1.0));
    let options = QuantizeOptions {
        tolerance: crate::quantize::Tolerance::Absolute(0.02),
        input_ranges: case.input_ranges(),
        ..QuantizeOptions::default()
    };
    let quantized = quantize(&case.graph, &options).expect("a precision that does it");
    assert!(!quantized.report.misses_target(), "{}", quantized.report);
}
