"""Invented proposals: a text from templates, facts that go with it, and a label by a published rule plus noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from governance_analysis.encode import FACTS
from governance_analysis.templates import FILLERS, KINDS, REMARKS, Kind

REVIEW_FROM, VETO_FROM = 2.0, 4.0
"""Points at which a proposal leaves the class before."""

NOISE = 0.4
"""Standard deviation of the points that reviewers give beside the rule."""


@dataclass(frozen=True)
class Proposal:
    """A proposal with its label, an index into `decision.CLASSES`."""

    text: str
    facts: list[int]
    label: int
    label_without_noise: int
    """What the rule alone says: no classifier can agree with `label` much more often."""


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def draw(rng: np.random.Generator) -> Proposal:
    """Draw a proposal."""
    weights = np.array([kind.weight for kind in KINDS])
    kind = KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
    remarks = [remark for remark in REMARKS if rng.random() < remark.chance]
    sentences = [_pick(rng, remark.phrases) for remark in remarks]
    sentences += [_pick(rng, FILLERS) for _ in range(int(rng.integers(0, 4)))]
    text = " ".join([_pick(rng, kind.openings), *(sentences[i] for i in rng.permutation(len(sentences)))])
    facts = draw_facts(rng, kind)
    points = kind.points + sum(remark.points for remark in remarks) + fact_points(facts)
    return Proposal(text, facts, _class(points + rng.normal(0.0, NOISE)), _class(points))


def _class(points: float) -> int:
    return int(points >= REVIEW_FROM) + int(points >= VETO_FROM)


def draw_facts(rng: np.random.Generator, kind: Kind) -> list[int]:
    """Draw facts that suit a kind, in the order of `FACTS`."""
    calls = 1 + int(rng.poisson(kind.calls))
    # Either governance has named the calls of such proposals, or it has not.
    unknown = int(rng.binomial(calls, rng.choice([0.05, 0.9])))
    moves = kind.moves_treasury or rng.random() < 0.1
    values = [
        calls,
        unknown,
        10.0 ** rng.uniform(0.0, 4.3) if moves else 0.0,
        float((4 + 32 * rng.integers(0, 9, calls)).sum()),
        rng.binomial(calls, 0.5 if kind.name in ("upgrade", "ownership") else 0.05),
        10.0 ** rng.uniform(0.0, 3.7),
        rng.exponential(300.0),
        rng.choice([24.0, 72.0, 120.0, 168.0, 240.0], p=[0.12, 0.28, 0.2, 0.25, 0.15]),
    ]
    return [int(np.clip(value, fact.min, fact.max)) for value, fact in zip(values, FACTS, strict=True)]


def fact_points(facts: list[int]) -> float:
    """Give the rule's points for facts alone."""
    calls, unknown, value, _, governance, votes, days, hours = facts
    points = 1.2 * unknown / max(1, calls)
    points += 2.5 * value / 10_000.0
    points += 1.0 if governance > 0 else 0.0
    points += 0.8 if days < 30 else -0.3
    # Who holds hardly anything has little to lose.
    points += 0.5 if votes < 10 else 0.0
    points += 0.7 if hours < 72 else 0.0
    return points
