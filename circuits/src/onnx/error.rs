//! What can go wrong at import.

use crate::{escaped, float};

/// An operator that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name, with its domain unless that is ONNX's own.
    pub operator: String,
    /// How many nodes use it.
    pub count: usize,
    /// The first of them.
    pub node: String,
    /// What to do; empty if there is nothing but to do without it.
    pub advice: &'static str,
}

fn unsupported(operators: &[Unsupported]) -> String {
    let one = |operator: &Unsupported| {
        let Unsupported { operator, count, node, advice } = operator;
        let (operator, node) = (escaped(operator), escaped(node));
        let nodes = match count {
            1 => format!("node `{node}`"),
            _ => format!("{count} nodes (the first is `{node}`)"),
        };
        let advice = if advice.is_empty() { String::new() } else { format!(": {advice}") };
        format!("operator `{operator}` of {nodes} is not supported{advice}")
    };
    operators.iter().map(one).collect::<Vec<_>>().join(";\n  ")
}

fn list(problems: &[Error], more: usize) -> String {
    let lines = problems.iter().map(|problem| format!("\n- {problem}")).collect::<String>();
    if more == 0 { lines } else { format!("{lines}\n- and {more} more") }
}

/// `key=NUMBER` as a shell takes it.
fn assignment(key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'));
    match plain && !key.is_empty() {
        true => format!("{key}=NUMBER"),
        false => format!("'{}=NUMBER'", key.replace('\'', "'\\''")),
    }
}

/// Why a model was not imported. Each says what was expected, what came, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No ONNX model at all, or a damaged one.
    #[error("not an ONNX file: {reason}", reason = escaped(reason))]
    NotOnnx {
        /// What gave it away.
        reason: String,
    },
    /// The file ends within a field.
    #[error(
        "the file is cut off, or not an ONNX file: the field at byte {field} needs {length} more bytes, {left} are left; \
         copy or download it again"
    )]
    Truncated {
        /// Where the field starts.
        field: usize,
        /// How long it says it is.
        length: u64,
        /// How many bytes are left.
        left: usize,
    },
    /// Beyond one of [`super::Limits`].
    #[error("the model is too large: {got} {what}, the limit is {limit}; use a smaller model or raise the limit")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// How many there are, at least.
        got: usize,
    },
    /// An operator set that import does not know, or none.
    #[error(
        "operator set {got} of {domain} is not supported: export the model with operator set {min} to {max}, or convert it \
         with onnx.version_converter"
    )]
    Opset {
        /// Whose operators.
        domain: &'static str,
        /// What the model declares; 0 if nothing.
        got: i64,
        /// The oldest that is supported.
        min: i64,
        /// The newest.
        max: i64,
    },
    /// A part of ONNX that is not supported.
    #[error("{what} not supported: {advice}", what = escaped(what))]
    Unsupported {
        /// Which part, with its verb.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// Operators that are not supported.
    #[error("{}; supported are: {supported}", unsupported(operators), supported = escaped(supported))]
    UnknownOperators {
        /// Each once.
        operators: Vec<Unsupported>,
        /// All that are supported, in alphabetical order.
        supported: String,
    },
    /// A file that cannot be read.
    #[error("`{path}` cannot be read: {reason}", path = escaped(path), reason = escaped(reason))]
    File {
        /// Where it is.
        path: String,
        /// In the system's words.
        reason: String,
    },
    /// Everything that stands in the way of a model, if it is more than one thing.
    #[error("{} things stand in the way of this model:{}", problems.len() + more, list(problems, *more))]
    Several {
        /// What they are, in the order of the model.
        problems: Vec<Error>,
        /// How many there are besides.
        more: usize,
    },
    /// A dimension without a number.
    #[error(
        "dimension {axis} of input `{input}` is open ({dimension}): circuits have fixed shapes; set it with \
         `--dim {key}`, or export the model with a fixed shape",
        input = escaped(input),
        dimension = escaped(dimension),
        key = escaped(&assignment(key))
    )]
    OpenDimension {
        /// The input.
        input: String,
        /// Which dimension.
        axis: usize,
        /// How the model calls it.
        dimension: String,
        /// The key in [`super::ImportOptions::dims`].
        key: String,
    },
    /// A dimension that is 0, or otherwise impossible.
    #[error("dimension {axis} of {what} is {got}: expected at least 1", what = escaped(what))]
    BadDimension {
        /// The tensor.
        what: String,
        /// Which dimension.
        axis: usize,
        /// What it is.
        got: i64,
    },
    /// A dimension was set that no input has open.
    #[error(
        "dimension `{key}` was set, but no input has an open dimension of this name; open are: {open}",
        key = escaped(key),
        open = escaped(open)
    )]
    UnusedDimension {
        /// The key.
        key: String,
        /// The keys that can be set.
        open: String,
    },
    /// A weight or attribute that is NaN or infinite.
    #[error(
        "{what} holds {value} at element {element}: weights and attributes must be finite; train or export the model \
         again",
        what = escaped(what)
    )]
    NonFinite {
        /// The tensor or attribute.
        what: String,
        /// Flat index.
        element: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// An integer constant that cannot be represented.
    #[error("{what} holds {value}: integers beyond 2^53 are not supported", what = escaped(what))]
    Inexact {
        /// The tensor.
        what: String,
        /// The integer.
        value: i64,
    },
    /// Two things of one name, or one without a name.
    #[error(
        "the name `{name}` of {what} is empty or taken: each input, initializer and node output needs a name of its own",
        name = escaped(name)
    )]
    Name {
        /// What has the name.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A tensor that nothing yields.
    #[error(
        "{reader} reads `{tensor}`, which no input, initializer or node yields: the file is incomplete",
        reader = escaped(reader),
        tensor = escaped(tensor)
    )]
    MissingTensor {
        /// A node, or the graph's outputs.
        reader: String,
        /// The tensor.
        tensor: String,
    },
    /// Nodes that wait for each other.
    #[error(
        "the nodes {nodes} read each other's outputs in a circle: a model must not have cycles",
        nodes = escaped(nodes)
    )]
    Cycle {
        /// Some of them.
        nodes: String,
    },
    /// A stored tensor that is damaged or of an unsupported kind.
    #[error("{what}: {reason}", what = escaped(what), reason = escaped(reason))]
    Tensor {
        /// The initializer or attribute.
        what: String,
        /// What does not fit.
        reason: String,
    },
    /// An attribute that is missing, of the wrong type, out of range, or not known.
    #[error(
        "attribute `{attribute}` of {node}: {reason}",
        node = escaped(node),
        attribute = escaped(attribute),
        reason = escaped(reason)
    )]
    Attribute {
        /// Operator and name of the node.
        node: String,
        /// The attribute.
        attribute: String,
        /// What does not fit.
        reason: String,
    },
    /// Operands that do not fit the operator: their number, shape or type.
    #[error("{node}: {reason}", node = escaped(node), reason = escaped(reason))]
    Node {
        /// Operator and name of the node.
        node: String,
        /// What does not fit, and what to do.
        reason: String,
    },
    /// An output of another type than the model declares.
    #[error(
        "output `{output}` is declared as {declared}, but the model computes {computed}: correct the type that the file \
         declares (in Python `value.type.tensor_type.elem_type` for the value in `model.graph.output`)",
        output = escaped(output),
        declared = escaped(declared),
        computed = escaped(computed)
    )]
    Output {
        /// The output.
        output: String,
        /// The type, as declared.
        declared: String,
        /// The type, as computed.
        computed: String,
    },
    /// Constants that could not be computed with.
    #[error("while computing constants: {0}")]
    Constant(#[from] float::Error),
}
