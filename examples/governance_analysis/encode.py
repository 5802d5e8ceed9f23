"""From a proposal's text and facts to the model's input. Needs nothing but Python, so that anyone can repeat it.

Tokens are the runs of ASCII letters in the lower-cased text; a run of digits is the token `#`. The first 64 count. The
bucket of a token is `1 + (first 4 bytes of its SHA-256, big endian) mod 1023`; bucket 0 pads. Facts come from a JSON
object with the names of `FACTS`, each within its range.

Run from `examples/`:

    python -m governance_analysis.encode governance_analysis/proposals/renewal.txt \
        governance_analysis/proposals/renewal.facts.json > input.json
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from artifacts.fields import Feature

TOKENS = 64
BUCKETS = 1024

FACTS = (
    Feature("treasury_share", "log10 percent", "Part of the treasury that is moved; -4 when none is", -4.0, 2.0),
    Feature("parameter_distance", "standard deviations", "New value from the parameter's mean of a year", 0.0, 8.0),
    Feature("quorum_margin", "log2 ratio", "Mean turnout of the last ten votes over the quorum", -4.0, 4.0),
    Feature("proposer_passed", "log2(1 + count)", "Proposals of this proposer that passed", 0.0, 8.0),
    Feature("proposer_failed_share", "ratio", "Part of this proposer's proposals that failed", 0.0, 1.0),
    Feature("proposer_age", "log10(1 + days)", "Time since the proposer's first vote", 0.0, 4.0),
    Feature("top_five_share", "ratio", "Voting power of the five largest delegates", 0.0, 1.0),
    Feature("fresh_power_share", "ratio", "Voting power acquired in the last seven days", 0.0, 1.0),
    Feature("timelock", "log2(1 + hours)", "Delay between the vote and its execution", 0.0, 8.0),
    Feature("calls", "log2(1 + count)", "Contract calls that the proposal executes", 0.0, 6.0),
)


def tokens(text: str) -> list[str]:
    """Split a text into tokens, in order, without a limit."""
    return ["#" if run.isdigit() else run for run in re.findall(r"[a-z]+|[0-9]+", text.lower())]


def bucket(token: str) -> int:
    """Hash a token to 1..1023."""
    return 1 + int.from_bytes(hashlib.sha256(token.encode()).digest()[:4], "big") % (BUCKETS - 1)


def token_ids(text: str) -> list[int]:
    """Give the buckets of the first 64 tokens, padded with 0."""
    ids = [bucket(token) for token in tokens(text)[:TOKENS]]
    return ids + [0] * (TOKENS - len(ids))


def fact_row(facts: object) -> list[float]:
    """Put facts in the order of `FACTS`.

    Raises:
        ValueError: if it is no object of names and numbers, or a fact is missing, unknown or out of its range.

    """
    if not isinstance(facts, dict) or not all(type(value) in (int, float) for value in facts.values()):
        raise ValueError("facts must be a JSON object of names and numbers")
    names = [fact.name for fact in FACTS]
    if set(facts) != set(names):
        raise ValueError(f"facts missing or unknown: {sorted(set(facts) ^ set(names))}")
    for fact in FACTS:
        if not fact.min <= facts[fact.name] <= fact.max:
            raise ValueError(f"{fact.name} is {facts[fact.name]}, outside of [{fact.min}, {fact.max}] {fact.unit}")
    return [float(facts[name]) for name in names]


def encode(text: str, facts: object) -> dict[str, list[list[int]] | list[list[float]]]:
    """Encode a proposal: the tensors by name, with the batch dimension."""
    return {"tokens": [token_ids(text)], "facts": [fact_row(facts)]}


def main(arguments: list[str]) -> int:
    """Print the input of the proposal in the files that are named."""
    if len(arguments) != 2:
        print("usage: python -m governance_analysis.encode PROPOSAL.txt FACTS.json", file=sys.stderr)
        return 2
    try:
        text, facts = (Path(argument).read_text(encoding="utf-8") for argument in arguments)
        print(json.dumps({"inputs": encode(text, json.loads(facts))}))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
