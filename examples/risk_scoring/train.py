"""Train the score, write `model.onnx` and its data. `--check` compares with the committed files instead.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m risk_scoring.train [--check]`.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from artifacts.features import Floats, Normalization, corners, write_table
from artifacts.files import Sample, train_or_check, write_samples
from artifacts.graph import GraphBuilder
from risk_scoring.borrowers import BORROWERS
from risk_scoring.features import FEATURES, features
from risk_scoring.market import Market
from risk_scoring.positions import Positions, ends_as_bad_debt

TRAIN_SEED, HELDOUT_SEED = 20_240_601, 20_240_602
TRAIN_CHUNKS, HELDOUT_CHUNKS = 24, 8
SCENARIOS_PER_CHUNK, LOANS_PER_SCENARIO = 800, 8
HIDDEN = (32, 16)
EPOCHS = 12


def population(seed: int, chunks: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Simulate loans: features `[loans, 16]`, and whether each ended as bad debt. Chunks bound the memory."""
    rows, labels = [], []
    for chunk_seed in np.random.SeedSequence(seed).spawn(chunks):
        rng = np.random.default_rng(chunk_seed)
        market = Market.simulate(rng, SCENARIOS_PER_CHUNK)
        positions = Positions.draw(rng, SCENARIOS_PER_CHUNK, LOANS_PER_SCENARIO)
        rows.append(features(market, positions))
        labels.append(ends_as_bad_debt(market, positions))
    return np.concatenate(rows), np.concatenate(labels)


def fit(rows: Floats, labels: NDArray[np.bool_]) -> tuple[Normalization, MLPClassifier]:
    """Fit the network to the labels by log loss: its output is a probability, not a rank."""
    normalization = Normalization.fit(rows)
    network = MLPClassifier(
        HIDDEN,
        alpha=2e-2,
        batch_size=512,
        learning_rate_init=1e-3,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=7,
    )
    with warnings.catch_warnings():
        # A fixed number of epochs is what makes a rerun comparable.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(normalization.apply(rows), labels)
    return normalization, network


def write_model(path: Path, normalization: Normalization, network: MLPClassifier) -> None:
    """Sub, Mul, then Gemm and Relu twice, Gemm, Sigmoid."""
    graph = GraphBuilder("risk_scoring")
    x = graph.normalize(graph.input("features", [1, len(FEATURES)]), normalization)
    *hidden, last = zip(network.coefs_, network.intercepts_, strict=True)
    for index, (weights, bias) in enumerate(hidden, start=1):
        x = graph.node("Relu", [graph.dense(x, weights, bias, f"dense_{index}")], f"relu_{index}")
    logit = graph.dense(x, *last, "logit")
    graph.save(path, graph.node("Sigmoid", [logit], "bad_debt_probability"), [1, 1])


def build(folder: Path) -> None:
    """Write every generated file of the story to `folder`."""
    rows, labels = population(TRAIN_SEED, TRAIN_CHUNKS)
    normalization, network = fit(rows, labels)
    write_model(folder / "model.onnx", normalization, network)
    write_table(folder / "features.json", FEATURES, normalization)

    def sample(row: Floats) -> Sample:
        return {"features": row[np.newaxis]}

    heldout, _ = population(HELDOUT_SEED, 1)
    write_samples(
        folder,
        named={name: sample(borrower.features()) for name, borrower in BORROWERS.items()},
        calibration=[sample(row) for row in np.concatenate([corners(FEATURES), rows[:: len(rows) // 62][:62]])],
        heldout=[sample(row) for row in heldout[:: len(heldout) // 64][:64]],
    )


if __name__ == "__main__":
    sys.exit(train_or_check(Path(__file__).parent, build, sys.argv[1:]))
