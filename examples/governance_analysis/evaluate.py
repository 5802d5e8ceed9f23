"""Classify proposals the training never saw with the committed ONNX file, and print how good the classes are.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m governance_analysis.evaluate`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, recall_score

from artifacts.features import Floats, Normalization
from artifacts.files import Scorer
from governance_analysis.decision import CLASSES
from governance_analysis.network import token_counts
from governance_analysis.train import (
    HELDOUT_SEED,
    HELDOUT_SIZE,
    TRAIN_SEED,
    TRAIN_SIZE,
    arrays,
    normalized,
    population,
)


def row(name: str, labels: NDArray[np.int64], probabilities: Floats) -> str:
    """Describe one classifier."""
    guesses = probabilities.argmax(axis=1)
    recall = recall_score(labels, guesses, average=None)
    accuracy, loss = accuracy_score(labels, guesses), log_loss(labels, probabilities)
    return f"| {name} | {accuracy:.1%} | {recall[2]:.1%} | {loss:.3f} |"


def main() -> None:
    """Print the model against simpler ones, then its confusion matrix."""
    proposals = population(HELDOUT_SEED, HELDOUT_SIZE)
    ids, facts, labels = arrays(proposals)
    scorer = Scorer(Path(__file__).parent / "model.onnx")
    scored = [scorer({"tokens": i[np.newaxis], "facts": f[np.newaxis]}) for i, f in zip(ids, facts, strict=True)]
    probabilities = np.array([outputs["class_probabilities"][0] for outputs in scored], np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)

    known_ids, known_facts, known_labels = arrays(population(TRAIN_SEED, TRAIN_SIZE))
    normalization = Normalization.fit(known_facts)
    views = {
        "facts alone, logistic regression": (normalized(normalization, known_facts), normalized(normalization, facts)),
        "text alone, logistic regression": (64.0 * token_counts(known_ids), 64.0 * token_counts(ids)),
    }
    shares = np.bincount(known_labels, minlength=len(CLASSES)) / len(known_labels)

    print(f"held out: {len(labels)} proposals\n")
    print("| classifier | accuracy | veto candidates found | log loss |\n|---|---|---|---|")
    print(row("this model", labels, probabilities))
    for name, (known, new) in views.items():
        baseline = LogisticRegression(max_iter=500).fit(known, known_labels)
        print(row(name, labels, baseline.predict_proba(new)))
    print(row("always the commonest class", labels, np.tile(shares, (len(labels), 1))))
    by_rule = np.array([proposal.label_without_noise for proposal in proposals])
    accuracy, found = accuracy_score(labels, by_rule), recall_score(labels, by_rule, average=None)[2]
    print(f"| the rule without its noise | {accuracy:.1%} | {found:.1%} | - |")

    print("\n| is, was called | " + " | ".join(CLASSES) + " |\n|---|" + "---|" * len(CLASSES))
    for name, counts in zip(CLASSES, confusion_matrix(labels, probabilities.argmax(axis=1)), strict=True):
        print(f"| {name} | " + " | ".join(str(count) for count in counts) + " |")


if __name__ == "__main__":
    main()
