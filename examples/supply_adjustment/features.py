"""What the controller sees: rounds of two feeds of the token's price, as `FeedBinder` binds them, and nothing else."""

from collections import deque

import numpy as np

from artifacts.features import Floats
from artifacts.fields import Feature
from supply_adjustment.peg import Peg

LAGS = (0, 1, 2, 6, 24)
"""Hours back, `lag` of a `Source` in a set whose period is an hour."""

FEEDS = ("first", "second")
LOWEST, HIGHEST = 0.5, 1.5
"""USD: the range that is declared. The circuit's own is the next one of powers of two (`ports.json`)."""

DECIMALS = 8
"""Places of both feeds."""


def _description(feed: str, lag: int) -> str:
    return f"The {feed} feed's last round " + ("at the hour" if lag == 0 else f"{lag} h before")


FEATURES = tuple(
    Feature(f"{feed}_{lag}h", "USD per token", _description(feed, lag), LOWEST, HIGHEST, feed=feed, lag=lag)
    for feed in FEEDS
    for lag in LAGS
)

LARGEST_DEVIATION = 0.04
"""What is further from the peg counts as this."""


def _means() -> Floats:
    """From what both feeds told to the mean of them now, and to its moves between the hours: `[10, 5]`."""
    matrix = np.zeros((len(FEATURES), len(LAGS)))
    for index in range(len(FEATURES)):
        lag = index % len(LAGS)
        matrix[index, lag] += 1.0 / len(FEEDS)
        if lag != 0:
            # Column 0 is the newest mean, column i the move from the hour of lag i to that of lag i - 1.
            matrix[index, lag] *= -1.0
        if 0 < lag + 1 < len(LAGS):
            matrix[index, lag + 1] += 1.0 / len(FEEDS)
    return matrix


MEANS = _means()


def deviations(rows: Floats) -> Floats:
    """Give what the graph makes of feeds `[n, 10]`, in percent of the peg: the mean now, then its moves, `[n, 5]`."""
    clipped: Floats = 100.0 * np.clip(rows - 1.0, -LARGEST_DEVIATION, LARGEST_DEVIATION)
    return clipped @ MEANS


class Observer:
    """Keeps what the feeds told."""

    def __init__(self) -> None:
        """Start without a past: the first round holds for all hours before."""
        self._told: deque[Floats] = deque(maxlen=max(LAGS) + 1)

    def observe(self, peg: Peg) -> Floats:
        """Take in an hour, give the features `[episodes, 10]`."""
        told = peg.feeds()
        while len(self._told) < max(LAGS):
            self._told.append(told)
        self._told.append(told)
        rounds = np.stack([self._told[-1 - lag] for lag in LAGS], axis=2)
        return np.clip(rounds.reshape(len(rounds), -1), LOWEST, HIGHEST).round(DECIMALS - 2)
