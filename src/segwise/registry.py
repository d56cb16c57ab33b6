"""The registry: an append-only, hash-chained event log. Who is champion is folded from it, never stored twice.

One canonical JSON object per line of `registry/events.jsonl`; `seq` counts from 1, `prev` is the SHA-256 of the line
before (of nothing for the first). Order comes from `seq`, never from `at`, which is for people only. A last line that
its writer was killed in (cut off, without its newline) never was in force: reading passes over it with a warning, the
next append removes it. Any other damage is an error.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from segwise.errors import BusyError, IntegrityError, UsageError

EVENTS = Path("registry/events.jsonl")
LOCK = Path(".segwise/registry.lock")
GENESIS = hashlib.sha256(b"").hexdigest()

Kind = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        digest: the promoted package: SHA-256 of its manifest, which names every file's SHA-256.
        bento_sha256: SHA-256 of the archive, its name in the store.
        git_revision: the commit of the working tree when it happened, "" outside git.
        details: what else a reader of the history wants (approach, data revision, metrics).
    """

    seq: int
    prev: str
    kind: Kind
    at: str
    actor: str
    reason: str
    digest: str
    bento_sha256: str
    git_revision: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Canonical JSON on one line, with its newline."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def read(path: Path = EVENTS) -> tuple[Event, ...]:
    """Read and verify the whole log; a torn last line is warned about and left out.

    Raises:
        IntegrityError: names the first bad record.
    """
    raw = _raw(path)
    whole = whole_lines(raw)
    if len(whole) < len(raw):
        words = "%s ends in a torn record %d (its writer was killed); it is left out, and the next event removes it"
        logging.getLogger(__name__).warning(words, path, whole.count(b"\n") + 1)
    return verify(whole, str(path))


def verify(raw: bytes, where: str) -> tuple[Event, ...]:
    """The events in whole lines, after checking form, sequence and chain of every record."""
    events: list[Event] = []
    prev = GENESIS
    for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
        event = _parse(line)
        if event is None or event.line().encode() != line + b"\n":
            raise _broken(where, number, "is not a record this program wrote")
        if event.seq != number:
            raise _broken(where, number, f"says it is number {event.seq}: a record was lost, added or moved")
        if event.prev != prev:
            raise _broken(where, number, f"does not follow record {number - 1}: one of the two was changed")
        prev = hashlib.sha256(line + b"\n").hexdigest()
        events.append(event)
    return tuple(events)


def whole_lines(raw: bytes) -> bytes:
    """The log without a last line that was cut off; one that lacks nothing but its newline is given it."""
    end = raw.rfind(b"\n") + 1
    tail = raw[end:]
    event = _parse(tail) if tail else None
    return raw + b"\n" if event is not None and event.line().encode() == tail + b"\n" else raw[:end]


def champion(events: Sequence[Event]) -> Event | None:
    """The event that made the current champion."""
    return events[-1] if events else None


def previous(events: Sequence[Event]) -> Event | None:
    """The promotion a rollback returns to: the one below the current champion's on the stack of promotions."""
    stack: list[Event] = []
    for event in events:
        stack = stack[:-1] if event.kind == "rollback" else [*stack, event]
    return stack[-2] if len(stack) > 1 else None


def rolled_back(events: Sequence[Event]) -> frozenset[str]:
    """SHA-256 of the archives that the rollbacks since the last promotion took down."""
    first = len(events)
    while first > 0 and events[first - 1].kind == "rollback":
        first -= 1
    return frozenset(event.bento_sha256 for event in events[max(first - 1, 0) : -1])


def append(kind: Kind, values: Mapping[str, Any], path: Path = EVENTS) -> Event:
    """Write one event after the last whole one, durably; a torn tail is cut off first. Call it inside `locked()`.

    Args:
        values: the fields of `Event` beside `seq`, `prev` and `kind`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    events = read(path)
    prev = hashlib.sha256(events[-1].line().encode()).hexdigest() if events else GENESIS
    event = Event(seq=len(events) + 1, prev=prev, kind=kind, **values)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        raw = _raw(path)
        whole = whole_lines(raw)
        size = min(len(whole), len(raw))
        os.ftruncate(handle, size)
        _write_all(handle, whole[size:] + event.line().encode(), size)
    finally:
        os.close(handle)
    return event


@contextmanager
def locked(lock: Path = LOCK, timeout_s: float = 20.0) -> Iterator[None]:
    """Hold the registry, so that reading, deciding and appending are one step.

    Raises:
        BusyError: somebody else holds it for longer than `timeout_s`.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=timeout_s):
            yield
    except Timeout as error:
        raise BusyError("the registry to be free", f"{lock} held by another process", "try again shortly") from error


def require_text(**texts: str) -> None:
    """Who and why are part of the record.

    Raises:
        UsageError: one of the named texts is empty.
    """
    for name, text in texts.items():
        if not text.strip():
            raise UsageError(f"a non-empty --{name}", repr(text), f"say it: `--{name} TEXT` goes into the history")


def who(actor: str, reason: str) -> dict[str, str]:
    """Who, why, when and at which commit, for the record."""
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    revision = git.stdout.strip() if git.returncode == 0 else ""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"actor": actor, "reason": reason, "at": now, "git_revision": revision}


def _raw(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _write_all(handle: int, data: bytes, size_before: int) -> None:
    try:
        written = os.write(handle, data)
        if written != len(data):
            raise OSError(28, "the disk took only part of the record")
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size_before)
        raise


def _parse(line: bytes) -> Event | None:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _broken(where: str, number: int, what: str) -> IntegrityError:
    return IntegrityError(
        f"{where} as it was written",
        f"record {number}, which {what}",
        f"restore the file from git (`git checkout -- {where}`) and look at who changed it",
    )
