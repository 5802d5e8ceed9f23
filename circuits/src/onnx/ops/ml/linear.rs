//! LinearRegressor and LinearClassifier.

use super::super::super::call::Call;
use super::super::super::domain::Domain;
use super::{Classes, Error, Import, Registry, Transform, best, compose, features};
use crate::float::{ElementType, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    compose(registry, "LinearRegressor", 1, regressor);
    registry.add_in(Domain::Ml, "LinearClassifier", 1, Import::Several(classifier));
}

/// `X * coefficients^T + intercepts`, of `count` rows of coefficients: `[N, count]`.
fn scores(call: &mut Call<'_>, x: NodeId, count: usize, coefficients: Vec<f64>) -> Result<NodeId, Error> {
    let columns = call.shape(x)[1];
    let intercepts = call.attributes.floats("intercepts")?;
    if count.checked_mul(columns) != Some(coefficients.len()) {
        let reason = format!("has {} numbers, expected {count} times {columns} features", coefficients.len());
        return Err(call.attributes.refuse("coefficients", reason));
    }
    let element = call.element(x);
    let weights = call.constant_tensor("coefficients", vec![count, columns], coefficients, element)?;
    let weights = call.transposed(weights, &[1, 0])?;
    let product = call.matmul(x, weights)?;
    match intercepts {
        None => Ok(product),
        Some(intercepts) if intercepts.len() == count => {
            let intercepts = call.constant_tensor("intercepts", vec![count], intercepts, element)?;
            call.binary(Op::Add, product, intercepts)
        }
        Some(intercepts) => {
            Err(call.attributes.refuse("intercepts", format!("has {} numbers, expected {count}", intercepts.len())))
        }
    }
}

fn coefficients(call: &mut Call<'_>) -> Result<Vec<f64>, Error> {
    let coefficients = call.attributes.floats("coefficients")?;
    coefficients.ok_or_else(|| call.attributes.refuse("coefficients", "is missing"))
}

fn regressor(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = features(call)?;
    let targets = call.attributes.int("targets")?.unwrap_or(1);
    let targets = usize::try_from(targets).map_err(|_| call.attributes.refuse("targets", "is negative"))?;
    let coefficients = coefficients(call)?;
    let transform = Transform::read(call)?;
    let scores = scores(call, x, targets, coefficients)?;
    transform.apply(call, scores)
}

/// The label, and the scores of all classes. One row of coefficients stands for two classes: the second is taken where its score is
/// positive.
fn classifier(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = features(call)?;
    let classes = Classes::read(call, "classlabels_ints", "classlabels_strings")?;
    // One against the rest, or all together: the scores are the same.
    call.attributes.int("multi_class")?;
    let coefficients = coefficients(call)?;
    let transform = Transform::read(call)?;
    let columns = call.shape(x)[1];
    let count = coefficients.len() / columns.max(1);
    let scores = scores(call, x, count, coefficients)?;
    if count == 1 && classes.len() == 2 {
        let zero = call.scalar("zero", 0.0, call.element(scores))?;
        let second = call.less(zero, scores)?;
        let index = call.retyped(second, ElementType::I64)?;
        let rows = call.shape(x)[0];
        let index = call.reshaped(index, vec![rows])?;
        let label = classes.label(call, index)?;
        let first = match transform {
            Transform::Logistic => call.negated(scores)?,
            _ => {
                let one = call.scalar("one", 1.0, call.element(scores))?;
                call.binary(Op::Sub, one, scores)?
            }
        };
        let both = call.concatenated(vec![first, scores], 1)?;
        let both = match transform {
            Transform::Logistic | Transform::None => transform.apply(call, both)?,
            _ => {
                return Err(call.attributes.refuse("post_transform", "is no LOGISTIC, of a classifier with one score"));
            }
        };
        return Ok(vec![label, both]);
    }
    if count != classes.len() || count < 2 {
        return Err(call.refuse(format!("has {count} rows of coefficients for {} classes", classes.len())));
    }
    let index = best(call, scores)?;
    let label = classes.label(call, index)?;
    Ok(vec![label, transform.apply(call, scores)?])
}
