from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest

from apodict_client import AsyncClient, Client

from .running import Server
from .scripted import Scripted


class _Blocking:
    """An `AsyncClient` that is used as a `Client`: what holds for one is tested for both."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = getattr(self._client, name)(*arguments, **options)
            if isinstance(result, AsyncIterator):
                return self._items(result)
            return self._loop.run_until_complete(cast(Coroutine[Any, Any, Any], result))

        return call

    def _items(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> list[Any]:
            try:
                return [await items.__anext__()]
            except StopAsyncIteration:
                return []

        while item := self._loop.run_until_complete(following()):
            yield item[0]

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


MakeClient: TypeAlias = Callable[..., Client]
"""Makes a client as `Client` does, closed at the end of the test."""


@pytest.fixture(params=[Client, _Blocking], ids=["blocking", "asyncio"])
def connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeClient]:
    monkeypatch.delenv("APODICT_API_KEY", raising=False)
    # Servers of tests are on this machine, whatever proxy the environment names.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: list[Client] = []

    def make(*arguments: Any, **options: Any) -> Client:
        made.append(cast(Client, request.param(*arguments, **options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with default options, without keys, for all tests that change nothing of it."""
    server = Server(tmp_path_factory.mktemp("running") / "data")
    yield server
    server.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of a test's own."""
    servers: list[Server] = []

    def make(*options: str) -> Server:
        servers.append(Server(tmp_path / f"data{len(servers)}", *options))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()
