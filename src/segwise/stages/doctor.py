"""doctor: find and repair what crashes, full disks and broken disks leave behind, and say what was done."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from segwise.errors import IntegrityError
from segwise.repair import cache, dvc_files, leftovers, locks, log, models, processes
from segwise.repair.finding import Finding

ALL = "processes, locks, dvc.lock, cache, registry and models are as they should be"
LOCKS = "DVC's list of locks is as it should be"


def run(dry_run: bool = False, kill: bool = False, only_locks: bool = False) -> dict[str, Any]:
    """Look at processes, locks, dvc.lock, the cache, the registry and the promoted models; repair what can be.

    Args:
        dry_run: say what is wrong, change nothing.
        kill: end orphaned processes of this project; else they are only told.
        only_locks: look at nothing but DVC's list of locks, which takes no time.

    Returns:
        Every finding; `exit_code` is 5 if any of them is left as it is, else 0.
    """
    found = locks.check(dry_run) if only_locks else _everything(dry_run, kill)
    num_left = sum(finding.is_left for finding in found)
    lines = [finding.line() for finding in found]
    lines.append(_conclusion(len(found), num_left, dry_run, LOCKS if only_locks else ALL))
    answer = {"findings": [asdict(finding) for finding in found], "num_left": num_left}
    return {**answer, "exit_code": IntegrityError.exit_code if num_left else 0, "summary": "\n".join(lines)}


def _everything(dry_run: bool, kill: bool) -> list[Finding]:
    events, damage = log.check()
    found = processes.orphans(Path.cwd(), kill and not dry_run) + damage
    found += locks.check(dry_run) + dvc_files.check(dry_run) + cache.check(dry_run) + leftovers.check(dry_run)
    return found if events is None else found + models.check(events, dry_run)  # who was promoted is not known then


def _conclusion(num_found: int, num_left: int, dry_run: bool, looked_at: str) -> str:
    if not num_found:
        return f"nothing is wrong: {looked_at}"
    if dry_run:
        return f"{num_found} found; nothing was changed"
    return f"{num_found} found, {num_found - num_left} repaired" + (f", {num_left} left to you" if num_left else "")
