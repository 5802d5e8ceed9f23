"""Correlated price paths of collateral assets: geometric Brownian motion with jumps, in hourly steps."""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats

HOURS_PER_YEAR = 365.0 * 24.0
HISTORY_HOURS = 30 * 24
HORIZON_HOURS = 7 * 24


@dataclass(frozen=True)
class Asset:
    """A collateral asset and the terms on which a market lends against it."""

    name: str
    volatility: float
    """Annualised, in a normal regime: 0.6 is 60 %."""
    market_beta: float
    """How much of a jump of the whole market this asset takes."""
    liquidation_threshold: float
    """Debt over collateral value at which the health factor is 1."""
    liquidation_bonus: float
    """Share of the seized value that a liquidator earns."""
    depth_usd: float
    """USD that, sold within an hour, move the price by 2 % in a normal regime."""


ASSETS = (
    Asset("ether", 0.60, 1.00, 0.83, 0.05, 6.0e6),
    Asset("staked-ether", 0.62, 1.05, 0.81, 0.06, 1.5e6),
    Asset("bitcoin", 0.50, 0.85, 0.80, 0.06, 5.0e6),
    Asset("large-cap-token", 0.95, 1.30, 0.74, 0.08, 3.0e5),
    Asset("small-cap-token", 1.40, 1.60, 0.68, 0.10, 4.0e4),
)

CORRELATION = np.array(
    [
        [1.00, 0.98, 0.82, 0.72, 0.55],
        [0.98, 1.00, 0.80, 0.71, 0.54],
        [0.82, 0.80, 1.00, 0.65, 0.48],
        [0.72, 0.71, 0.65, 1.00, 0.52],
        [0.55, 0.54, 0.48, 0.52, 1.00],
    ]
)

REGIME_LOG_MEAN, REGIME_LOG_STD = 0.20, 0.45
"""Log of the regime's multiplier. Its median is 1.22: months under stress, where bad debt comes from."""

MARKET_JUMPS_PER_YEAR = 18.0
MARKET_JUMP_MEAN, MARKET_JUMP_STD = 0.10, 0.07
OWN_JUMPS_PER_YEAR = 5.0
OWN_JUMP_STD_OF_VOLATILITY = 0.16
"""An asset's own jump has this many times its annualised volatility as standard deviation."""


def column(attribute: str) -> Floats:
    """One attribute of all assets, `[assets]`."""
    return np.array([getattr(asset, attribute) for asset in ASSETS])


@dataclass(frozen=True)
class Market:
    """Scenarios of a market: what was seen before a loan is scored, and what happens after."""

    history: Floats
    """Hourly log returns of the past 30 days, `[scenarios, hours, assets]`."""
    future: Floats
    """Hourly log returns of the next 7 days, `[scenarios, hours, assets]`."""
    depth_usd: Floats
    """Depth at the time of scoring, `[scenarios, assets]`."""
    keeper_delay_hours: Floats
    """How long a position stays under water before somebody liquidates it, `[scenarios]`."""

    @staticmethod
    def simulate(rng: np.random.Generator, scenarios: int, regime: float | None = None) -> "Market":
        """Draw scenarios. `regime` multiplies volatilities and jump rates; drawn per scenario when not given."""
        if regime is None:
            past = np.exp(rng.normal(REGIME_LOG_MEAN, REGIME_LOG_STD, scenarios))
        else:
            past = np.full(scenarios, regime)
        # Volatility clusters, but the coming week is not quite the last month.
        coming = past * np.exp(rng.normal(0.0, 0.20, scenarios))
        depth = column("depth_usd") * np.exp(rng.normal(0.0, 0.5, (scenarios, len(ASSETS)))) / past[:, None]
        delay = np.clip(rng.gamma(1.5, 1.2, scenarios) * np.sqrt(past), 0.0, 8.0)
        return Market(
            history=log_returns(rng, past, HISTORY_HOURS),
            future=log_returns(rng, coming, HORIZON_HOURS),
            depth_usd=depth,
            keeper_delay_hours=delay,
        )


def log_returns(rng: np.random.Generator, regime: Floats, hours: int) -> Floats:
    """Hourly log returns without drift, `[scenarios, hours, assets]`, for one regime per scenario."""
    scenarios, assets = len(regime), len(ASSETS)
    dt = 1.0 / HOURS_PER_YEAR
    sigma = regime[:, None, None] * column("volatility")

    noise = rng.standard_normal((scenarios, hours, assets)) @ np.linalg.cholesky(CORRELATION).T
    returns: Floats = -0.5 * sigma**2 * dt + sigma * np.sqrt(dt) * noise

    rate = regime[:, None] * MARKET_JUMPS_PER_YEAR * dt
    falls = (rng.random((scenarios, hours)) < rate) * np.abs(
        rng.normal(MARKET_JUMP_MEAN, MARKET_JUMP_STD, (scenarios, hours))
    )
    returns -= falls[:, :, None] * column("market_beta")

    own_rate = regime[:, None, None] * OWN_JUMPS_PER_YEAR * dt
    own = rng.normal(0.0, OWN_JUMP_STD_OF_VOLATILITY, (scenarios, hours, assets)) * column("volatility")
    returns += (rng.random((scenarios, hours, assets)) < own_rate) * own
    return returns
