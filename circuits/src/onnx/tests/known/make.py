"""Writes the tables of this folder: small models of one node, run by ONNX Runtime (or by ONNX's reference evaluator, where that has
no such operator). Made with onnx 1.19.1 and onnxruntime 1.32; run from this folder: python make.py"""

import numpy as np
import onnx
from onnx import TensorProto as T, helper, numpy_helper

RNG = np.random.default_rng(7)


def f(*shape):
    return (np.round(RNG.uniform(-2, 2, shape) * 8) / 8).astype(np.float32)


def pos(*shape):
    return (np.round(RNG.uniform(0.25, 2, shape) * 8) / 8).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def b(*values):
    return np.array(values, bool)


def w(value):
    """A constant operand."""
    return ("const", np.asarray(value))


X = np.array([-2, -0.5, 0, 0.75, 3], np.float32)
P = np.array([0.25, 0.5, 1, 1.5, 3], np.float32)
U = np.array([-0.75, -0.25, 0, 0.5, 0.875], np.float32)
I = ints(-7, -2, 0, 3, 9)
IMG = f(1, 2, 4, 4)
SEQ = f(3, 1, 2)

FAMILIES = {
    "arithmetic": [
        ("Add", 13, [X, w(P)], {}), ("Sub", 13, [X, w(P)], {}), ("Mul", 13, [X, P], {}),
        ("Div", 14, [X, P], {}), ("Div", 14, [I, w(ints(2))], {}), ("Div", 14, [I, ints(2, 3, -4, -2, -5)], {}),
        ("Mod", 13, [I, w(ints(3))], {}), ("Mod", 13, [I, ints(3, -3, 2, -2, 4)], {}),
        ("Mod", 13, [I, ints(3, -3, 2, -2, 4)], {"fmod": 1}), ("Mod", 13, [X, P], {"fmod": 1}),
        ("Neg", 13, [X], {}), ("Neg", 13, [I], {}), ("Abs", 13, [X], {}), ("Abs", 13, [I], {}), ("Sign", 13, [X], {}),
        ("Reciprocal", 13, [P], {}),
        ("Min", 13, [X, P, w(np.float32(0.6))], {}), ("Max", 13, [X, P, w(np.float32(0.6))], {}),
        ("Sum", 13, [X, P, w(np.float32(0.5))], {}), ("Mean", 13, [X, P, w(np.float32(0.5))], {}),
        ("Pow", 15, [X, w(np.float32(2))], {}), ("Pow", 15, [X, w(np.float32(3))], {}), ("Pow", 15, [P, w(np.float32(-2))], {}),
        ("Pow", 15, [P, w(np.float32(0.5))], {}), ("Pow", 15, [P, w(np.float32(-0.5))], {}), ("Pow", 15, [P, w(np.float32(1.7))], {}),
        ("Pow", 15, [P, w(np.array([0, 1, 2, 0.5, -1], np.float32))], {}), ("Pow", 15, [P, X], {}),
        ("Pow", 15, [w(np.float32(2)), X], {}), ("Pow", 15, [I, w(ints(2))], {}),
        ("BitShift", 11, [np.array([1, 5, 12], np.uint32), w(np.array([2, 0, 3], np.uint32))], {"direction": "LEFT"}),
        ("BitShift", 11, [np.array([1, 5, 12], np.uint32), np.array([2, 0, 3], np.uint32)], {"direction": "RIGHT"}),
        ("BitwiseAnd", 18, [I, w(ints(6))], {}), ("BitwiseAnd", 18, [I, w(ints(-6))], {}), ("BitwiseAnd", 18, [I, ints(5, -1, 3, 6, -8)], {}),
        ("BitwiseOr", 18, [I, w(ints(6))], {}), ("BitwiseXor", 18, [I, w(ints(5))], {}), ("BitwiseNot", 18, [I], {}),
    ],
    "function": [
        *[(op, 13, [x], {}) for op, x in [("Exp", X), ("Log", P), ("Erf", X), ("Sqrt", P)]],
        *[(op, 14, [x], {}) for op, x in [("Sin", X), ("Cos", X), ("Tan", X), ("Asin", U), ("Acos", U), ("Atan", X),
          ("Sinh", X), ("Cosh", X), ("Asinh", X), ("Acosh", P + 1), ("Atanh", U)]],
        *[(op, 13, [np.array([-1.5, -0.4, 0.5, 1.5, 2.5], np.float32)], {}) for op in ["Floor", "Ceil", "Round"]],
        ("Cast", 13, [np.array([-1.5, -0.4, 0.5, 2.5], np.float32)], {"to": T.INT64}),
        ("Cast", 13, [X], {"to": T.BOOL}),
        ("IsNaN", 13, [X], {}), ("IsInf", 10, [X], {}),
    ],
    "logic": [
        *[(op, o, [X, P[::-1].copy()], {}) for op, o in [("Less", 13), ("Greater", 13), ("LessOrEqual", 16), ("GreaterOrEqual", 16)]],
        ("LessOrEqual", 16, [I, ints(-7, -3, 0, 4, 8)], {}), ("GreaterOrEqual", 16, [I, ints(-7, -3, 0, 4, 8)], {}),
        ("Equal", 13, [I, ints(-7, -3, 0, 4, 9)], {}), ("Equal", 13, [b(0, 0, 1, 1), b(0, 1, 0, 1)], {}),
        *[(op, 7, [b(0, 0, 1, 1), b(0, 1, 0, 1)], {}) for op in ["And", "Or", "Xor"]],
        ("Not", 13, [b(0, 1)], {}),
        ("Where", 16, [b(0, 1, 1, 0, 1), X, P], {}), ("Where", 16, [w(b(0, 1, 1, 0, 1)), X, w(np.float32(9))], {}),
    ],
    "activation": [
        ("Clip", 13, [X, np.float32(-1), np.float32(1)], {}), ("Clip", 13, [X, None, w(np.float32(1))], {}),
        ("PRelu", 16, [f(2, 3), w(pos(3))], {}), ("PRelu", 16, [X, w(np.float32([0.25]))], {}),
        ("Elu", 6 + 1, [X], {"alpha": 0.5}), ("Celu", 12, [X], {"alpha": 2.0}), ("Selu", 7, [X], {}),
        ("Gelu", 20, [X], {}), ("Gelu", 20, [X], {"approximate": "tanh"}),
        ("HardSigmoid", 7, [X], {}), ("HardSwish", 14, [X], {}), ("Swish", 24, [X], {}), ("Swish", 24, [X], {"alpha": 0.5}),
        ("Mish", 18, [X], {}), ("Softplus", 7, [X], {}), ("Softsign", 7, [X], {}),
        ("ThresholdedRelu", 10, [X], {"alpha": 0.5}), ("Shrink", 9, [X], {"lambd": 0.6, "bias": 0.25}),
        ("LogSoftmax", 13, [f(2, 3)], {}), ("LogSoftmax", 11, [f(2, 2, 2)], {"axis": 1}),
        ("Hardmax", 13, [np.float32([[1, 3, 3], [2, 1, 0]])], {}), ("Hardmax", 11, [f(1, 2, 2)], {"axis": 1}),
    ],
    "layers": [
        ("Conv", 11, [f(1, 2, 4), w(f(2, 2, 2)), w(f(2))], {"strides": [2], "pads": [1, 0]}),
        ("Conv", 11, [IMG, w(f(2, 1, 2, 2))], {"group": 2, "dilations": [2, 1]}),
        ("Conv", 11, [IMG, w(f(1, 2, 3, 3))], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ("ConvTranspose", 11, [f(1, 2, 3), w(f(2, 1, 2)), w(f(1))], {"strides": [2], "pads": [1, 0], "output_padding": [1]}),
        ("ConvTranspose", 11, [f(1, 2, 2, 2), w(f(2, 1, 2, 2))], {"group": 2, "strides": [2, 1], "dilations": [1, 2]}),
        ("MaxPool", 12, [IMG], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 2]}),
        ("MaxPool", 12, [f(1, 1, 5)], {"kernel_shape": [2], "ceil_mode": 1, "strides": [2]}, 2),
        ("AveragePool", 19, [IMG], {"kernel_shape": [2, 2], "pads": [1, 0, 0, 1], "strides": [2, 2]}),
        ("AveragePool", 19, [f(1, 1, 5)], {"kernel_shape": [3], "pads": [1, 1], "count_include_pad": 1, "strides": [2], "ceil_mode": 1}),
        ("LpPool", 18, [f(1, 1, 5)], {"kernel_shape": [2], "p": 2}), ("LpPool", 18, [f(1, 1, 5)], {"kernel_shape": [2], "p": 3}),
        ("GlobalAveragePool", 7, [IMG], {}), ("GlobalMaxPool", 7, [IMG], {}), ("GlobalLpPool", 7, [IMG], {"p": 1}),
        ("BatchNormalization", 15, [IMG, w(pos(2)), w(f(2)), w(f(2)), w(pos(2))], {}),
        ("LayerNormalization", 17, [f(2, 4), w(f(4)), w(f(4))], {}, 1),
        ("RMSNormalization", 23, [f(2, 4), w(f(4))], {}),
        ("InstanceNormalization", 7, [IMG, w(pos(2)), w(f(2))], {}),
        ("GroupNormalization", 21, [f(1, 4, 2), w(pos(4)), w(f(4))], {"num_groups": 2}),
        ("LpNormalization", 7, [f(2, 3)], {"p": 1}), ("LpNormalization", 7, [f(2, 3)], {}),
        ("MeanVarianceNormalization", 13, [IMG], {}), ("LRN", 13, [f(1, 4, 1, 2)], {"size": 3, "alpha": 0.5}),
        ("Einsum", 12, [f(2, 3), w(f(3, 2))], {"equation": "ij,jk->ki"}), ("Einsum", 12, [f(2, 2)], {"equation": "ii->i"}),
        ("Einsum", 12, [f(2, 2, 3), f(2, 3)], {"equation": "...ij,bj->b...i"}),
        ("Einsum", 12, [f(2), f(3), w(f(2, 3))], {"equation": "i,j,ij"}),
    ],
    "attention": [
        ("Attention", 23, [f(1, 2, 2, 2), f(1, 2, 3, 2), f(1, 2, 3, 2)], {}),
        ("Attention", 23, [f(1, 2, 4), f(1, 2, 2), f(1, 2, 2)], {"q_num_heads": 2, "kv_num_heads": 1, "is_causal": 1, "scale": 0.5}),
        ("Attention", 23, [f(1, 1, 2, 2), f(1, 1, 3, 2), f(1, 1, 3, 2), w(np.array([[1, 0, 1], [0, 1, 1]], bool))], {}),
        ("Attention", 23, [f(1, 1, 2, 2), f(1, 1, 3, 2), f(1, 1, 3, 2), f(2, 3)], {"softcap": 2.0}),
    ],
    "recurrent": [
        ("RNN", 14, [SEQ, w(f(1, 2, 2)), w(f(1, 2, 2)), w(f(1, 4))], {"hidden_size": 2}, 2),
        ("RNN", 14, [SEQ, w(f(2, 2, 2)), w(f(2, 2, 2))], {"hidden_size": 2, "direction": "bidirectional", "activations": ["Relu", "Affine"], "activation_alpha": [0.5], "activation_beta": [0.25]}, 2),
        ("GRU", 14, [SEQ, w(f(1, 6, 2)), w(f(1, 6, 2)), w(f(1, 12)), None, f(1, 1, 2)], {"hidden_size": 2}, 2),
        ("GRU", 14, [SEQ, w(f(1, 6, 2)), w(f(1, 6, 2)), w(f(1, 12))], {"hidden_size": 2, "linear_before_reset": 1, "direction": "reverse"}, 2),
        ("LSTM", 14, [SEQ, w(f(1, 8, 2)), w(f(1, 8, 2)), w(f(1, 16)), w(np.array([3], np.int32)), f(1, 1, 2), f(1, 1, 2), w(f(1, 6))], {"hidden_size": 2, "clip": 1.5}, 3),
        ("LSTM", 14, [SEQ, w(f(2, 8, 2)), w(f(2, 8, 2))], {"hidden_size": 2, "direction": "bidirectional"}, 3),
    ],
    "reduce": [
        *[(op, 18, [f(2, 3), w(ints(1))], {}) for op in ["ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceMean"]],
        ("ReduceProd", 13, [f(2, 5)], {"axes": [-1], "keepdims": 0}), ("ReduceMin", 18, [I], {"keepdims": 0}),
        ("ReduceLogSum", 18, [pos(2, 3), w(ints(0))], {"keepdims": 0}), ("ReduceSum", 13, [f(2, 3), w(ints(0, 1))], {}),
        ("ArgMin", 13, [np.float32([[2, 1, 1], [0, 3, 4]])], {"axis": 1}), ("ArgMin", 13, [np.float32([[2, 1, 1]])], {"axis": 1, "select_last_index": 1, "keepdims": 0}),
        ("TopK", 11, [np.float32([[1, 4, 4, 2], [0, -1, 3, 3]]), w(ints(3))], {}, 2),
        ("TopK", 11, [np.float32([[1, 4, 4, 2], [0, -1, 3, 3]]), w(ints(2))], {"axis": 0, "largest": 0}, 2),
        ("TopK", 11, [ints(3, 1, 3, 2), w(ints(1))], {"largest": 0}, 2),
        ("TopK", 11, [np.float32([3, 1, 5, 2, 5, 0, 4, 1, 2, 5, 1, 3, 2]), w(ints(2))], {}, 2),
        ("TopK", 11, [np.float32([3, 1, 5, 0, 5, 0, 4, 1, 2, 5, 1, 3, 0]), w(ints(2))], {"largest": 0}, 2),
        ("CumSum", 14, [f(2, 3), w(np.int64(1))], {}), ("CumSum", 14, [f(3, 2), w(np.int64(0))], {"exclusive": 1, "reverse": 1}),
    ],
    "shape": [
        ("Tile", 13, [f(1, 2), w(ints(2, 2))], {}),
        ("Pad", 13, [f(2, 2), w(ints(0, 1, 1, 0)), w(np.float32(7))], {}),
        *[("Pad", 19, [f(3), w(ints(2, 2))], {"mode": mode}) for mode in ["reflect", "edge", "wrap"]],
        ("Pad", 18, [f(2, 3), w(ints(-1, 1)), None, w(ints(1))], {}),
        ("Trilu", 14, [f(2, 3)], {}), ("Trilu", 14, [f(3, 3), w(np.int64(-1))], {"upper": 0}),
        ("DepthToSpace", 13, [f(1, 4, 1, 2)], {"blocksize": 2}), ("DepthToSpace", 13, [f(1, 4, 1, 2)], {"blocksize": 2, "mode": "CRD"}),
        ("SpaceToDepth", 13, [f(1, 1, 2, 4)], {"blocksize": 2}),
        ("ReverseSequence", 10, [f(3, 2), w(ints(2, 3))], {}),
        ("OneHot", 11, [ints(0, 2, -1, 5), w(ints(3)), w(np.float32([0.5, 2]))], {}), ("OneHot", 11, [ints(1, 0), w(ints(2)), w(np.float32([0, 1]))], {"axis": 0}),
        ("EyeLike", 9, [f(2, 3)], {"k": 1}), ("Compress", 11, [f(2, 3), w(b(1, 0, 1))], {"axis": 1}),
        ("Gather", 13, [f(3, 2), ints(2, -3)], {}), ("Gather", 13, [f(2, 3), ints(2, 0)], {"axis": 1}),
        ("GatherElements", 13, [f(2, 3), w(np.array([[0, -1], [2, 1]]))], {"axis": 1}), ("GatherElements", 13, [f(2, 3), np.array([[0, -1], [2, 1]])], {"axis": 1}),
        ("GatherND", 13, [f(2, 2, 2), w(np.array([[0, 1], [1, -2]]))], {}), ("GatherND", 13, [f(2, 2, 2), np.array([[0, 1], [1, -2]])], {}),
        ("GatherND", 13, [f(2, 2, 2), w(np.array([[1], [0]]))], {"batch_dims": 1}),
        ("ScatterElements", 18, [f(2, 3), w(np.array([[0, -1]])), f(1, 2)], {"axis": 1}), ("ScatterElements", 18, [f(1, 3), w(np.array([[1, 1]])), f(1, 2)], {"axis": 1, "reduction": "add"}),
        ("ScatterND", 18, [f(3, 2), w(np.array([[2], [0]])), f(2, 2)], {}), ("ScatterND", 18, [f(3), w(np.array([[1], [1]])), f(2)], {"reduction": "max"}),
        ("ScatterND", 18, [f(3), w(np.array([[1], [1]])), f(2)], {"reduction": "mul"}), ("ScatterND", 18, [f(3), w(np.array([[1], [0]])), f(2)], {"reduction": "min"}),
        ("Resize", 13, [f(1, 1, 2, 2), None, w(np.float32([1, 1, 2, 1.5]))], {"mode": "linear"}),
        ("Resize", 13, [f(1, 1, 3, 2), None, None, w(ints(1, 1, 2, 4))], {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
        ("Resize", 13, [f(1, 1, 3), None, None, w(ints(1, 1, 5))], {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        ("Resize", 18, [f(1, 1, 4, 4), None, w(np.float32([1, 1, 0.5, 0.5]))], {"mode": "linear", "antialias": 1}),
        ("Resize", 13, [f(1, 1, 4, 1), None, w(np.float32([1, 1, 1.5, 1]))], {"mode": "cubic"}),
        ("Resize", 10, [f(1, 1, 2, 2), w(np.float32([1, 1, 2, 2]))], {"mode": "nearest"}),
        ("Upsample", 9, [f(1, 1, 2, 2), w(np.float32([1, 1, 2, 2]))], {"mode": "linear"}),
    ],
    "ml": [
        ("ml.Scaler", 1, [f(2, 3)], {"offset": [1.0, 0.5, -1.0], "scale": [2.0, 0.5, 4.0]}), ("ml.Scaler", 1, [np.array([[1, 2, 3]])], {"offset": [1.0], "scale": [0.5]}),
        *[("ml.Normalizer", 1, [np.float32([[1, -3, 2], [0, 0, 0]])], {"norm": norm}) for norm in ["L1", "L2"]], ("ml.Normalizer", 1, [pos(2, 3)], {"norm": "MAX"}),
        ("ml.Binarizer", 1, [f(2, 3)], {"threshold": 0.25}),
        ("ml.Imputer", 1, [np.float32([[1, -9, 2]])], {"imputed_value_floats": [4.0, 5.0, 6.0], "replaced_value_float": -9.0}),
        ("ml.Imputer", 1, [np.array([[1, -9, 2]])], {"imputed_value_int64s": [5], "replaced_value_int64": -9}),
        ("ml.FeatureVectorizer", 1, [f(2, 2), f(2, 1)], {"inputdimensions": [2, 1]}),
        ("ml.ArrayFeatureExtractor", 1, [f(2, 3), w(ints(2, 0))], {}),
        ("ml.ArrayFeatureExtractor", 1, [w(ints(7, -2, 5, 3)), ints(2, 0, 3)], {}),
        ("ml.LinearRegressor", 1, [f(2, 2)], {"coefficients": [0.5, -1.0, 2.0, 0.25], "intercepts": [0.5, -0.5], "targets": 2}),
        *[("ml.LinearClassifier", 1, [f(3, 2)], {"coefficients": [0.5, -1.0, 2.0, 0.25, -1.5, 1.0], "intercepts": [0.5, -0.5, 0.25], "classlabels_ints": [0, 5, 2], "post_transform": t}, 2) for t in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]],
        *[("ml.LinearClassifier", 1, [f(3, 2)], {"coefficients": [0.5, -1.0], "intercepts": [0.25], "classlabels_ints": [0, 1], "post_transform": t}, 2) for t in ["NONE", "LOGISTIC"]],
        *[("ml.SVMRegressor", 1, [f(2, 2)], {"kernel_type": k, "kernel_params": [0.5, 1.0, 3.0], "support_vectors": [1.0, 0.5, -1.0, 0.25, 0.0, 2.0], "coefficients": [0.5, -1.5, 1.0], "n_supports": 3, "rho": [0.25]}) for k in ["LINEAR", "POLY", "RBF", "SIGMOID"]],
        ("ml.SVMRegressor", 1, [f(2, 2)], {"kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "coefficients": [0.5, -1.5], "rho": [0.25], "n_supports": 0}),
        ("ml.SVMRegressor", 1, [f(3, 2)], {"kernel_type": "RBF", "kernel_params": [0.5, 0.0, 0.0], "support_vectors": [1.0, 0.5, -1.0, 0.25], "coefficients": [0.5, -0.5], "n_supports": 2, "rho": [0.01], "one_class": 1}),
        ("ml.SVMClassifier", 1, [f(4, 2)], {"kernel_type": "RBF", "kernel_params": [0.5, 0.0, 0.0], "support_vectors": [1.0, 0.5, -1.0, 0.25, 0.5, -2.0, 0.0, 1.0], "coefficients": [0.5, -1.5, 1.0, 0.25, -0.5, 0.75, -1.0, 0.5], "vectors_per_class": [1, 1, 2], "rho": [0.1, -0.2, 0.05], "classlabels_ints": [0, 1, 2]}, 2),
        ("ml.SVMClassifier", 1, [f(4, 2)], {"kernel_type": "POLY", "kernel_params": [0.5, 1.0, 2.0], "support_vectors": [1.0, 0.5, -1.0, 0.25], "coefficients": [0.5, -1.5], "vectors_per_class": [1, 1], "rho": [0.1], "classlabels_ints": [0, 1]}, 2),
        ("ml.SVMClassifier", 1, [f(4, 2)], {"kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "support_vectors": [1.0, 0.5, -1.0, 0.25], "coefficients": [0.5, -1.5], "vectors_per_class": [1, 1], "rho": [0.1], "classlabels_ints": [0, 1], "prob_a": [-1.5], "prob_b": [0.25]}, 2),
        ("ml.SVMClassifier", 1, [f(3, 2)], {"kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0], "support_vectors": [1.0, 0.5, -1.0, 0.25], "coefficients": [0.5, 1.5], "vectors_per_class": [1, 1], "rho": [0.1], "classlabels_ints": [7, 3]}, 2),
        ("ml.ZipMap", 1, [f(2, 2)], {"classlabels_int64s": [0, 1]}),
        ("ml.OneHotEncoder", 1, [ints(3, 1, 3)], {"cats_int64s": [1, 3]}),
        ("ml.LabelEncoder", 2, [ints(3, 1, 7)], {"keys_int64s": [1, 3], "values_int64s": [10, 20], "default_int64": -5}),
        ("ml.LabelEncoder", 2, [ints(3, 1, 7)], {"keys_int64s": [1, 3], "values_floats": [0.5, 1.5]}),
    ],
}


def model(op, opset, operands, attributes, outputs):
    domain = "ai.onnx.ml" if op.startswith("ml.") else ""
    names, inputs, constants, feed = [], [], [], {}
    for at, operand in enumerate(operands):
        name = "" if operand is None else "abcdefgh"[at]
        names.append(name)
        if operand is None:
            continue
        fixed = isinstance(operand, tuple)
        value = np.asarray(operand[1] if fixed else operand)
        if fixed:
            constants.append(numpy_helper.from_array(value, name))
        else:
            inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape))
            feed[name] = value
    outs = ["y", "z", "u"][:outputs]
    node = helper.make_node(op.removeprefix("ml."), names, outs, domain=domain, **attributes)
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=o) for o in outs], constants)
    opsets = [helper.make_opsetid("", 17 if domain else opset)] + ([helper.make_opsetid(domain, opset)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), feed


def answers(m, feed):
    if m.graph.node[0].op_type == "ZipMap":
        return list(feed.values())
    try:
        import onnxruntime
        typed = onnx.shape_inference.infer_shapes(m)
        session = onnxruntime.InferenceSession(typed.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, feed)
    except Exception as error:
        from onnx.reference import ReferenceEvaluator
        print("  reference:", m.graph.node[0].op_type, str(error)[:110])
        return ReferenceEvaluator(m).run(None, feed)


def number(x):
    return repr(int(x)) if isinstance(x, (np.bool_, np.integer, bool, int)) else repr(float(x))


def floats(values):
    out = []
    for value in np.asarray(values).reshape(-1):
        text = number(np.float64(np.float32(value)).item() if np.asarray(values).dtype.kind == "f" else float(value))
        short = f"{float(value):.7g}"
        out.append(short if ("." in short or "e" in short) else short + ".0")
    return ", ".join(out)


def dims(shape):
    return ", ".join(map(str, shape))


def rust_operand(operand):
    if operand is None:
        return "Skip"
    fixed = isinstance(operand, tuple)
    value = np.asarray(operand[1] if fixed else operand)
    kind = {"f": "Float", "b": "Bool"}.get(value.dtype.kind)
    kind = kind or {np.dtype("int64"): "Int64", np.dtype("int32"): "Int32", np.dtype("uint32"): "Uint32"}[value.dtype]
    return f"{'Fixed' if fixed else 'Given'}({kind}, &[{dims(value.shape)}], &[{floats(value)}])"


def rust_attribute(name, value):
    if isinstance(value, bool) or isinstance(value, int):
        return f'int("{name}", {value})'
    if isinstance(value, float):
        return f'float("{name}", {value})'
    if isinstance(value, str):
        return f'string("{name}", "{value}")'
    if isinstance(value[0], int):
        return f'ints("{name}", &[{dims(value)}])'
    if isinstance(value[0], str):
        return f'strings("{name}", &[{", ".join(chr(34) + v + chr(34) for v in value)}])'
    return f'floats("{name}", &[{", ".join(map(repr, value))}])'


def main():
    for family, cases in FAMILIES.items():
        rows = []
        for op, opset, operands, attributes, *outputs in cases:
            outputs = outputs[0] if outputs else 1
            try:
                m, feed = model(op, opset, operands, attributes, outputs)
                results = answers(m, feed)
            except Exception as error:
                print(family, op, "SKIPPED", str(error)[:200])
                continue
            given = ", ".join(map(rust_operand, operands))
            named = ", ".join(rust_attribute(k, v) for k, v in attributes.items())
            ys = ", ".join(f"(&[{dims(np.shape(y))}], &[{floats(y)}])" for y in results)
            rows.append(f'        row("{op}", {opset}, &[{given}], &[{named}], &[{ys}]),')
        used = sorted({name for row in rows for name in ["float", "floats", "int", "ints", "string", "strings"] if f'{name}("' in row.replace("row(", "").replace("strings("[1:] if name == "string" else "\0", "")})
        with open(f"{family}.rs", "w") as out:
            out.write(f"//! Known answers: {family}. Written by `make.py`.\n\n")
            kinds = [n for n in ["Bool", "Float", "Int32", "Int64", "Uint32"] if any(f"({n}," in r for r in rows)]
            forms = [n for n in ["Fixed", "Given"] if any(f"{n}(" in r for r in rows)] + ["Skip"] * any("Skip" in r for r in rows)
            braced = lambda names: names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"
            out.write(f"use tract_onnx::pb::tensor_proto::DataType::{braced(kinds)};\n\n")
            if used:
                out.write(f"use super::super::super::fixture::{braced(used)};\n")
            out.write(f"use super::Operand::{braced(forms)};\nuse super::{{Row, check, row}};\n\n")
            out.write("#[test]\n#[rustfmt::skip]\nfn known_answers() {\n    let rows: Vec<Row> = vec![\n" + "\n".join(rows) + "\n    ];\n    check(&rows);\n}\n")


main()
