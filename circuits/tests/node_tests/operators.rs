//! The operators that are to be supported, and which of their operands a model usually holds.

use tract_onnx::pb::NodeProto;

/// Operators by domain: ONNX's own.
const LISTED: &[&str] = &[
    // Arithmetic.
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Neg",
    "Abs",
    "Pow",
    "Sqrt",
    "Reciprocal",
    "Exp",
    "Log",
    "Erf",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Min",
    "Max",
    "Mean",
    "Sum",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "Mod",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "BitwiseNot",
    "IsNaN",
    // Comparison and logic.
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "And",
    "Or",
    "Xor",
    "Not",
    "Where",
    // Activations.
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Elu",
    "Celu",
    "Selu",
    "Gelu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Softsign",
    "Mish",
    "ThresholdedRelu",
    "Softmax",
    "LogSoftmax",
    "Hardmax",
    "Clip",
    // Linear algebra and normalization.
    "Gemm",
    "MatMul",
    "Einsum",
    "Conv",
    "ConvTranspose",
    "BatchNormalization",
    "LayerNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "RMSNormalization",
    "LpNormalization",
    // Pooling.
    "MaxPool",
    "AveragePool",
    "LpPool",
    "GlobalMaxPool",
    "GlobalAveragePool",
    "GlobalLpPool",
    // Recurrent.
    "LSTM",
    "GRU",
    "RNN",
    // Reduction.
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ArgMax",
    "ArgMin",
    "TopK",
    "CumSum",
    // Shape.
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Concat",
    "Split",
    "Slice",
    "Pad",
    "Expand",
    "Tile",
    "Gather",
    "GatherElements",
    "GatherND",
    "ScatterElements",
    "ScatterND",
    "Trilu",
    "Range",
    "ConstantOfShape",
    "Constant",
    "Shape",
    "Size",
    "NonZero",
    "OneHot",
    "EyeLike",
    "DepthToSpace",
    "SpaceToDepth",
    "Resize",
    "Cast",
    "CastLike",
    "Identity",
    "Dropout",
    "If",
];

/// Those of `ai.onnx.ml`.
const LISTED_ML: &[&str] = &[
    "Scaler",
    "Normalizer",
    "Binarizer",
    "LinearRegressor",
    "LinearClassifier",
    "SVMRegressor",
    "SVMClassifier",
    "OneHotEncoder",
    "LabelEncoder",
    "Imputer",
    "FeatureVectorizer",
    "ArrayFeatureExtractor",
    "ZipMap",
];

/// All of them, in alphabetical order.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names = [LISTED, LISTED_ML].concat();
    names.sort_unstable();
    names
}

/// Whether this node is of an operator that is to be supported.
pub(crate) fn is_listed(node: &NodeProto) -> bool {
    match node.domain.as_str() {
        "" | "ai.onnx" => LISTED.contains(&node.op_type.as_str()),
        "ai.onnx.ml" => LISTED_ML.contains(&node.op_type.as_str()),
        _ => false,
    }
}

/// Operands of a node that models hold as constants: shapes, axes, positions, counts, weights. A circuit's shapes are fixed, and a
/// node test feeds even these at run time.
pub(crate) fn fixed_operands(node: &NodeProto) -> &'static [usize] {
    match node.op_type.as_str() {
        // Shapes, axes, counts.
        "Reshape" | "Squeeze" | "Unsqueeze" | "Expand" | "Tile" | "Split" | "TopK" | "Trilu" | "CumSum" => &[1],
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => &[1],
        "CenterCropPad" | "AffineGrid" => &[1],
        "Slice" => &[1, 2, 3, 4],
        "Pad" | "Resize" => &[1, 2, 3],
        "OneHot" => &[1, 2],
        "ConstantOfShape" | "NonZero" | "If" => &[0],
        "Range" => &[0, 1, 2],
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => &[0],
        // Positions.
        "Gather" | "GatherElements" | "GatherND" | "ScatterElements" | "ScatterND" | "ArrayFeatureExtractor" => &[1],
        // Bounds, slopes, exponents, distances.
        "Clip" | "Dropout" => &[1, 2],
        "Pow" | "BitShift" | "PRelu" => &[1],
        // Of which only the type counts.
        "CastLike" => &[1],
        // Weights and statistics.
        "Conv" | "ConvTranspose" | "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => &[1, 2],
        "RMSNormalization" => &[1],
        "BatchNormalization" => &[1, 2, 3, 4],
        "LSTM" => &[1, 2, 3, 4, 7],
        "GRU" | "RNN" => &[1, 2, 3, 4],
        _ => &[],
    }
}
