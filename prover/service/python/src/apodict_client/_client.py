"""Both clients: one blocks, one awaits. What they do is in the core."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import httpx

from ._core import Core
from ._effects import (
    HTTP_ERRORS,
    Close,
    Effect,
    Emit,
    Head,
    Listing,
    Open,
    Operation,
    Read,
    Request,
    Run,
    Sleep,
    build,
    head_of,
    transport_error,
)

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8451"
KEY_VARIABLE = "APODICT_API_KEY"


def _settings(url: str, api_key: str | None, tls: ssl.SSLContext | bool) -> dict[str, Any]:
    """Make httpx' settings. The key stands in the headers only, which httpx neither shows nor logs."""
    address = httpx.URL(url)
    if address.scheme not in ("http", "https") or not address.host or address.userinfo or address.query:
        raise ValueError("url: expected http://HOST:PORT or https://HOST, without a user and a query")
    # Answers are read as they are: what is compressed may be any size.
    headers = {"Accept-Encoding": "identity", "User-Agent": "apodict-client/0.1.0"}
    key = os.environ.get(KEY_VARIABLE) if api_key is None else api_key
    if key:
        # Not shown, whatever is wrong with it.
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the API key has characters that none has: expected `apo_` and 64 digits")
        headers["Authorization"] = f"Bearer {key}"
    # As many connections as there are calls at the same time: each job that is waited for has one.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    # A redirect would carry the key elsewhere.
    settings = {"base_url": address, "headers": headers, "follow_redirects": False, "verify": tls, "limits": limits}
    if _is_this_machine(address.host):
        # A proxy that the environment names would get key and inputs, and could not reach this machine.
        settings["trust_env"] = False
    return settings


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class _Done:
    value: Any


class _Progress:
    """An operation under way: gives effects, and is told what came of them."""

    def __init__(self, operation: Operation[Any] | Listing[Any]) -> None:
        self._operation = operation
        self._resume: Callable[[], Any] = functools.partial(operation.send, None)

    def next(self) -> Effect | Emit[Any] | _Done:
        try:
            effect: Effect | Emit[Any] = self._resume()
        except StopIteration as end:
            return _Done(end.value)
        return effect

    def answer(self, value: Any) -> None:
        self._resume = functools.partial(self._operation.send, value)

    def fail(self, error: Exception) -> None:
        self._resume = functools.partial(self._operation.throw, error)

    def close(self) -> None:
        self._operation.close()


class _Session:
    """Performs an operation's effects, blocking. Holds the answer that it reads."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._request: Request | None = None
        self._answer: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def close(self) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            answer.close()

    def _open(self, request: Request) -> Head:
        self.close()
        self._request = request
        with ExitStack() as files:
            self._answer = self._http.send(build(self._http, request, files), stream=True)
        self._pieces = self._answer.iter_raw()
        return head_of(self._answer)

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Open(request):
                return self._open(request)
            case Read():
                return next(self._pieces, None)
            case Close():
                return self.close()
            case Sleep(seconds):
                return time.sleep(seconds)
            case Run(function):
                return function()

    def step(self, progress: _Progress, effect: Effect) -> None:
        try:
            progress.answer(self._perform(effect))
        except HTTP_ERRORS as error:
            progress.fail(transport_error(error, self._request))
        except Exception as error:
            progress.fail(error)


class _AsyncSession:
    """The same, awaiting."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._request: Request | None = None
        self._answer: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def close(self) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            await answer.aclose()

    async def _open(self, request: Request) -> Head:
        await self.close()
        self._request = request
        with ExitStack() as files:
            self._answer = await self._http.send(build(self._http, request, files), stream=True)
        self._pieces = self._answer.aiter_raw()
        return head_of(self._answer)

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Open(request):
                return await self._open(request)
            case Read():
                return await anext(self._pieces, None) if self._pieces else None
            case Close():
                return await self.close()
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Run(function):
                return await asyncio.to_thread(function)

    async def step(self, progress: _Progress, effect: Effect) -> None:
        try:
            progress.answer(await self._perform(effect))
        except HTTP_ERRORS as error:
            progress.fail(transport_error(error, self._request))
        except Exception as error:
            progress.fail(error)


def _blocking(operation: Callable[Concatenate[Core, P], Operation[T]]) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(operation)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(operation(self._core, *args, **kwargs))

    return call


