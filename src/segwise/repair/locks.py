"""DVC's list of which process uses which path.

A lock that is a flock (`.dvc/tmp/lock`, our own) is freed by the kernel when its holder dies: the file that stays means
nothing. DVC's `rwlock` is a list of process numbers: it blocks everything if it was half written, and a path for ever
if its number was given to another process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil

from segwise.repair.finding import Finding, holding, planned, repaired

RWLOCK, RWLOCK_LOCK = Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/rwlock.lock")


def check(dry_run: bool) -> list[Finding]:
    """DVC's list of who uses which path: unreadable, or naming processes that are none of DVC's any more."""
    with holding(RWLOCK_LOCK) as is_ours:
        if not is_ours or not RWLOCK.is_file():
            return []
        try:
            entries = json.loads(RWLOCK.read_text(encoding="utf-8"))
            kept = {mode: _living(paths) for mode, paths in entries.items()}
            gone = sum(map(_size, entries.values())) - sum(map(_size, kept.values()))
        except (ValueError, TypeError, AttributeError, KeyError):
            what = "a lock that was half written: DVC refuses to work"
            return [_removed(what, "remove it", "removed", dry_run, None)]
        if not gone:
            return []
        what = f"{gone} entries of processes that have ended"
        return [_removed(what, "remove them", "removed them", dry_run, kept)]


def _removed(what: str, will: str, did: str, dry_run: bool, kept: dict[str, Any] | None) -> Finding:
    if dry_run:
        return planned("locks", RWLOCK, what, will)
    if kept is None:
        RWLOCK.unlink()
    else:
        RWLOCK.write_text(json.dumps({mode: paths for mode, paths in kept.items() if paths}), encoding="utf-8")
    return repaired("locks", RWLOCK, what, did)


def _living(paths: dict[str, Any]) -> dict[str, Any]:
    """The entries whose process runs and wrote them; `write` has one per path, `read` a list."""
    out: dict[str, Any] = {}
    for path, entry in paths.items():
        if isinstance(entry, list):
            living = [one for one in entry if _is_holder(one["pid"], one["cmd"])]
            out |= {path: living} if living else {}
        elif _is_holder(entry["pid"], entry["cmd"]):
            out[path] = entry
    return out


def _size(paths: dict[str, Any]) -> int:
    return sum(len(entry) if isinstance(entry, list) else 1 for entry in paths.values())


def _is_holder(pid: int, command: str) -> bool:
    """Whether the process is DVC, or the program that DVC wrote down: Python code may call DVC too."""
    try:
        words = psutil.Process(pid).cmdline()
        return any("dvc" in word for word in words) or command in " ".join(words)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True  # not ours to see: leave it alone
