"""What `submit` and `prove` send."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from ._http import identifier
from ._json import encode
from .types import Decision, Tensors


def prove_request(
    model: str,
    inputs: Tensors | None,
    *,
    context: bytes | str | None,
    batch: Sequence[Decision] | None,
    priority: int,
    deadline: float | None,
    forget_inputs: bool,
    webhook: str | None,
    idempotency_key: str | None,
) -> tuple[bytes, dict[str, str]]:
    """Encode a request once, with its key: sent again, it is the same to the byte."""
    if (inputs is None) == (batch is None) or (batch is not None and context is not None):
        raise ValueError("expected inputs, with a context if need be, or a batch, whose decisions have their own")
    request: dict[str, Any] = {"model": identifier(model)}
    if batch is not None:
        request["batch"] = [_decision(decision) for decision in batch]
    else:
        request |= _decision(Decision(inputs or {}, context))
    if priority:
        request["priority"] = priority
    if deadline is not None:
        if not 1e-3 <= deadline <= 1e12:
            raise ValueError("deadline: expected seconds, a thousandth at least")
        request["timeout_ms"] = int(deadline * 1e3)
    if forget_inputs:
        request["forget_inputs"] = True
    if webhook is not None:
        request["webhook"] = webhook
    key = uuid.uuid4().hex if idempotency_key is None else idempotency_key
    if not (key.isascii() and key.isprintable() and 1 <= len(key.strip()) == len(key) <= 200):
        raise ValueError("idempotency_key: expected 1 to 200 printable characters of ASCII, no blank at its ends")
    return encode(request), {"Idempotency-Key": key}


def _decision(decision: Decision) -> dict[str, Any]:
    item: dict[str, Any] = {"inputs": dict(decision.inputs)}
    if decision.context is not None:
        item["context"] = _context(decision.context)
    return item


def _context(context: bytes | str) -> str:
    if isinstance(context, str):
        return context
    if len(context) != 32:
        raise ValueError(f"context: expected 32 bytes, got {len(context)}")
    return f"0x{context.hex()}"
