"""Four situations that the controller meets in its own loop: a quiet day, a bank run, a rush in, a thin market."""

from dataclasses import dataclass

import numpy as np

from artifacts.features import Floats
from supply_adjustment.controllers import Controller
from supply_adjustment.features import Observer
from supply_adjustment.peg import Peg

QUIET_HOURS = 120


@dataclass(frozen=True)
class Situation:
    """After quiet days under control, demand jumps; the controller is asked some hours later."""

    demand_jump: float
    """Logarithm of the change in demand: -0.1 is a tenth of the holders leaving."""
    hours_since: int
    depth_log2: float
    """Market depth from the jump on."""
    seed: int

    def features(self, controller: Controller) -> Floats:
        """Compute the controller's input at the moment of the question, `[10]`."""
        peg, observer = Peg.start(self.seed, 1), Observer()
        for hour in range(QUIET_HOURS + self.hours_since):
            if hour == QUIET_HOURS:
                peg.demand = peg.demand + self.demand_jump
                peg.depth_log2 = np.full(1, self.depth_log2)
            peg.step(controller(peg, observer.observe(peg)))
        row: Floats = observer.observe(peg)[0]
        return row


SITUATIONS = {
    "calm": Situation(demand_jump=0.0, hours_since=1, depth_log2=0.2, seed=28),
    "bank_run": Situation(demand_jump=-0.12, hours_since=5, depth_log2=-0.8, seed=22),
    "inflow": Situation(demand_jump=0.02, hours_since=6, depth_log2=0.0, seed=23),
    "thin_market": Situation(demand_jump=-0.02, hours_since=4, depth_log2=-1.8, seed=21),
}
