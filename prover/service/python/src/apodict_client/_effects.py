"""What the core asks of the world.

An operation is a generator: it yields effects, is sent what came of them, and returns its result. A client performs
the effects, blocking or awaiting; all else is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar

import httpx

from .errors import TimedOut, TransportError
from .types import Source

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """A part of a form."""

    name: str
    content: Source
    filename: str | None = None


@dataclass(frozen=True)
class Request:
    """A request. It may be sent several times."""

    method: str
    path: str
    """Below the server's address, escaped."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """JSON."""
    form: tuple[Part, ...] = ()
    silence: float = 30.0
    """Seconds without a byte after which it is given up."""

    def __str__(self) -> str:
        """Name it, without what is sent."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Head:
    """The head of an answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Open:
    """Send a request, and give the answer's head. An answer before is let go."""

    request: Request


class Read:
    """Give the next piece of the answer's body, none at its end."""


class Close:
    """Let the answer go, read or not."""


@dataclass(frozen=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Run:
    """Call what may block: files."""

    function: Callable[[], Any]


@dataclass(frozen=True)
class Emit(Generic[T]):
    """Give an item to whoever iterates."""

    item: T


Effect: TypeAlias = Open | Read | Close | Sleep | Run
Operation: TypeAlias = Generator[Effect, Any, T]
Listing: TypeAlias = Generator[Effect | Emit[T], Any, None]

CONNECT_SECONDS = 10.0


def build(http: httpx.Client | httpx.AsyncClient, request: Request, files: ExitStack) -> httpx.Request:
    """Make httpx' request. Files that it opens are `files`'.

    Raises
    ------
    OSError
        If a file cannot be read.

    """
    headers = dict(request.headers)
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    form = []
    for part in request.form:
        if isinstance(part.content, bytes):
            content: bytes | BinaryIO = part.content
        else:
            content = files.enter_context(open(part.content, "rb"))  # noqa: SIM115 - the stack closes it
        form.append((part.name, (part.filename, content)))
    return http.build_request(
        request.method,
        request.path,
        params=dict(request.query) or None,
        headers=headers,
        content=request.body,
        files=form or None,
        timeout=httpx.Timeout(request.silence, connect=min(CONNECT_SECONDS, request.silence)),
    )


def head_of(response: httpx.Response) -> Head:
    """Take the head of httpx' answer."""
    return Head(response.status_code, {name.lower(): value for name, value in response.headers.items()})


def transport_error(error: Exception, request: Request | None) -> TransportError:
    """Say what went wrong on the way."""
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{request}: the server was silent for too long")
    return TransportError(f"{request}: {str(error) or type(error).__name__}")


HTTP_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
"""What httpx raises while it sends and receives."""
