//! Functions of one number, roundings, roots and powers.

use std::collections::BTreeMap;

use super::super::call::Call;
use super::{Error, Registry, reduce};
use crate::float::{Function, NodeId, Op, Rounding, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Exp", 1, |call| apply(call, Op::Function { function: Function::Exp }));
    registry.compose("Log", 1, |call| {
        let x = call.operand(0, "X")?;
        call.require_float(x, "X")?;
        reduce::log(call, x)
    });
    registry.compose("Erf", 1, |call| apply(call, Op::Function { function: Function::Erf }));
    registry.compose("Sin", 1, |call| apply(call, Op::Function { function: Function::Sin }));
    registry.compose("Cos", 1, |call| apply(call, Op::Function { function: Function::Cos }));
    registry.compose("Tan", 1, |call| apply(call, Op::Function { function: Function::Tan }));
    registry.compose("Asin", 1, |call| apply(call, Op::Function { function: Function::Asin }));
    registry.compose("Acos", 1, |call| apply(call, Op::Function { function: Function::Acos }));
    registry.compose("Atan", 1, |call| apply(call, Op::Function { function: Function::Atan }));
    registry.compose("Sinh", 1, |call| apply(call, Op::Function { function: Function::Sinh }));
    registry.compose("Cosh", 1, |call| apply(call, Op::Function { function: Function::Cosh }));
    registry.compose("Asinh", 1, |call| apply(call, Op::Function { function: Function::Asinh }));
    registry.compose("Acosh", 1, |call| apply(call, Op::Function { function: Function::Acosh }));
    registry.compose("Atanh", 1, |call| apply(call, Op::Function { function: Function::Atanh }));
    registry.compose("Sqrt", 1, |call| apply(call, Op::Sqrt));
    registry.compose("Floor", 1, |call| apply(call, Op::Round { rounding: Rounding::Floor }));
    registry.compose("Ceil", 1, |call| apply(call, Op::Round { rounding: Rounding::Ceil }));
    registry.compose("Round", 1, |call| apply(call, Op::Round { rounding: Rounding::HalfEven }));
    registry.compose("Pow", 2, pow);
}

fn apply(call: &mut Call<'_>, op: Op) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    call.unary(op, x)
}

/// How many different constant exponents one Pow may have: each is a part of its own.
const MAX_EXPONENTS: usize = 64;

/// A constant exponent becomes multiplications, a root or a function; a computed one `exp(b * log a)`.
fn pow(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (a, b) = (call.operand(0, "X")?, call.operand(1, "Y")?);
    call.require_number(a, "X")?;
    call.require_number(b, "Y")?;
    if call.opset < 12 {
        call.require_same_type(a, b)?;
    }
    let shape = call.broadcast_shape(&[a, b])?;
    let Some(exponents) = call.constant(b).map(<[f64]>::to_vec) else {
        call.require_float(a, "X (of a computed power)")?;
        let b = call.retyped(b, call.element(a))?;
        let log = call.unary(Op::Function { function: Function::Log }, a)?;
        let product = call.binary(Op::Mul, log, b)?;
        return call.unary(Op::Function { function: Function::Exp }, product);
    };
    if let Some((&exponent, rest)) = exponents.split_first()
        && rest.iter().all(|other| *other == exponent)
    {
        let a = call.expanded(a, shape)?;
        return call.power(a, exponent);
    }
    // Elements of one exponent together, as a vector; then all of them where they belong.
    call.builder.check_room(&shape)?;
    let from = call.shape(a);
    let mut bases: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut places = vec![];
    let offsets = layout::broadcast_offsets(&from, &shape).zip(layout::broadcast_offsets(&call.shape(b), &shape));
    for (base, exponent) in offsets {
        let members = bases.entry(exponents[exponent].to_bits()).or_default();
        places.push((exponents[exponent].to_bits(), members.len()));
        members.push(base);
    }
    if bases.len() > MAX_EXPONENTS {
        return Err(call.refuse(format!("has {} exponents, expected at most {MAX_EXPONENTS}", bases.len())));
    }
    let mut powers = vec![];
    let mut numbers = BTreeMap::new();
    for (bits, members) in bases {
        let vector = call.picked("bases", a, vec![members.len()], members)?;
        numbers.insert(bits, powers.len());
        powers.push(call.power(vector, f64::from_bits(bits))?);
    }
    let element = call.element(a);
    let sources: Vec<_> = places.into_iter().filter_map(|(bits, at)| Some((*numbers.get(&bits)?, at))).collect();
    let moved = call.rearrange(powers, shape, element, sources.into_iter())?;
    call.part("powers", moved)
}

/// The greatest integer exponent that becomes multiplications.
const MAX_PRODUCT: f64 = 64.0;

impl Call<'_> {
    /// `x^exponent`.
    pub(super) fn power(&mut self, x: NodeId, exponent: f64) -> Result<NodeId, Error> {
        let float = self.element(x).is_float();
        let whole = exponent.fract() == 0.0 && exponent.abs() <= MAX_PRODUCT;
        if !float && (!whole || exponent < 0.0) {
            return Err(self.refuse(format!("raises integers to the power {exponent}; Cast them to floats first")));
        }
        if whole && exponent < 0.0 {
            let power = self.power(x, -exponent)?;
            return self.reciprocal(power);
        }
        if whole {
            return self.product(x, exponent as u32);
        }
        if exponent == 0.5 {
            return self.unary(Op::Sqrt, x);
        }
        if exponent == -0.5 {
            let root = self.unary(Op::Sqrt, x)?;
            return self.reciprocal(root);
        }
        self.unary(Op::Function { function: Function::Power { exponent } }, x)
    }

    /// `x` as a factor `count` times, by squaring.
    fn product(&mut self, x: NodeId, count: u32) -> Result<NodeId, Error> {
        let (mut square, mut left, mut result) = (x, count, None);
        while left > 0 {
            if left % 2 == 1 {
                result = Some(match result {
                    None => square,
                    Some(result) => self.binary(Op::Mul, result, square)?,
                });
            }
            left /= 2;
            if left > 0 {
                square = self.squared(square)?;
            }
        }
        match result {
            Some(result) => Ok(result),
            None => self.filled("ones", self.shape(x), 1.0, self.element(x)),
        }
    }

    /// Elements of `x` by their flat index.
    pub(super) fn picked(
        &mut self,
        suffix: &str,
        x: NodeId,
        shape: Vec<usize>,
        elements: Vec<usize>,
    ) -> Result<NodeId, Error> {
        let element = self.element(x);
        let moved = self.rearrange(vec![x], shape, element, elements.into_iter().map(|at| (0, at)))?;
        self.part(suffix, moved)
    }
}
