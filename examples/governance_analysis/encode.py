"""From a proposal to the model's input, as `ProposalInputs` and `TextBinder` derive it. Needs nothing but Python.

Tokens are the runs of ASCII letters, lower-cased; a run of digits is the token `#`; every other byte separates. The
first 64 within the first 16,384 bytes count. The bucket of a token is `1 + (first 4 bytes of its SHA-256, big endian)
mod 1023`; bucket 0 pads. Facts are counts and shares of what the proposal calls and of what the chain knows.

Run from `examples/`:

    python -m governance_analysis.encode governance_analysis/proposals/renewal.txt \
        governance_analysis/proposals/renewal.json > input.json
"""

import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.fields import Feature

TOKENS = 64
BUCKETS = 1024
BYTES = 16_384

FACTS = (
    Feature("calls", "count", "Calls that the proposal makes", 0, 64),
    Feature("unknown_calls", "count", "Of these, calls that governance has not named as routine", 0, 64),
    Feature("value", "1e-4 of the treasury", "Ether that is moved, of what the treasury holds", 0, 10_000),
    Feature("calldata", "bytes", "Calldata of all calls", 0, 65_535),
    Feature("governance_calls", "count", "Calls to the governor or the treasury", 0, 64),
    Feature("proposer_votes", "1e-4 of all", "The proposer's votes when voting began", 0, 10_000),
    Feature("proposer_days", "days", "Since the proposer first had votes, when voting began", 0, 3_650),
    Feature("voting_hours", "hours", "How long the vote takes", 0, 1_000),
)
"""In the order of `ProposalInputs.factsOf`. What is larger than its range counts as its end."""


@dataclass(frozen=True)
class Call:
    """One call of a proposal."""

    target: str
    value: int
    """Wei."""
    data: bytes


@dataclass(frozen=True)
class Chain:
    """What the chain knows when a proposal is prepared: addresses in lower case, votes in any one unit, seconds."""

    governor: str
    treasury: str
    treasury_balance: int
    """Wei."""
    known_calls: frozenset[tuple[str, str]]
    """Target and selector (`0x` and eight digits) of calls that governance named as routine."""
    supply: int
    """All votes when voting began."""
    proposer_votes: int
    first_votes_at: int | None
    """When the proposer first had votes; none if never."""
    snapshot: int
    """When voting began."""
    deadline: int


def tokens(text: bytes) -> list[bytes]:
    """Split a text into tokens, in order, without a limit of their number."""
    runs = re.findall(rb"[a-z]+|[0-9]+", text[:BYTES].lower())
    return [b"#" if run.isdigit() else run for run in runs]


def bucket(token: bytes) -> int:
    """Hash a token to 1..1023."""
    return 1 + int.from_bytes(hashlib.sha256(token).digest()[:4], "big") % (BUCKETS - 1)


def token_ids(text: bytes) -> list[int]:
    """Give the buckets of the first 64 tokens, padded with 0."""
    ids = [bucket(token) for token in tokens(text)[:TOKENS]]
    return ids + [0] * (TOKENS - len(ids))


def _known(call: Call, chain: Chain) -> bool:
    selector = call.data[:4] if len(call.data) >= 4 else bytes(4)
    return (call.target.lower(), f"0x{selector.hex()}") in chain.known_calls


def facts_of(calls: list[Call], chain: Chain) -> list[int]:
    """Derive the facts, each an integer in its range."""
    value = sum(call.value for call in calls)
    share = 0
    if value != 0:
        all_of_it = value >= chain.treasury_balance
        share = 10_000 if all_of_it else value * 10_000 // chain.treasury_balance
    governance = {chain.governor.lower(), chain.treasury.lower()}
    days = 0
    if chain.first_votes_at is not None:
        days = max(0, chain.snapshot - chain.first_votes_at) // 86_400
    derived = [
        len(calls),
        sum(not _known(call, chain) for call in calls),
        share,
        sum(len(call.data) for call in calls),
        sum(call.target.lower() in governance for call in calls),
        chain.proposer_votes * 10_000 // chain.supply if chain.supply != 0 else 0,
        days,
        (chain.deadline - chain.snapshot) // 3_600,
    ]
    return [min(value, int(fact.max)) for value, fact in zip(derived, FACTS, strict=True)]


def encode(text: bytes, calls: list[Call], chain: Chain) -> dict[str, list[list[int]]]:
    """Encode a proposal: the tensors by name, with the batch dimension."""
    return {"tokens": [token_ids(text)], "facts": [facts_of(calls, chain)]}


def parse(proposal: Any) -> tuple[list[Call], Chain]:  # noqa: ANN401 - any JSON value
    """Read a proposal's calls and what the chain knows, as in `proposals/NAME.json`.

    Raises:
        ValueError: if something is missing, is not known, or has another type.

    """
    try:
        calls = [
            Call(str(call["target"]), int(call["value"]), bytes.fromhex(call["data"].removeprefix("0x")))
            for call in proposal["calls"]
        ]
        known = frozenset((target.lower(), selector.lower()) for target, selector in proposal["chain"]["known_calls"])
        chain = Chain(**{**proposal["chain"], "known_calls": known})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no proposal with `calls` and `chain`: {error!r}") from error
    numbers = {**vars(chain), "first_votes_at": chain.first_votes_at or 0}
    for name in ("treasury_balance", "supply", "proposer_votes", "first_votes_at", "snapshot", "deadline"):
        if type(numbers[name]) is not int or numbers[name] < 0:
            raise ValueError(f"{name} is {numbers[name]!r}, which is no number of a chain")
    if chain.proposer_votes > chain.supply or chain.deadline < chain.snapshot:
        raise ValueError("more votes than there are, or a deadline before voting began")
    return calls, chain


def main(arguments: list[str]) -> int:
    """Print the input of the proposal in the files that are named."""
    if len(arguments) != 2:
        print("usage: python -m governance_analysis.encode PROPOSAL.txt PROPOSAL.json", file=sys.stderr)
        return 2
    try:
        text, proposal = (Path(argument).read_bytes() for argument in arguments)
        print(json.dumps({"inputs": encode(text, *parse(json.loads(proposal)))}))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