def _iterating(
    operation: Callable[Concatenate[Core, P], Listing[T]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    @functools.wraps(operation)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._iterate(operation(self._core, *args, **kwargs))

    return call


def _awaiting(
    operation: Callable[Concatenate[Core, P], Operation[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @functools.wraps(operation)
    async def call(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(operation(self._core, *args, **kwargs))

    return call


def _iterating_async(
    operation: Callable[Concatenate[Core, P], Listing[T]],
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    @functools.wraps(operation)
    def call(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._iterate(operation(self._core, *args, **kwargs))

    return call


class Client:
    """A client that blocks. It may be used by several threads; closed at the end, as a context manager does.

    Parameters
    ----------
    url
        Where the service is, `http://HOST:PORT` or `https://HOST`, with the proxy's prefix if there is one.
    api_key
        `apo_..`; without it, the environment's `APODICT_API_KEY`, if that is set.
    timeout
        Seconds of silence after which a request is given up, and within which a JSON answer must be read.
    retries
        How often a request is sent again that got no answer, or one that says: later.
    tls
        What certificates are checked with.

    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        """Connect when the first request is sent."""
        self._core = Core(timeout, retries)
        self._http = httpx.Client(**_settings(url, api_key, tls))

    def __repr__(self) -> str:
        """Show where the service is, and no key."""
        return f"Client({str(self._http.base_url)!r})"

    def __enter__(self) -> Client:
        """Use the client in a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let all connections go."""
        self._http.close()

    def _run(self, operation: Operation[T]) -> T:
        session, progress = _Session(self._http), _Progress(operation)
        with closing(session), closing(progress):
            while not isinstance(effect := progress.next(), _Done):
                session.step(progress, cast(Effect, effect))
            return cast(T, effect.value)

    def _iterate(self, operation: Listing[T]) -> Iterator[T]:
        session, progress = _Session(self._http), _Progress(operation)
        with closing(session), closing(progress):
            while not isinstance(effect := progress.next(), _Done):
                if isinstance(effect, Emit):
                    yield effect.item
                    progress.answer(None)
                else:
                    session.step(progress, effect)

    version = _blocking(Core.version)
    audit = _iterating(Core.audit)
    submit_model = _blocking(Core.submit_model)
    compile = _blocking(Core.compile)
    model = _blocking(Core.model)
    models = _iterating(Core.models)
    delete_model = _blocking(Core.delete_model)
    artifact = _blocking(Core.artifact)
    save_artifact = _blocking(Core.save_artifact)
    submit = _blocking(Core.submit)
    prove = _blocking(Core.prove)
    job = _blocking(Core.job)
    jobs = _iterating(Core.jobs)
    cancel = _blocking(Core.cancel)
    events = _iterating(Core.events)
    logs = _iterating(Core.logs)
    wait = _blocking(Core.wait)
    proof = _blocking(Core.proof)
    proof_file = _blocking(Core.proof_file)
    proofs = _iterating(Core.proofs)
    verify = _blocking(Core.verify)


class AsyncClient:
    """A client for asyncio, of one event loop. What it takes and does is what `Client` takes and does."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        """Connect when the first request is sent."""
        self._core = Core(timeout, retries)
        self._http = httpx.AsyncClient(**_settings(url, api_key, tls))

    def __repr__(self) -> str:
        """Show where the service is, and no key."""
        return f"AsyncClient({str(self._http.base_url)!r})"

    async def __aenter__(self) -> AsyncClient:
        """Use the client in a block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Let all connections go."""
        await self._http.aclose()

    async def _run(self, operation: Operation[T]) -> T:
        session, progress = _AsyncSession(self._http), _Progress(operation)
        try:
            while not isinstance(effect := progress.next(), _Done):
                await session.step(progress, cast(Effect, effect))
            return cast(T, effect.value)
        finally:
            progress.close()
            await session.close()

    async def _iterate(self, operation: Listing[T]) -> AsyncIterator[T]:
        session, progress = _AsyncSession(self._http), _Progress(operation)
        try:
            while not isinstance(effect := progress.next(), _Done):
                if isinstance(effect, Emit):
                    yield effect.item
                    progress.answer(None)
                else:
                    await session.step(progress, effect)
        finally:
            progress.close()
            await session.close()

    version = _awaiting(Core.version)
    audit = _iterating_async(Core.audit)
    submit_model = _awaiting(Core.submit_model)
    compile = _awaiting(Core.compile)
    model = _awaiting(Core.model)
    models = _iterating_async(Core.models)
    delete_model = _awaiting(Core.delete_model)
    artifact = _awaiting(Core.artifact)
    save_artifact = _awaiting(Core.save_artifact)
    submit = _awaiting(Core.submit)
    prove = _awaiting(Core.prove)
    job = _awaiting(Core.job)
    jobs = _iterating_async(Core.jobs)
    cancel = _awaiting(Core.cancel)
    events = _iterating_async(Core.events)
    logs = _iterating_async(Core.logs)
    wait = _awaiting(Core.wait)
    proof = _awaiting(Core.proof)
    proof_file = _awaiting(Core.proof_file)
    proofs = _iterating_async(Core.proofs)
    verify = _awaiting(Core.verify)
