"""Put a prepared folder in the place of another: all of it or nothing, also when the program is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from segwise.errors import BusyError


@contextmanager
def replacing(target: Path, state: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes `target`'s place when the block ends without an error.

    Args:
        state: a folder for what is in the making, on the same file system as `target`.

    Raises:
        BusyError: another process is replacing it.
    """
    state.mkdir(parents=True, exist_ok=True)
    new, old = state / "new", state / "old"
    try:
        lock = FileLock(state / "lock", timeout=0).acquire()
    except Timeout as error:
        raise BusyError("no other import", f"one holds {state / 'lock'}", "wait until it has ended") from error
    with lock:
        if old.exists() and not target.exists():  # killed between the two renames
            old.rename(target)
        _remove(new, old)
        try:
            new.mkdir()
            yield new
            _swap(target, new, old)
        finally:
            _remove(new, old)


def _swap(target: Path, new: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
