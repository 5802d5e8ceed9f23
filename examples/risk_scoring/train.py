"""Train the quantiles, write `model.onnx` and its data. `--check` compares with the committed files instead.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m risk_scoring.train [--check]`.
"""

import sys
from pathlib import Path

import numpy as np

from artifacts.features import Floats, corners, write_table
from artifacts.files import Sample, train_or_check, write_samples
from artifacts.graph import GraphBuilder
from risk_scoring.days import DAYS
from risk_scoring.features import FEATURES, LAGS, LARGEST_MOVE, MOVE_SCALE, moves, read
from risk_scoring.market import BONUS, COST, HORIZON_HOURS, KEEPER_HOURS, Market
from risk_scoring.network import LEAST_GAP, SELLABLE_UNIT, Network, fit

TRAIN_SEED, HELDOUT_SEED = 20_261_101, 20_261_102
TRAIN_CHUNKS, HELDOUT_CHUNKS = 16, 8
SCENARIOS_PER_CHUNK = 25_000
STEPS = 10_000

COVERED = 1.0 / (1.0 + BONUS + COST)
"""Debt for each unit of collateral's value that liquidators still repay in full."""

FALL_BOUNDS = (0.02, 0.50)
"""The keepers' hours' fall counts as inside of these: so the parameters have a range."""

LARGEST_EXTRA = 0.35
"""What a day adds to the keepers' hours' fall, at most, above the least gap."""

SELLABLE_BOUNDS = (0.02, 3.0)
"""Millions of USD."""

OUTPUTS = ("loan_to_value", "threshold", "supply_cap", "borrow_cap")


def population(seed: int, chunks: int) -> tuple[Floats, Floats]:
    """Simulate days: prices `[n, 8]`, and what followed `[n, 3]`: falls in hours and in a day, USD in millions."""
    rows, outcomes = [], []
    for chunk_seed in np.random.SeedSequence(seed).spawn(chunks):
        market = Market.simulate(np.random.default_rng(chunk_seed), SCENARIOS_PER_CHUNK)
        rows.append(read(market.prices))
        falls = [market.worst_fall(hours) for hours in (KEEPER_HOURS, HORIZON_HOURS)]
        outcomes.append(np.stack([*falls, market.sellable_usd() / SELLABLE_UNIT], axis=1))
    return np.concatenate(rows), np.concatenate(outcomes)


def write_model(path: Path, network: Network) -> None:
    """Prices to moves, Gemm and Relu twice, Gemm: three quantiles; from them the four parameters along lines."""
    graph = GraphBuilder("risk_scoring")
    prices = graph.input("prices", [1, len(FEATURES)])
    now = graph.node("Gather", [prices, graph.weight("newest", np.array([0], np.int64))], "now", axis=1)
    earlier = graph.weight("earlier", np.arange(1, len(LAGS), dtype=np.int64))
    ratio = graph.node("Div", [now, graph.node("Gather", [prices, earlier], "before", axis=1)], "ratio")
    move = graph.node("Sub", [ratio, graph.weight("one", np.array([[1.0]]))], "move")
    x = graph.scaled(graph.clip(move, "clipped_move", -LARGEST_MOVE, LARGEST_MOVE), "scaled_move", MOVE_SCALE)
    *hidden, last = zip(network.weights[::2], network.weights[1::2], strict=True)
    for index, (weights, bias) in enumerate(hidden, start=1):
        x = graph.node("Relu", [graph.dense(x, weights, bias, f"dense_{index}")], f"relu_{index}")
    heads = [graph.dense(x, last[0][:, [i]], last[1][[i]], name) for i, name in enumerate(("hours", "day", "usd"))]

    fall = graph.clip(heads[0], "fall_in_hours", *FALL_BOUNDS)
    extra = graph.clip(heads[1], "extra_in_a_day", 0.0, LARGEST_EXTRA)
    sellable = graph.clip(heads[2], "sellable_millions", *SELLABLE_BOUNDS)
    # threshold = COVERED * (1 - fall); loan to value = threshold - COVERED * (LEAST_GAP + extra)
    threshold = graph.shifted(graph.scaled(fall, "covered_fall", -COVERED), "threshold", COVERED)
    gap = graph.shifted(graph.scaled(extra, "covered_extra", COVERED), "gap", COVERED * LEAST_GAP)
    graph.node("Sub", [threshold, gap], "loan_to_value")
    usd = graph.scaled(sellable, "borrow_cap", SELLABLE_UNIT)
    graph.node("Div", [usd, now], "supply_cap")
    graph.save_all(path, [(name, [1, 1]) for name in OUTPUTS])


def build(folder: Path) -> None:
    """Write every generated file of the story to `folder`."""
    rows, outcomes = population(TRAIN_SEED, TRAIN_CHUNKS)
    write_model(folder / "model.onnx", fit(moves(rows), outcomes, seed=7, steps=STEPS))
    write_table(folder / "features.json", FEATURES)

    def sample(row: Floats) -> Sample:
        return {"prices": row[np.newaxis]}

    heldout, _ = population(HELDOUT_SEED, 1)
    write_samples(
        folder,
        named={name: sample(day.prices()) for name, day in DAYS.items()},
        calibration=[sample(row) for row in np.concatenate([corners(FEATURES), rows[:: len(rows) // 62][:62]])],
        heldout=[sample(row) for row in heldout[:: len(heldout) // 64][:64]],
    )


if __name__ == "__main__":
    sys.exit(train_or_check(Path(__file__).parent, build, sys.argv[1:]))
