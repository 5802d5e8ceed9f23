"""Requests and their answers: sent again where that may help, read within limits."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from . import _retry
from ._effects import Close, Head, Open, Operation, Read, Request, Sleep
from ._json import Fields, decode
from .errors import NotFound, Problem, ProblemError, ProtocolError, TimedOut, TransportError, error_of

T = TypeVar("T")

MOST_JSON_BYTES = 64 << 20
"""Of an answer that is kept in memory."""

_CODES_OF_PROXIES = {
    408: "request_timeout",
    413: "payload_too_large",
    429: "rate_limited",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}
"""What a proxy before the service says for itself, in the service's codes."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def identifier(value: str) -> str:
    """Check that a name of the server's may stand in an address."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(f"expected a name as the server gives it, such as `job_..`, got {str(value)[:100]!r}")
    return value


def fetch(
    request: Request, retries: int, receive: Callable[[Head], Operation[T]], until: float = math.inf
) -> Operation[T]:
    """Send a request, again if need be, and `receive` a good answer's body. Nothing is sent again after `until`.

    Raises
    ------
    ProblemError, TransportError, ProtocolError

    """
    attempt = 0
    # Whether the service may have done what an earlier attempt asked, and its answer was lost.
    lost = False
    while True:
        try:
            head = yield from open_answer(request)
            return (yield from receive(head))
        except (TransportError, ProblemError) as error:
            if request.method == "DELETE" and lost and isinstance(error, NotFound):
                # That attempt removed it.
                return (yield from receive(Head(204, {})))
            lost = lost or isinstance(error, TransportError) or error.problem.status in (502, 504)
            pause = _pause(error, attempt, retries)
            if pause is None or time.monotonic() + pause > until:
                raise
        yield Close()
        yield Sleep(pause)
        attempt += 1


def _pause(error: TransportError | ProblemError, attempt: int, retries: int) -> float | None:
    """Seconds before the next attempt, if there is to be one."""
    if attempt >= retries:
        return None
    pause = _retry.back_off(attempt)
    if isinstance(error, ProblemError):
        problem = error.problem
        # A job that failed fails again.
        if problem.status not in _retry.STATUSES or problem.job is not None:
            return None
        pause = max(pause, problem.retry_after or 0.0)
    return pause if pause <= _retry.LONGEST_RETRY_AFTER else None


def open_answer(request: Request) -> Operation[Head]:
    """Send a request once, and give the head of a good answer, whose body is yet to be read."""
    head: Head = yield Open(request)
    encoding = head.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise ProtocolError(f"{request}: the answer is encoded as {encoding!r}, which was not asked for")
    if 200 <= head.status < 300:
        return head
    body = yield from read_whole(head, request, MOST_JSON_BYTES, request.silence)
    raise error_of(_problem(head, body, request))


def read_whole(head: Head, request: Request, most_bytes: int, seconds: float) -> Operation[bytes]:
    """Read a body into memory."""
    pieces: list[bytes] = []
    length, until = 0, time.monotonic() + seconds
    while (piece := (yield Read())) is not None:
        length += len(piece)
        if length > most_bytes:
            raise ProtocolError(f"{request}: the answer has more than {most_bytes} bytes")
        if time.monotonic() > until:
            raise TimedOut(f"{request}: the answer did not end within {seconds:g} s")
        pieces.append(piece)
    check_length(head, length, request)
    return b"".join(pieces)


def read_json(head: Head, request: Request) -> Operation[Any]:
    """Read a body, in the time that the request has for it, and decode it. An answer of 204 is None."""
    body = yield from read_whole(head, request, MOST_JSON_BYTES, request.silence)
    return None if head.status == 204 else decode(body)


def check_length(head: Head, length: int, request: Request) -> None:
    """Compare what came with what was announced."""
    announced = head.headers.get("content-length")
    if announced is not None and announced != str(length):
        raise TransportError(f"{request}: expected {announced} bytes, got {length}")


def _problem(head: Head, body: bytes, request: Request) -> Problem:
    retry_after = _retry.retry_after(head.headers)
    if head.headers.get("content-type", "").partition(";")[0].strip() != "application/problem+json":
        code = _CODES_OF_PROXIES.get(head.status)
        if code is None:
            raise ProtocolError(f"{request}: status {head.status} without a problem: is this the proving service?")
        detail = f"status {head.status} of a proxy between here and the service"
        return Problem(head.status, code, "No answer of the service.", detail, retry_after=retry_after)
    fields = Fields(decode(body), "problem")
    return Problem(
        status=head.status,
        code=fields.text("code"),
        title=fields.text("title"),
        detail=fields.text("detail"),
        job=fields.optional("job", fields.text),
        retry_after=retry_after,
    )
