"""Four invented days: hours of prices that a feed told until now."""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats
from risk_scoring.features import read
from risk_scoring.market import HISTORY_HOURS, Market


@dataclass(frozen=True)
class Day:
    """A market of a given regime, and what its last hours brought."""

    now: float
    """USD."""
    regime: float
    """Multiplies normal volatility; 1 is normal."""
    last_moves: tuple[float, ...]
    """Of the last hours, as shares, the newest last: in the place of what was drawn."""
    seed: int

    def prices(self) -> Floats:
        """Give the model's input, `[8]`."""
        drawn = Market.simulate(np.random.default_rng(self.seed), 1, regime=self.regime).prices[0]
        moves = np.diff(np.log(drawn))
        if self.last_moves:
            moves[-len(self.last_moves) :] = np.log1p(self.last_moves)
        path = np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
        row: Floats = read((self.now * path / path[HISTORY_HOURS])[np.newaxis])[0]
        return row


DAYS = {
    # Ether in a quiet week.
    "calm": Day(2_500.0, regime=0.6, last_moves=(), seed=11),
    # Moves of 2 % an hour, either way.
    "nervous": Day(2_310.0, regime=1.6, last_moves=(-0.02, 0.015, 0.02, -0.025, -0.01, 0.02), seed=12),
    # A fall of 8 % within two hours, out of a normal week.
    "slide": Day(2_290.0, regime=1.0, last_moves=(-0.001, 0.002, -0.03, -0.05), seed=13),
    # A cascade: a third in four hours.
    "crash": Day(1_610.0, regime=1.4, last_moves=(-0.07, -0.11, -0.115, -0.125), seed=14),
}
