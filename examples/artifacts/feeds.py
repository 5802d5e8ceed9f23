"""From rounds of price feeds to the model's input, as `FeedBinder` binds them. Needs nothing but Python.

At a time, a multiple of the period, each feature is the last round of its feed at that many periods before. The answer
becomes an integer of the circuit by one rounding, ties to even, and is refused outside of the port's range.

Run from `examples/`, where `ROUNDS.json` is `{"time": SECONDS, "feeds": {FEED: [[SECONDS, ANSWER], ..]}}`, with answers
as the feed gives them (8 decimals):

    python -m artifacts.feeds risk_scoring ROUNDS.json > input.json
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DECIMALS = 8
"""Places of the feeds' answers."""

PERIOD = 3_600
"""Seconds: `period` of the stories' sets."""

MAX_AGE = 2 * PERIOD
"""Seconds that a round may be older than the time it is bound for: `maxAge` of the stories' sources."""

Round = tuple[int, int]
"""When it was updated, in seconds, and its answer, as the feed gives it."""


class RefusedError(ValueError):
    """No decision is possible on these rounds; `error` is the contract's error."""

    def __init__(self, error: str, message: str) -> None:
        """Name the contract's error and say what is wrong."""
        super().__init__(f"{error}: {message}")
        self.error = error


@dataclass(frozen=True)
class Port:
    """How one input stands for a number: `round_half_even(x * num / den) + zero`, within `lo` and `hi`."""

    num: int
    den: int
    zero: int
    lo: int
    hi: int

    def integer(self, answer: int, decimals: int) -> int:
        """Give the integer of the circuit for an answer of a feed.

        Raises:
            RefusedError: if the port has none.

        """
        unit: int = self.den * 10**decimals
        quotient, rest = divmod(abs(answer) * self.num, unit)
        if 2 * rest > unit or (2 * rest == unit and quotient % 2 == 1):
            quotient += 1
        value = (quotient if answer >= 0 else -quotient) + self.zero
        if not self.lo <= value <= self.hi:
            raise RefusedError("OutOfRange", f"{answer} is {value} steps, outside of [{self.lo}, {self.hi}]")
        return value

    def number(self, integer: int) -> float:
        """Give the number that `apodict prove` makes this integer of."""
        return (integer - self.zero) * self.den / self.num


@dataclass(frozen=True)
class Input:
    """A feature, and the port of the compiled model that reads it."""

    name: str
    feed: str
    lag: int
    port: Port


def inputs_of(story: Path) -> tuple[str, list[Input]]:
    """Read a story's input tensor: its name, and its elements with what the binder must bind for each.

    Raises:
        ValueError: if its inputs are no rounds.

    """
    features = json.loads((story / "features.json").read_text(encoding="utf-8"))
    if not all("feed" in entry for entry in features):
        raise ValueError(f"{story}: its features are no rounds of feeds")
    (tensor,) = json.loads((story / "ports.json").read_text(encoding="utf-8"))["inputs"]
    ports = [
        Port(**{name: int(run[name]) for name in ("num", "den", "zero", "lo", "hi")})
        for run in tensor["runs"]
        for _ in range(run["count"])
    ]
    pairs = zip(features, ports, strict=True)
    return tensor["name"], [Input(entry["name"], entry["feed"], entry["lag"], port) for entry, port in pairs]


def last_at(name: str, rounds: Sequence[Round], moment: int) -> int:
    """Give the answer of a feed's last round at a moment.

    Raises:
        RefusedError: if there is none, or it is too old, or no price.

    """
    before = [one for one in rounds if one[0] <= moment]
    if not before:
        raise RefusedError("MissingRound", f"{name}: the feed has no round at {moment}")
    updated_at, answer = before[-1]
    if moment - updated_at > MAX_AGE:
        raise RefusedError("StaleValue", f"{name}: {moment - updated_at} s old, at most {MAX_AGE}")
    if answer < 1:
        raise RefusedError("OutOfBand", f"{name}: {answer} is no price")
    return answer


def bind(inputs: Sequence[Input], time: int, feeds: Mapping[str, Sequence[Round]]) -> list[int]:
    """Give the integers that the binder binds at a time; each feed's rounds in order, the newest last.

    Raises:
        RefusedError: where the binder reverts, with the same error.

    """
    bound = []
    for entry in inputs:
        answer = last_at(entry.name, feeds.get(entry.feed, ()), time - entry.lag * PERIOD)
        bound.append(entry.port.integer(answer, DECIMALS))
    return bound


def encode(story: Path, rounds: Any) -> dict[str, list[list[float]]]:  # noqa: ANN401 - any JSON value
    """Encode rounds: the tensor by its name, with the batch dimension.

    Raises:
        ValueError: if they are not described as above, or the binder would refuse them.

    """
    name, inputs = inputs_of(story)
    try:
        time = int(rounds["time"])
        feeds = {feed: [(int(at), int(answer)) for at, answer in told] for feed, told in rounds["feeds"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no rounds with `time` and `feeds`: {error!r}") from error
    if time % PERIOD != 0:
        raise RefusedError("BadTime", f"{time} is no multiple of {PERIOD} s")
    bound = bind(inputs, time, feeds)
    return {name: [[entry.port.number(integer) for entry, integer in zip(inputs, bound, strict=True)]]}


def main(arguments: list[str]) -> int:
    """Print the input of the rounds in the file that is named."""
    if len(arguments) != 2:
        print("usage: python -m artifacts.feeds STORY ROUNDS.json", file=sys.stderr)
        return 2
    try:
        rounds = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        print(json.dumps({"inputs": encode(Path(arguments[0]), rounds)}))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
