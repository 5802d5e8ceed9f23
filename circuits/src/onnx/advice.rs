//! What to do about operators that are not supported.

/// For a function in the model's own file.
pub(super) const FUNCTION: &str =
    "it is a function of the model's own: inline functions first (onnx.inliner.inline_local_functions)";

/// Advice for an operator of a domain; empty if there is none but to do without it.
pub(super) fn of(domain: &str, operator: &str) -> &'static str {
    match (domain, operator) {
        ("" | "ai.onnx", operator) => of_onnx(operator),
        ("ai.onnx.ml", operator) => of_ml(operator),
        ("com.microsoft" | "com.microsoft.nchwc" | "com.ms.internal.nhwc", _) => {
            "ONNX Runtime's optimizer made it: take the model as it was exported, before it was optimized for a runtime"
        }
        ("ai.onnx.training" | "ai.onnx.preview.training", _) => {
            "training only: export the model for inference (model.eval())"
        }
        _ => {
            "if it is a function in the model's own file, inline functions first (onnx.inliner.inline_local_functions); a custom \
             operator must be written in operators of ONNX"
        }
    }
}

fn of_onnx(operator: &str) -> &'static str {
    match operator {
        "Loop" | "Scan" => {
            "a circuit has no loops: export with a fixed number of steps, unrolled (in PyTorch trace instead of script; in \
             Keras unroll=True), or use LSTM, GRU or RNN"
        }
        "BatchNormalization" => "export the model for inference: model.eval(), or training=TrainingMode.EVAL",
        "QuantizeLinear" | "DequantizeLinear" | "DynamicQuantizeLinear" | "ConvInteger" | "MatMulInteger" => QUANTIZED,
        name if name.starts_with("QLinear") => QUANTIZED,
        "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike" | "Bernoulli" | "Multinomial" => {
            "a proof must not depend on chance: export the model for inference, or make the numbers an input"
        }
        name if name.starts_with("Sequence") || matches!(name, "SplitToSequence" | "ConcatFromSequence") => {
            "sequences are not tensors: stack their elements (torch.stack) before the model, or in place of the sequence"
        }
        name if name.starts_with("Optional") => "a circuit computes everything: export without optional values",
        name if name.starts_with("String") || matches!(name, "RegexFullMatch" | "TfIdfVectorizer") => STRINGS,
        "NonZero" | "Unique" | "Compress" | "NonMaxSuppression" => {
            "the shape of what it yields depends on the data, and a circuit's shapes are fixed: multiply by a mask, or do it \
             after the model"
        }
        "If" => "only If with a constant condition is supported",
        _ => "",
    }
}

const QUANTIZED: &str = "quantized operators are not supported yet: export the model in float32, it is quantized here";
const STRINGS: &str = "strings are not tensors of numbers: encode them before the model";

fn of_ml(operator: &str) -> &'static str {
    match operator {
        "ZipMap" => {
            "leave it out of the export: with skl2onnx options={id(model): {'zipmap': False}}, with onnxmltools zipmap=False"
        }
        "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => "trees are not supported yet",
        "CategoryMapper" | "CastMap" | "DictVectorizer" => STRINGS,
        _ => "",
    }
}
