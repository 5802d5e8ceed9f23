//! Operators that compute each element on its own, operands broadcast.

use super::{super::Rounding, Node, Op, Operand, expect};
use crate::{elementary, float::layout};

/// Whether `op` is one of them.
pub(super) fn is_member(op: &Op) -> bool {
    num_operands(op).is_some()
}

fn num_operands(op: &Op) -> Option<usize> {
    match op {
        Op::Relu
        | Op::LeakyRelu { .. }
        | Op::Clip { .. }
        | Op::Sigmoid
        | Op::Tanh
        | Op::Sqrt
        | Op::Round { .. }
        | Op::Function { .. } => Some(1),
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::Max | Op::Min | Op::Less | Op::Equal => Some(2),
        Op::Where => Some(3),
        _ => None,
    }
}

pub(super) fn check(node: &Node, operands: &[&[usize]]) -> Result<(), String> {
    if num_operands(&node.op) != Some(operands.len()) {
        return Err(format!("{} with {} operands", node.op.name(), operands.len()));
    }
    let mut shape = Vec::new();
    for operand in operands {
        let both = layout::broadcast(&shape, operand);
        shape = both.ok_or_else(|| format!("{shape:?} and {operand:?} do not broadcast"))?;
    }
    check_attributes(&node.op)?;
    expect(node, &shape)
}

fn check_attributes(op: &Op) -> Result<(), String> {
    match op {
        Op::LeakyRelu { alpha } if !alpha.is_finite() => Err(format!("alpha is {alpha}")),
        Op::Clip { min, max } => {
            let finite = [min, max].into_iter().flatten().all(|bound| bound.is_finite());
            match finite && min.zip(*max).is_none_or(|(min, max)| min <= max) {
                true => Ok(()),
                false => Err(format!("clips to {min:?}..{max:?}")),
            }
        }
        Op::Function { function } => match function.defect() {
            Some(defect) => Err(format!("{} {defect}", function.name())),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// `None` if `op` is none of them.
pub(super) fn compute(op: &Op, operands: &[Operand<'_>], shape: &[usize]) -> Option<Vec<f64>> {
    let truth = |is: bool| f64::from(u8::from(is));
    Some(match (op, operands) {
        (Op::Relu, [x]) => unary(*x, |x| x.max(0.0)),
        (Op::LeakyRelu { alpha }, [x]) => unary(*x, |x| if x < 0.0 { alpha * x } else { x }),
        (Op::Clip { min, max }, [x]) => {
            let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
            unary(*x, |x| x.max(min).min(max))
        }
        (Op::Sigmoid, [x]) => unary(*x, elementary::sigmoid),
        (Op::Tanh, [x]) => unary(*x, elementary::tanh),
        (Op::Sqrt, [x]) => unary(*x, f64::sqrt),
        (Op::Round { rounding }, [x]) => unary(*x, |x| rounding.round(x)),
        (Op::Function { function }, [x]) => unary(*x, |x| function.at(x)),
        (Op::Add, [a, b]) => binary(*a, *b, shape, |a, b| a + b),
        (Op::Sub, [a, b]) => binary(*a, *b, shape, |a, b| a - b),
        (Op::Mul, [a, b]) => binary(*a, *b, shape, |a, b| a * b),
        (Op::Div, [a, b]) => binary(*a, *b, shape, |a, b| a / b),
        (Op::FloorDiv, [a, b]) => binary(*a, *b, shape, floor_div),
        (Op::Max, [a, b]) => binary(*a, *b, shape, f64::max),
        (Op::Min, [a, b]) => binary(*a, *b, shape, f64::min),
        (Op::Less, [a, b]) => binary(*a, *b, shape, |a, b| truth(a < b)),
        (Op::Equal, [a, b]) => binary(*a, *b, shape, |a, b| truth(a == b)),
        (Op::Where, [condition, a, b]) => {
            let pairs = layout::broadcast_offsets(a.shape, shape).zip(layout::broadcast_offsets(b.shape, shape));
            let picked = layout::broadcast_offsets(condition.shape, shape).zip(pairs);
            picked.map(|(c, (i, j))| if condition.values[c] == 0.0 { b.values[j] } else { a.values[i] }).collect()
        }
        _ => return None,
    })
}

fn unary(x: Operand<'_>, f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.values.iter().map(|&x| f(x)).collect()
}

fn binary(a: Operand<'_>, b: Operand<'_>, shape: &[usize], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = layout::broadcast_offsets(a.shape, shape).zip(layout::broadcast_offsets(b.shape, shape));
    pairs.map(|(i, j)| f(a.values[i], b.values[j])).collect()
}

/// Exact for integers below 2^53: their quotient, rounded to a double, never reaches a whole number that it is below.
fn floor_div(a: f64, b: f64) -> f64 {
    let quotient = (a / b).floor();
    // Where the quotient is so large that its double is a whole number, the remainder says whether it was rounded up.
    let rest = libm::fma(-quotient, b, a);
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { quotient - 1.0 } else { quotient }
}

impl Rounding {
    /// `x` rounded to an integer.
    pub fn round(self, x: f64) -> f64 {
        match self {
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Truncate => x.trunc(),
            Self::HalfEven => x.round_ties_even(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_divided_as_python_does() {
        for (a, b, expected) in [
            (7.0, 2.0, 3.0),
            (-7.0, 2.0, -4.0),
            (7.0, -2.0, -4.0),
            (-7.0, -2.0, 3.0),
            (6.0, -2.0, -3.0),
            (0.0, 5.0, 0.0),
            (9_007_199_254_740_991.0, 9_007_199_254_740_990.0, 1.0),
            (9_007_199_254_740_990.0, 9_007_199_254_740_991.0, 0.0),
            (9_007_199_254_740_991.0, 3.0, 3_002_399_751_580_330.0),
        ] {
            assert_eq!(floor_div(a, b), expected, "{a} / {b}");
        }
    }

    #[test]
    fn ties_go_to_even() {
        let rounded = [0.5, 1.5, 2.5, -0.5, -1.5].map(|x| Rounding::HalfEven.round(x));
        assert_eq!(rounded, [0.0, 2.0, 2.0, -0.0, -2.0]);
        assert_eq!([-1.5, 1.5].map(|x| Rounding::Truncate.round(x)), [-1.0, 1.0]);
    }
}
