//! Masked softmax: exactly 0 where a mask takes a position out, whatever way the mask is written.

use super::*;

const LOGITS: RealRange = RealRange { lo: -4.0, hi: 4.0 };

/// How a mask is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Where(f64),
    WhereNot(f64),
    AddedConstant(f64),
    AddedWhere(f64),
    AddedProduct(f64),
}

/// Softmax along the last axis of logits `[2, 3]`, with a mask `[2, 3]` that is an input, or these values.
fn masked(form: Form, fixed: Option<&[f64]>) -> Case {
    let mut model = Model::default();
    let x = model.input(&[2, 3]);
    let mut ranges = vec![LOGITS];
    let keep = match fixed {
        Some(values) => model.push(Op::Constant { values: values.to_vec() }, &[], &[2, 3], ElementType::Bool),
        None => {
            ranges.push(between(0.0, 1.0));
            model.typed_input(&[2, 3], ElementType::Bool)
        }
    };
    let shape = [2, 3];
    let logits = match form {
        Form::Where(low) => {
            let low = model.constant(&[], &[low]);
            model.real(Op::Where, &[keep, x, low], &shape)
        }
        Form::WhereNot(low) => {
            let low = model.constant(&[1], &[low]);
            let one = model.push(Op::Constant { values: vec![1.0] }, &[], &[], ElementType::Bool);
            let dropped = model.push(Op::Sub, &[one, keep], &shape, ElementType::Bool);
            model.real(Op::Where, &[dropped, low, x], &shape)
        }
        Form::AddedConstant(low) => {
            let values: Vec<f64> = fixed.unwrap().iter().map(|keep| if *keep == 0.0 { low } else { 0.0 }).collect();
            let mask = model.constant(&shape, &values);
            model.real(Op::Add, &[mask, x], &shape)
        }
        Form::AddedWhere(low) => {
            let (zero, low) = (model.constant(&[], &[0.0]), model.constant(&[], &[low]));
            let mask = model.real(Op::Where, &[keep, zero, low], &shape);
            model.real(Op::Add, &[x, mask], &shape)
        }
        Form::AddedProduct(low) => {
            let (one, low) = (model.constant(&[], &[1.0]), model.constant(&[], &[low]));
            let cast = model.real(pick(&[0, 1, 2, 3, 4, 5]), &[keep], &shape);
            let dropped = model.real(Op::Sub, &[one, cast], &shape);
            let mask = model.real(Op::Mul, &[dropped, low], &shape);
            model.real(Op::Add, &[x, mask], &shape)
        }
    };
    let y = model.real(Op::Softmax { axis: 1 }, &[logits], &shape);
    Case { graph: model.finish(y), ranges }
}

const FORMS: [Form; 5] = [
    Form::Where(-1e9),
    Form::WhereNot(f64::MIN / 2.0),
    Form::AddedWhere(-1e9),
    Form::AddedProduct(-1e4),
    Form::AddedProduct(-3.4e38),
];

#[test]
fn computed_masks_take_positions_out() {
    for form in FORMS {
        let case = masked(form, None);
        assert_eq!(case.holds_under_any_plan(), 15, "{form:?}");
        let (bound, error) = case.holds(&Plan::uniform(12, 14, 1e-5), 4).unwrap();
        assert!(bound < 2e-3 && error < 1e-3, "{form:?}: bound {bound:e}, error {error:e}");
        let keep = Values::Bool(vec![true, false, true, false, false, false]);
        let keep = Tensor { shape: vec![2, 3], values: keep };
        let inputs = [real_tensor(&[2, 3], &[1.0, 4.0, 1.0, 0.5, 3.0, -4.0]), keep];
        let y = run(&case.quantized(10).unwrap(), &inputs);
        // Halves, whatever the logit between them.
        assert_eq!(y[..3], [1 << 17, 0, 1 << 17], "{form:?}");
        as_in_floating_point(&case, &inputs);
        case.proves(6);
    }
}

