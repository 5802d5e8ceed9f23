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
    facts: dict[str, float]
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


def draw_facts(rng: np.random.Generator, kind: Kind) -> dict[str, float]:
    """Draw facts that suit a kind."""
    age_days = rng.exponential(400.0)
    passed = rng.poisson(age_days / 150.0)
    moves = kind.moves_treasury or rng.random() < 0.1
    values = {
        "treasury_share": rng.normal(-0.3, 0.9) if moves else -4.0,
        "parameter_distance": abs(rng.normal(0.0, 2.2)) if kind.name in ("parameter", "listing") else 0.0,
        "quorum_margin": rng.normal(0.6, 0.7),
        "proposer_passed": np.log2(1.0 + passed),
        "proposer_failed_share": rng.beta(1.0, 4.0) if rng.random() < 0.6 else 0.0,
        "proposer_age": np.log10(1.0 + age_days),
        "top_five_share": rng.beta(4.0, 5.0),
        "fresh_power_share": rng.beta(1.0, 18.0) if rng.random() < 0.9 else rng.beta(3.0, 6.0),
        "timelock": np.log2(1.0 + rng.choice([0.0, 6.0, 24.0, 48.0, 72.0, 168.0], p=[0.04, 0.1, 0.2, 0.36, 0.2, 0.1])),
        "calls": np.log2(1.0 + rng.poisson(kind.calls)),
    }
    return {fact.name: round(float(np.clip(values[fact.name], fact.min, fact.max)), 4) for fact in FACTS}


def fact_points(facts: dict[str, float]) -> float:
    """Give the rule's points for facts alone."""
    points = 0.9 * max(0.0, facts["treasury_share"])
    points += 0.5 * max(0.0, facts["parameter_distance"] - 2.0)
    points += 0.6 if facts["quorum_margin"] < 0.0 else 0.0
    points += 0.7 if facts["proposer_passed"] == 0.0 else -0.1 * min(facts["proposer_passed"], 4.0)
    points += 0.8 * facts["proposer_failed_share"]
    points += 5.0 * facts["fresh_power_share"]
    points += 1.0 if facts["top_five_share"] > 0.65 else 0.0
    # A short delay matters the more, the more is executed.
    points += 0.5 * max(0.0, 5.0 - facts["timelock"]) * facts["calls"] / 3.0
    return points
