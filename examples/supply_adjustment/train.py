"""Fit the controller, write `model.onnx` and its data. `--check` compares with the committed files instead.

The teacher is the optimal regulator, which sees demand; the student sees features. Least squares makes the student the
mean of the teacher's change given what can be seen: by certainty equivalence that is what a regulator without sight of
demand should do, as long as the bound rarely binds. Data come first from a PID loop, then from the student's own loop,
because a controller shapes the states it meets.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m supply_adjustment.train [--check]`.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from artifacts.features import Floats, Normalization, corners, write_table
from artifacts.files import Sample, train_or_check, write_samples
from artifacts.graph import GraphBuilder
from supply_adjustment.controllers import Controller, Optimal, Pid, run
from supply_adjustment.features import FEATURES, LARGEST_DEVIATION, MEANS, deviations
from supply_adjustment.peg import MAX_CHANGE, Peg
from supply_adjustment.situations import SITUATIONS

HIDDEN = (16, 8)
EPOCHS = 10
EPISODES, HOURS, WARM_UP = 96, 480, 96
FIRST_LOOP = Pid(proportional=0.2, integral=0.0, derivative=0.5)
TRAIN_SEEDS = (31, 32, 33)
HELDOUT_SEED = 34


class Student:
    """The network in the loop, in float64, many episodes at once."""

    def __init__(self, normalization: Normalization, network: MLPRegressor) -> None:
        """Wrap a fitted network."""
        self.normalization, self.network = normalization, network

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Decide as the ONNX graph does."""
        change: Floats = MAX_CHANGE * self.network.predict(self.normalization.apply(deviations(features)))
        return np.clip(change, -MAX_CHANGE, MAX_CHANGE)


class Recorder:
    """Lets one controller drive and writes down what the teacher would have done."""

    def __init__(self, driver: Controller) -> None:
        """Record under this driver."""
        self._driver, self._teacher = driver, Optimal()
        self.wanted: list[Floats] = []

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Record the teacher's change in units of the bound, at most three of them, and drive."""
        self.wanted.append(np.clip(self._teacher.unbounded(peg) / MAX_CHANGE, -3.0, 3.0))
        return self._driver(peg, features)


def demonstrate(seed: int, driver: Controller) -> tuple[Floats, Floats]:
    """Give features `[samples, 10]` and the teacher's changes `[samples]`, on states that `driver` reaches."""
    recorder = Recorder(driver)
    _, _, seen = run(Peg.start(seed, EPISODES), recorder, HOURS, WARM_UP)
    return seen.reshape(-1, len(FEATURES)), np.concatenate(recorder.wanted[WARM_UP:])


def fit() -> tuple[Student, Floats]:
    """Fit on a PID loop, then twice again with the student's own loop added. Also gives the features met."""
    driver: Controller = FIRST_LOOP
    rows, wanted = np.empty((0, len(FEATURES))), np.empty(0)
    for seed in TRAIN_SEEDS:
        more_rows, more_wanted = demonstrate(seed, driver)
        rows, wanted = np.concatenate([rows, more_rows]), np.concatenate([wanted, more_wanted])
        normalization = Normalization.fit(deviations(rows))
        network = MLPRegressor(
            hidden_layer_sizes=HIDDEN,
            activation="tanh",
            alpha=1e-4,
            batch_size=256,
            learning_rate_init=2e-3,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=7,
        )
        with warnings.catch_warnings():
            # A fixed number of epochs is what makes a rerun comparable.
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(normalization.apply(deviations(rows)), wanted)
        driver = student = Student(normalization, network)
    return student, rows


def write_model(path: Path, student: Student) -> None:
    """Prices to deviations and their moves (Sub, Clip, Mul, Gemm), then Gemm and Tanh twice, Gemm, Mul, Clip.

    The network's unit is the bound.
    """
    graph = GraphBuilder("supply_adjustment")
    off = graph.shifted(graph.input("pegs", [1, len(FEATURES)]), "deviation", -1.0)
    off = graph.scaled(graph.clip(off, "clipped", -LARGEST_DEVIATION, LARGEST_DEVIATION), "percent", 100.0)
    x = graph.normalize(graph.dense(off, MEANS, np.zeros(MEANS.shape[1]), "means"), student.normalization)
    *hidden, last = zip(student.network.coefs_, student.network.intercepts_, strict=True)
    for index, (weights, bias) in enumerate(hidden, start=1):
        x = graph.node("Tanh", [graph.dense(x, weights, bias, f"dense_{index}")], f"tanh_{index}")
    change = graph.scaled(graph.dense(x, *last, "change_in_bounds"), "unbounded_change", MAX_CHANGE)
    graph.save(path, graph.clip(change, "supply_change", -MAX_CHANGE, MAX_CHANGE), [1, 1])


def build(folder: Path) -> None:
    """Write every generated file of the story to `folder`."""
    student, rows = fit()
    write_model(folder / "model.onnx", student)
    write_table(folder / "features.json", FEATURES)

    def sample(row: Floats) -> Sample:
        return {"pegs": row[np.newaxis]}

    heldout, _ = demonstrate(HELDOUT_SEED, student)
    write_samples(
        folder,
        named={name: sample(situation.features(student)) for name, situation in SITUATIONS.items()},
        calibration=[sample(row) for row in np.concatenate([corners(FEATURES), rows[:: len(rows) // 62][:62]])],
        heldout=[sample(row) for row in heldout[:: len(heldout) // 64][:64]],
    )


if __name__ == "__main__":
    sys.exit(train_or_check(Path(__file__).parent, build, sys.argv[1:]))
