"""The classifier and its training, in numpy: a mean of token embeddings beside the facts, then two dense layers.

The mean over 64 tokens is `counts / 64 @ embedding`, so training works on sparse counts; the graph that is proved
gathers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from artifacts.adam import Adam
from artifacts.features import Floats
from governance_analysis.encode import BUCKETS, TOKENS

WIDTH, HIDDEN, CLASS_COUNT = 16, 32, 3


def token_counts(ids: NDArray[np.int64]) -> csr_matrix:
    """Give each bucket's share of the 64 places, `[samples, 1024]`; padding counts for nothing."""
    rows = np.repeat(np.arange(len(ids)), TOKENS)
    shares = np.where(ids.ravel() == 0, 0.0, 1.0 / TOKENS)
    return csr_matrix((shares, (rows, ids.ravel())), shape=(len(ids), BUCKETS))


@dataclass
class Network:
    """Weights in float64, dense ones `[in, out]`."""

    embedding: Floats
    hidden_weights: Floats
    hidden_bias: Floats
    class_weights: Floats
    class_bias: Floats

    @staticmethod
    def start(rng: np.random.Generator, facts: int) -> "Network":
        """Draw the weights to start from. The row of the padding bucket is zero and stays so."""
        inputs = WIDTH + facts
        embedding = rng.normal(0.0, 1.0, (BUCKETS, WIDTH))
        embedding[0] = 0.0
        return Network(
            embedding,
            rng.normal(0.0, np.sqrt(2.0 / inputs), (inputs, HIDDEN)),
            np.zeros(HIDDEN),
            rng.normal(0.0, np.sqrt(2.0 / HIDDEN), (HIDDEN, CLASS_COUNT)),
            np.zeros(CLASS_COUNT),
        )

    def parameters(self) -> list[Floats]:
        """Give the arrays that training changes in place, in the order of `gradients`."""
        return [self.embedding, self.hidden_weights, self.hidden_bias, self.class_weights, self.class_bias]

    def gradients(self, counts: csr_matrix, facts: Floats, labels: NDArray[np.int64]) -> list[Floats]:
        """Differentiate the mean cross entropy."""
        x = np.concatenate([counts @ self.embedding, facts], axis=1)
        before = x @ self.hidden_weights + self.hidden_bias
        active = np.maximum(before, 0.0)
        error = _softmax(active @ self.class_weights + self.class_bias)
        error[np.arange(len(labels)), labels] -= 1.0
        error /= len(labels)
        back = (error @ self.class_weights.T) * (before > 0.0)
        return [
            counts.T @ (back @ self.hidden_weights[:WIDTH].T),
            x.T @ back,
            back.sum(axis=0),
            active.T @ error,
            error.sum(axis=0),
        ]


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def train(
    counts: csr_matrix, facts: Floats, labels: NDArray[np.int64], *, seed: int, epochs: int, batch: int = 128
) -> Network:
    """Minimize cross entropy by Adam with decoupled weight decay; the step falls to zero along a cosine."""
    rng = np.random.default_rng(seed)
    network = Network.start(rng, facts.shape[1])
    steps_per_epoch = len(labels) // batch
    adam = Adam(network.parameters(), steps=epochs * steps_per_epoch, decay=0.01)
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        for chosen in np.split(order[: steps_per_epoch * batch], steps_per_epoch):
            adam.step(network.gradients(counts[chosen], facts[chosen], labels[chosen]))
    return network
