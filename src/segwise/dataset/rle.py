"""COCO's run lengths, read without pycocotools, so that damaged ones are found and not decoded."""

from __future__ import annotations

from typing import Any


def run_lengths(counts: Any) -> list[int] | None:
    """Run lengths (background first) of `counts` as stored: a list of numbers or COCO's compressed text.

    Returns:
        None if it is neither, is cut off, or holds a negative or too long run.
    """
    if isinstance(counts, list):
        whole = all(type(v) is int and 0 <= v < 2**31 for v in counts)
        return counts if whole else None
    if not isinstance(counts, str) or not counts.isascii():
        return None
    return _decompress(counts.encode("ascii"))


def _decompress(text: bytes) -> list[int] | None:
    runs: list[int] = []
    value = shift = 0
    for byte in text:
        code = byte - 48
        if not 0 <= code < 64 or shift > 30:
            return None
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                value -= 1 << shift
            if len(runs) > 2:
                value += runs[-2]
            if value < 0:
                return None
            runs.append(value)
            value = shift = 0
    return runs if shift == 0 else None
