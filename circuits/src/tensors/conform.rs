//! Fits named tensors to a graph's inputs.

use super::{Error, NamedTensors, UNNAMED};
use crate::float::{ElementType, Graph, Node, Tensor, Values};

impl NamedTensors {
    /// One tensor per input of `graph`, in its order, of its shapes and types: the rules are the [module's](super).
    ///
    /// # Errors
    /// A wrong, missing or additional name; a wrong shape or type; a value that is not finite or not representable.
    pub fn conform(&self, graph: &Graph) -> Result<Vec<Tensor>, Error> {
        if let Some(tensor) = self.unnamed() {
            let mut nodes = graph.inputs().map(|(_, node)| node);
            return match (nodes.next(), nodes.next()) {
                (Some(node), None) => Ok(vec![conform(node, tensor)?]),
                _ => Err(Error::Unnamed { inputs: graph.inputs().count() }),
            };
        }
        let names = |names: &mut dyn Iterator<Item = &String>| match names
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
        {
            names if names.is_empty() => "none".to_owned(),
            names => names.join(", "),
        };
        let inputs = || graph.inputs().map(|(_, node)| &node.tensor);
        if let Some(input) = inputs().find(|input| !self.tensors.contains_key(*input)) {
            return Err(Error::Missing { input: input.clone(), given: names(&mut self.tensors.keys()) });
        }
        if let Some(name) = self.tensors.keys().find(|name| inputs().all(|input| input != *name)) {
            return Err(Error::Unknown { name: name.clone(), inputs: names(&mut inputs()) });
        }
        let pairs = graph.inputs().filter_map(|(_, node)| Some((node, self.tensors.get(&node.tensor)?)));
        pairs.map(|(node, tensor)| conform(node, tensor)).collect()
    }

    /// The only tensor, if it has no name.
    fn unnamed(&self) -> Option<&Tensor> {
        self.tensors.get(UNNAMED).filter(|_| self.tensors.len() == 1)
    }
}

fn conform(node: &Node, tensor: &Tensor) -> Result<Tensor, Error> {
    let input = || node.tensor.clone();
    let fits = match (tensor.shape.as_slice(), node.shape.as_slice()) {
        (got, expected) if got == expected => true,
        ([1, got @ ..], expected) if got == expected => true,
        (got, [1, expected @ ..]) => got == expected,
        _ => false,
    };
    if !fits {
        return Err(Error::Shape { input: input(), expected: node.shape.clone(), got: tensor.shape.clone() });
    }
    if tensor.values.len() != node.len() {
        return Err(Error::Length { input: input(), shape: tensor.shape.clone(), values: tensor.values.len() });
    }
    let refuse = |advice| Error::Type { input: input(), expected: node.element, got: tensor.values.kind(), advice };
    let values = match (&tensor.values, node.element) {
        (Values::Float(values), ElementType::F32 | ElementType::F64) => Values::Float(floats(node, values)?),
        (Values::Int(values), ElementType::F32 | ElementType::F64) => Values::Float(floats_of_integers(node, values)?),
        (Values::Int(values), element) if element.is_integer() => Values::Int(integers(node, values)?),
        (Values::Bool(values), ElementType::Bool) => Values::Bool(values.clone()),
        (Values::Float(_), element) if element.is_integer() => {
            return Err(refuse("write integers without fraction or exponent (in NumPy: .astype(np.int64))"));
        }
        (_, ElementType::Bool) => return Err(refuse("write true or false (in NumPy: .astype(bool))")),
        _ => {
            return Err(refuse("write numbers (in NumPy: .astype(np.float32) or .astype(np.int64))"));
        }
    };
    Ok(Tensor { shape: node.shape.clone(), values })
}

fn out_of_range(node: &Node, element: usize, value: impl std::fmt::Display) -> Error {
    Error::Range { input: node.tensor.clone(), element, value: value.to_string(), expected: node.element }
}

fn floats(node: &Node, values: &[f64]) -> Result<Vec<f64>, Error> {
    let convert = |(element, &value): (usize, &f64)| {
        if !value.is_finite() {
            return Err(Error::NonFinite { input: node.tensor.clone(), element, value });
        }
        // To nearest, ties to even: what every runtime makes of this number.
        let rounded = if node.element == ElementType::F32 { f64::from(value as f32) } else { value };
        if rounded.is_finite() { Ok(rounded) } else { Err(out_of_range(node, element, value)) }
    };
    values.iter().enumerate().map(convert).collect()
}

fn floats_of_integers(node: &Node, values: &[i64]) -> Result<Vec<f64>, Error> {
    let convert = |(element, &value): (usize, &i64)| {
        let float = if node.element == ElementType::F32 { f64::from(value as f32) } else { value as f64 };
        // i64::MAX rounds up to 2^63, which 64 bits cannot hold.
        let exact = float as i128 == i128::from(value);
        if exact { Ok(float) } else { Err(out_of_range(node, element, value)) }
    };
    values.iter().enumerate().map(convert).collect()
}

fn integers(node: &Node, values: &[i64]) -> Result<Vec<i64>, Error> {
    let fits = |value: i64| node.element.integers().is_none_or(|range| range.contains(&value));
    match values.iter().enumerate().find(|(_, value)| !fits(**value)) {
        Some((element, value)) => Err(out_of_range(node, element, value)),
        None => Ok(values.to_vec()),
    }
}
