"""Make the three models and the samples that declare their inputs' ranges.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m on_chain.train [--check]`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from artifacts.features import Floats, Normalization, corners
from artifacts.files import Sample, train_or_check
from artifacts.graph import GraphBuilder
from governance_analysis.encode import BUCKETS, TOKENS, token_ids
from governance_analysis.network import CLASS_COUNT, Network, token_counts, train
from on_chain import prices, proposals

SEED = 20_261_101
MARKET = {
    "ltv": (0.82, -0.44),
    "threshold": (0.86, -0.33),
    "supply_cap": (1_500.0, -1_400.0),
    "borrow_cap": (1.2e6, -1.1e6),
}
"""What is asked for without any risk, and how much that changes up to a risk of 1."""

PRICE_RANGE, PEG_RANGE = (500.0, 8_000.0), (0.7, 1.3)
PEG_HOURS, FEEDS = 4, 2
PROPORTIONAL, INTEGRAL, DERIVATIVE, LARGEST_CHANGE = 0.5, 0.3, 0.2, 0.02


def write_market(folder: Path, rng: np.random.Generator) -> list[Sample]:
    """Div, Sub, Clip, Mul, Gemm, Relu, Gemm, Clip give a risk; Mul and Add the four parameters."""
    drawn = prices.paths(rng, 20_000)
    read = np.clip(drawn[:, : prices.HOURS][:, ::-1], *PRICE_RANGE)
    y = prices.risk(drawn[:, prices.HOURS :], drawn[:, prices.HOURS - 1])
    a, b, c, d = prices.fit(rng, prices.moves(read), y, steps=4_000)
    graph = GraphBuilder("market_parameters")
    inputs = graph.input("prices", [1, prices.HOURS])
    now = graph.node("Gather", [inputs, graph.weight("newest", np.array([0], np.int64))], "now", axis=1)
    earlier = graph.weight("earlier", np.arange(1, prices.HOURS, dtype=np.int64))
    ratio = graph.node("Div", [now, graph.node("Gather", [inputs, earlier], "before", axis=1)], "ratio")
    move = graph.node("Sub", [ratio, graph.weight("one", np.array([[1.0]]))], "move")
    limits = [graph.weight(name, np.array(value)) for name, value in (("least", -prices.CLIP), ("most", prices.CLIP))]
    move = graph.node("Clip", [move, *limits], "clipped_move")
    move = graph.node("Mul", [move, graph.weight("move_scale", np.array([[prices.SCALE]]))], "scaled_move")
    hidden = graph.node("Relu", [graph.dense(move, a, b, "hidden")], "hidden_relu")
    zero_to_one = [graph.weight(name, np.array(value)) for name, value in (("no_risk", 0.0), ("full_risk", 1.0))]
    risk = graph.node("Clip", [graph.dense(hidden, c, d, "raw_risk"), *zero_to_one], "risk")
    for name, (without, slope) in MARKET.items():
        share = graph.node("Mul", [risk, graph.weight(f"{name}_slope", np.array([[slope]]))], f"{name}_change")
        graph.node("Add", [share, graph.weight(f"{name}_without_risk", np.array([[without]]))], name)
    graph.save_all(folder / "model.onnx", [(name, [1, 1]) for name in MARKET])
    chosen = rng.permutation(len(read))[:62]
    ends = np.array([[end] * prices.HOURS for end in PRICE_RANGE])
    return [{"prices": row[np.newaxis].round(2)} for row in np.concatenate([ends, read[chosen]])]


def write_supply(folder: Path, rng: np.random.Generator) -> list[Sample]:
    """Gemm and Clip: what a controller with three terms does about the mean of two feeds' pegs. Nothing is trained."""
    weights = np.zeros((FEEDS, PEG_HOURS))
    weights[:, 0] += PROPORTIONAL / FEEDS
    weights += INTEGRAL / (FEEDS * PEG_HOURS)
    weights[:, 0] += DERIVATIVE / FEEDS
    weights[:, 1] -= DERIVATIVE / FEEDS
    flat = weights.reshape(-1, 1)
    graph = GraphBuilder("supply_change")
    pegs = graph.input("pegs", [1, FEEDS * PEG_HOURS])
    raw = graph.dense(pegs, flat, -flat.sum(axis=0), "raw_change")
    limits = [(name, sign * LARGEST_CHANGE) for name, sign in (("least", -1.0), ("most", 1.0))]
    graph.node("Clip", [raw, *(graph.weight(name, np.array(value)) for name, value in limits)], "change")
    graph.save_all(folder / "model.onnx", [("change", [1, 1])])
    rows = 1.0 + rng.normal(0.0, 0.01, (62, 1)) + rng.normal(0.0, 0.003, (62, FEEDS * PEG_HOURS))
    ends = np.array([[end] * (FEEDS * PEG_HOURS) for end in PEG_RANGE])
    return [{"pegs": row[np.newaxis].round(6)} for row in np.concatenate([ends, rows])]


