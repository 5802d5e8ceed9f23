"""Vectors of what becomes a model's input: `solidity/test/fixtures/inputs.json`. Plain Python only.

python3 -m artifacts.vectors write     # after a change here, or of a story's ports
python3 -m artifacts.vectors check     # exit code 1 if the file is not what is made now

The contracts' tests (`solidity/test/core/ExampleInputs.t.sol`) derive the same inputs on chain and compare.
"""

import json
import sys
from pathlib import Path
from typing import Any

from artifacts.feeds import PERIOD, Input, RefusedError, Round, bind, inputs_of
from governance_analysis.encode import BYTES, Call, Chain, facts_of, token_ids

EXAMPLES = Path(__file__).parents[1]
VECTORS = EXAMPLES.parent / "solidity" / "test" / "fixtures" / "inputs.json"
TIME = 1_800_000_000
"""A multiple of the period."""

WORD = 1 << 256
Rounds = dict[str, list[Round]]

TEXTS = {
    "empty": b"",
    "separators": b" \n\t.,;:-",
    "sentence": b"Move 500 ETH to the Treasury, NOW: urgent!",
    "digits beside letters": b"v2x33 0x00ff 1,000,000 a1b2",
    "not ASCII": "Zurück zur 第一 Ökonomie: 10 € für Añil".encode(),
    "letters that other scripts lower to ASCII": "\u212belvin \u212a \u0130stanbul \u017f".encode(),
    "digits of other scripts": "\u0663\u0664 \uff11\uff12 \u00b2".encode(),
    "not UTF-8": b"\xff\xfe one \x80two\xc3",
    "NUL and controls": b"a\x00b\x7fc\x1fd",
    "64 tokens": b" ".join(b"word%d" % i for i in range(32)),
    "more than 64 tokens": b" ".join(b"t" + b"x" * (i % 7) for i in range(90)),
    "one long token": b"Z" * 300,
    "a token that the limit cuts": b"ab",
    "beyond the limit": b"late",
    "the last one within the limit": b"end and more",
}

BLANKS = {
    "a token that the limit cuts": BYTES - 1,
    "beyond the limit": BYTES,
    "the last one within the limit": BYTES - 3,
}
"""Blanks in front of a text."""


def word(value: int) -> str:
    """Give one word of the ABI, two's complement."""
    return f"{value % WORD:064x}"


def array(values: list[int]) -> str:
    """Give `abi.encode` of an array of numbers."""
    return "0x" + word(32) + word(len(values)) + "".join(word(value) for value in values)


