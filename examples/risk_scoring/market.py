"""Hourly prices of one collateral, with regimes and cascades of falls; and how much of it liquidators can sell."""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats

HOURS_PER_YEAR = 365.0 * 24.0
VOLATILITY = 0.60
"""Annualised, in a normal regime."""

REGIME_LOG_MEAN, REGIME_LOG_STD = 0.10, 0.50
"""Log of the regime's multiplier of volatility and of the rate of falls."""

FALLS_PER_YEAR = 14.0
FALL_MEAN, FALL_STD = 0.045, 0.035
"""Sudden falls in a normal regime: liquidations, news."""

EXCITATION, CALMING = 0.16, 0.80
"""A fall makes the next one likelier: by so much an hour, of which this share is left after each hour."""

JUMPS_PER_YEAR, JUMP_STD = 6.0, 0.05
"""Jumps either way, which nothing follows."""

FEED_ERROR = 0.005
"""A feed's last round lies up to this share from the price: it is updated when the price has moved so far."""

DEPTH_USD, DEPTH_LOG_STD = 120_000.0, 0.35
"""USD that, sold within an hour, move the price by 2 % in a normal regime."""

DEPTH_ELASTICITY = 8.0
"""Depth follows the price to this power: makers leave, other liquidations compete. A fall of 10 % takes 57 % of it."""

BONUS, COST = 0.05, 0.003
"""Share of what is seized that a liquidator earns, and that it spends on fees and gas."""

BURN_IN_HOURS = 24
HISTORY_HOURS = 64
HORIZON_HOURS = 24
"""Hours that a loan which is opened now is looked at."""

KEEPER_HOURS = 6
"""Hours in which a position is liquidated, at the latest."""


@dataclass(frozen=True)
class Market:
    """Scenarios of a market: what was seen until now, and what happens after."""

    prices: Floats
    """USD at each hour until now, the newest last, `[scenarios, HISTORY_HOURS + 1]`: as the feed says them."""
    future: Floats
    """Prices of the next hours over the price now, `[scenarios, HORIZON_HOURS]`."""
    depth_usd: Floats
    """Depth at the price now, `[scenarios]`."""

    @staticmethod
    def simulate(rng: np.random.Generator, scenarios: int, regime: float | None = None) -> "Market":
        """Draw scenarios. `regime` is drawn for each where it is not given."""
        if regime is None:
            past = np.exp(rng.normal(REGIME_LOG_MEAN, REGIME_LOG_STD, scenarios))
        else:
            past = np.full(scenarios, regime)
        # Volatility clusters, but the coming day is not quite the last ones.
        coming = past * np.exp(rng.normal(0.0, 0.20, scenarios))
        regimes = [past] * (BURN_IN_HOURS + HISTORY_HOURS) + [coming] * HORIZON_HOURS
        relative = np.exp(np.cumsum(log_returns(rng, regimes), axis=1))[:, BURN_IN_HOURS - 1 :]
        now = relative[:, HISTORY_HOURS, np.newaxis]
        error = rng.uniform(-FEED_ERROR, FEED_ERROR, (scenarios, HISTORY_HOURS + 1))
        level = np.exp(rng.uniform(np.log(400.0), np.log(8_000.0), (scenarios, 1)))
        depth = DEPTH_USD * np.exp(rng.normal(0.0, DEPTH_LOG_STD, scenarios)) / coming
        return Market(
            prices=level * relative[:, : HISTORY_HOURS + 1] / now * np.exp(error),
            future=relative[:, HISTORY_HOURS + 1 :] / now,
            depth_usd=depth,
        )

    def worst_fall(self, hours: int) -> Floats:
        """Give the largest fall from the price now within so many hours, as a share, at least 0: `[scenarios]`."""
        fall: Floats = np.maximum(0.0, 1.0 - self.future[:, :hours].min(axis=1))
        return fall

    def sellable_usd(self) -> Floats:
        """Give what keepers can sell at a profit in their hours, where the price is lowest: `[scenarios]`.

        Selling v at depth D moves the price by 2 % * v / D, so that it sells at a mean discount of 1 % * v / D. Nobody
        sells more in an hour than what keeps discount and cost under the bonus.
        """
        left: Floats = (1.0 - self.worst_fall(HORIZON_HOURS)) ** DEPTH_ELASTICITY
        usd: Floats = KEEPER_HOURS * self.depth_usd * left * (BONUS - COST) / 0.01
        return usd


def log_returns(rng: np.random.Generator, regimes: list[Floats]) -> Floats:
    """Hourly log returns without drift, `[scenarios, hours]`, for an hour's regime in each scenario."""
    dt = 1.0 / HOURS_PER_YEAR
    scenarios = len(regimes[0])
    excitement = np.zeros(scenarios)
    hours = []
    for regime in regimes:
        sigma = regime * VOLATILITY
        returns = -0.5 * sigma**2 * dt + sigma * np.sqrt(dt) * rng.standard_normal(scenarios)
        jumps = rng.random(scenarios) < regime * JUMPS_PER_YEAR * dt
        returns += jumps * rng.normal(0.0, JUMP_STD, scenarios)
        falls = rng.random(scenarios) < regime * FALLS_PER_YEAR * dt + excitement
        returns -= falls * np.abs(rng.normal(FALL_MEAN, FALL_STD, scenarios))
        excitement = CALMING * excitement + EXCITATION * falls
        hours.append(returns)
    return np.stack(hours, axis=1)
