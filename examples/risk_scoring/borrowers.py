"""Four invented borrowers, described as a risk desk would: what they hold, what they owe, and the month behind them."""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats
from risk_scoring.features import features
from risk_scoring.market import Market
from risk_scoring.positions import Positions


@dataclass(frozen=True)
class Borrower:
    """A loan in a market of a given regime."""

    collateral_usd: dict[str, float]
    debt_usd: float
    regime: float
    """Multiplies normal volatility; 1 is normal."""
    seed: int
    """Draws the month of prices before the loan is scored."""

    def features(self) -> Floats:
        """Compute the model's input, `[16]`."""
        market = Market.simulate(np.random.default_rng(self.seed), 1, regime=self.regime)
        row: Floats = features(market, Positions.one(self.collateral_usd, self.debt_usd))[0]
        return row


BORROWERS = {
    # A household: ether and bitcoin, a third borrowed against, an ordinary month.
    "prudent": Borrower({"ether": 42_000.0, "bitcoin": 25_000.0}, 22_000.0, regime=0.9, seed=11),
    # A leveraged staker: one derivative, close to its threshold, size that the market can take.
    "stretched": Borrower({"staked-ether": 310_000.0, "ether": 40_000.0}, 262_000.0, regime=1.4, seed=12),
    # A fund that is larger than the liquidity of what it holds.
    "whale": Borrower(
        {"staked-ether": 28_000_000.0, "large-cap-token": 9_000_000.0}, 25_500_000.0, regime=1.3, seed=13
    ),
    # Small caps worth many times their market's depth, borrowed against to the limit, in a falling market.
    "reckless": Borrower(
        {"small-cap-token": 1_900_000.0, "large-cap-token": 250_000.0}, 1_420_000.0, regime=1.8, seed=15
    ),
}
