"""Server-sent events, from pieces of any size."""

from __future__ import annotations

import re

from ._json import Fields, decode
from .errors import ProtocolError
from .types import Event

MOST_BYTES = 1 << 16
"""Of one event. Those of this API have some hundreds."""

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class Parser:
    """Reads a stream of events."""

    def __init__(self) -> None:
        """Before the first piece."""
        self._rest = b""
        self._fields: dict[str, list[str]] = {}
        self._size = 0

    def feed(self, piece: bytes) -> list[Event]:
        """Read on. Returns the events that are complete.

        Raises
        ------
        ProtocolError
            For what is no event of this API.

        """
        # A carriage return at the end may be half of a line's end, so it waits for what follows.
        *lines, self._rest = _LINE_END.split(self._rest + piece)
        events = [event for line in lines if (event := self._line(line))]
        if self._size + len(self._rest) > MOST_BYTES:
            raise ProtocolError(f"an event has more than {MOST_BYTES} bytes")
        return events

    def _line(self, line: bytes) -> Event | None:
        if not line:
            fields, self._fields, self._size = self._fields, {}, 0
            return _event(fields) if "data" in fields else None
        if not line.startswith(b":"):
            self._size += len(line)
            try:
                name, _, value = line.decode().partition(":")
            except UnicodeDecodeError:
                raise ProtocolError("an event is no UTF-8") from None
            self._fields.setdefault(name, []).append(value.removeprefix(" "))
        return None


def _event(lines: dict[str, list[str]]) -> Event:
    data = Fields(decode("\n".join(lines["data"]).encode()), "event")
    number, kind = lines.get("id", [""])[-1], lines.get("event", [""])[-1]
    if not (number.isascii() and number.isdigit() and len(number) < 20) or not kind:
        raise ProtocolError(f"an event has no number or no name: id {number[:40]!r}, event {kind[:40]!r}")
    at_ms = data.integer("at_ms")
    return Event(number=int(number), kind=kind, at_ms=at_ms, data={k: v for k, v in data.value.items() if k != "at_ms"})
