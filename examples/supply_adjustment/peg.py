"""A stablecoin around its peg, in hourly steps: demand with shocks, a price that clears slowly, a controlled supply.

For each episode, in logarithms: demand `d` (at the peg, around its long-run mean 0), supply `s`, price `x`,
and market depth `l` (log2, 0 is normal). With the controller's change of supply `u` as a fraction:

    d' = d - d * ln 2 / DEMAND_HALF_LIFE + noise + jumps
    s' = s + u
    x' = x + PRESSURE / 2^l * (d - s - ELASTICITY * x) + noise / 2^(l/2)
    l' = l - l * ln 2 / DEPTH_HALF_LIFE + noise

An excess of demand over supply is a flow of orders that moves the price against the market's depth, until the price is
high enough that holders want no more: there `d - s = ELASTICITY * x`.
"""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats

DEMAND_HALF_LIFE = 20.0 * 24.0
DEMAND_NOISE = 0.0025
JUMPS_PER_HOUR = 1.0 / (5.0 * 24.0)
JUMP_STD = 0.035
ELASTICITY = 5.0
PRESSURE = 0.016
PRICE_NOISE = 0.0006
DEPTH_HALF_LIFE = 3.0 * 24.0
DEPTH_NOISE = 0.08
FEED_ERROR = 0.0005
"""Each of the two feeds tells a price that lies up to so much from the market's."""

MAX_CHANGE = 0.005
"""Bound of one hour's supply change: half a percent, what `SupplyController` mints at most in one decision."""


@dataclass
class Peg:
    """State of many episodes at once; every field is `[episodes]`."""

    rng: np.random.Generator
    demand: Floats
    supply: Floats
    price: Floats
    depth_log2: Floats

    @staticmethod
    def start(seed: int, episodes: int) -> "Peg":
        """Start at the peg, with demand and depth drawn from their stationary distributions."""
        rng = np.random.default_rng(seed)
        demand = rng.normal(0.0, 0.05, episodes)
        depth = rng.normal(0.0, 0.55, episodes)
        return Peg(rng, demand, demand.copy(), np.zeros(episodes), depth)

    def step(self, change: Floats) -> None:
        """Advance one hour with a supply change per episode, as a fraction; bounded here as on the chain."""
        count = len(self.price)
        normal = self.rng.standard_normal((4, count))
        jumps = (self.rng.random(count) < JUMPS_PER_HOUR) * normal[1] * JUMP_STD
        depth = 2.0**self.depth_log2

        excess = self.demand - self.supply - ELASTICITY * self.price
        self.price = self.price + PRESSURE / depth * excess + PRICE_NOISE / np.sqrt(depth) * normal[2]
        demand_change = -self.demand * np.log(2.0) / DEMAND_HALF_LIFE + DEMAND_NOISE * normal[0] + jumps
        self.demand = self.demand + demand_change
        self.supply = self.supply + np.clip(change, -MAX_CHANGE, MAX_CHANGE)
        self.depth_log2 = self.depth_log2 * (1.0 - np.log(2.0) / DEPTH_HALF_LIFE) + DEPTH_NOISE * normal[3]
        self.depth_log2 = np.clip(self.depth_log2, -3.0, 3.0)

    def feeds(self) -> Floats:
        """Give what the two feeds tell, USD for a token: `[episodes, 2]`."""
        error = self.rng.uniform(-FEED_ERROR, FEED_ERROR, (len(self.price), 2))
        told: Floats = np.exp(self.price[:, np.newaxis] + error)
        return told
