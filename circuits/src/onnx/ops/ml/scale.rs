//! What prepares features: Scaler, Normalizer, Binarizer, Imputer, FeatureVectorizer, ArrayFeatureExtractor.

use super::super::super::call::Call;
use super::super::super::compose::Reduced;
use super::super::gather::gathered;
use super::{Error, Registry, compose};
use crate::float::{ElementType, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    compose(registry, "Scaler", 1, scaler);
    compose(registry, "Normalizer", 1, normalizer);
    compose(registry, "Binarizer", 1, binarizer);
    compose(registry, "Imputer", 1, imputer);
    compose(registry, "FeatureVectorizer", usize::MAX, feature_vectorizer);
    compose(registry, "ArrayFeatureExtractor", 2, array_feature_extractor);
}

fn floats(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Error> {
    call.require_number(x, "X")?;
    if call.element(x).is_float() { Ok(x) } else { call.retyped(x, ElementType::F32) }
}

/// `(x - offset) * scale`, each a number for all features or one per feature.
fn scaler(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    let mut y = floats(call, x)?;
    let columns = call.shape(x).last().copied().unwrap_or(1);
    for (name, op) in [("offset", Op::Sub), ("scale", Op::Mul)] {
        let values = call.attributes.floats(name)?;
        let values = values.ok_or_else(|| call.attributes.refuse(name, "is missing"))?;
        if values.len() != 1 && values.len() != columns {
            let reason = format!("has {} numbers for {columns} features", values.len());
            return Err(call.attributes.refuse(name, reason));
        }
        let values = call.constant_tensor(name, vec![values.len()], values, call.element(y))?;
        y = call.binary(op, y, values)?;
    }
    if call.shape(y) != call.shape(x) {
        return Err(call.refuse(format!("takes features, not a tensor of shape {:?}", call.shape(x))));
    }
    Ok(y)
}

/// Each row divided by its norm; a row of zeros stays as it is.
fn normalizer(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    let x = floats(call, x)?;
    let Some(axis) = call.shape(x).len().checked_sub(1) else {
        return Err(call.refuse("takes rows of features, not a scalar"));
    };
    let norm = match call.attributes.string("norm")? {
        None | Some("MAX") => call.reduction(|axes| Op::ReduceMax { axes }, x, &[axis], Reduced::Kept)?,
        Some("L1") => {
            let sizes = call.absolute(x)?;
            call.reduction(|axes| Op::ReduceSum { axes }, sizes, &[axis], Reduced::Kept)?
        }
        Some("L2") => {
            let squares = call.squared(x)?;
            let sum = call.reduction(|axes| Op::ReduceSum { axes }, squares, &[axis], Reduced::Kept)?;
            call.unary(Op::Sqrt, sum)?
        }
        Some(_) => return Err(call.attributes.refuse("norm", "is none of MAX, L1 and L2")),
    };
    let zero = call.scalar("zero", 0.0, call.element(x))?;
    let is_zero = call.equal(norm, zero)?;
    let one = call.retyped(is_zero, call.element(x))?;
    let norm = call.binary(Op::Add, norm, one)?;
    call.binary(Op::Div, x, norm)
}

fn binarizer(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    let threshold = call.attributes.float("threshold")?.unwrap_or(0.0);
    let element = call.element(x);
    if element.is_integer() && threshold.fract() != 0.0 {
        return Err(call.attributes.refuse("threshold", format!("is {threshold}, but the features are integers")));
    }
    let threshold = call.scalar("threshold", threshold, element)?;
    let above = call.less(threshold, x)?;
    call.retyped(above, element)
}

/// Replaces what stands for a missing value. NaN never comes in, so that there is nothing to do then.
fn imputer(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    let element = call.element(x);
    let columns = call.shape(x).last().copied().unwrap_or(1);
    let floats = call.attributes.floats("imputed_value_floats")?;
    let missing_float = call.attributes.any_float("replaced_value_float")?.unwrap_or(f64::NAN);
    let ints = call.attributes.ints("imputed_value_int64s")?;
    let missing_int = call.attributes.int("replaced_value_int64")?.unwrap_or(0);
    let (imputed, missing) = match element.is_float() {
        true => (floats, missing_float),
        false => {
            let what = "the values of an Imputer";
            let imputed = ints.map(|values| super::super::super::tensor::exact_ints(values, what)).transpose()?;
            (imputed, super::super::super::tensor::exact_ints(&[missing_int], what)?[0])
        }
    };
    let name = if element.is_float() { "imputed_value_floats" } else { "imputed_value_int64s" };
    let imputed = imputed.ok_or_else(|| call.attributes.refuse(name, "is missing"))?;
    if imputed.len() != 1 && imputed.len() != columns {
        return Err(call.attributes.refuse(name, format!("has {} numbers for {columns} features", imputed.len())));
    }
    if missing.is_nan() {
        return Ok(x);
    }
    let missing = call.scalar("missing", missing, element)?;
    let imputed = call.constant_tensor("imputed", vec![imputed.len()], imputed, element)?;
    let is_missing = call.equal(x, missing)?;
    call.elementwise(Op::Where, &[is_missing, imputed, x], element)
}

/// Features side by side, as floats.
fn feature_vectorizer(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let dimensions = call.attributes.ints("inputdimensions")?.map(<[i64]>::to_vec);
    let mut parts = vec![];
    for at in 0..call.operand_count() {
        let x = call.operand(at, "X")?;
        let mut x = floats(call, x)?;
        x = call.retyped(x, ElementType::F32)?;
        let shape = call.shape(x);
        let (rows, columns) = match shape[..] {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => return Err(call.refuse(format!("takes features of shape [N, C], not {shape:?}"))),
        };
        let stated = dimensions.as_ref().and_then(|dimensions| dimensions.get(at));
        if stated.is_some_and(|&stated| usize::try_from(stated) != Ok(columns)) {
            let reason = format!("does not say that operand {at} has {columns} features");
            return Err(call.attributes.refuse("inputdimensions", reason));
        }
        parts.push(call.reshaped(x, vec![rows, columns])?);
    }
    call.concatenated(parts, 1)
}

/// Features by constant indices; of a vector, one row of them.
fn array_feature_extractor(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, indices) = (call.operand(0, "X")?, call.operand(1, "Y")?);
    if call.builder.node(indices).constant().is_none() {
        return features_by_computed_index(call, x, indices);
    }
    let indices = call.constant_ints(indices, "Y")?;
    let from = call.shape(x);
    let &columns = from.last().ok_or_else(|| call.refuse("takes features, not a scalar"))?;
    let picked: Option<Vec<usize>> =
        indices.iter().map(|&index| usize::try_from(index).ok().filter(|&index| index < columns)).collect();
    let picked = picked.ok_or_else(|| call.refuse(format!("picks features {indices:?} of {columns}")))?;
    let mut shape = from.clone();
    match shape.len() {
        1 => shape = vec![1, picked.len()],
        rank => shape[rank - 1] = picked.len(),
    }
    let count = picked.len().max(1);
    let source = |flat: usize| flat / count * columns + picked[flat % count];
    call.builder.check_room(&shape)?;
    let elements = (0..shape.iter().product()).map(source).collect();
    call.picked("features", x, shape, elements)
}

/// As scikit-learn's classifiers pick a label: features are a list of labels, the index is an ArgMax.
fn features_by_computed_index(call: &mut Call<'_>, x: NodeId, indices: NodeId) -> Result<NodeId, Error> {
    if !call.element(indices).is_integer() {
        return Err(
            call.refuse(format!("operand `Y` has elements of type {}, expected integers", call.element(indices)))
        );
    }
    let from = call.shape(x);
    let count = call.shape(indices).iter().product();
    let indices = call.reshaped(indices, vec![count])?;
    match from.len() {
        0 => Err(call.refuse("takes features, not a scalar")),
        1 => {
            let picked = gathered(call, x, indices, 0)?;
            call.reshaped(picked, vec![1, count])
        }
        rank => gathered(call, x, indices, rank - 1),
    }
}
