"""Controllers of the supply: nothing, PID, the optimal one that sees hidden demand, and the learned one."""

from typing import Protocol

import numpy as np
from scipy.linalg import solve_discrete_are

from artifacts.features import Floats
from supply_adjustment.features import LAGS, Observer, deviations
from supply_adjustment.peg import DEMAND_HALF_LIFE, ELASTICITY, MAX_CHANGE, PRESSURE, Peg

_SMOOTHED = LAGS.index(6)
"""The derivative is the deviation now less the one six hours ago."""

CHANGE_COST = 0.5
"""Price of a squared supply change in units of a squared price deviation: minting and burning are not free."""


class Controller(Protocol):
    """Decides a change of supply as a fraction, `[episodes]`, within `MAX_CHANGE`."""

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Decide. Only the optimal controller looks at `peg`."""
        ...


def run(peg: Peg, controller: Controller, hours: int, warm_up: int = 0) -> tuple[Floats, Floats, Floats]:
    """Play episodes: prices and changes `[hours, episodes]`, features `[hours, episodes, 10]`, after the warm-up."""
    observer = Observer()
    prices, changes, seen = [], [], []
    for hour in range(warm_up + hours):
        features = observer.observe(peg)
        change = np.clip(controller(peg, features), -MAX_CHANGE, MAX_CHANGE)
        if hour >= warm_up:
            prices.append(peg.price)
            changes.append(change)
            seen.append(features)
        peg.step(change)
    return np.array(prices), np.array(changes), np.array(seen)


def nothing(peg: Peg, features: Floats) -> Floats:
    """Leave supply alone."""
    return np.zeros(len(peg.price))


class Pid:
    """Proportional, integral and derivative terms of the deviation, from what the feeds told at the same hours."""

    def __init__(self, proportional: float, integral: float, derivative: float) -> None:
        """Take gains: supply change as a fraction, per fraction of deviation."""
        # From the newest deviation and its moves to the deviation at each hour: sums of moves taken off the newest.
        at_hours = np.tril(np.ones((len(LAGS), len(LAGS))), 0) * -1.0
        at_hours[:, 0] = 1.0
        self._gains = proportional * at_hours[0] + integral * at_hours.mean(axis=0)
        self._gains += derivative * (at_hours[0] - at_hours[_SMOOTHED])

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Apply the gains."""
        change: Floats = deviations(features) @ self._gains / 100.0
        return change


class Optimal:
    """Linear-quadratic regulator on the true state, which no deployed controller sees: the teacher and the bound.

    Its gains depend on depth, so they are solved on a grid and interpolated.
    """

    _GRID = np.linspace(-3.0, 3.0, 25)

    def __init__(self) -> None:
        """Solve the Riccati equation for each depth of the grid."""
        self._gains = np.array([self._gain(2.0**depth) for depth in self._GRID])

    @staticmethod
    def _gain(depth: float) -> Floats:
        pressure = PRESSURE / depth
        # State: price, demand, supply. The supply's integrator needs a grain of decay to be detectable.
        dynamics = np.array(
            [
                [1.0 - pressure * ELASTICITY, pressure, -pressure],
                [0.0, 1.0 - np.log(2.0) / DEMAND_HALF_LIFE, 0.0],
                [0.0, 0.0, 1.0 - 1e-9],
            ]
        )
        control = np.array([[0.0], [0.0], [1.0]])
        state_cost = np.diag([1.0, 0.0, 0.0])
        cost = np.array([[CHANGE_COST]])
        value = solve_discrete_are(dynamics, control, state_cost, cost)
        gain = np.linalg.solve(cost + control.T @ value @ control, control.T @ value @ dynamics)
        row: Floats = gain[0]
        return row

    def unbounded(self, peg: Peg) -> Floats:
        """Give the change it would make if no bound stood in the way."""
        state = np.stack([peg.price, peg.demand, peg.supply])
        gains = np.stack([np.interp(peg.depth_log2, self._GRID, column) for column in self._gains.T])
        change: Floats = -(gains * state).sum(axis=0)
        return change

    def __call__(self, peg: Peg, features: Floats) -> Floats:
        """Decide from the true state, within the bound."""
        return np.clip(self.unbounded(peg), -MAX_CHANGE, MAX_CHANGE)
