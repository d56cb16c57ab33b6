"""Text and values from outside, made fit to be shown and written. Pure."""

from __future__ import annotations

import json

from segwise.dataset.names import is_text


def printable(text: object) -> str:
    """Text from outside, fit for any terminal, table or page: at most 200 characters, escaped where not printable."""
    value = str(text)[:200]
    return value if is_text(value) else ascii(value)[1:-1][:200]


def is_json(value: object) -> bool:
    """Whether the value can be written as strict JSON in UTF-8."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True
