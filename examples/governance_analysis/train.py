"""Train the classifier, write `model.onnx` and its data. `--check` compares with the committed files instead.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m governance_analysis.train [--check]`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from artifacts.features import Floats, Normalization, corners, write_table
from artifacts.files import Sample, train_or_check, write_samples
from artifacts.graph import GraphBuilder
from governance_analysis.encode import BUCKETS, FACTS, TOKENS, encode, parse, token_ids
from governance_analysis.generator import Proposal, draw
from governance_analysis.network import CLASS_COUNT, Network, token_counts, train

TRAIN_SEED, HELDOUT_SEED = 20_240_701, 20_240_702
TRAIN_SIZE, HELDOUT_SIZE = 24_000, 6_000
EPOCHS = 12
SAMPLES = Path(__file__).parent / "proposals"
NAMED = ("renewal", "rate_change", "quiet_takeover")

FURTHEST = 6.0
"""Deviations from the mean: a fact that lies further counts as this."""


def population(seed: int, size: int) -> list[Proposal]:
    """Draw proposals."""
    rng = np.random.default_rng(seed)
    return [draw(rng) for _ in range(size)]


def arrays(proposals: list[Proposal]) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Give token ids `[n, 64]`, facts `[n, 8]` and labels `[n]`."""
    ids = np.array([token_ids(proposal.text.encode()) for proposal in proposals], np.int64)
    facts = np.array([proposal.facts for proposal in proposals], np.float64)
    return ids, facts, np.array([proposal.label for proposal in proposals], np.int64)


def normalized(normalization: Normalization, facts: Floats) -> Floats:
    """Give what the network reads of facts `[n, 8]`."""
    return np.clip(normalization.apply(facts), -FURTHEST, FURTHEST)


def write_model(path: Path, normalization: Normalization, network: Network) -> None:
    """Gather and ReduceMean, beside Cast, Sub, Mul and Clip; Concat, Gemm, Relu, Gemm, Softmax."""
    graph = GraphBuilder("governance_analysis")
    tokens = graph.input("tokens", [1, TOKENS], TensorProto.INT64)
    integers = graph.input("facts", [1, len(FACTS)], TensorProto.INT64)
    numbers = graph.normalize(graph.node("Cast", [integers], "numbers", to=TensorProto.FLOAT), normalization)
    facts = graph.clip(numbers, "known", -FURTHEST, FURTHEST)
    embedding = graph.weight("embedding", network.embedding)
    embedded = graph.node("Gather", [embedding, tokens], "embedded", axis=0)
    text = graph.node("ReduceMean", [embedded], "text", axes=[1], keepdims=0)
    x = graph.node("Concat", [text, facts], "text_and_facts", axis=1)
    x = graph.node("Relu", [graph.dense(x, network.hidden_weights, network.hidden_bias, "hidden")], "hidden_relu")
    logits = graph.dense(x, network.class_weights, network.class_bias, "logits")
    graph.save(path, graph.node("Softmax", [logits], "class_probabilities", axis=1), [1, CLASS_COUNT])


def _sample(ids: NDArray[np.int64], facts: Floats) -> Sample:
    return {"tokens": ids[np.newaxis], "facts": facts[np.newaxis].astype(np.int64)}


def _named(name: str) -> Sample:
    proposal = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    encoded = encode((SAMPLES / f"{name}.txt").read_bytes(), *parse(proposal))
    return {key: np.array(tensor, np.int64) for key, tensor in encoded.items()}


def build(folder: Path) -> None:
    """Write every generated file of the story to `folder`."""
    ids, facts, labels = arrays(population(TRAIN_SEED, TRAIN_SIZE))
    normalization = Normalization.fit(facts)
    network = train(token_counts(ids), normalized(normalization, facts), labels, seed=7, epochs=EPOCHS)
    write_model(folder / "model.onnx", normalization, network)
    write_table(folder / "features.json", FACTS, normalization)

    heldout_ids, heldout_facts, _ = arrays(population(HELDOUT_SEED, 64))
    # The corners declare the ranges: of the buckets, and of each fact.
    corner_ids = np.array([[0] * TOKENS, [BUCKETS - 1] * TOKENS], np.int64)
    calibration_ids = np.concatenate([corner_ids, ids[:62]])
    calibration_facts = np.concatenate([corners(FACTS), facts[:62]])
    write_samples(
        folder,
        named={name: _named(name) for name in NAMED},
        calibration=[_sample(i, f) for i, f in zip(calibration_ids, calibration_facts, strict=True)],
        heldout=[_sample(i, f) for i, f in zip(heldout_ids, heldout_facts, strict=True)],
    )


if __name__ == "__main__":
    sys.exit(train_or_check(Path(__file__).parent, build, sys.argv[1:]))
