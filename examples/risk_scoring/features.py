"""What the model reads: rounds of one price feed, as `FeedBinder` binds them at an hour and at hours before it."""

import numpy as np

from artifacts.features import Floats
from artifacts.fields import Feature

LAGS = (0, 1, 2, 4, 8, 16, 32, 64)
"""Hours back, `lag` of a `Source` in a set whose period is an hour."""

LOWEST, HIGHEST = 50.0, 20_000.0
"""USD: the range that is declared. The circuit's own is the next one of powers of two (`ports.json`); outside of that
no integer stands for a price, and the binder refuses."""

DECIMALS = 8
"""Places of the feed."""

FEATURES = tuple(
    Feature(
        f"price_{lag}h",
        "USD",
        "The feed's last round at the hour" if lag == 0 else f"The feed's last round {lag} h before",
        LOWEST,
        HIGHEST,
        feed="collateral",
        lag=lag,
    )
    for lag in LAGS
)

LARGEST_MOVE, MOVE_SCALE = 0.5, 10.0
"""The graph reads each earlier price as a move since then, at most this large, times a scale."""


def read(prices: Floats) -> Floats:
    """Pick what is read of hourly prices, newest last: `[scenarios, 8]`, newest first, inside the range."""
    return np.clip(prices[:, [-1 - lag for lag in LAGS]], LOWEST, HIGHEST).round(2)


def moves(rows: Floats) -> Floats:
    """Give what the graph makes of prices `[n, 8]`: `[n, 7]`, the move since each earlier one, scaled."""
    clipped: Floats = np.clip(rows[:, :1] / rows[:, 1:] - 1.0, -LARGEST_MOVE, LARGEST_MOVE) * MOVE_SCALE
    return clipped
