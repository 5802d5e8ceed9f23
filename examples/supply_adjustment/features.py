"""What the controller sees: ten numbers from prices, flows and its own past actions. Demand itself stays hidden."""

import numpy as np

from artifacts.features import Floats, bounded
from artifacts.fields import Feature
from supply_adjustment.peg import Peg

FEATURES = (
    Feature("deviation", "percent", "Log price over peg, now", -4.0, 4.0),
    Feature("deviation_change_1h", "percent", "Its change in the last hour", -2.0, 2.0),
    Feature("deviation_6h", "percent", "Its exponential mean, time constant 6 hours", -4.0, 4.0),
    Feature("deviation_24h", "percent", "Its exponential mean, time constant 24 hours", -4.0, 4.0),
    Feature("deviation_72h", "percent", "Its exponential mean, time constant 72 hours", -4.0, 4.0),
    Feature("net_flow_6h", "percent of supply", "Measured net inflow, decaying sum over 6 hours", -8.0, 8.0),
    Feature("net_flow_24h", "percent of supply", "Measured net inflow, decaying sum over 24 hours", -8.0, 8.0),
    Feature("supply_change_24h", "percent of supply", "Own changes of supply, decaying sum over 24 hours", -8.0, 8.0),
    Feature("depth", "log2 ratio", "Market depth over its 90-day median", -3.0, 3.0),
    Feature(
        "volatility_24h", "log2 bps", "Root mean square of hourly price changes over 24 hours, at least 1 bps", 0.0, 6.0
    ),
)


class Observer:
    """Keeps the running means and sums. All of them start at zero, at the peg."""

    def __init__(self, episodes: int) -> None:
        """Observe so many episodes at once."""
        self._mean = {hours: np.zeros(episodes) for hours in (6, 24, 72)}
        self._flow = {hours: np.zeros(episodes) for hours in (6, 24)}
        self._own = np.zeros(episodes)
        self._square = np.zeros(episodes)
        self._last_price = np.zeros(episodes)

    def observe(self, peg: Peg, last_change: Floats) -> Floats:
        """Take in an hour, give the features `[episodes, 10]`. `last_change` is the controller's last, a fraction."""
        change = peg.price - self._last_price
        self._last_price = peg.price
        for hours, mean in self._mean.items():
            self._mean[hours] = mean + (peg.price - mean) / hours
        for hours, total in self._flow.items():
            self._flow[hours] = total * (1.0 - 1.0 / hours) + peg.measured_flow
        self._own = self._own * (1.0 - 1.0 / 24.0) + last_change
        self._square = self._square + (change**2 - self._square) / 24.0
        return bounded(
            FEATURES,
            {
                "deviation": 100.0 * peg.price,
                "deviation_change_1h": 100.0 * change,
                "deviation_6h": 100.0 * self._mean[6],
                "deviation_24h": 100.0 * self._mean[24],
                "deviation_72h": 100.0 * self._mean[72],
                "net_flow_6h": 100.0 * self._flow[6],
                "net_flow_24h": 100.0 * self._flow[24],
                "supply_change_24h": 100.0 * self._own,
                "depth": peg.depth_log2,
                "volatility_24h": np.log2(np.maximum(10_000.0 * np.sqrt(self._square), 1.0)),
            },
        )