def write_proposals(folder: Path, rng: np.random.Generator) -> list[Sample]:
    """Gather and ReduceMean, beside Cast, Sub and Mul; Concat, Gemm, Relu, Gemm, Softmax."""
    drawn = [proposals.draw(rng) for _ in range(16_000)]
    ids = np.array([token_ids(text) for text, _, _ in drawn], np.int64)
    facts: Floats = np.array([row for _, row, _ in drawn], np.float64)
    labels = np.array([label for _, _, label in drawn], np.int64)
    normalization = Normalization.fit(facts)
    network: Network = train(token_counts(ids), normalization.apply(facts), labels, seed=11, epochs=10)
    graph = GraphBuilder("proposal_rating")
    tokens = graph.input("tokens", [1, TOKENS], TensorProto.INT64)
    integers = graph.input("facts", [1, len(proposals.FACTS)], TensorProto.INT64)
    numbers = graph.normalize(graph.node("Cast", [integers], "numbers", to=TensorProto.FLOAT), normalization)
    embedded = graph.node("Gather", [graph.weight("embedding", network.embedding), tokens], "embedded", axis=0)
    text = graph.node("ReduceMean", [embedded], "text", axes=[1], keepdims=0)
    x = graph.node("Concat", [text, numbers], "text_and_facts", axis=1)
    x = graph.node("Relu", [graph.dense(x, network.hidden_weights, network.hidden_bias, "hidden")], "hidden_relu")
    graph.node("Softmax", [graph.dense(x, network.class_weights, network.class_bias, "logits")], "scores", axis=1)
    graph.save_all(folder / "model.onnx", [("scores", [1, CLASS_COUNT])])
    ends = np.array([[0] * TOKENS, [BUCKETS - 1] * TOKENS], np.int64)
    all_ids = np.concatenate([ends, ids[:62]])
    all_facts: NDArray[np.int64] = np.concatenate([corners(proposals.FACTS), facts[:62]]).astype(np.int64)
    pairs = zip(all_ids, all_facts, strict=True)
    return [{"tokens": row[np.newaxis], "facts": known[np.newaxis]} for row, known in pairs]


STORIES = {"market": write_market, "supply": write_supply, "proposals": write_proposals}


def _line(sample: Mapping[str, NDArray[np.generic]]) -> str:
    return json.dumps({"inputs": {name: tensor.tolist() for name, tensor in sample.items()}})


def build(folder: Path) -> None:
    """Write `NAME/model.onnx` and `NAME/calibration.json` for each of the three."""
    for index, (name, write) in enumerate(STORIES.items()):
        (folder / name).mkdir(exist_ok=True)
        samples = write(folder / name, np.random.default_rng(SEED + index))
        batches = ",\n  ".join(_line(sample) for sample in samples)
        (folder / name / "calibration.json").write_text(f'{{"batches": [\n  {batches}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    sys.exit(train_or_check(Path(__file__).parent, build, sys.argv[1:]))
