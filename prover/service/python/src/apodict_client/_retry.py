"""When a request is sent again, and after how long.

Every request of this API may be sent again: what changes something carries an idempotency key, is named by its content,
or is the same when done twice. So the question is only whether it may help.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

STATUSES = frozenset({408, 429, 502, 503, 504})
"""Answers that may be others a little later."""

FIRST_SECONDS = 0.2
MOST_SECONDS = 5.0
LONGEST_RETRY_AFTER = 60.0
"""Seconds that a server may ask to be waited for. Who asks for more is not tried again."""


def back_off(attempt: int) -> float:
    """Seconds before the attempt after this one, from 0: twice as long each time, half of it by chance."""
    seconds = min(FIRST_SECONDS * 2.0 ** min(attempt, 16), MOST_SECONDS)
    return seconds * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks for, as a number or as a date; none if it says nothing that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