def calls_of(calls: list[Call]) -> str:
    """Give `abi.encode(address[], uint256[], bytes[])` of targets, values and calldata."""
    targets = word(len(calls)) + "".join(word(int(call.target, 16)) for call in calls)
    values = word(len(calls)) + "".join(word(call.value) for call in calls)
    blobs, offsets, at = [], [], 32 * len(calls)
    for call in calls:
        padded = call.data + bytes(-len(call.data) % 32)
        offsets.append(word(at))
        blobs.append(word(len(call.data)) + padded.hex())
        at += 32 + len(padded)
    data = word(len(calls)) + "".join(offsets) + "".join(blobs)
    places = [96, 96 + len(targets) // 2, 96 + (len(targets) + len(values)) // 2]
    return "0x" + "".join(word(place) for place in places) + targets + values + data


def feed_cases(inputs: list[Input]) -> dict[str, Rounds]:
    """Make rounds of all feeds of a story, by what is special about them."""
    names = sorted({entry.feed for entry in inputs})
    lags = sorted({entry.lag for entry in inputs}, reverse=True)
    port = inputs[0].port

    def every_hour(answer: int, step: int = 0) -> Rounds:
        rounds = [(TIME - lag * PERIOD - 40, answer + step * lag) for lag in lags]
        return {name: list(rounds) for name in names}

    def changed(name: str, rounds: list[Round], answer: int) -> Rounds:
        return {**every_hour(answer), name: rounds}

    def of_steps(twice: int) -> int:
        # Half steps as answers: exact, since steps are powers of two of at most 8 binary places, or nearly so.
        return twice * port.den * 10**8 // (2 * port.num)

    one = of_steps(port.lo + port.hi) // 10**8 * 10**8
    first, flat = names[0], every_hour(one)[names[0]]
    return {
        "one price": every_hour(one),
        "another price each hour": every_hour(one, step=12_345),
        "the lowest": every_hour(max(1, of_steps(2 * port.lo))),
        "the highest": every_hour(of_steps(2 * port.hi)),
        "below the lowest": every_hour(max(1, of_steps(2 * port.lo - 3))),
        "above the highest": every_hour(of_steps(2 * port.hi + 3)),
        "a tie to the even one below": every_hour(of_steps(2 * (port.hi // 4 * 2) + 1)),
        "a tie to the even one above": every_hour(of_steps(2 * (port.hi // 4 * 2 + 1) + 1)),
        "just below a tie": every_hour(of_steps(2 * (port.hi // 4 * 2 + 1) + 1) - 1),
        "zero": changed(first, [*flat[:-1], (flat[-1][0], 0)], one),
        "negative": changed(first, [*flat[:-1], (flat[-1][0], -one)], one),
        "larger than any price": changed(first, [*flat[:-1], (flat[-1][0], 10**30)], one),
        "a round at the time itself": changed(first, [*flat, (TIME, one + 10**6)], one),
        "a round after the time": changed(first, [*flat, (TIME + 1, one + 10**6)], one),
        "several rounds in an hour": changed(first, [*flat, (TIME - 30, one // 2), (TIME - 20, one - 10**6)], one),
        "a feed without a round": changed(names[-1], [], one),
        "a feed that began too late": changed(names[-1], [(TIME - 10, one)], one),
        "a feed that fell silent": changed(names[-1], [(at - 2 * PERIOD, answer) for at, answer in flat], one),
        "a round as old as it may be": changed(first, [(at - PERIOD, answer) for at, answer in flat], one),
    }


def feed_vector(inputs: list[Input], label: str, rounds: Rounds) -> dict[str, Any]:
    """Say what the binder must make of some rounds: integers, or the name of an error."""
    names = sorted({entry.feed for entry in inputs})
    vector: dict[str, Any] = {
        "case": label,
        "times": [array([at for at, _ in rounds[name]]) for name in names],
        "answers": [array([answer for _, answer in rounds[name]]) for name in names],
    }
    try:
        return {**vector, "error": "", "inputs": array(bind(inputs, TIME, rounds))}
    except RefusedError as refused:
        return {**vector, "error": refused.error, "inputs": "0x"}


def feed_story(story: str) -> dict[str, Any]:
    """Describe a story whose inputs are rounds: its set, and cases."""
    _, inputs = inputs_of(EXAMPLES / story)
    names = sorted({entry.feed for entry in inputs})
    fields = ("lo", "hi", "num", "den", "zero")
    return {
        "feeds": len(names),
        "sources": array([value for entry in inputs for value in (names.index(entry.feed), entry.lag)]),
        "ports": array([getattr(entry.port, field) for entry in inputs for field in fields]),
        "count": len(feed_cases(inputs)),
        "cases": [feed_vector(inputs, label, rounds) for label, rounds in feed_cases(inputs).items()],
    }


def proposals() -> list[dict[str, Any]]:
    """Make proposals, with what the chain knows of them and the facts of both."""
    governor, treasury, other = (f"0x{number:040x}" for number in (0x60B0, 0x7EA5, 0x0074E2))
    known = frozenset({(other, "0x12345678"), (governor, "0x00000000")})
    ether, day = 10**18, 86_400

    def chain(**changed: int | None) -> Chain:
        facts: dict[str, Any] = {
            "governor": governor,
            "treasury": treasury,
            "treasury_balance": 1_000 * ether,
            "known_calls": known,
            "supply": 10_000 * ether,
            "proposer_votes": 900 * ether,
            "first_votes_at": TIME - 21 * day,
            "snapshot": TIME,
            "deadline": TIME + 240 * PERIOD,
        }
        return Chain(**{**facts, **changed})

    routine = Call(other, 0, bytes.fromhex("12345678") + bytes(64))
    largest = WORD - 1
    cases = {
        "one routine call": ([routine], chain()),
        "half of the treasury": ([Call(other, 500 * ether, bytes.fromhex("87654321"))], chain()),
        "shares are rounded down": ([Call(other, ether // 7, b"\x01")], chain()),
        "all of it, and more than there is": ([Call(other, largest, b""), Call(treasury, 1, b"")], chain()),
        "a treasury without ether": ([Call(other, 1, b"")], chain(treasury_balance=0)),
        "no value, and no ether": ([routine], chain(treasury_balance=0)),
        "less than a selector": ([Call(governor, 0, b"\x12\x34\x56"), Call(governor, 0, b"")], chain()),
        "more calls than count": ([Call(treasury, 0, bytes.fromhex("12345678"))] * 70, chain()),
        "no votes at all": ([routine], chain(supply=0, proposer_votes=0, first_votes_at=None)),
        "all votes": ([routine], chain(proposer_votes=10_000 * ether)),
        "first votes after the vote began": ([routine], chain(first_votes_at=TIME + 5)),
        "votes for longer than counts": ([routine], chain(first_votes_at=TIME - 4_000 * day)),
        "a day less a second": ([routine], chain(first_votes_at=TIME - day + 1)),
        "a vote for longer than counts": ([routine], chain(deadline=TIME + 2_000 * PERIOD)),
        "a vote without time": ([routine], chain(deadline=TIME)),
    }
    return [_proposal(label, calls, known_of) for label, (calls, known_of) in cases.items()]


def _proposal(label: str, calls: list[Call], chain: Chain) -> dict[str, Any]:
    pairs = sorted(chain.known_calls)
    return {
        "case": label,
        "calls": calls_of(calls),
        "known": array([int(part, 16) for pair in pairs for part in pair]),
        "chain": array(
            [
                int(chain.governor, 16),
                int(chain.treasury, 16),
                chain.treasury_balance,
                chain.supply,
                chain.proposer_votes,
                0 if chain.first_votes_at is None else chain.first_votes_at,
                chain.snapshot,
                chain.deadline,
            ]
        ),
        "facts": array(facts_of(calls, chain)),
    }


def render() -> str:
    """Give all vectors, as the file has them."""
    texts = [
        {
            "case": label,
            "blanks": BLANKS.get(label, 0),
            "text": "0x" + text.hex(),
            "tokens": array(token_ids(b" " * BLANKS.get(label, 0) + text)),
        }
        for label, text in TEXTS.items()
    ]
    told = proposals()
    vectors = {
        "time": TIME,
        "risk_scoring": feed_story("risk_scoring"),
        "supply_adjustment": feed_story("supply_adjustment"),
        "texts": {"count": len(texts), "cases": texts},
        "proposals": {"count": len(told), "cases": told},
    }
    return json.dumps(vectors, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Run one of the two verbs."""
    match arguments:
        case ["write"]:
            VECTORS.write_text(render(), encoding="utf-8")
            return 0
        case ["check"]:
            if VECTORS.read_text(encoding="utf-8") == render():
                return 0
            print(f"{VECTORS} is not what `python3 -m artifacts.vectors write` makes", file=sys.stderr)
            return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
