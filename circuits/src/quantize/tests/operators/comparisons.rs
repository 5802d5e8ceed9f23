//! Max, Min, ReduceMax; Less, Equal, Where, and the logic of truth values.

use super::*;

/// A comparison of a real input with a constant, on either side.
fn with_constant(op: Op, constant: &[f64], constant_first: bool, range: RealRange) -> Case {
    let mut model = Model::default();
    let x = model.input(&[constant.len()]);
    let c = model.constant(&[constant.len()], constant);
    let operands = if constant_first { [c, x] } else { [x, c] };
    let element = if matches!(op, Op::Max | Op::Min) { ElementType::F32 } else { ElementType::Bool };
    let y = model.push(op, &operands, &[constant.len()], element);
    Case { graph: model.finish(y), ranges: vec![range] }
}

fn compared(op: Op, element: ElementType, range: RealRange) -> Case {
    let mut model = Model::default();
    let inputs = [model.typed_input(&[4], element), model.typed_input(&[4], element)];
    let y = model.push(op, &inputs, &[4], ElementType::Bool);
    Case { graph: model.finish(y), ranges: vec![range; 2] }
}

#[test]
fn greatest_and_least() {
    for op in [Op::Max, Op::Min] {
        let two = case(op.clone(), &[between(-3.0, 4.0), between(-1.0, 9.0)], &[3]);
        assert_eq!(two.holds_under_any_plan(), 15);
        two.proves(8);
        let with = with_constant(op.clone(), &[0.25, -1.5, 8.0], true, between(-3.0, 4.0));
        assert_eq!(with.holds_under_any_plan(), 15);
        let y = real_run(&with.quantized(4).unwrap(), &[real_tensor(&[3], &[1.0, -2.0, 4.0])]);
        assert_eq!(y, if op == Op::Max { [1.0, -1.5, 8.0] } else { [0.25, -2.0, 4.0] });
        // What bounds is seen by interval analysis.
        let range =
            with_constant(op.clone(), &[0.25], false, between(-3.0, 4.0)).quantized(4).unwrap().report.outputs[0].range;
        assert_eq!((range.lo, range.hi), if op == Op::Max { (0.25, 4.0) } else { (-3.0, 0.25) });
    }
    let mut model = Model::default();
    let x = model.input(&[2, 3]);
    let y = model.real(Op::ReduceMax { axes: vec![1] }, &[x], &[2]);
    let case = Case { graph: model.finish(y), ranges: vec![between(-2.0, 2.0)] };
    assert_eq!(case.holds_under_any_plan(), 15);
    let y = real_run(&case.quantized(4).unwrap(), &[real_tensor(&[2, 3], &[-1.0, 0.5, 0.25, -2.0, -1.5, -1.75])]);
    assert_eq!(y, [0.5, -1.5]);
    case.proves(8);
}

/// On the grid a comparison is that of the real numbers, ties included; with constants that stand on no grid too.
#[test]
fn comparisons_are_exact_on_the_grid() {
    let points: Vec<f64> = (-8..8).map(|steps| f64::from(steps) / 4.0).collect();
    let constants = [-1.0, -0.25, 0.0, 0.5, 0.75, 3.0, -7.0, 1.75];
    for op in [Op::Less, Op::Equal] {
        let both = compared(op.clone(), ElementType::F32, between(-2.0, 2.0)).quantized(2).unwrap();
        for (at, a) in points.iter().enumerate() {
            let others: Vec<f64> = (0..4).map(|step| points[(at + step * step) % points.len()]).collect();
            let expected: Vec<i64> =
                others.iter().map(|b| i64::from(if op == Op::Less { a < b } else { a == b })).collect();
            assert_eq!(
                run(&both, &[real_tensor(&[4], &[*a; 4]), real_tensor(&[4], &others)]),
                expected,
                "{a} {others:?}"
            );
        }
        for constant_first in [false, true] {
            let case = with_constant(op.clone(), &constants, constant_first, between(-2.0, 2.0));
            let quantized = case.quantized(2).unwrap();
            for x in &points {
                let inputs = [real_tensor(&[8], &[*x; 8])];
                let expected: Vec<i64> = float_run(&case.graph, &inputs).iter().map(|bit| *bit as i64).collect();
                assert_eq!(run(&quantized, &inputs), expected, "{x} {op:?} {constant_first}");
            }
        }
        // An input that equals a threshold that no grid holds equals it in integers.
        let near = with_constant(op.clone(), &[f64::from(0.3f32)], false, between(-2.0, 2.0)).quantized(6).unwrap();
        assert_eq!(run(&near, &[real_tensor(&[1], &[f64::from(0.3f32)])]), [i64::from(op == Op::Equal)]);
    }
}

