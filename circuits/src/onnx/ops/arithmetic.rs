//! Add, Sub, Mul: elementwise, NumPy broadcasting in every supported operator set.

use super::super::call::{Call, Computed};
use super::{Error, Registry};
use crate::float::{Op, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Add", 2, |call| binary(call, Op::Add));
    registry.add("Sub", 2, |call| binary(call, Op::Sub));
    registry.add("Mul", 2, |call| binary(call, Op::Mul));
}

fn binary(call: &mut Call<'_>, op: Op) -> Result<Computed, Error> {
    let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    call.require_number(a, "A")?;
    call.require_same_type(a, b)?;
    let (left, right) = (call.shape(a), call.shape(b));
    let shape = layout::broadcast(&left, &right)
        .ok_or_else(|| call.refuse(format!("shapes {left:?} and {right:?} do not broadcast")))?;
    Ok(Computed { op, inputs: vec![a, b], shape, element: call.element(a) })
}
