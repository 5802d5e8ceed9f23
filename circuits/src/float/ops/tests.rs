//! Each operator on a few numbers, through the checks that a graph goes through.

use super::{
    super::{ElementType, Function, Node, Op, Rounding, Window},
    Operand, check_node, compute,
};

/// A shape and values.
type Given<'a> = (&'a [usize], &'a [f64]);

fn run(op: Op, operands: &[Given<'_>], shape: &[usize]) -> Result<Vec<f64>, String> {
    let shapes: Vec<&[usize]> = operands.iter().map(|(shape, _)| *shape).collect();
    let operands: Vec<Operand<'_>> = operands.iter().map(|&(shape, values)| Operand { shape, values }).collect();
    let node = Node {
        name: "node".into(),
        tensor: "y".into(),
        op,
        inputs: vec![],
        shape: shape.to_vec(),
        element: ElementType::F32,
    };
    check_node(&node, &shapes)?;
    compute("node", &node.op, &operands, shape).map_err(|error| error.to_string())
}

const X: Given<'_> = (&[3], &[-2.0, 0.5, 3.0]);
const ONE: Given<'_> = (&[], &[1.0]);

#[test]
fn elementwise_operators() {
    let known: [(Op, &[Given<'_>], [f64; 3]); 13] = [
        (Op::Div, &[ONE, X], [-0.5, 2.0, 1.0 / 3.0]),
        (Op::FloorDiv, &[X, (&[1], &[2.0])], [-1.0, 0.0, 1.0]),
        (Op::Max, &[X, ONE], [1.0, 1.0, 3.0]),
        (Op::Min, &[ONE, X], [-2.0, 0.5, 1.0]),
        (Op::Less, &[X, ONE], [1.0, 1.0, 0.0]),
        (Op::Equal, &[X, (&[], &[0.5])], [0.0, 1.0, 0.0]),
        (Op::Where, &[(&[3], &[1.0, 0.0, 1.0]), X, ONE], [-2.0, 1.0, 3.0]),
        (Op::Where, &[ONE, X, X], [-2.0, 0.5, 3.0]),
        (Op::Sqrt, &[(&[3], &[0.0, 4.0, 2.25])], [0.0, 2.0, 1.5]),
        (Op::Round { rounding: Rounding::Floor }, &[(&[3], &[-1.5, 0.5, 2.0])], [-2.0, 0.0, 2.0]),
        (Op::Round { rounding: Rounding::Ceil }, &[(&[3], &[-1.5, 0.5, 2.0])], [-1.0, 1.0, 2.0]),
        (Op::Round { rounding: Rounding::HalfEven }, &[(&[3], &[-1.5, 0.5, 2.5])], [-2.0, 0.0, 2.0]),
        (
            Op::Function { function: Function::Elu { alpha: 1.0, width: 1.0 } },
            &[(&[3], &[0.0, 1.0, 2.0])],
            [0.0, 1.0, 2.0],
        ),
    ];
    for (op, operands, expected) in known {
        let name = op.name();
        assert_eq!(run(op, operands, &[3]).unwrap(), expected, "{name}");
    }
}

#[test]
fn the_greatest_along_axes() {
    let x: Given<'_> = (&[2, 2], &[1.0, -2.0, -3.0, -4.0]);
    assert_eq!(run(Op::ReduceMax { axes: vec![1] }, &[x], &[2]).unwrap(), [1.0, -3.0]);
    assert_eq!(run(Op::ReduceMax { axes: vec![0, 1] }, &[x], &[1, 1]).unwrap(), [1.0]);
    assert!(run(Op::ReduceMax { axes: vec![2] }, &[x], &[2]).is_err());
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(run(Op::Where, &[ONE, X, (&[2], &[0.0, 0.0])], &[3]).unwrap_err().contains("do not broadcast"));
    assert!(run(Op::Where, &[ONE, X], &[3]).unwrap_err().contains("2 operands"));
    assert!(run(Op::Div, &[X, ONE], &[1, 3]).unwrap_err().contains("its operands make [3]"));
    let bent = Function::Elu { alpha: 1.0, width: 0.0 };
    assert!(run(Op::Function { function: bent }, &[X], &[3]).unwrap_err().contains("width 0"));
    let window = Window { strides: vec![1], pads: vec![[0, 0]], dilations: vec![1], groups: 0 };
    assert!(run(Op::Conv { window }, &[(&[1, 1, 1], &[1.0]), (&[1, 1, 1], &[1.0])], &[1, 1, 1]).is_err());
}
