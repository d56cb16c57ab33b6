"""Put a prepared folder in the place of another: all of it or nothing, also when the program is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from segwise.errors import BusyError, UsageError


@dataclass(slots=True)
class Making:
    """`folder`: what is in the making, empty at first. It takes the target's place once `is_done`."""

    folder: Path
    is_done: bool = False


@contextmanager
def replacing(target: Path, state: Path) -> Iterator[Making]:
    """A folder to fill, with nobody else at work on `target` until the block ends.

    `target` is whole when the block begins: what a killed run left behind is put right first. The new folder takes its
    place when the block ends without an error and said that it `is_done`.

    Args:
        state: a folder for what is in the making, on the same file system as `target`.

    Raises:
        BusyError: another process is replacing it.
        UsageError: `target` is a link.
    """
    if target.is_symlink():
        remedy = "name the real folder in `data.dir` of params.yaml, or move it here"
        raise UsageError(f"a folder {target}", f"a link to {target.readlink()}", remedy)
    state.mkdir(parents=True, exist_ok=True)
    new, old = state / "new", state / "old"
    try:
        lock = FileLock(state / "lock", timeout=0).acquire()
    except Timeout as error:
        raise BusyError("no other import", f"one holds {state / 'lock'}", "wait until it has ended") from error
    with lock:
        _settle(target, new, old)
        making = Making(new)
        try:
            new.mkdir()
            yield making
            if making.is_done:
                _swap(target, new, old)
        finally:
            _settle(target, new, old)


def _swap(target: Path, new: Path, old: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    new.rename(target)


def _settle(target: Path, new: Path, old: Path) -> None:
    """Leave one whole `target`, wherever a swap was broken off; the old folder goes only when there is a target."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(new, ignore_errors=True)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
