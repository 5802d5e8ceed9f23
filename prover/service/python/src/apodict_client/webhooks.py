"""What the server sends when a job ends, and whether it was the server that sent it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._json import Fields, decode, one_of
from .errors import ApodictError, ProtocolError
from .types import JobKind, JobState

PREFIX = "whsec_"
"""Before a secret, as `apodict webhook-secret create` shows it."""

MOST_BODY_BYTES = 64 << 10
"""Of a message."""


class InvalidWebhook(ApodictError):
    """A message that nobody who knows the secret sent, or not now."""


@dataclass(frozen=True)
class WebhookMessage:
    """A job that has ended. Times are milliseconds since 1970."""

    id: str
    """The message's name, the same however often it is sent: act on each once."""
    type: str
    """`job.succeeded`, `job.failed`, `job.cancelled`."""
    job: str
    kind: JobKind
    state: JobState
    model: str
    attempt: int
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    error_code: str | None
    raw: Mapping[str, Any] = field(repr=False)
    """All that was sent."""


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance: float = 300.0,
    now: float | None = None,
) -> WebhookMessage:
    """Check a message's signature and age, and read it.

    Parameters
    ----------
    secret
        `whsec_..`, as `apodict webhook-secret create` showed it.
    headers
        Of the request; the case of their names does not matter.
    body
        Of the request, as it came: decoded and written again, it has another signature.
    tolerance
        Seconds that the message may be older or newer than this machine's clock says.
    now
        Seconds since 1970, instead of this machine's clock.

    Raises
    ------
    InvalidWebhook
        If it is not signed with the secret, or was signed too long ago.
    ProtocolError
        If it is signed, and is no message that this version knows.
    ValueError
        If the secret is none.

    """
    key = _key(secret)
    found = {name.lower(): value for name, value in headers.items()}
    try:
        name, sent, signatures = (found[f"webhook-{header}"] for header in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise InvalidWebhook(f"there is no header {missing}") from None
    if len(body) > MOST_BODY_BYTES:
        raise InvalidWebhook(f"the message has more than {MOST_BODY_BYTES} bytes")
    # One spelling for one number: what is signed is the text.
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 15):
        raise InvalidWebhook("webhook-timestamp is no number of seconds")
    signed = b".".join((name.encode(), sent.encode(), body))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # All are compared, so that the time tells nothing.
    matches = [hmac.compare_digest(f"v1,{expected.decode()}".encode(), one.encode()) for one in signatures.split(" ")]
    if not any(matches):
        raise InvalidWebhook("the signature is not that of the secret")
    if abs((time.time() if now is None else now) - int(sent)) > tolerance:
        raise InvalidWebhook(f"the message was signed more than {tolerance:g} s ago, or the clocks differ by that")
    return _message(name, body)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("secret: expected `whsec_..`, as `apodict webhook-secret create` shows it")
    return key


def _message(name: str, body: bytes) -> WebhookMessage:
    fields = Fields(decode(body), "message")
    data = fields.object("data")
    kind = fields.text("type")
    state = one_of(JobState, data.text("state"), "message.data.state")
    if kind != f"job.{state}":
        raise ProtocolError(f"message: its type is {kind!r}, and its state {state!r}")
    return WebhookMessage(
        id=name,
        type=kind,
        job=data.text("id"),
        kind=one_of(JobKind, data.text("kind"), "message.data.kind"),
        state=state,
        model=data.text("model"),
        attempt=data.integer("attempt"),
        created_ms=data.integer("created_ms"),
        started_ms=data.optional("started_ms", data.integer),
        finished_ms=data.optional("finished_ms", data.integer),
        error_code=data.optional("error_code", data.text),
        raw=fields.value,
    )
