"""Writing the log: one event at a time, inside the lock, synced to the disk before anybody is told."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from segwise.errors import BusyError, UsageError
from segwise.registry import head
from segwise.registry.event import GENESIS, Event, Kind, parse
from segwise.registry.fold import DECIDING
from segwise.registry.log import EVENTS, broken, raw_bytes, read, whole_lines

LOCK = Path(".segwise/registry.lock")
WAIT_S = 60.0  # a promotion holds the lock while it unpacks and verifies


def append(
    kind: Kind,
    subject: Mapping[str, str],
    details: Mapping[str, Any],
    actor: str,
    reason: str,
    expected_seq: int | None = None,
    path: Path = EVENTS,
) -> Event:
    """Write one event after the last whole one, durably; a torn tail is cut off first. Call it inside `locked()`.

    Args:
        subject: what it is about, by digest or name, e.g. {"digest": …, "bento_sha256": …} of a promotion.
        details: JSON values.
        expected_seq: number of the last record the caller decided upon (0: of none), None not to compare. The switch
            happens only if no promotion, rollback or amendment was recorded since; trainings and reads may have been.

    Returns:
        The event as it will be read back.

    Raises:
        BusyError: somebody else's event was recorded first; it is named.
        IntegrityError: the log is damaged, or shorter than `expected_seq`.
    """
    require_text(actor=actor, reason=reason)
    events = read(path)
    if expected_seq is not None:
        _compare(events, expected_seq, path)
    event = _made(events, kind, subject, details, actor, reason)
    _write(path, event)
    if path == EVENTS:
        head.remember([*events, event])
    return event


@contextmanager
def locked(lock: Path = LOCK, timeout_s: float = WAIT_S) -> Iterator[None]:
    """Hold the registry, so that reading, deciding and appending are one step.

    Raises:
        BusyError: somebody else holds it for longer than `timeout_s`.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=timeout_s):
            yield
    except Timeout as error:
        came = f"{lock} held by another process for {timeout_s:g} s"
        raise BusyError("the registry to be free", came, "try again shortly") from error


def require_text(**texts: str) -> None:
    """Who and why are part of the record.

    Raises:
        UsageError: one of the named texts is empty.
    """
    for name, text in texts.items():
        if not text.strip():
            raise UsageError(f"a non-empty --{name}", repr(text), f"say it: `--{name} TEXT` goes into the history")


def _compare(events: Sequence[Event], expected_seq: int, path: Path) -> None:
    if len(events) < expected_seq:
        raise broken(str(path), len(events) + 1, f"is gone: there were {expected_seq} records a moment ago")
    winner = next((event for event in events[expected_seq:] if event.kind in DECIDING), None)
    if winner is not None:
        what = f"{winner.kind} {winner.digest[:12]}".strip()
        came = f"{what} by {winner.actor} ({winner.reason}), event {winner.seq}"
        expected = f"no promotion, rollback or amendment after event {expected_seq}, upon which this was decided"
        raise BusyError(expected, came, "look at `segwise history`; if it still is to be done, run it again")


def _made(
    events: Sequence[Event], kind: Kind, subject: Mapping[str, str], details: Mapping[str, Any], actor: str, reason: str
) -> Event:
    prev = events[-1].sha256 if events else GENESIS
    plain = json.loads(json.dumps(dict(details), allow_nan=False))  # as it will be read: tuples are lists
    event = Event(len(events) + 1, prev, kind, now(), actor, reason, git_revision(), dict(subject), plain)
    if parse(event.line().encode()[:-1]) != event:  # else nobody could read the log again
        raise TypeError(f"no event of the registry: {event}")
    return event


def now() -> str:
    """The clock, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_revision() -> str:
    """The commit that is checked out, "" without git or outside a repository."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


def _write(path: Path, event: Event) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        raw = raw_bytes(path)
        whole = whole_lines(raw)
        size = min(len(whole), len(raw))
        os.ftruncate(handle, size)
        _write_all(handle, whole[size:] + event.line().encode(), size)
    finally:
        os.close(handle)
    if is_new:
        _sync_folder(path.parent)


def _write_all(handle: int, data: bytes, size_before: int) -> None:
    try:
        written = os.write(handle, data)
        if written != len(data):
            raise OSError(errno.ENOSPC, "the disk took only part of the record")
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size_before)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
