"""Named features with units and ranges, and the constants that normalize them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artifacts.fields import Feature

Floats = NDArray[np.float64]

DECIMALS = 4
"""Features are rounded to this many decimals, in training as in the files: what a person reads is what is scored."""


@dataclass(frozen=True)
class Normalization:
    """`(x - mean) * inverse_std`, done inside the ONNX graph. The constants are float32 values."""

    mean: Floats
    inverse_std: Floats

    @staticmethod
    def fit(rows: Floats) -> "Normalization":
        """Take mean and standard deviation of `rows`, `[samples, features]`."""
        mean = rows.mean(axis=0).astype(np.float32).astype(np.float64)
        inverse_std = (1.0 / rows.std(axis=0)).astype(np.float32).astype(np.float64)
        return Normalization(mean, inverse_std)

    def apply(self, rows: Floats) -> Floats:
        """Normalize `[samples, features]`."""
        normalized: Floats = (rows - self.mean) * self.inverse_std
        return normalized


def bounded(features: Sequence[Feature], columns: dict[str, Floats]) -> Floats:
    """Stack named columns in the order of the table, clipped to their ranges and rounded: `[samples, features]`.

    Raises:
        KeyError: if a feature of the table has no column, or a column no feature.

    """
    names = [feature.name for feature in features]
    if set(names) != set(columns):
        raise KeyError(f"features and columns differ: {sorted(set(names) ^ set(columns))}")
    clipped = [np.clip(columns[feature.name], feature.min, feature.max) for feature in features]
    rounded: Floats = np.stack(clipped, axis=-1).round(DECIMALS)
    return rounded


def corners(features: Sequence[Feature]) -> Floats:
    """Give all minima and all maxima, `[2, features]`: in the calibration data they declare the ranges."""
    return np.array([[feature.min for feature in features], [feature.max for feature in features]])


def table(features: Sequence[Feature], normalization: Normalization | None) -> str:
    """Render `features.json`; mean and deviation where the graph normalizes with them."""
    entries: list[dict[str, Any]] = []
    for index, feature in enumerate(features):
        entry = {name: value for name, value in asdict(feature).items() if value is not None}
        if normalization is not None:
            entry["mean"] = float(f"{normalization.mean[index]:.9g}")
            entry["std"] = float(f"{1.0 / normalization.inverse_std[index]:.9g}")
        entries.append(entry)
    return json.dumps(entries, indent=2) + "\n"


def write_table(path: Path, features: Sequence[Feature], normalization: Normalization | None = None) -> None:
    """Write `features.json`."""
    path.write_text(table(features, normalization), encoding="utf-8")
