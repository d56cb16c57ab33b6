"""Reading the log: one record per line of `registry/events.jsonl`, each verified on every read.

Order comes from `seq`, never from a clock. A last line that its writer was killed in (cut off, without its newline)
never was in force: reading passes over it with a warning, the next append removes it. Any other damage is an error that
names the first bad record.
"""

from __future__ import annotations

import logging
from pathlib import Path

from segwise.errors import IntegrityError
from segwise.registry.event import GENESIS, Event, is_torn, parse

EVENTS = Path("registry/events.jsonl")
CHANGED = "is not a record this program wrote, or was changed"


def read(path: Path = EVENTS) -> tuple[Event, ...]:
    """Read and verify the whole log; a torn last line is warned about and left out.

    Raises:
        IntegrityError: names the first bad record.
    """
    raw = raw_bytes(path)
    whole = whole_lines(raw)
    events = verify(whole, str(path))
    if len(whole) < len(raw):
        words = "%s ends in a torn record %d (its writer was killed); it is left out, and the next event removes it"
        logging.getLogger(__name__).warning(words, path, len(events) + 1)
    return events


def raw_bytes(path: Path) -> bytes:
    """The log as it lies there; nothing if there is none."""
    return path.read_bytes() if path.is_file() else b""


def verify(raw: bytes, where: str) -> tuple[Event, ...]:
    """The events in whole lines, after checking form, hash, sequence and chain of every record.

    Raises:
        IntegrityError: names the first bad record.
    """
    events: list[Event] = []
    prev = GENESIS
    *lines, rest = raw.split(b"\n")
    for number, line in enumerate(lines, start=1):
        event = parse(line)
        if event is None:
            raise broken(where, number, CHANGED)
        if event.seq != number:
            raise broken(where, number, f"says it is number {event.seq}: a record was lost, added or moved")
        if event.prev != prev:
            raise broken(where, number, f"does not follow record {number - 1}: one of the two was changed")
        prev = event.sha256
        events.append(event)
    if rest:
        raise broken(where, len(lines) + 1, CHANGED)
    return tuple(events)


def whole_lines(raw: bytes) -> bytes:
    """The log without a torn last line; one that lacks nothing but its newline is given it."""
    end = raw.rfind(b"\n") + 1
    tail = raw[end:]
    if not tail:
        return raw
    if parse(tail) is not None:
        return raw + b"\n"
    return raw[:end] if is_torn(tail) else raw


def broken(where: str, number: int, what: str, remedy: str = "") -> IntegrityError:
    """The error that names the first bad record. Without a `remedy`: how to restore the log without losing records."""
    careful = (
        f"keep a copy of the file, and look at who changed what: `git diff HEAD -- {where}`; only then restore it "
        f"(`git checkout HEAD -- {where}`): what was recorded after the last commit is lost by that"
    )
    return IntegrityError(f"{where} as it was written", f"record {number}, which {what}", remedy or careful)
