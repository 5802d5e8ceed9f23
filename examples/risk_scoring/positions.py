"""Loans against collateral, their liquidation with slippage and delay, and the label: bad debt within the horizon."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artifacts.features import Floats
from risk_scoring.market import ASSETS, HORIZON_HOURS, Market, column

CLOSE_FACTOR = 0.5
"""Share of the debt that one liquidation may repay."""

FULL_CLOSE_BELOW = 0.95
"""Under this health factor all of the debt may be repaid."""

LIQUIDATOR_COST = 0.003
"""Share of the seized value that a liquidator spends on fees and gas."""

DEPTH_ELASTICITY = 8.0
"""Depth follows the price to this power: makers leave, other liquidations compete. A fall of 10 % takes 57 % of it."""


@dataclass(frozen=True)
class Positions:
    """Loans, each in one scenario of a `Market`."""

    scenario: NDArray[np.int64]
    """`[loans]`."""
    collateral_usd: Floats
    """`[loans, assets]`."""
    debt_usd: Floats
    """In a stablecoin that holds its peg, `[loans]`."""

    @staticmethod
    def draw(rng: np.random.Generator, scenarios: int, per_scenario: int) -> "Positions":
        """Draw a population that leans to the risky side, so that there are enough bad debts to learn from."""
        loans = scenarios * per_scenario
        # One to five assets; a sparse Dirichlet gives concentrated and mixed portfolios.
        shares = rng.gamma(0.25, 1.0, (loans, len(ASSETS))) * np.array([1.4, 1.2, 1.2, 1.0, 0.8]) + 1e-9
        shares /= shares.sum(axis=1, keepdims=True)
        shares[shares < 0.02] = 0.0
        shares /= shares.sum(axis=1, keepdims=True)
        collateral = shares * 10.0 ** rng.uniform(3.3, 7.9, loans)[:, None]
        health = 1.0 + np.exp(rng.normal(-2.4, 1.0, loans))
        debt = collateral @ column("liquidation_threshold") / health
        return Positions(np.repeat(np.arange(scenarios), per_scenario), collateral, debt)

    @staticmethod
    def one(collateral_usd: dict[str, float], debt_usd: float) -> "Positions":
        """Describe a single loan by the names of its assets, in scenario 0."""
        names = [asset.name for asset in ASSETS]
        unknown = set(collateral_usd) - set(names)
        if unknown:
            raise KeyError(f"unknown assets {sorted(unknown)}; known: {names}")
        row = np.array([[collateral_usd.get(name, 0.0) for name in names]])
        return Positions(np.zeros(1, np.int64), row, np.array([debt_usd]))


def ends_as_bad_debt(market: Market, positions: Positions) -> NDArray[np.bool_]:
    """Play the horizon: `[loans]`, whether debt exceeded the collateral's market value at some hour."""
    collateral = positions.collateral_usd.copy()
    debt = positions.debt_usd.copy()
    price = np.ones_like(collateral)
    hours_under_water = np.zeros(len(debt))
    insolvent = np.zeros(len(debt), dtype=bool)
    delay = market.keeper_delay_hours[positions.scenario]
    depth_at_start = market.depth_usd[positions.scenario]

    for hour in range(HORIZON_HOURS):
        step = np.exp(market.future[positions.scenario, hour])
        price *= step
        collateral *= step
        # Nobody repays a loan that is worth more than its collateral: what is insolvent once stays so.
        insolvent |= debt > collateral.sum(axis=1) + 1.0
        health = collateral @ column("liquidation_threshold") / np.maximum(debt, 1.0)
        hours_under_water = np.where((health < 1.0) & ~insolvent, hours_under_water + 1.0, 0.0)
        due = hours_under_water > delay
        if due.any():
            depth = depth_at_start[due] * np.minimum(price[due], 1.0) ** DEPTH_ELASTICITY
            repaid, seized = _liquidate(collateral[due], debt[due], health[due], depth)
            debt[due] -= repaid
            collateral[due] -= seized
    return insolvent


def _liquidate(collateral: Floats, debt: Floats, health: Floats, depth: Floats) -> tuple[Floats, Floats]:
    """One hour of liquidation: debt repaid `[loans]` and collateral seized `[loans, assets]`, in USD."""
    bonus = column("liquidation_bonus")
    share = collateral / np.maximum(collateral.sum(axis=1, keepdims=True), 1e-9)
    repay = debt * np.where(health < FULL_CLOSE_BELOW, 1.0, CLOSE_FACTOR)
    wanted = share * repay[:, None] * (1.0 + bonus)
    # Selling v at depth D moves the price by 2 % * v / D, so it sells at a mean discount of 1 % * v / D.
    # A liquidator sells no more than what keeps discount and cost under the bonus.
    profitable = depth * (bonus - LIQUIDATOR_COST) / 0.01
    seized = np.minimum(np.minimum(wanted, collateral), profitable)
    repaid = np.minimum((seized / (1.0 + bonus)).sum(axis=1), debt)
    return repaid, seized
