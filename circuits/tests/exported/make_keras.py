"""Models as Keras' users export them, with what ONNX Runtime makes of a thousand random inputs each.

`cargo xtask models` runs this in an environment of its own: TensorFlow wants other versions of what the other exporters use.
Keras calls tf2onnx, so that images have their channels last and transpositions around each convolution. It knows an LSTM; other recurrent layers become loops
unless they are unrolled. Arguments: the folder to write.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow
import tf2onnx
from keras import layers

INPUTS = 1000
CALIBRATION = 200


def reals(*shape):
    return lambda random: random.uniform(-1, 1, (1, *shape)).astype(np.float32)


def tokens(*shape):
    return lambda random: random.integers(0, 50, (1, *shape)).astype(np.int32)


def gelu(x):
    """By tanh: for the exact one this tf2onnx writes an operator that ONNX does not have."""
    return keras.activations.gelu(x, approximate=True)


def chain(shape, *parts, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *parts])


def attention():
    x = keras.Input((5, 8))
    y = layers.MultiHeadAttention(2, 4)(x, x)
    y = layers.LayerNormalization()(layers.Add()([x, y]))
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(y)))


def branches():
    x = keras.Input((8,))
    a, b = layers.Dense(6, activation="tanh")(x), layers.Dense(6, activation="selu")(x)
    joined = layers.Concatenate()([layers.Multiply()([a, b]), layers.Maximum()([a, b])])
    return keras.Model(x, [layers.Dense(1, activation="sigmoid")(joined), layers.Dense(2)(joined)])


MODELS = {
    "mlp": (lambda: chain((8,), layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(4, activation="softmax")), reals(8)),
    "mlp_of_activations": (lambda: chain((8,), layers.Dense(8, activation=gelu), layers.Dense(8, activation="swish"), layers.Dense(8), layers.LeakyReLU(), layers.Dense(8, activation="elu"), layers.Dense(2, activation="softplus")), reals(8)),
    "rescaled": (lambda: chain((8,), layers.Rescaling(2.0, -0.2), layers.UnitNormalization(), layers.Dense(16, activation="relu"), layers.Dense(1)), reals(8)),
    "cnn": (lambda: chain((8, 8, 1), layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Dense(3)), reals(8, 8, 1)),
    "depthwise": (lambda: chain((6, 6, 2), layers.DepthwiseConv2D(3, padding="same"), layers.ReLU(max_value=6.0), layers.SeparableConv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)), reals(6, 6, 2)),
    "cnn_of_series": (lambda: chain((16, 2), layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu"), layers.AveragePooling1D(2), layers.GlobalMaxPooling1D(), layers.Dense(1)), reals(16, 2)),
    "autoencoder": (lambda: chain((6, 6, 1), layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"), layers.UpSampling2D(2), layers.Conv2DTranspose(1, 3, padding="same", activation="tanh")), reals(6, 6, 1)),
    "lstm": (lambda: chain((6, 4), layers.LSTM(8), layers.Dense(2)), reals(6, 4)),
    "gru_both_ways": (lambda: chain((6, 4), layers.Bidirectional(layers.GRU(6, unroll=True)), layers.Dense(2)), reals(6, 4)),
    "simple_rnn": (lambda: chain((6, 4), layers.SimpleRNN(6, return_sequences=True, unroll=True), layers.TimeDistributed(layers.Dense(2)), layers.Flatten()), reals(6, 4)),
    "attention": (attention, reals(5, 8)),
    "bag": (lambda: chain((6,), layers.Embedding(50, 8), layers.GlobalAveragePooling1D(), layers.Dense(2), dtype="int32"), tokens(6)),
    "branches": (branches, reals(8)),
}


def make(folder, name, build, draw):
    seed = sum(name.encode())
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    model = build()
    # Keras exports what was called.
    model(draw(random))
    model.export(str(file), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    example = draw(random)
    # All that a token may be and the ends of what a number may be, so that no input is out of range.
    ends = [np.full_like(example, end) for end in ([0, 49] if example.dtype == np.int32 else [-1, 1])]
    calibration = np.stack(ends + [draw(random) for _ in range(CALIBRATION)])
    inputs = np.stack([draw(random) for _ in range(INPUTS)])
    runs = [session.run(names, {given.name: x}) for x in inputs]
    np.savez(folder / "calibration.npz", **{given.name: calibration})
    np.savez(folder / "inputs.npz", **{given.name: inputs})
    np.savez(folder / "outputs.npz", **{output: np.stack([run[at] for run in runs]) for at, output in enumerate(names)})


def main():
    folder = Path(sys.argv[1])
    for name, (build, draw) in MODELS.items():
        make(folder / f"keras_{name}", name, build, draw)
    packages = [keras, tensorflow, tf2onnx, onnx, onnxruntime, np]
    versions = ", ".join(f"{package.__name__} {package.__version__}" for package in packages)
    (folder / "versions_keras").write_text(versions)


if __name__ == "__main__":
    main()
