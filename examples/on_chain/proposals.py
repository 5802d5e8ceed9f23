"""Invented proposals with the eight facts that a chain knows of one, and a label by a published rule plus noise."""

import numpy as np

from artifacts.fields import Feature
from governance_analysis.generator import NOISE, REVIEW_FROM, VETO_FROM
from governance_analysis.templates import FILLERS, KINDS, REMARKS, Kind

FACTS = (
    Feature("calls", "count", "Calls that the proposal makes", 0, 64),
    Feature("unknown_calls", "count", "Of these, calls that governance has not named as routine", 0, 64),
    Feature("value", "1e-4 of the treasury", "Ether that is moved", 0, 10_000),
    Feature("calldata", "bytes", "Calldata of all calls", 0, 65_535),
    Feature("governance_calls", "count", "Calls to the governor or the treasury", 0, 64),
    Feature("proposer_votes", "1e-4 of all", "The proposer's votes when voting began", 0, 10_000),
    Feature("proposer_days", "days", "Since the proposer first had votes", 0, 3_650),
    Feature("voting_hours", "hours", "How long the vote takes", 0, 1_000),
)
"""As `ProposalInputs.factsOf` in `solidity/` gives them."""


def draw(rng: np.random.Generator) -> tuple[str, list[int], int]:
    """Draw a text, its facts and its class: 0 harmless, 1 doubtful, 2 harmful."""
    weights = np.array([kind.weight for kind in KINDS])
    kind = KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
    remarks = [remark for remark in REMARKS if rng.random() < remark.chance]
    sentences = [remark.phrases[int(rng.integers(len(remark.phrases)))] for remark in remarks]
    sentences += [FILLERS[int(rng.integers(len(FILLERS)))] for _ in range(int(rng.integers(0, 4)))]
    opening = kind.openings[int(rng.integers(len(kind.openings)))]
    text = " ".join([opening, *(sentences[i] for i in rng.permutation(len(sentences)))])
    facts = _facts(rng, kind)
    points = kind.points + sum(remark.points for remark in remarks) + _points(facts) + rng.normal(0.0, NOISE)
    return text, facts, int(points >= REVIEW_FROM) + int(points >= VETO_FROM)


def _facts(rng: np.random.Generator, kind: Kind) -> list[int]:
    calls = 1 + int(rng.poisson(kind.calls))
    unknown = int(rng.binomial(calls, rng.choice([0.05, 0.9])))
    moves = kind.moves_treasury or rng.random() < 0.1
    value = int(min(10_000.0, 10.0 ** rng.uniform(0.0, 4.3))) if moves else 0
    to_governance = int(rng.binomial(calls, 0.5 if kind.name in ("upgrade", "ownership") else 0.05))
    values = [
        calls,
        unknown,
        value,
        int(calls * rng.choice([4, 36, 68, 132, 260])),
        to_governance,
        int(10.0 ** rng.uniform(0.0, 3.7)),
        int(rng.exponential(300.0)),
        int(rng.choice([24, 72, 120, 168, 240])),
    ]
    return [int(np.clip(value, fact.min, fact.max)) for value, fact in zip(values, FACTS, strict=True)]


def _points(facts: list[int]) -> float:
    """Give the rule's points for facts alone."""
    calls, unknown, value, _, to_governance, _, days, hours = facts
    points = 1.2 * unknown / calls
    points += 2.5 * value / 10_000.0
    points += 1.0 if to_governance else 0.0
    points += 0.8 if days < 30 else -0.3
    points += 0.5 if hours < 72 else 0.0
    return points
