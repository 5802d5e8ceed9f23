"""What the model reads of a loan: sixteen numbers that a protocol computes from its own state and past prices."""

import numpy as np

from artifacts.features import Floats, bounded
from artifacts.fields import Feature
from risk_scoring.market import HISTORY_HOURS, HOURS_PER_YEAR, Market, column
from risk_scoring.positions import Positions

FEATURES = (
    Feature("health_factor", "ratio", "Collateral value weighted by liquidation thresholds, over debt", 0.9, 6.0),
    Feature("loan_to_value", "ratio", "Debt over collateral value", 0.0, 1.0),
    Feature("collateral_value", "log10 USD", "Value of all collateral", 2.0, 8.0),
    Feature("debt_value", "log10 USD", "Value of the debt", 1.0, 8.0),
    Feature("concentration", "ratio", "Herfindahl index of the collateral's values; 1 is a single asset", 0.2, 1.0),
    Feature("staked_share", "ratio", "Share of the collateral in staking derivatives", 0.0, 1.0),
    Feature("small_cap_share", "ratio", "Share of the collateral in small-cap tokens", 0.0, 1.0),
    Feature(
        "volatility_30d", "per year", "Annualised volatility of the portfolio, 30 days of hourly returns", 0.0, 4.0
    ),
    Feature("worst_volatility_30d", "per year", "The same of the most volatile asset held", 0.0, 6.0),
    Feature("correlation_30d", "ratio", "Mean pairwise correlation of all collateral assets, 30 days", -1.0, 1.0),
    Feature("return_7d", "log return", "Return of the portfolio in the last 7 days", -2.0, 2.0),
    Feature("drawdown_30d", "ratio", "Fall of the portfolio from its high of 30 days", 0.0, 1.0),
    Feature("tail_hours_30d", "log2(1 + count)", "Hours in 30 days in which the portfolio fell by over 4 %", 0.0, 6.0),
    Feature("depth", "log10 USD", "USD that move the price by 2 %, mean of log10 weighted by value", 3.0, 8.0),
    Feature("size_to_depth", "log10 ratio", "Largest ratio of an asset's value held to its depth", -6.0, 4.0),
    Feature("keeper_delay", "hours", "Mean time from liquidatable to liquidated, last 30 days", 0.0, 8.0),
)


def features(market: Market, positions: Positions) -> Floats:
    """Compute the features of every loan, `[loans, 16]`, from what is known before the horizon starts."""
    scenario = positions.scenario
    value = positions.collateral_usd.sum(axis=1)
    share = positions.collateral_usd / value[:, None]
    debt = np.maximum(positions.debt_usd, 1.0)
    held = share > 0.0

    cov, correlation, volatility = _moments(market.history)
    portfolio_variance = np.einsum("ni,nij,nj->n", share, cov[scenario], share)
    path = _portfolio_path(market, positions, share)
    hourly = np.diff(np.log(path), axis=1)
    depth = market.depth_usd[scenario]
    ratio = positions.collateral_usd / depth

    columns = {
        "health_factor": positions.collateral_usd @ column("liquidation_threshold") / debt,
        "loan_to_value": positions.debt_usd / value,
        "collateral_value": np.log10(value),
        "debt_value": np.log10(debt),
        "concentration": (share**2).sum(axis=1),
        "staked_share": share[:, 1],
        "small_cap_share": share[:, 4],
        "volatility_30d": np.sqrt(portfolio_variance),
        "worst_volatility_30d": np.where(held, volatility[scenario], 0.0).max(axis=1),
        "correlation_30d": correlation[scenario],
        "return_7d": np.log(path[:, -1] / path[:, -1 - 7 * 24]),
        "drawdown_30d": 1.0 - path[:, -1] / path.max(axis=1),
        "tail_hours_30d": np.log2(1.0 + (hourly < -0.04).sum(axis=1)),
        "depth": (share * np.log10(depth)).sum(axis=1),
        "size_to_depth": np.log10(np.maximum(ratio.max(axis=1), 1e-9)),
        "keeper_delay": market.keeper_delay_hours[scenario],
    }
    return bounded(FEATURES, columns)


def _moments(history: Floats) -> tuple[Floats, Floats, Floats]:
    """Annualised covariance `[scenarios, assets, assets]`, mean correlation `[scenarios]`, volatilities."""
    centred = history - history.mean(axis=1, keepdims=True)
    cov = np.einsum("sti,stj->sij", centred, centred) / HISTORY_HOURS * HOURS_PER_YEAR
    volatility = np.sqrt(np.einsum("sii->si", cov))
    correlation = cov / (volatility[:, :, None] * volatility[:, None, :])
    pairs = np.triu_indices(history.shape[2], k=1)
    return cov, correlation[:, pairs[0], pairs[1]].mean(axis=1), volatility


def _portfolio_path(market: Market, positions: Positions, share: Floats) -> Floats:
    """Value of today's holdings over the past 30 days, 1 today: `[loans, hours + 1]`."""
    total = market.history.sum(axis=1, keepdims=True)
    before = np.cumsum(market.history, axis=1) - total
    prices = np.exp(np.concatenate([-total, before], axis=1))
    # One matrix product per scenario: its loans stand together.
    path = np.empty((len(share), prices.shape[1]))
    order = np.argsort(positions.scenario, kind="stable")
    starts = np.searchsorted(positions.scenario[order], np.arange(len(prices) + 1))
    for index, asset_prices in enumerate(prices):
        loans = order[starts[index] : starts[index + 1]]
        path[loans] = share[loans] @ asset_prices.T
    return path
