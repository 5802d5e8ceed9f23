//! Ranges of single elements: what a key like `X[2]` among the declared ranges means.

use std::collections::BTreeMap;

use crate::{
    elements, escaped,
    float::{Graph, Node, Tensor},
    quantize::RealRange,
};

/// Why declared ranges are none of a model's inputs.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// A range for an input that the model does not have.
    #[error(
        "the model has no input `{name}` that a range could be declared for: it has {known}; type NAME=LOW,HIGH, or NAME[INDEX]=LOW,HIGH for \
         some of its elements",
        name = escaped(name),
        known = escaped(known)
    )]
    UnknownInput {
        /// What was named.
        name: String,
        /// The inputs, with their shapes.
        known: String,
    },
    /// Indices that the input does not have.
    #[error("the range of `{key}` of input `{input}`: {source}", key = escaped(key), input = escaped(input))]
    Elements {
        /// As it was declared.
        key: String,
        /// The input.
        input: String,
        /// What is wrong with the indices.
        source: elements::Error,
    },
    /// More or less than one range for some elements.
    #[error("{got} ranges are declared for `{key}`: declare one for all elements that it selects", key = escaped(key))]
    Several {
        /// As it was declared.
        key: String,
        /// How many.
        got: usize,
    },
    /// One range for all elements, or one for each, and neither was given.
    #[error("input `{input}` has {expected} elements, but {got} ranges were declared: declare one for all, or one for each", input = escaped(input))]
    Count {
        /// The input.
        input: String,
        /// Its elements.
        expected: usize,
        /// Ranges.
        got: usize,
    },
    /// Two ranges for one element.
    #[error(
        "the ranges of `{first}` and of `{second}` both hold for `{element}`: declare one for each element, and `NAME=LOW,HIGH` for all others",
        first = escaped(first),
        second = escaped(second),
        element = escaped(element)
    )]
    Overlap {
        /// One of both, as it was declared.
        first: String,
        /// The other.
        second: String,
        /// The element.
        element: String,
    },
    /// Some elements have a range, and nothing says which the others have.
    #[error(
        "input `{input}` of shape {shape:?} has ranges for some of its elements, but none for `{missing}`: declare `{input}=LOW,HIGH` for all \
         others, or give calibration data",
        input = escaped(input),
        missing = escaped(missing)
    )]
    Unset {
        /// The input.
        input: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The first element without a range.
        missing: String,
    },
}

/// Declared ranges by input, of all elements or each; and by input and element, where the others are calibrated.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ranges {
    pub(super) inputs: BTreeMap<String, Vec<RealRange>>,
    pub(super) elements: BTreeMap<String, BTreeMap<usize, RealRange>>,
}

/// What the keys of declared ranges select. Elements that none selects have the range that is declared for the whole input, or else
/// what the calibration data, if there are any, show of them.
///
/// # Errors
/// Inputs and elements that there are not; two ranges for one element; elements without any.
pub(super) fn resolve(
    declared: &BTreeMap<String, Vec<RealRange>>,
    model: &Graph,
    calibration: &[Vec<Tensor>],
) -> Result<Ranges, RangeError> {
    let input = |name: &str| model.inputs().map(|(_, node)| node).find(|node| node.tensor == name);
    let mut resolved = Ranges::default();
    let mut selected: BTreeMap<&str, BTreeMap<usize, (&str, RealRange)>> = BTreeMap::new();
    for (key, ranges) in declared {
        if input(key).is_some() {
            resolved.inputs.insert(key.clone(), ranges.clone());
            continue;
        }
        let named = elements::split(key).and_then(|(name, selection)| Some((input(name)?, selection)));
        let (node, selection) = named.ok_or_else(|| unknown(key, model))?;
        let wrong = |source| RangeError::Elements { key: key.clone(), input: node.tensor.clone(), source };
        let [range] = ranges.as_slice() else {
            return Err(RangeError::Several { key: key.clone(), got: ranges.len() });
        };
        let of_input = selected.entry(&node.tensor).or_default();
        for element in elements::select(&node.shape, selection).map_err(wrong)? {
            if let Some((first, _)) = of_input.insert(element, (key, *range)) {
                let (first, second) = (first.to_owned(), key.clone());
                return Err(RangeError::Overlap { first, second, element: named_element(node, element) });
            }
        }
    }
    for (name, own) in selected {
        let Some(node) = input(name) else { continue };
        let own: BTreeMap<usize, RealRange> = own.into_iter().map(|(element, (_, range))| (element, range)).collect();
        let others = resolved.inputs.get(name).map(Vec::as_slice);
        let other = |element: usize| match others {
            Some([one]) => Some(*one),
            others => others?.get(element).copied(),
        };
        if let Some(others) = others.filter(|others| others.len() != 1 && others.len() != node.len()) {
            return Err(RangeError::Count { input: name.to_owned(), expected: node.len(), got: others.len() });
        }
        let each = |element: usize| own.get(&element).copied().or_else(|| other(element)).ok_or(element);
        match (0..node.len()).map(each).collect::<Result<Vec<_>, usize>>() {
            Ok(each) => {
                resolved.inputs.insert(name.to_owned(), each);
            }
            Err(_) if !calibration.is_empty() => {
                resolved.elements.insert(name.to_owned(), own);
            }
            Err(element) => {
                let (shape, missing) = (node.shape.clone(), named_element(node, element));
                return Err(RangeError::Unset { input: name.to_owned(), shape, missing });
            }
        }
    }
    Ok(resolved)
}

