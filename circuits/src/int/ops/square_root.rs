//! [`Op::SquareRoot`](super::super::Op::SquareRoot): the greatest integer whose square is not greater.

use crate::int::{
    Error, Interval, Node,
    analyze::Operands,
    execute::Run,
    limits,
    structure::{Shape, between},
};

/// What the operand is called in messages.
const ARGUMENT: &str = "the argument of the square root";

/// The arguments that have a root: `x * 2^shift` is in `[0, 2^62)`.
fn domain(shift: u32) -> Interval {
    Interval::new(0, limits::magnitude(limits::VALUE_BITS).hi >> shift)
}

/// `floor(sqrt(x * 2^shift))`, or `None` outside of the [`domain`].
fn value(x: i64, shift: u32) -> Option<i64> {
    domain(shift).contains(x).then(|| (x << shift).isqrt())
}

/// Exact: the function never decreases.
///
/// # Errors
/// [`Error::OutsideDomain`] if an argument may have no root.
fn range(node: &Node, element: usize, x: Interval, shift: u32) -> Result<Interval, Error> {
    match (value(x.lo, shift), value(x.hi, shift)) {
        (Some(lo), Some(hi)) => Ok(Interval::new(lo, hi)),
        _ => Err(Error::OutsideDomain {
            node: node.name.clone(),
            element,
            what: ARGUMENT,
            got: x,
            allowed: domain(shift),
            advice: if x.lo < 0 {
                "it must be proven not to be negative: apply Relu before"
            } else {
                "use fewer fraction bits (--bits) or declare narrower input ranges"
            },
        }),
    }
}

pub(in crate::int) fn check(shape: &Shape<'_>, shift: u32) -> Result<(), Error> {
    shape.same_len_as_operand()?;
    between(shape.node, "the bits by which an argument is scaled", shift, 0, limits::SHIFT_BITS)
}

pub(in crate::int) fn ranges(operands: &Operands<'_, '_>, shift: u32) -> Result<Vec<Interval>, Error> {
    let arguments = operands.ranges[0].iter().enumerate();
    arguments.map(|(element, x)| range(operands.node, element, *x, shift)).collect()
}

pub(in crate::int) fn run(run: &Run<'_>, shift: u32) -> Result<Vec<i128>, Error> {
    let root = |(element, x): (usize, &i64)| {
        let root = value(*x, shift).map(i128::from);
        root.ok_or_else(|| run.outside(element, ARGUMENT, *x, domain(shift)))
    };
    run.first().iter().enumerate().map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around squares and powers of two, and at the end of the domain, by multiplication.
    #[test]
    fn roots_are_the_greatest_whose_square_is_not_greater() {
        let greatest = domain(0).hi;
        let squares = [0i64, 1, 2, 3, 1 << 15, (1 << 15) + 1, (1 << 31) - 1].map(|root| root * root);
        let near = squares.into_iter().chain((0..62).map(|bit| 1i64 << bit)).flat_map(|x| [x - 1, x, x + 1]);
        for x in near.chain([greatest - 1, greatest]).filter(|x| domain(0).contains(*x)) {
            let root = i128::from(value(x, 0).unwrap());
            assert!(root >= 0 && root * root <= x.into() && i128::from(x) < (root + 1) * (root + 1), "{x}: {root}");
        }
        assert_eq!([value(-1, 0), value(greatest + 1, 0), value(i64::MIN, 40), value(i64::MAX, 0)], [None; 4]);
        assert_eq!([value(1 << 21, 40), value(1 << 22, 40)], [Some(1_518_500_249), None]);
        assert_eq!([value(3, 0), value(3, 2), value(3, 10)], [Some(1), Some(3), Some(55)]);
    }
}
