"""BLAKE3 digests of artifacts, if the package `blake3` is there to compute them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any, Protocol, cast

from .errors import ProtocolError

_TAG = re.compile(r'(?:W/)?"([0-9a-f]{64})"')


class Hasher(Protocol):
    """What computes a digest."""

    def update(self, data: bytes, /) -> Any:
        """Take more of the content."""

    def hexdigest(self) -> str:
        """Give the digest of all of it."""


class Check:
    """Compares content with the digest that its answer names."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """For an answer with these headers."""
        named = _TAG.fullmatch(headers.get("etag", ""))
        self._expected = named.group(1) if named else None
        self._hasher = _hasher() if named else None

    def update(self, piece: bytes) -> None:
        """Take more of the content."""
        if self._hasher:
            self._hasher.update(piece)

    def finish(self) -> None:
        """Compare.

        Raises
        ------
        ProtocolError
            If it is other content.

        """
        got = self._hasher.hexdigest() if self._hasher else self._expected
        if got != self._expected:
            raise ProtocolError(f"the artifact is damaged: expected BLAKE3 {self._expected}, got {got}")


def _hasher() -> Hasher | None:
    try:
        return cast(Hasher, importlib.import_module("blake3").blake3())
    except ImportError:
        return None
