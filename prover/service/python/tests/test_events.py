"""Streams of events that break off, lie or never end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from apodict_client import (
    AsyncClient,
    Client,
    NotFound,
    ProtocolError,
    TimedOut,
    TransportError,
    _core,
    _reading,
    _retry,
)
from apodict_client._events import MOST_BYTES, Parser

from .conftest import MakeClient
from .scripted import EVENTS, JOB, Pieces, Received, Scripted, event, job, json_reply, problem, reply

DONE = json_reply(job("succeeded", finished_ms=9))
RUNNING = json_reply(job("running"))


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_retry, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(_core, "POLL_SECONDS", (0.01, 0.05))
    monkeypatch.setattr(_reading, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(_reading, "SETTLED_SECONDS", 0.3)


@pytest.fixture
def client(connect: MakeClient, scripted: Scripted) -> Client:
    return connect(scripted.url, timeout=2.0, retries=2)


def streams(scripted: Scripted, *answers: bytes | Pieces, looks: list[bytes] | None = None) -> list[Received]:
    """Serve streams, and looks at the job, one after the other, the last ones again and again.

    Gives the requests for streams.
    """
    left, seen = list(answers), list(looks or [RUNNING])
    asked: list[Received] = []

    def answer(request: Received) -> bytes | Pieces:
        if request.target.endswith("/events"):
            asked.append(request)
            return left.pop(0) if len(left) > 1 else left[0]
        return seen.pop(0) if len(seen) > 1 else seen[0]

    scripted.script = answer
    return asked


def numbers(requests: list[Received]) -> list[str | None]:
    return [request.headers.get("last-event-id") for request in requests]


FIRST = EVENTS + event(1, "queued") + event(2, "started", attempt=1)
REST = EVENTS + event(3, "stage", stage="witness", fraction=0.5) + event(4, "succeeded")


def test_a_stream_that_breaks_off_is_taken_up_again(client: Client, scripted: Scripted) -> None:
    # In the middle of an event, which therefore is none.
    asked = streams(scripted, FIRST + event(3, "stage", stage="x", fraction=0.1)[:-20], REST)
    events = list(client.events(JOB))
    assert [(event.number, event.kind) for event in events] == [
        (1, "queued"),
        (2, "started"),
        (3, "stage"),
        (4, "succeeded"),
    ]
    assert events[2].data == {"stage": "witness", "fraction": 0.5}
    assert numbers(asked) == [None, "2"]
    assert asked[0].headers["accept"] == "text/event-stream"


def test_waiting_takes_it_up_again_too(client: Client, scripted: Scripted) -> None:
    asked = streams(scripted, FIRST, b"", REST, looks=[RUNNING, RUNNING, DONE])
    assert client.wait(JOB).finished_ms == 9
    assert numbers(asked) == [None, "2", "2"]


def test_events_that_come_again_are_not_told_again(client: Client, scripted: Scripted) -> None:
    streams(scripted, FIRST, FIRST + event(3, "succeeded"))
    assert [event.number for event in client.events(JOB)] == [1, 2, 3]


GARBAGE = {
    "no JSON": EVENTS + b"id: 1\nevent: queued\ndata: {\n\n",
    "no object": EVENTS + b"id: 1\nevent: queued\ndata: []\n\n",
    "no number": EVENTS + b'event: queued\ndata: {"at_ms": 1}\n\n',
    "another number": EVENTS + b'id: -1\nevent: queued\ndata: {"at_ms": 1}\n\n',
    "no name": EVENTS + b'id: 1\ndata: {"at_ms": 1}\n\n',
    "no UTF-8": EVENTS + b"id: \xff\n\n",
    "no end": EVENTS + b"x" * (MOST_BYTES + 1),
    "no end of fields": EVENTS + b"data: x\n" * (MOST_BYTES // 8 + 1),
    "no stream": reply(200, b"<html>", "text/html"),
    "no answer": b"",
    "a proxy": reply(502, b"<html>", "text/html"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_where_there_are_no_events_the_job_is_looked_at(client: Client, scripted: Scripted, garbage: str) -> None:
    asked = streams(scripted, GARBAGE[garbage], looks=[RUNNING] * 6 + [DONE])
    assert client.wait(JOB).state == "succeeded"
    assert len(asked) == 3, "two retries"


@pytest.mark.parametrize("garbage", GARBAGE)
def test_whoever_wants_the_events_is_told_that_there_are_none(client: Client, scripted: Scripted, garbage: str) -> None:
    asked = streams(scripted, GARBAGE[garbage])
    with pytest.raises((ProtocolError, TransportError, Exception)) as raised:
        list(client.events(JOB))
    assert type(raised.value).__module__ == "apodict_client.errors"
    assert len(asked) == 3


def test_a_job_that_is_unknown(client: Client, scripted: Scripted) -> None:
    streams(scripted, problem(404, "not_found"), looks=[problem(404, "not_found")])
    with pytest.raises(NotFound):
        client.wait(JOB)
    with pytest.raises(NotFound):
        list(client.events(JOB))


@pytest.mark.parametrize(
    "stream",
    [[EVENTS, 30.0], [FIRST, 30.0], [FIRST, *([b": alive\n\n", 0.1] * 300)], [30.0]],
    ids=["silent", "silent after events", "nothing but comments", "no head"],
)
def test_waiting_ends(client: Client, scripted: Scripted, stream: list[bytes | float]) -> None:
    streams(scripted, stream)
    for call in (lambda: client.wait(JOB, timeout=1.0), lambda: list(client.events(JOB, timeout=1.0))):
        start = time.monotonic()
        with pytest.raises(TimedOut):
            call()
        assert 0.9 < time.monotonic() - start < 3


@pytest.mark.parametrize("alive", [[30.0], [b": alive\n\n", 0.1] * 300], ids=["silent", "comments"])
def test_a_stream_of_a_job_that_has_ended_may_say_nothing(
    client: Client, scripted: Scripted, alive: list[bytes | float]
) -> None:
    streams(scripted, [EVENTS, *alive], looks=[DONE])
    start = time.monotonic()
    assert client.wait(JOB).state == "succeeded"
    assert list(client.events(JOB)) == []
    assert list(client.events(JOB, after=4)) == []
    assert time.monotonic() - start < 8


def test_a_stream_that_says_that_a_job_has_ended_is_not_believed(client: Client, scripted: Scripted) -> None:
    asked = streams(scripted, REST, looks=[RUNNING])
    with pytest.raises(TimedOut):
        client.wait(JOB, timeout=1.0)
    assert len(asked) < 20, "not as fast as it can"


def test_a_server_may_say_that_all_was_told(client: Client, scripted: Scripted) -> None:
    asked = streams(scripted, reply(204, b"", Content_Length=""), looks=[DONE])
    assert list(client.events(JOB, after=4)) == []
    assert client.wait(JOB).state == "succeeded"
    assert numbers(asked) == ["4", None]


def test_events_that_never_end(client: Client, scripted: Scripted) -> None:
    def flood() -> Iterator[bytes | float]:
        yield EVENTS
        for number in range(1, 10_000):
            yield event(number, "stage", fraction=0.5)
            yield 0.02

    scripted.script = lambda request: flood() if request.target.endswith("/events") else RUNNING
    for call in (lambda: client.wait(JOB, timeout=1.0), lambda: list(client.events(JOB, timeout=1.0))):
        start = time.monotonic()
        with pytest.raises(TimedOut):
            call()
        assert time.monotonic() - start < 3


def test_a_server_that_never_answered_is_not_waited_for(connect: MakeClient, scripted: Scripted) -> None:
    streams(scripted, b"", looks=[b""])
    start = time.monotonic()
    with pytest.raises(TransportError):
        connect(scripted.url, retries=1).wait(JOB, timeout=60)
    assert time.monotonic() - start < 10


def test_jobs_that_are_waited_for_leave_room_for_other_requests(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_reading, "SILENCE_SECONDS", 30.0)
    asked = streams(scripted, [EVENTS, 30.0], looks=[RUNNING])

    async def many() -> None:
        async with AsyncClient(scripted.url) as client:
            waiting = [asyncio.create_task(client.wait(JOB, timeout=200)) for _ in range(120)]
            until = time.monotonic() + 20
            while len(asked) < len(waiting) and time.monotonic() < until:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert len(asked) == len(waiting)
            assert (await client.job(JOB)).state == "running"
            for task in waiting:
                task.cancel()
            ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert {type(error) for error in ended} == {asyncio.CancelledError}

    asyncio.run(many())


def test_events_come_out_the_same_wherever_they_are_cut() -> None:
    whole = (
        b': comment\r\n\r\nid: 1\r\nevent: queued\r\ndata: {"at_ms": 1}\r\n\r\n'
        b'id: 2\revent: stage\rdata: {"at_ms": 2,\rdata:  "stage": "\xc3\xa9"}\r\r'
        b'retry: 3\nevent: ignored\nid: 9\n\nid:3\nevent:succeeded\nunknown\ndata:{"at_ms":3}\n\n'
    )
    expected = Parser().feed(whole)
    assert [(event.number, event.kind, event.at_ms) for event in expected] == [
        (1, "queued", 1),
        (2, "stage", 2),
        (3, "succeeded", 3),
    ]
    assert expected[1].data == {"stage": "é"}
    for cut in range(len(whole) + 1):
        parser = Parser()
        assert parser.feed(whole[:cut]) + parser.feed(whole[cut:]) == expected, cut
    parser = Parser()
    assert [event for byte in whole for event in parser.feed(bytes([byte]))] == expected
