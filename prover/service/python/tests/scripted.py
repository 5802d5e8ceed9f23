"""A server that says what a test tells it to say, well-formed or not."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

Pieces: TypeAlias = Iterable[bytes | float]
"""What is sent, piece by piece; a number is a pause in seconds."""

Script: TypeAlias = Callable[["Received"], bytes | Pieces]


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Scripted:
    """Answers one request of each connection by the script, and closes the connection."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.script: Script = lambda _: reply(500, b"no script", "text/plain")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def in_turn(self, *answers: bytes | Pieces) -> None:
        """One answer after the other; the last one again and again."""
        left = list(answers)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        self._stopped.set()
        # `accept` is not woken by `close`.
        socket.create_connection(self._listener.getsockname()).close()
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = receive(connection)
                self.requests.append(request)
                answer = self.script(request)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    if isinstance(piece, bytes):
                        connection.sendall(piece)
                    else:
                        self._pause(piece)
            except OSError:
                # A client that has enough hangs up.
                return

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopped.wait(0.02):
            pass


def receive(connection: socket.socket) -> Received:
    content = b""
    while b"\r\n\r\n" not in content:
        content += _some(connection)
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += _some(connection)
    while len(body) < int(headers.get("content-length", 0)):
        body += _some(connection)
    return Received(method, target, headers, body)


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the client hung up")
    return piece


def reply(status: int, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """A whole answer; in names of headers, `_` stands for `-`."""
    headers = {"Content_Length": str(len(body))} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items() if value)
    return f"HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\nConnection: close\r\n{lines}\r\n".encode() + body


def json_reply(value: Any, status: int = 200, **headers: str) -> bytes:
    return reply(status, json.dumps(value).encode(), **headers)


def problem(status: int, code: str, *, job: str | None = None, **headers: str) -> bytes:
    value = {"code": code, "type": f"urn:apodict:error:{code}", "title": "t", "status": status, "detail": "d"}
    body = json.dumps(value | ({"job": job} if job else {})).encode()
    return reply(status, body, "application/problem+json", **headers)


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
"""The head of a stream that ends when the connection does."""


def event(number: int, kind: str, **data: Any) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps({'at_ms': number} | data)}\n\n".encode()


MODEL = "mdl_00112233445566778899aabbccddeeff"
JOB = "job_00112233445566778899aabbccddeeff"
PROOF = "prf_00112233445566778899aabbccddeeff"


def job(state: str = "queued", **more: Any) -> dict[str, Any]:
    """A job as the server shows it."""
    return {
        "id": JOB,
        "kind": "prove",
        "state": state,
        "model": MODEL,
        "lane": "short",
        "priority": 0,
        "attempt": 1,
        "fraction": 0.0,
        "created_ms": 1,
        **more,
    }
