"""Play the committed ONNX controller against doing nothing, a tuned PID and the optimal regulator that sees demand.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m supply_adjustment.evaluate`.
"""

import itertools
from pathlib import Path

import numpy as np

from artifacts.features import Floats
from artifacts.files import Scorer
from supply_adjustment.controllers import CHANGE_COST, Controller, Optimal, Pid, nothing, run
from supply_adjustment.peg import Peg

TUNING_SEED, TEST_SEED = 41, 42
EPISODES, HOURS, WARM_UP = 100, 30 * 24, 96
PROPORTIONAL = (0.2, 0.3, 0.4, 0.6)
INTEGRAL = (0.0, 0.1, 0.2, 0.4)
DERIVATIVE = (0.0, 0.5, 1.0, 2.0)


class Proved:
    """The committed model through ONNX Runtime, one episode after the other as it is proved."""

    def __init__(self) -> None:
        """Load the model."""
        self._scorer = Scorer(Path(__file__).parent / "model.onnx")

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Decide."""
        scored = [self._scorer({"pegs": row[np.newaxis]}) for row in features]
        return np.array([float(outputs["supply_change"][0, 0]) for outputs in scored])


def cost(prices: Floats, changes: Floats) -> float:
    """Mean cost of an hour, in squared basis points: what the optimal regulator minimizes."""
    return float(1e8 * ((prices**2).mean() + CHANGE_COST * (changes**2).mean()))


def tuned_pid() -> tuple[Pid, str]:
    """Search the gains that cost least on episodes of their own."""

    def trial(gains: tuple[float, float, float]) -> float:
        prices, changes, _ = run(Peg.start(TUNING_SEED, EPISODES), Pid(*gains), HOURS, WARM_UP)
        return cost(prices, changes)

    best = min(itertools.product(PROPORTIONAL, INTEGRAL, DERIVATIVE), key=trial)
    return Pid(*best), "PID, tuned: {}, {}, {}".format(*best)


def main() -> None:
    """Print one row per controller; all meet the same shocks."""
    pid, pid_name = tuned_pid()
    entries: list[tuple[str, Controller]] = [
        ("do nothing", nothing),
        (pid_name, pid),
        ("this model", Proved()),
        ("optimal, sees hidden demand", Optimal()),
    ]
    print("| controller | RMS deviation | over 50 bps | exceeded in 1 % of hours | mean change per hour | cost |")
    print("|---|---|---|---|---|---|")
    for name, controller in entries:
        prices, changes, _ = run(Peg.start(TEST_SEED, EPISODES), controller, HOURS, WARM_UP)
        off = np.abs(prices) * 10_000.0
        rms, worst, mean = np.sqrt((off**2).mean()), np.percentile(off, 99), 1e4 * np.abs(changes).mean()
        row = f"| {name} | {rms:.1f} bps | {(off > 50.0).mean():.1%} | {worst:.0f} bps | {mean:.1f} bps "
        print(f"{row}| {cost(prices, changes):.0f} |")


if __name__ == "__main__":
    main()
