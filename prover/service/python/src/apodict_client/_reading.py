"""Reading a job's events: as often as the stream breaks off, from where it did."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ._effects import Operation, Read, Request
from ._events import Parser
from ._http import open_answer
from .errors import (
    ProblemError,
    ProtocolError,
    RateLimited,
    ServerError,
    TimedOut,
    TransportError,
    Unavailable,
)
from .types import Event

SILENCE_SECONDS = 20.0
"""After which a stream without events is given up, and the job looked at. The server says something every 15 s."""

SETTLED_SECONDS = 2.0
"""The same, where nothing new can happen."""

BROKEN = (TransportError, ProtocolError, RateLimited, ServerError, Unavailable)
"""What a stream of events may break off with, to be taken up again."""


@dataclass
class Reading:
    """Where a job's events have been read to."""

    job: str
    last: int
    """Number of the last event that came."""
    until: float
    """When time is over, by the monotonic clock."""
    has_ended: bool = False
    """Whether nothing more is to come."""
    was_answered: bool = False
    """Whether the server has answered anything good."""
    is_settled: bool = False
    """Whether the job is known to have ended, so that nothing new happens."""
    _parser: Parser | None = None
    """Of the stream that is open."""
    _quiet_since: float = 0.0

    def remaining(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()

    def read_on(self) -> Operation[list[Event]]:
        """Read what the stream brings next, which may be no event yet. The stream is opened if need be.

        Raises
        ------
        TimedOut
            If no event came for so long that the job should be looked at, or time is over.
        TransportError, ProtocolError, ProblemError
            If it breaks off. The next call opens it again.

        """
        try:
            if self.remaining() <= 0:
                raise TimedOut(f"{self.job} has not ended in time: it goes on")
            if self._parser is None:
                yield from self._open()
                if self.has_ended:
                    return []
            piece = yield Read()
            if piece is None or self._parser is None:
                raise TransportError(f"the events of {self.job} broke off")
            events = [event for event in self._parser.feed(piece) if event.number > self.last]
            if events:
                self.last, self.has_ended = events[-1].number, events[-1].is_last
                self._quiet_since = time.monotonic()
            elif time.monotonic() - self._quiet_since > self._silence():
                # Comments keep a stream alive on which nothing may ever come.
                raise TimedOut(f"{self.job}: no event for a while")
            return events
        except (TransportError, ProtocolError, ProblemError):
            self._parser = None
            raise

    def _open(self) -> Operation[None]:
        headers = {"Accept": "text/event-stream"}
        if self.last:
            headers["Last-Event-ID"] = str(self.last)
        request = Request("GET", f"/v1/jobs/{self.job}/events", headers=headers, silence=self._silence())
        head = yield from open_answer(request)
        if head.status == 204:
            # All was told before.
            self.has_ended = self.was_answered = True
            return
        if head.headers.get("content-type", "").partition(";")[0].strip() != "text/event-stream":
            raise ProtocolError(f"{request}: expected a stream of events")
        self._parser, self._quiet_since, self.was_answered = Parser(), time.monotonic(), True

    def _silence(self) -> float:
        """Seconds after which a silent stream is given up: a part of what remains, so that the end is met closely."""
        most = SETTLED_SECONDS if self.is_settled else SILENCE_SECONDS
        return max(min(most, self.remaining() / 4), 0.1)
