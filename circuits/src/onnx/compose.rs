//! Parts of a node: what importers that translate one ONNX node to several float nodes are written with.
//!
//! Each function adds one node, works out its shape, and names it after the ONNX node and the float operator
//! (`norm.ReduceMean`). Where all operands are constants the part is computed at once, so that an importer need not
//! tell constants apart.

#![allow(dead_code, reason = "a vocabulary for importers: not each word is in use at all times")]

use super::Error;
use super::call::{Call, Computed};
use super::ops::movement;
use crate::float::{ElementType, NodeId, Op, Tensor, layout, matmul_shape, reduced};

/// Whether a reduction keeps the axes that it reduces, as dimensions of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reduced {
    Kept,
    Dropped,
}

impl Call<'_> {
    /// `op(x)`, elementwise or along an axis: of the shape and type of `x`.
    pub(super) fn unary(&mut self, op: Op, x: NodeId) -> Result<NodeId, Error> {
        let (shape, element) = (self.shape(x), self.element(x));
        self.part(op.name(), Computed { op, inputs: vec![x], shape, element })
    }

    /// `op(a, b)`, broadcast; both of one type, which is that of the result.
    pub(super) fn binary(&mut self, op: Op, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
        self.require_same_type(a, b)?;
        self.elementwise(op, &[a, b], self.element(a))
    }

    /// `op` of any number of operands that broadcast; `element` is the type of the result. For comparisons and
    /// selections; their operands' types are the caller's to check.
    pub(super) fn elementwise(&mut self, op: Op, inputs: &[NodeId], element: ElementType) -> Result<NodeId, Error> {
        let shape = self.broadcast_shape(inputs)?;
        self.part(op.name(), Computed { op, inputs: inputs.to_vec(), shape, element })
    }

    /// The shape that operands broadcast to.
    pub(super) fn broadcast_shape(&self, inputs: &[NodeId]) -> Result<Vec<usize>, Error> {
        inputs.iter().try_fold(vec![], |shape, &id| {
            let other = self.shape(id);
            layout::broadcast(&shape, &other)
                .ok_or_else(|| self.refuse(format!("shapes {shape:?} and {other:?} do not broadcast")))
        })
    }

    /// `op(x, factor)` with a scalar of the type of `x`.
    pub(super) fn with_scalar(&mut self, op: Op, x: NodeId, value: f64) -> Result<NodeId, Error> {
        let value = self.scalar("scalar", value, self.element(x))?;
        self.binary(op, x, value)
    }

    /// A constant; one value for each element of `shape`.
    pub(super) fn constant_tensor(
        &mut self,
        suffix: &str,
        shape: Vec<usize>,
        values: Vec<f64>,
        element: ElementType,
    ) -> Result<NodeId, Error> {
        self.part(suffix, Computed { op: Op::Constant { values }, inputs: vec![], shape, element })
    }

    /// A constant as a tensor holds it: integers beyond 2^53 are kept as they are.
    pub(super) fn stored(&mut self, suffix: &str, element: ElementType, stored: Tensor) -> Result<NodeId, Error> {
        let (name, tensor) = self.part_names(suffix);
        let what = format!("the value of {}", self.label());
        self.builder.add_stored(name, tensor, element, stored, &what)
    }

    /// A constant of one value throughout.
    pub(super) fn filled(
        &mut self,
        suffix: &str,
        shape: Vec<usize>,
        value: f64,
        element: ElementType,
    ) -> Result<NodeId, Error> {
        // Before it is allocated.
        self.builder.check_room(&shape)?;
        let values = vec![value; shape.iter().product()];
        self.constant_tensor(suffix, shape, values, element)
    }

    /// `a [.., m, k] * b [.., k, n]`, batches broadcast.
    pub(super) fn matmul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
        self.require_same_type(a, b)?;
        let shape = matmul_shape(&self.shape(a), &self.shape(b)).map_err(|reason| self.refuse(reason))?;
        let element = self.element(a);
        self.part("MatMul", Computed { op: Op::MatMul, inputs: vec![a, b], shape, element })
    }

    /// A reduction along `axes` (ascending, each of `x`), such as `Op::ReduceSum { axes }`. No axes: `x` itself.
    pub(super) fn reduction(
        &mut self,
        op: fn(Vec<usize>) -> Op,
        x: NodeId,
        axes: &[usize],
        kept: Reduced,
    ) -> Result<NodeId, Error> {
        if axes.is_empty() {
            return Ok(x);
        }
        let (from, element, op) = (self.shape(x), self.element(x), op(axes.to_vec()));
        let dropped = reduced(&from, axes).map_err(|reason| self.refuse(reason))?;
        let shape = match kept {
            Reduced::Dropped => dropped,
            Reduced::Kept => (0..from.len()).map(|axis| if axes.contains(&axis) { 1 } else { from[axis] }).collect(),
        };
        self.part(op.name(), Computed { op, inputs: vec![x], shape, element })
    }

    /// The data of `x` in another shape of as many elements.
    pub(super) fn reshaped(&mut self, x: NodeId, shape: Vec<usize>) -> Result<NodeId, Error> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        let copy = self.copy(x, shape)?;
        self.part("reshaped", copy)
    }

    /// `x` with its axes in another order: axis `i` of the result is axis `order[i]` of `x`.
    pub(super) fn transposed(&mut self, x: NodeId, order: &[usize]) -> Result<NodeId, Error> {
        let moved = movement::transposed(self, x, order)?;
        self.part("transposed", moved)
    }

    /// `x` broadcast to `shape`, each element as often as it takes.
    pub(super) fn expanded(&mut self, x: NodeId, shape: Vec<usize>) -> Result<NodeId, Error> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        let moved = movement::expanded(self, x, shape)?;
        self.part("expanded", moved)
    }

    /// `len` elements of axis `axis`, from `start` on, `step` apart (backwards if it is negative).
    pub(super) fn sliced(
        &mut self,
        x: NodeId,
        axis: usize,
        start: usize,
        len: usize,
        step: isize,
    ) -> Result<NodeId, Error> {
        let moved = movement::sliced(self, x, &[movement::Cut { axis, start, len, step }])?;
        self.part("sliced", moved)
    }

    /// Operands one after the other along `axis`.
    pub(super) fn concatenated(&mut self, inputs: Vec<NodeId>, axis: usize) -> Result<NodeId, Error> {
        let moved = movement::concatenated(self, inputs, axis)?;
        self.part("concatenated", moved)
    }

    /// The same data with elements of another type that holds every value as it is: see Cast.
    pub(super) fn retyped(&mut self, x: NodeId, element: ElementType) -> Result<NodeId, Error> {
        if self.element(x) == element {
            return Ok(x);
        }
        let copy = self.copy(x, self.shape(x))?;
        self.part("retyped", Computed { element, ..copy })
    }

    /// The integers of an optional operand that must be constant, such as `axes`; `None` if it is left out.
    pub(super) fn ints_operand(&self, at: usize, role: &str) -> Result<Option<Vec<i64>>, Error> {
        self.optional(at).map(|id| self.constant_ints(id, role)).transpose()
    }

    /// The values of an optional operand that must be constant, such as `scales`; `None` if it is left out.
    pub(super) fn values_operand(&self, at: usize, role: &str) -> Result<Option<Vec<f64>>, Error> {
        self.optional(at).map(|id| self.constant_values(id, role).map(<[f64]>::to_vec)).transpose()
    }
}
