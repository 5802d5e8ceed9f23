"""Score loans the training never saw with the committed ONNX file, and print how good the scores are.

Run from `examples/`: `OMP_NUM_THREADS=1 python -m risk_scoring.evaluate`.
"""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from artifacts.features import Floats, Normalization
from artifacts.files import Scorer
from risk_scoring.features import FEATURES
from risk_scoring.train import HELDOUT_CHUNKS, HELDOUT_SEED, TRAIN_CHUNKS, TRAIN_SEED, population

BANDS = (0.0, 0.002, 0.01, 0.03, 0.1, 0.2, 0.4, 1.0)


def main() -> None:
    """Print ranking quality against two baselines, then calibration."""
    rows, labels = population(HELDOUT_SEED, HELDOUT_CHUNKS)
    scorer = Scorer(Path(__file__).parent / "model.onnx")
    scores = np.array([scorer({"features": row[np.newaxis]})[0, 0] for row in rows], np.float64)

    known_rows, known_labels = population(TRAIN_SEED, TRAIN_CHUNKS)
    normalization = Normalization.fit(known_rows)
    linear = LogisticRegression(max_iter=1000).fit(normalization.apply(known_rows), known_labels)
    linear_scores = linear.predict_proba(normalization.apply(rows))[:, 1]
    health = rows[:, [feature.name for feature in FEATURES].index("health_factor")]

    print(f"held out: {len(rows)} loans, {labels.mean():.2%} end as bad debt\n")
    print("| score | AUC | Brier score |\n|---|---|---|")
    print(f"| this model | {roc_auc_score(labels, scores):.3f} | {brier_score_loss(labels, scores):.4f} |")
    auc, brier = roc_auc_score(labels, linear_scores), brier_score_loss(labels, linear_scores)
    print(f"| logistic regression, same features | {auc:.3f} | {brier:.4f} |")
    print(f"| health factor alone | {roc_auc_score(labels, -health):.3f} | - |")
    constant = brier_score_loss(labels, np.full(len(labels), known_labels.mean()))
    print(f"| base rate of the training loans | 0.500 | {constant:.4f} |\n")
    print_calibration(scores, labels)


def print_calibration(scores: Floats, labels: NDArray[np.bool_]) -> None:
    """Print predicted against observed frequency, band by band."""
    print("| score | loans | mean score | bad debts |\n|---|---|---|---|")
    for low, high in itertools.pairwise(BANDS):
        band = (scores >= low) & (scores < high if high < 1.0 else scores <= high)
        if band.any():
            mean, seen = scores[band].mean(), labels[band].mean()
            print(f"| {low:.1%} to {high:.1%} | {band.sum()} | {mean:.2%} | {seen:.2%} |")


if __name__ == "__main__":
    main()