#[test]
fn integers_and_truth_values_are_compared_exactly() {
    for (element, range) in [(ElementType::I64, between(-5.0, 5.0)), (ElementType::Bool, between(0.0, 1.0))] {
        for op in [Op::Less, Op::Equal] {
            let case = compared(op, element, range);
            let (bound, error) = case.holds(&Plan::uniform(6, 8, 0.01), 3).unwrap();
            assert_eq!((bound, error), (0.0, 0.0));
            case.proves(6);
        }
    }
    // Of integers in a real tensor a half is no integer's equal, and is not rounded to one.
    for (op, expected) in [(Op::Less, [1, 0]), (Op::Equal, [0, 0])] {
        let mut model = Model::default();
        let x = model.typed_input(&[2], ElementType::I64);
        let cast = model.real(pick(&[0, 1]), &[x], &[2]);
        let half = model.constant(&[], &[0.5]);
        let y = model.push(op, &[cast, half], &[2], ElementType::Bool);
        let case = Case { graph: model.finish(y), ranges: vec![between(-3.0, 3.0)] };
        assert_eq!(run(&case.quantized(6).unwrap(), &[int_tensor(&[2], &[0, 1])]), expected);
    }
}

/// What may be decided otherwise says so: a truth value is off by 1 at the most.
#[test]
fn comparisons_of_rounded_numbers_have_the_bound_of_a_flip() {
    let case = compared(Op::Less, ElementType::F32, between(-2.0, 2.0));
    assert_eq!(case.holds(&Plan::uniform(6, 8, 0.01), 3).unwrap().0, 1.0);
    assert_eq!(case.holds_under_any_plan(), 15);
    case.proves(6);
}

/// And, Or, Xor and Not are made of these.
#[test]
fn truth_values_are_added_and_multiplied_exactly() {
    for op in [Op::Mul, Op::Add, Op::Sub] {
        let mut model = Model::default();
        let inputs = [model.typed_input(&[4], ElementType::Bool), model.typed_input(&[4], ElementType::Bool)];
        let y = model.push(op.clone(), &inputs, &[4], ElementType::I64);
        let case = Case { graph: model.finish(y), ranges: vec![between(0.0, 1.0); 2] };
        assert_eq!(case.holds(&Plan::uniform(6, 8, 0.01), 3).unwrap(), (0.0, 0.0), "{op:?}");
        case.proves(6);
    }
    let mut model = Model::default();
    let x = model.typed_input(&[2], ElementType::Bool);
    let one = model.push(Op::Constant { values: vec![1.0] }, &[], &[], ElementType::Bool);
    let y = model.push(Op::Sub, &[one, x], &[2], ElementType::Bool);
    let case = Case { graph: model.finish(y), ranges: vec![between(0.0, 1.0)] };
    assert_eq!(case.holds(&Plan::uniform(6, 8, 0.01), 3).unwrap(), (0.0, 0.0));
}

/// Which branches are constants.
fn selection(condition: Option<&[f64]>, a: Option<&[f64]>, b: Option<&[f64]>) -> Case {
    let mut model = Model::default();
    let mut ranges = Vec::new();
    let condition = match condition {
        Some(values) => model.push(Op::Constant { values: values.to_vec() }, &[], &[3], ElementType::Bool),
        None => {
            ranges.push(between(0.0, 1.0));
            model.typed_input(&[3], ElementType::Bool)
        }
    };
    let mut branch = |values: Option<&[f64]>| match values {
        Some(values) => model.constant(&[values.len()], values),
        None => {
            ranges.push(between(-2.0, 3.0));
            model.input(&[3])
        }
    };
    let inputs = [condition, branch(a), branch(b)];
    let y = model.real(Op::Where, &inputs, &[3]);
    // Inputs stand first.
    let mut graph = model.finish(y);
    let order: Vec<usize> = (0..graph.nodes.len()).filter(|at| matches!(graph.nodes[*at].op, Op::Input)).collect();
    let rest: Vec<usize> = (0..graph.nodes.len()).filter(|at| !order.contains(at)).collect();
    let order: Vec<usize> = order.into_iter().chain(rest).collect();
    let nodes = order.iter().map(|at| graph.nodes[*at].clone()).collect();
    let place = |id: NodeId| NodeId(order.iter().position(|at| *at == id.0 as usize).unwrap() as u32);
    graph.nodes = nodes;
    graph.nodes.iter_mut().for_each(|node| node.inputs.iter_mut().for_each(|id| *id = place(*id)));
    graph.outputs[0].node = place(graph.outputs[0].node);
    Case { graph, ranges }
}

#[test]
fn where_takes_one_branch_or_the_other() {
    let (fixed, a, b): (&[f64], &[f64], &[f64]) = (&[1.0, 0.0, 1.0], &[0.75], &[-1.0, 0.0, 0.5]);
    for condition in [None, Some(fixed)] {
        for (a, b) in [(None, None), (Some(a), None), (None, Some(b)), (Some(a), Some(b))] {
            let case = selection(condition, a, b);
            let what = format!("{condition:?} {a:?} {b:?}");
            assert_eq!(case.holds_under_any_plan(), 15, "{what}");
            let (bound, _) = case.holds(&Plan::uniform(8, 10, 0.01), 2).unwrap();
            assert!(bound <= 0.5f64.powi(8), "{what}: {bound}");
            // No wider than both branches are.
            let output = case.quantized(6).unwrap().report.outputs[0].range;
            let slack = if condition.is_none() && a.is_none() && b.is_none() { 5.0 } else { 0.0 };
            assert!(output.lo >= -2.0 - slack && output.hi <= 3.0 + slack, "{what}: {output}");
            if condition.is_none() {
                case.proves(6);
            }
        }
    }
}
