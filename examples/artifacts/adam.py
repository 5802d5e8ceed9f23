"""Adam with a step that falls to zero along a cosine, in numpy: the same sums in the same order on every run."""

from collections.abc import Sequence

import numpy as np

from artifacts.features import Floats


class Adam:
    """Changes arrays in place, one step for each list of gradients."""

    def __init__(self, parameters: Sequence[Floats], *, steps: int, rate: float = 0.01, decay: float = 0.0) -> None:
        """Take so many steps in all. `decay` is decoupled from the gradients."""
        self._parameters = parameters
        self._first = [np.zeros_like(parameter) for parameter in parameters]
        self._second = [np.zeros_like(parameter) for parameter in parameters]
        self._rate, self._decay, self._steps, self._step = rate, decay, steps, 0

    def step(self, gradients: Sequence[Floats]) -> None:
        """Move every array against its gradient."""
        self._step += 1
        rate = self._rate * 0.5 * (1.0 + np.cos(np.pi * self._step / self._steps))
        arrays = zip(self._parameters, gradients, self._first, self._second, strict=True)
        for parameter, gradient, first, second in arrays:
            first[...] = 0.9 * first + 0.1 * gradient
            second[...] = 0.999 * second + 0.001 * gradient**2
            unbiased = (first / (1.0 - 0.9**self._step)) / (np.sqrt(second / (1.0 - 0.999**self._step)) + 1e-8)
            parameter[...] -= rate * (unbiased + self._decay * parameter)
