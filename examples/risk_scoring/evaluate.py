"""Judge the committed ONNX file on days that the training never saw, against simpler ways to set the same parameters.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m risk_scoring.evaluate`.
"""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artifacts.features import Floats
from artifacts.files import Scorer
from risk_scoring.features import LAGS
from risk_scoring.network import QUANTILES, SELLABLE_UNIT
from risk_scoring.train import (
    COVERED,
    HELDOUT_CHUNKS,
    HELDOUT_SEED,
    OUTPUTS,
    TRAIN_CHUNKS,
    TRAIN_SEED,
    population,
)

BANDS = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 1.0)


def volatility(rows: Floats) -> Floats:
    """Root mean square of the moves between neighbouring prices, each over the root of its hours: `[n, 1]`."""
    hours = np.diff(np.array(LAGS, np.float64))
    squares: Floats = np.diff(np.log(rows), axis=1) ** 2 / hours
    root: Floats = np.sqrt(squares.mean(axis=1, keepdims=True))
    return root


def loss(quantiles: Floats, outcomes: Floats) -> Floats:
    """Mean pinball loss of each of the three, in thousandths."""
    error = quantiles - outcomes
    losses: Floats = 1_000.0 * (np.where(error > 0.0, 1.0 - QUANTILES, -QUANTILES) * error).mean(axis=0)
    return losses


def parameters(scorer: Scorer, rows: Floats) -> Floats:
    """Run the model on each row: `[n, 4]`."""
    scored = [scorer({"prices": row[np.newaxis]}) for row in rows]
    return np.array([[float(outputs[name][0, 0]) for name in OUTPUTS] for outputs in scored])


def main() -> None:
    """Print the losses against two rules, then what would have become of loans."""
    rows, outcomes = population(HELDOUT_SEED, HELDOUT_CHUNKS)
    given = parameters(Scorer(Path(__file__).parent / "model.onnx"), rows)
    # What the parameters stand for: they are lines in the quantiles.
    model = np.stack([1.0 - given[:, 1] / COVERED, 1.0 - given[:, 0] / COVERED, given[:, 3] / SELLABLE_UNIT], axis=1)

    known_rows, known_outcomes = population(TRAIN_SEED, TRAIN_CHUNKS)
    constant = np.array([np.quantile(known_outcomes[:, i], q) for i, q in enumerate(QUANTILES)])
    known, now = volatility(known_rows), volatility(rows)
    # Falls as a multiple of the volatility, what can be sold as a share of its inverse: the factors that fit best.
    scaled = [known_outcomes[:, [0]] / known, known_outcomes[:, [1]] / known, known_outcomes[:, [2]] * known]
    factors = [np.quantile(ratio, q) for ratio, q in zip(scaled, QUANTILES, strict=True)]
    rule = np.concatenate([factors[0] * now, factors[1] * now, factors[2] / now], axis=1)

    print(f"held out: {len(rows)} days\n")
    print("| quantiles by | fall in 6 h | fall in 24 h | USD to be sold |\n|---|---|---|---|")
    for name, quantiles in (("constants", constant), ("volatility times a factor", rule), ("this model", model)):
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in loss(quantiles, outcomes)) + " |")

    uncovered = outcomes[:, 1] > 1.0 - given[:, 0] / COVERED
    fixed = COVERED * (1.0 - np.quantile(outcomes[:, 1], 1.0 - uncovered.mean()))
    by_rule = COVERED * (1.0 - np.minimum(now[:, 0] * _factor_at(now[:, 0], outcomes[:, 1], uncovered.mean()), 0.9))
    print(f"\nloans at the limit and left alone for a day: {uncovered.mean():.2%} end uncovered\n")
    print("| loan to value by | mean |\n|---|---|")
    for name, ltv in (("a constant", fixed), ("volatility", by_rule.mean()), ("this model", given[:, 0].mean())):
        print(f"| {name} | {ltv:.1%} |")
    late = outcomes[:, 0] > 1.0 - given[:, 1] / COVERED
    scarce = outcomes[:, 2] < given[:, 3] / SELLABLE_UNIT
    print(f"\nliquidated too late at the threshold: {late.mean():.2%}")
    print(f"borrow cap above what can be sold: {scarce.mean():.2%}\n")
    print_bands(given[:, 0], uncovered)


def _factor_at(spread: Floats, falls: Floats, share: float) -> float:
    """Give the factor of the volatility that so small a share of falls exceeds."""
    return float(np.quantile(falls / spread, 1.0 - share))


def print_bands(ltv: Floats, uncovered: NDArray[np.bool_]) -> None:
    """Print what became of loans, by what the model lent."""
    print("| loan to value | days | mean | uncovered after a day |\n|---|---|---|---|")
    for low, high in itertools.pairwise(BANDS):
        band = (ltv >= low) & (ltv < high)
        if band.any():
            print(f"| {low:.0%} to {high:.0%} | {band.sum()} | {ltv[band].mean():.1%} | {uncovered[band].mean():.2%} |")


if __name__ == "__main__":
    main()
