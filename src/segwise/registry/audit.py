"""The events for a reviewer: read without any leniency, as plain values and as a table."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segwise.errors import IntegrityError
from segwise.registry import committed, head
from segwise.registry.event import Event
from segwise.registry.log import EVENTS, broken, raw_bytes, read, verify, whole_lines

COLUMNS = ("seq", "at", "kind", "actor", "reason", "git_revision", "subject", "details", "prev", "sha256")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute: shown as text instead (OWASP)


def strictly(path: Path = EVENTS) -> tuple[Event, ...]:
    """Every event; a torn end, over which `read` passes with a warning, is an error too.

    Raises:
        IntegrityError: names the first bad record.
    """
    raw = raw_bytes(path)
    events = verify(whole_lines(raw), str(path))
    if not raw.endswith(b"\n") and raw:
        what = "was cut off: its writer was killed, or somebody cut the file"
        remedy = f"if a writer was killed, nothing is lost: the next event removes it; else `git diff HEAD -- {path}`"
        raise broken(str(path), len(events) + (whole_lines(raw) != raw + b"\n"), what, remedy)
    return events


def settled(path: Path = EVENTS, wait_s: float = 0.5) -> tuple[Event, ...]:
    """As `strictly`, but a record that is just being written is waited for. Needs no right to write."""
    try:
        return strictly(path)
    except IntegrityError:
        time.sleep(wait_s)
        return strictly(path)


def vouched(
    anchor: str | None = None, path: Path = EVENTS, *, is_lenient: bool = False
) -> tuple[tuple[Event, ...], list[str]]:
    """Every event, held against all that is known of the log elsewhere; and what that was, in words.

    Args:
        anchor: hash of a record that has to be there, kept by somebody.
        is_lenient: pass over a torn end, as `read` does.

    Raises:
        IntegrityError: a record is bad, or one that is known elsewhere is another one here, or gone.
    """
    events, known = read(path) if is_lenient else settled(path), []
    if anchor is not None:
        head.require(events, anchor, "--head")
        known.append("the given head")
    for sha256 in head.remembered() if path == EVENTS else ():
        head.require(events, sha256, str(head.HEAD))
        known.append("the newest record seen here")
    if committed.require(raw_bytes(path), path) is not None:
        known.append("git's last commit")
    return events, list(dict.fromkeys(known))


def as_dict(event: Event) -> dict[str, Any]:
    """The event with its hash, JSON values."""
    return {**event.values(), "sha256": event.sha256}


def as_csv(events: Sequence[Event]) -> str:
    """One row per event, RFC 4180; subject and details are JSON in their cells."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow(_cell(as_dict(event)[name]) for name in COLUMNS)
    return out.getvalue()


def _cell(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
