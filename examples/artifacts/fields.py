"""What a feature is. Apart from the rest, so that encoding an input needs nothing but Python."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One number that the model reads, in its own unit. A circuit enforces `[min, max]`."""

    name: str
    unit: str
    description: str
    min: float
    max: float
    feed: str | None = None
    """The price feed whose round it is; none for what comes from elsewhere."""
    lag: int | None = None
    """Periods of an hour before the time that is bound: `lag` of the binder's `Source`."""
