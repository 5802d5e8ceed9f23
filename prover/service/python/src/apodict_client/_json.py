"""JSON: what is sent is numbers that are numbers, what comes is read field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar, get_args

from .errors import ProtocolError

T = TypeVar("T")


def encode(value: Any) -> bytes:
    """Write a value: dictionaries, lists, tuples, numbers, texts, and whatever has `tolist()`.

    Raises
    ------
    ValueError, TypeError
        For NaN and infinities, which JSON does not have; for values of other types; for nesting that is too deep.

    """
    try:
        return json.dumps(value, allow_nan=False, default=_listed, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("the value is nested too deeply to be sent") from None


def _listed(value: Any) -> Any:
    to_list = getattr(value, "tolist", None)
    if not callable(to_list):
        raise TypeError(f"cannot send a {type(value).__name__}: expected numbers, lists, or an array with tolist()")
    return to_list()


def decode(content: bytes) -> Any:
    """Read a value.

    Raises
    ------
    ProtocolError
        If it is no JSON.

    """
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the answer is no JSON: {error}") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


class Fields:
    """An object of an answer. What is missing or of another type is a `ProtocolError`; the unknown is left alone."""

    def __init__(self, value: Any, name: str) -> None:
        """Of a decoded value; `name` says what it is."""
        if not isinstance(value, dict):
            raise ProtocolError(f"{name}: expected an object, got {type(value).__name__}")
        self.value: dict[str, Any] = value
        self.name = name

    def _get(self, key: str, kind: type[T]) -> T:
        value = self.value.get(key)
        # In Python, True is a number.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ProtocolError(f"{self.name}: expected {key} as {kind.__name__}, got {type(value).__name__}")
        return value

    def text(self, key: str) -> str:
        """Read a text."""
        return self._get(key, str)

    def integer(self, key: str) -> int:
        """Read a whole number."""
        return self._get(key, int)

    def truth(self, key: str) -> bool:
        """Read true or false."""
        return self._get(key, bool)

    def number(self, key: str) -> float:
        """Read a number."""
        whole = isinstance(self.value.get(key), int)
        try:
            return float(self._get(key, int)) if whole else self._get(key, float)
        except OverflowError:
            raise ProtocolError(f"{self.name}: {key} is too large") from None

    def mapping(self, key: str) -> dict[str, Any]:
        """Read an object as it is."""
        return self._get(key, dict)

    def items(self, key: str) -> list[Any]:
        """Read a list."""
        return self._get(key, list)

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts."""
        items = self.items(key)
        if not all(isinstance(item, str) for item in items):
            raise ProtocolError(f"{self.name}: expected {key} as a list of texts")
        return tuple(items)

    def optional(self, key: str, read: Callable[[str], T]) -> T | None:
        """Read what may be absent."""
        return None if self.value.get(key) is None else read(key)

    def object(self, key: str) -> Fields:
        """Read an object, field by field."""
        return Fields(self.value.get(key), f"{self.name}.{key}")

    def numbers(self, key: str) -> Mapping[str, float]:
        """Read an object of numbers."""
        fields = self.object(key)
        return {name: fields.number(name) for name in fields.value}


def one_of(kind: Any, text: str, name: str) -> Any:
    """Check that a text is one of a `Literal`'s."""
    if text not in get_args(kind):
        raise ProtocolError(f"{name}: expected one of {', '.join(get_args(kind))}, got {text!r}")
    return text
