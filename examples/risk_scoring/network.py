"""Three quantiles of what is to come, in numpy: falls that one day in a hundred exceeds, and what can be sold at least.

Each output minimizes its pinball loss, so that a given share of all outcomes lies above it.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from artifacts.adam import Adam
from artifacts.features import Floats

QUANTILES = np.array([0.99, 0.99, 0.05])
"""Of the worst fall in the keepers' hours, of the one in a day, and of the USD that can be sold."""

HIDDEN = (16, 8)
SELLABLE_UNIT = 1.0e6
"""USD that stand for 1."""

LEAST_GAP = 0.04
"""The day's fall is above the keepers' hours' by this at least: what is lent stays apart from what is liquidated."""


@dataclass
class Network:
    """Weights in float64, `[in, out]` and `[out]` in turn."""

    weights: list[Floats]

    def raw(self, x: Floats) -> tuple[list[Floats], Floats]:
        """Give the hidden layers, and three numbers: fall in hours, what a day adds to the gap, USD."""
        layers = [x]
        *hidden, (matrix, bias) = zip(self.weights[::2], self.weights[1::2], strict=True)
        for weights, offset in hidden:
            layers.append(np.maximum(layers[-1] @ weights + offset, 0.0))
        return layers, layers[-1] @ matrix + bias

    def __call__(self, x: Floats) -> Floats:
        """Give the three quantiles, `[n, 3]`."""
        return _quantiles(self.raw(x)[1])

    def gradients(self, x: Floats, outcomes: Floats) -> tuple[list[Floats], float]:
        """Differentiate the mean pinball loss; `outcomes` `[n, 3]`. Also gives the loss."""
        layers, raw = self.raw(x)
        error = _quantiles(raw) - outcomes
        above = error > 0.0
        loss = float((np.where(above, 1.0 - QUANTILES, -QUANTILES) * error).sum(axis=1).mean())
        slope = np.where(above, 1.0 - QUANTILES, -QUANTILES) / len(x)
        # The day's fall is the hours' and what comes on top, which is not negative.
        back = np.stack([slope[:, 0] + slope[:, 1], slope[:, 1] * (raw[:, 1] > 0.0), slope[:, 2]], axis=1)
        gradients: list[Floats] = []
        for index in range(len(layers) - 1, -1, -1):
            gradients = [layers[index].T @ back, back.sum(axis=0), *gradients]
            back = (back @ self.weights[2 * index].T) * (layers[index] > 0.0)
        return gradients, loss


def _quantiles(raw: Floats) -> Floats:
    return np.stack([raw[:, 0], raw[:, 0] + LEAST_GAP + np.maximum(raw[:, 1], 0.0), raw[:, 2]], axis=1)


def fit(x: Floats, outcomes: Floats, *, seed: int, steps: int, batch: int = 1024) -> Network:
    """Minimize the pinball losses by Adam."""
    rng = np.random.default_rng(seed)
    widths = [x.shape[1], *HIDDEN, outcomes.shape[1]]
    network = Network([])
    for width, following in itertools.pairwise(widths):
        network.weights += [rng.normal(0.0, np.sqrt(1.0 / width), (width, following)), np.zeros(following)]
    network.weights[-1][...] = np.quantile(outcomes, 0.9, axis=0) * np.array([1.0, 0.0, 0.1])
    # A larger step ends no lower, and where it ends would hang on the last bit of a sum.
    adam = Adam(network.weights, steps=steps, rate=0.003)
    for _ in range(steps):
        chosen = rng.integers(len(x), size=batch)
        gradients, _ = network.gradients(x[chosen], outcomes[chosen])
        adam.step(gradients)
    return network
