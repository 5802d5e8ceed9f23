//! SVMRegressor and SVMClassifier: sums of kernels of a record and the support vectors.

use super::super::super::call::Call;
use super::super::super::compose::Reduced;
use super::super::super::domain::Domain;
use super::{Classes, Error, Import, Registry, Transform, best, compose, features};
use crate::float::{ElementType, Function, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    compose(registry, "SVMRegressor", 1, regressor);
    registry.add_in(Domain::Ml, "SVMClassifier", 1, Import::Several(classifier));
}

#[derive(Clone, Copy)]
enum Kernel {
    Linear,
    /// `(gamma * x.v + c)^degree`
    Polynomial {
        gamma: f64,
        c: f64,
        degree: f64,
    },
    /// `exp(-gamma * |x - v|^2)`
    Radial {
        gamma: f64,
    },
    /// `tanh(gamma * x.v + c)`
    Sigmoid {
        gamma: f64,
        c: f64,
    },
}

impl Kernel {
    fn read(call: &mut Call<'_>) -> Result<Self, Error> {
        let parameters = call.attributes.floats("kernel_params")?.unwrap_or_default();
        let at = |at: usize| parameters.get(at).copied().unwrap_or(0.0);
        let (gamma, c, degree) = (at(0), at(1), at(2));
        match call.attributes.string("kernel_type")? {
            None | Some("LINEAR") => Ok(Self::Linear),
            Some("POLY") if degree.fract() == 0.0 && degree >= 0.0 => Ok(Self::Polynomial { gamma, c, degree }),
            Some("POLY") => Err(call.attributes.refuse("kernel_params", format!("has the degree {degree}"))),
            Some("RBF") => Ok(Self::Radial { gamma }),
            Some("SIGMOID") => Ok(Self::Sigmoid { gamma, c }),
            Some(_) => Err(call.attributes.refuse("kernel_type", "is none of LINEAR, POLY, RBF and SIGMOID")),
        }
    }

    /// Of records `[N, C]` and `count` vectors: `[N, count]`.
    fn apply(self, call: &mut Call<'_>, x: NodeId, count: usize, vectors: Vec<f64>) -> Result<NodeId, Error> {
        let (columns, element) = (call.shape(x)[1], call.element(x));
        if count.checked_mul(columns) != Some(vectors.len()) {
            let reason = format!("has {} numbers, expected {count} times {columns} features", vectors.len());
            return Err(call.attributes.refuse("support_vectors", reason));
        }
        if let Self::Radial { gamma } = self {
            let rows = call.shape(x)[0];
            let vectors = call.constant_tensor("vectors", vec![1, count, columns], vectors, element)?;
            let x = call.reshaped(x, vec![rows, 1, columns])?;
            let apart = call.binary(Op::Sub, x, vectors)?;
            let squares = call.squared(apart)?;
            let distance = call.reduction(|axes| Op::ReduceSum { axes }, squares, &[2], Reduced::Dropped)?;
            let scaled = call.with_scalar(Op::Mul, distance, -gamma)?;
            return call.unary(Op::Function { function: Function::Exp }, scaled);
        }
        let vectors = call.constant_tensor("vectors", vec![count, columns], vectors, element)?;
        let vectors = call.transposed(vectors, &[1, 0])?;
        let product = call.matmul(x, vectors)?;
        let mut line = |gamma: f64, c: f64| {
            let scaled = call.with_scalar(Op::Mul, product, gamma)?;
            call.with_scalar(Op::Add, scaled, c)
        };
        match self {
            Self::Polynomial { gamma, c, degree } => {
                let line = line(gamma, c)?;
                call.power(line, degree)
            }
            Self::Sigmoid { gamma, c } => {
                let line = line(gamma, c)?;
                call.unary(Op::Tanh, line)
            }
            _ => Ok(product),
        }
    }
}

fn numbers(call: &mut Call<'_>, name: &str) -> Result<Vec<f64>, Error> {
    Ok(call.attributes.floats(name)?.unwrap_or_default())
}

/// A sum of kernels and `rho`; of `one_class` whether it is positive, as 1 and -1.
fn regressor(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = features(call)?;
    let kernel = Kernel::read(call)?;
    let vectors = numbers(call, "support_vectors")?;
    let coefficients = numbers(call, "coefficients")?;
    let rho = numbers(call, "rho")?;
    let count = call.attributes.int("n_supports")?.unwrap_or(0);
    let count = usize::try_from(count).map_err(|_| call.attributes.refuse("n_supports", "is negative"))?;
    let one_class = call.attributes.int("one_class")?.unwrap_or(0) != 0;
    let transform = Transform::read(call)?;
    let &[rho] = &rho[..] else {
        return Err(call.attributes.refuse("rho", format!("has {} numbers, expected 1", rho.len())));
    };
    // Without support vectors the coefficients are the weights of the features.
    let sum = if count == 0 {
        Kernel::Linear.apply(call, x, 1, coefficients)?
    } else {
        if coefficients.len() != count {
            let reason = format!("has {} numbers, expected {count}", coefficients.len());
            return Err(call.attributes.refuse("coefficients", reason));
        }
        let kernels = kernel.apply(call, x, count, vectors)?;
        let weights = call.constant_tensor("coefficients", vec![count, 1], coefficients, call.element(x))?;
        call.matmul(kernels, weights)?
    };
    let score = call.with_scalar(Op::Add, sum, rho)?;
    if !one_class {
        return transform.apply(call, score);
    }
    let zero = call.scalar("zero", 0.0, call.element(score))?;
    let inside = call.less(zero, score)?;
    let inside = call.retyped(inside, call.element(score))?;
    let twice = call.with_scalar(Op::Mul, inside, 2.0)?;
    call.with_scalar(Op::Sub, twice, 1.0)
}

