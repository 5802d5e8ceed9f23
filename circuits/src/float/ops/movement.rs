//! Data that is only moved.

use super::{Node, Operand};
use crate::float::Source;

pub(super) fn check(node: &Node, sources: &[Source], operands: &[&[usize]], len: usize) -> Result<(), String> {
    let lens: Vec<usize> = operands.iter().map(|shape| shape.iter().product()).collect();
    let exists = |s: &Source| lens.get(s.input as usize).is_some_and(|&len| (s.element as usize) < len);
    match sources.iter().all(exists) {
        true if sources.len() == len => Ok(()),
        true => Err(format!("{} sources for shape {:?}", sources.len(), node.shape)),
        false => Err("a source lies outside of its operand".into()),
    }
}

pub(super) fn compute(sources: &[Source], operands: &[Operand<'_>]) -> Vec<f64> {
    sources.iter().map(|s| operands[s.input as usize].values[s.element as usize]).collect()
}
