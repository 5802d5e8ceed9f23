"""Models as scikit-learn's users export them, with what ONNX Runtime makes of a thousand random inputs each.

`cargo xtask models` runs this, with the packages that it pins. Arguments: the folder to write.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import skl2onnx
import sklearn
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

INPUTS = 1000
CALIBRATION = 200

# Least and greatest value of each feature, in units as protocols have them: shares, basis points, amounts, days.
RANGES = np.array([[0, 1], [-1, 1], [0, 100], [-25, 25], [0, 5], [1, 365], [0, 1000], [-3, 3]], dtype=np.float64)


def draw(random, count, features):
    low, high = RANGES[:features].T
    return random.uniform(low, high, (count, features)).astype(np.float32)


def target(x):
    unit = (x - RANGES[: x.shape[1], 0]) / (RANGES[: x.shape[1], 1] - RANGES[: x.shape[1], 0])
    return 2 * unit[:, 0] - unit[:, 1] + np.sin(3 * unit[:, 2]) + unit[:, 3] * unit[:, -1]


def several(x):
    return np.stack([target(x), -target(x) + x[:, 0], x[:, 1]], axis=1)


def classes(count):
    def of(x):
        y = target(x)
        return np.digitize(y, np.quantile(y, np.arange(1, count) / count))

    return of


def scaled(model):
    return make_pipeline(StandardScaler(), model)


# Name, model, what it learns, features, samples to learn from, options of the converter.
MODELS = [
    ("linear_regression", LinearRegression(), target, 8, 500, {}),
    ("ridge_of_three", Ridge(), several, 8, 500, {}),
    ("minmax_lasso", make_pipeline(MinMaxScaler(), Lasso(alpha=0.01)), target, 8, 500, {}),
    ("pca_ridge", make_pipeline(StandardScaler(), PCA(4), Ridge()), target, 8, 500, {}),
    ("polynomial_ridge", make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()), target, 4, 500, {}),
    ("pls_regression", PLSRegression(3), target, 8, 500, {}),
    ("logistic", scaled(LogisticRegression()), classes(2), 8, 500, {"zipmap": False}),
    ("logistic_of_four", scaled(LogisticRegression()), classes(4), 8, 500, {"zipmap": False}),
    ("logistic_zipmap", scaled(LogisticRegression()), classes(3), 8, 500, {}),
    ("sgd_hinge", make_pipeline(RobustScaler(), SGDClassifier(random_state=0)), classes(3), 8, 500, {"zipmap": False}),
    ("linear_svc", make_pipeline(Normalizer(), LinearSVC()), classes(2), 8, 500, {"raw_scores": True}),
    ("mlp_unscaled", MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0), lambda x: x[:, 0] * x[:, 1], 2, 500, {}),
    ("mlp_relu", scaled(MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=300, random_state=0)), target, 8, 500, {}),
    ("mlp_tanh", scaled(MLPClassifier(hidden_layer_sizes=(16,), activation="tanh", max_iter=300, random_state=0)), classes(3), 8, 500, {"zipmap": False}),
    ("mlp_logistic", scaled(MLPClassifier(hidden_layer_sizes=(16,), activation="logistic", max_iter=300, random_state=0)), classes(2), 8, 500, {"zipmap": False}),
    ("svr_rbf", scaled(SVR(C=1.0, epsilon=0.3)), target, 8, 80, {}),
    ("svr_linear", scaled(SVR(kernel="linear", epsilon=0.3)), target, 8, 80, {}),
    ("svr_polynomial", scaled(SVR(kernel="poly", degree=2, epsilon=0.3)), target, 8, 80, {}),
    ("svc_rbf", scaled(SVC()), classes(2), 8, 80, {"zipmap": False, "raw_scores": True}),
    ("gaussian_bayes", GaussianNB(), classes(3), 4, 500, {"zipmap": False}),
]


def tensor(value):
    """ZipMap's maps as rows, in the order of their keys."""
    if isinstance(value, list):
        return np.array([[row[key] for key in sorted(row)] for row in value], dtype=np.float32)
    return np.asarray(value)


def make(folder, name, model, learn, features, samples, options):
    random = np.random.default_rng(sum(name.encode()))
    x = draw(random, samples, features)
    model.fit(x, learn(x))
    converter = {id(model.steps[-1][1] if hasattr(model, "steps") else model): options} if options else {}
    proto = to_onnx(model, initial_types=[("x", FloatTensorType([1, features]))], options=converter, target_opset={"": 18, "ai.onnx.ml": 3})
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    data = proto.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    low, high = RANGES[:features].T.astype(np.float32)
    calibration = np.concatenate([[low, high], draw(random, CALIBRATION, features)]).astype(np.float32)
    inputs = draw(random, INPUTS, features)
    outputs = {name: [] for name in names}
    for row in inputs:
        for output, value in zip(names, session.run(names, {"x": row[None]})):
            outputs[output].append(tensor(value))
    np.savez(folder / "calibration.npz", x=calibration[:, None, :])
    np.savez(folder / "inputs.npz", x=inputs[:, None, :])
    np.savez(folder / "outputs.npz", **{output: np.stack(values) for output, values in outputs.items()})


def main():
    folder = Path(sys.argv[1])
    for model in MODELS:
        make(folder, *model)
    packages = [sklearn, skl2onnx, onnx, onnxruntime, np]
    versions = ", ".join(f"{package.__name__} {package.__version__}" for package in packages)
    (folder / "versions").write_text(versions)


if __name__ == "__main__":
    main()