/// Where nothing is kept too: even shares, or what the logits say where a mask is added that leaves them as far apart as they were.
fn as_in_floating_point(case: &Case, inputs: &[Tensor]) {
    let y = real_run(&case.quantized(10).unwrap(), inputs);
    for (got, exact) in y.iter().zip(float_run(&case.graph, inputs)) {
        assert!((got - exact).abs() < 2e-3 && (*got == 0.0) == (exact == 0.0), "{got}, not {exact}");
    }
}

#[test]
fn fixed_masks_cost_nothing() {
    let forms = [Form::Where(-1e9), Form::AddedConstant(-1e9), Form::AddedConstant(-1e4)];
    let units = |case: &Case| crate::quantize::cost::units(&case.quantized(8).unwrap().graph, 9);
    let free = masked(Form::AddedConstant(-1e9), Some(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0]));
    let inputs = [real_tensor(&[2, 3], &[1.0, 4.0, 1.0, 0.5, 3.0, -4.0])];
    for form in forms {
        let case = masked(form, Some(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0]));
        assert_eq!(case.holds_under_any_plan(), 15, "{form:?}");
        assert_eq!(run(&case.quantized(10).unwrap(), &inputs), [1 << 17, 0, 1 << 17, 0, 1 << 18, 0], "{form:?}");
        assert!(units(&case) < units(&free), "{form:?}");
        case.proves(6);
        let none_kept = masked(form, Some(&[1.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
        assert_eq!(none_kept.holds_under_any_plan(), 15, "{form:?}");
        as_in_floating_point(&none_kept, &inputs);
    }
}

/// The mask of another output is there for it.
#[test]
fn a_mask_that_is_an_output_is_computed() {
    let mut model = Model::default();
    let x = model.input(&[2]);
    let keep = model.typed_input(&[2], ElementType::Bool);
    let low = model.constant(&[], &[-1e4]);
    let logits = model.real(Op::Where, &[keep, x, low], &[2]);
    let shares = model.real(Op::Softmax { axis: 0 }, &[logits], &[2]);
    let mut graph = model.finish(shares);
    graph.outputs.push(Output { name: "logits".into(), node: logits });
    let case = Case { graph, ranges: vec![LOGITS, between(0.0, 1.0)] };
    let quantized = case.quantized(8).unwrap();
    let keep = Tensor { shape: vec![2], values: Values::Bool(vec![true, false]) };
    let integers = quantize_tensors(&quantized.graph, &[real_tensor(&[2], &[1.0, 2.0]), keep]).unwrap();
    let trace = int::execute(&quantized.graph, &integers).unwrap();
    let outputs = dequantize_outputs(&quantized.graph, trace.outputs(&quantized.graph));
    assert_eq!(outputs, [vec![1.0, 0.0], vec![1.0, -1e4]]);
}

/// Data that is joined with itself again and again: each node is looked at once, or this would not end.
#[test]
fn a_mask_that_was_moved_often_is_found_in_time() {
    let mut model = Model::default();
    let scores = model.input(&[2]);
    let mut kept = model.typed_input(&[2], ElementType::Bool);
    let source = |input| crate::float::Source { input, element: input };
    for _ in 0..48 {
        kept = model.real(Op::Rearrange { sources: vec![source(0), source(1)] }, &[kept, kept], &[2]);
    }
    let low = model.constant(&[], &[-1e9]);
    let mask = model.real(Op::Mul, &[kept, low], &[2]);
    let sum = model.real(Op::Add, &[scores, mask], &[2]);
    let y = model.real(Op::Softmax { axis: 0 }, &[sum], &[2]);
    let graph = model.finish(y);
    let quantized = quantize(&graph, &options(&graph, 10, 0.0, 1.0)).expect("a quantized model");
    let inputs = [real_tensor(&[2], &[0.5, 0.25]), Tensor { shape: vec![2], values: Values::Bool(vec![false, true]) }];
    assert_eq!(real_run(&quantized, &inputs)[1], 0.0);
}
