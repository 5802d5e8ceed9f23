"""Hourly prices with calm and crashing hours, and the network that reads eight of them."""

import numpy as np

from artifacts.features import Floats

HOURS = 8
"""Prices that the model reads: of this hour and of the seven before."""

AHEAD = 12
"""Hours within which the worst fall is looked for."""

FULL_RISK = 0.25
"""A fall that counts as a risk of 1."""

CLIP, SCALE = 0.4, 5.0
"""Moves beyond the first count as it; the second brings them to the size of 1."""

HIDDEN = 12


def paths(rng: np.random.Generator, count: int) -> Floats:
    """Draw `[count, HOURS + AHEAD]` prices, newest last. A crash that has begun goes on for some hours."""
    length = HOURS + AHEAD
    crashing = np.zeros(count, bool)
    prices = [rng.uniform(800.0, 5000.0, count)]
    volatility = rng.uniform(0.002, 0.012, count)
    for _ in range(length - 1):
        begins = rng.random(count) < 0.012
        ends = rng.random(count) < 0.2
        crashing = (crashing & ~ends) | begins
        move = rng.normal(0.0, volatility) - crashing * rng.uniform(0.01, 0.09, count)
        prices.append(prices[-1] * np.exp(move))
    return np.stack(prices, axis=1)


def risk(future: Floats, now: Floats) -> Floats:
    """Give the worst fall from now on, as a share of `FULL_RISK`, at most 1."""
    fall = 1.0 - future.min(axis=1) / now
    clipped: Floats = np.clip(fall / FULL_RISK, 0.0, 1.0)
    return clipped


def moves(read: Floats) -> Floats:
    """Give what the network sees of `[n, HOURS]` prices, newest first: moves against each earlier hour."""
    clipped: Floats = np.clip(read[:, :1] / read[:, 1:] - 1.0, -CLIP, CLIP) * SCALE
    return clipped


def fit(rng: np.random.Generator, x: Floats, y: Floats, steps: int) -> list[Floats]:
    """Minimize the squared error of `relu(x a + b) c + d` by Adam; gives `[a, b, c, d]`."""
    weights = [
        rng.normal(0.0, 0.5, (x.shape[1], HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(0.0, 0.3, (HIDDEN, 1)),
        np.zeros(1),
    ]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    for step in range(1, steps + 1):
        chosen = rng.integers(len(x), size=256)
        a, b, c, d = weights
        before = x[chosen] @ a + b
        active = np.maximum(before, 0.0)
        error = 2.0 * (active @ c + d - y[chosen, np.newaxis]) / len(chosen)
        back = (error @ c.T) * (before > 0.0)
        gradients = [x[chosen].T @ back, back.sum(axis=0), active.T @ error, error.sum(axis=0)]
        rate = 0.01 * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        for weight, gradient, m, v in zip(weights, gradients, first, second, strict=True):
            m[...] = 0.9 * m + 0.1 * gradient
            v[...] = 0.999 * v + 0.001 * gradient**2
            weight[...] -= rate * (m / (1.0 - 0.9**step)) / (np.sqrt(v / (1.0 - 0.999**step)) + 1e-8)
    return weights