fn named_element(node: &Node, element: usize) -> String {
    format!("{}{}", node.tensor, elements::index(&node.shape, element))
}

fn unknown(name: &str, model: &Graph) -> RangeError {
    let known: Vec<String> = model.inputs().map(|(_, node)| format!("`{}` {:?}", node.tensor, node.shape)).collect();
    RangeError::UnknownInput { name: name.to_owned(), known: known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        float::{ElementType, Op, Values},
        onnx::{ImportOptions, fixture::Fixture, import},
    };

    fn model() -> Graph {
        let fixture = Fixture::new(14).input("X", &[1, 4]).input("Y[0]", &[2, 3]);
        let fixture = fixture.node("Relu", &["X"], "a", &[]).node("Relu", &["Y[0]"], "b", &[]).output("a").output("b");
        let graph = import(&fixture.bytes(), &ImportOptions::default()).unwrap().into_graph();
        assert!(graph.inputs().all(|(_, node)| node.op == Op::Input && node.element == ElementType::F32));
        graph
    }

    fn range(lo: f64, hi: f64) -> RealRange {
        RealRange { lo, hi }
    }

    fn sample(x: [f64; 4]) -> Vec<Tensor> {
        let tensor = |shape: &[usize], values| Tensor { shape: shape.to_vec(), values: Values::Float(values) };
        vec![tensor(&[1, 4], x.to_vec()), tensor(&[2, 3], vec![0.5; 6])]
    }

    fn resolved(declared: &[(&str, RealRange)], samples: &[Vec<Tensor>]) -> Result<Ranges, RangeError> {
        let declared = declared.iter().map(|(key, range)| ((*key).to_owned(), vec![*range])).collect();
        resolve(&declared, &model(), samples)
    }

    #[test]
    fn elements_have_their_own_range_and_the_others_that_of_the_input() {
        let (a, b) = (range(0.0, 0.3), range(-1.0, 1.0));
        let of_x = |declared: &[(&str, RealRange)]| {
            let Ranges { mut inputs, elements } = resolved(declared, &[sample([0.0; 4])]).unwrap();
            assert!(elements.is_empty());
            inputs.remove("X").unwrap()
        };
        assert_eq!(of_x(&[("X", b)]), [b]);
        assert_eq!(of_x(&[("X", b), ("X[2]", a)]), [b, b, a, b]);
        assert_eq!(of_x(&[("X", b), ("X[1:3]", a)]), [b, a, a, b]);
        assert_eq!(of_x(&[("X[:2]", b), ("X[2:]", a)]), [b, b, a, a]);
        // A name may look like a selection.
        let of_y = resolved(&[("Y[0]", b), ("Y[0][1]", a)], &[]).unwrap().inputs;
        assert_eq!(of_y["Y[0]"], [b, a, b, b, a, b]);
        assert_eq!(of_y.len(), 1);
    }

    #[test]
    fn elements_without_a_range_are_left_to_calibration() {
        let a = range(0.0, 1e7);
        let Ranges { inputs, elements } = resolved(&[("X[0]", a), ("X[2:]", a)], &[sample([0.0; 4])]).unwrap();
        assert!(inputs.is_empty());
        assert_eq!(elements["X"], [(0, a), (2, a), (3, a)].into());
    }

    #[test]
    fn each_mistake_says_what_to_type() {
        let a = range(0.0, 1.0);
        for (declared, says) in [
            (
                &[("Z", a)][..],
                "no input `Z` that a range could be declared for: it has `X` [1, 4], `Y[0]` [2, 3]; type NAME=LOW,HIGH, or NAME[INDEX]",
            ),
            (&[("Z[1]", a)], "no input `Z[1]`"),
            (
                &[("X[4]", a)],
                "the range of `X[4]` of input `X`: `4` is not on axis 1 of the shape [1, 4], which has the indices 0 to 3",
            ),
            (&[("X[a]", a)], "as in X[2], X[2:5]"),
            (&[("X[0,0,0]", a)], "3 axes are named, and the shape [1, 4] has 2"),
            (&[("X[1]", a), ("X[:2]", a)], "the ranges of `X[1]` and of `X[:2]` both hold for `X[1]`"),
            (
                &[("X[1]", a)],
                "of shape [1, 4] has ranges for some of its elements, but none for `X[0]`: declare `X=LOW,HIGH`",
            ),
        ] {
            let error = resolved(declared, &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let two = BTreeMap::from([("X[0]".to_owned(), vec![a, a])]);
        assert!(matches!(resolve(&two, &model(), &[]), Err(RangeError::Several { got: 2, .. })));
        let three = BTreeMap::from([("X[0]".to_owned(), vec![a]), ("X".to_owned(), vec![a; 3])]);
        assert!(matches!(resolve(&three, &model(), &[]), Err(RangeError::Count { expected: 4, got: 3, .. })));
    }
}