/// One decision for each pair of classes, a vote of each, and the class with most votes. The scores are the decisions, or
/// probabilities of two classes if the model has been fitted for them.
fn classifier(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = features(call)?;
    let classes = Classes::read(call, "classlabels_ints", "classlabels_strings")?;
    let kernel = Kernel::read(call)?;
    let vectors = numbers(call, "support_vectors")?;
    let coefficients = numbers(call, "coefficients")?;
    let rho = numbers(call, "rho")?;
    let (prob_a, prob_b) = (numbers(call, "prob_a")?, numbers(call, "prob_b")?);
    let transform = Transform::read(call)?;
    if transform != Transform::None {
        return Err(call.attributes.refuse("post_transform", "is not NONE, which is not supported of SVMClassifier"));
    }
    let per_class = call.attributes.ints("vectors_per_class")?.unwrap_or_default();
    let per_class = per_class.iter().map(|&count| usize::try_from(count)).collect::<Result<Vec<_>, _>>();
    let per_class = per_class.map_err(|_| call.attributes.refuse("vectors_per_class", "has a negative number"))?;
    let (count, element) = (classes.len(), call.element(x));
    if per_class.is_empty() || per_class.len() != count || count < 2 {
        let reason = format!("has {} numbers for {count} classes", per_class.len());
        return Err(call.attributes.refuse("vectors_per_class", reason));
    }
    let total = per_class.iter().try_fold(0usize, |total, count| total.checked_add(*count)).unwrap_or(usize::MAX);
    if total.checked_mul(count - 1) != Some(coefficients.len()) || count.checked_mul(count - 1) != Some(2 * rho.len()) {
        return Err(call.refuse(format!(
            "has {} coefficients and {} in `rho` for {total} support vectors and {count} classes",
            coefficients.len(),
            rho.len()
        )));
    }
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    let starts: Vec<usize> =
        per_class.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + count))).collect();
    let kernels = kernel.apply(call, x, total, vectors)?;
    // Column `pair` has the coefficients of the vectors of its two classes, each in the row of the other class.
    call.builder.check_room(&[total, pairs.len()])?;
    let mut weights = vec![0.0; total * pairs.len()];
    for (pair, &(i, j)) in pairs.iter().enumerate() {
        for (class, row) in [(i, j - 1), (j, i)] {
            for at in starts[class]..starts[class] + per_class[class] {
                weights[at * pairs.len() + pair] = coefficients[row * total + at];
            }
        }
    }
    let weights = call.constant_tensor("coefficients", vec![total, pairs.len()], weights, element)?;
    let sums = call.matmul(kernels, weights)?;
    let rho = call.constant_tensor("rho", vec![pairs.len()], rho, element)?;
    let decisions = call.binary(Op::Add, sums, rho)?;
    let zero = call.scalar("zero", 0.0, element)?;
    let first = call.less(zero, decisions)?;
    let first = call.retyped(first, ElementType::I64)?;
    // votes = base + first * signs: the second class of a pair has its vote unless the first has.
    call.builder.check_room(&[pairs.len(), count])?;
    let mut signs = vec![0.0; pairs.len() * count];
    let mut base = vec![0.0; count];
    for (pair, &(i, j)) in pairs.iter().enumerate() {
        signs[pair * count + i] = 1.0;
        signs[pair * count + j] = -1.0;
        base[j] += 1.0;
    }
    let signs = call.constant_tensor("signs", vec![pairs.len(), count], signs, ElementType::I64)?;
    let base = call.constant_tensor("base", vec![count], base, ElementType::I64)?;
    let votes = call.matmul(first, signs)?;
    let votes = call.binary(Op::Add, votes, base)?;
    let scores = match (prob_a.is_empty(), count) {
        (true, 2) => {
            // The decision is for the first class; ONNX Runtime puts it second.
            let negated = call.negated(decisions)?;
            call.concatenated(vec![negated, decisions], 1)?
        }
        (true, _) => decisions,
        (false, 2) => {
            let (&[a], &[b]) = (&prob_a[..], &prob_b[..]) else {
                return Err(call.attributes.refuse("prob_a", "and `prob_b` need one number each"));
            };
            // p = 1 / (1 + exp(a d + b))
            let scaled = call.with_scalar(Op::Mul, decisions, -a)?;
            let line = call.with_scalar(Op::Sub, scaled, b)?;
            let first = call.unary(Op::Sigmoid, line)?;
            let one = call.scalar("one", 1.0, element)?;
            let second = call.binary(Op::Sub, one, first)?;
            call.concatenated(vec![first, second], 1)?
        }
        (false, _) if call.wants(1) => {
            return Err(call.attributes.refuse(
                "prob_a",
                "asks for probabilities of more than two classes, which an iteration fits: export without them (probability=False)",
            ));
        }
        (false, _) => decisions,
    };
    let index = best(call, votes)?;
    let label = classes.label(call, index)?;
    Ok(vec![label, scores])
}
