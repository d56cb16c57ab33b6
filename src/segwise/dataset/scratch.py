"""Folders for the time of one command, which do not stay for ever when the command is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """An empty folder `<parent>/<prefix>…` for as long as the block lasts.

    Its maker holds a lock beside it, which the system lets go when the maker dies: folders of this prefix that nobody
    holds are removed first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_unheld(parent, prefix)
    folder = parent / f"{prefix}{uuid4().hex}"
    with FileLock(_lock_of(folder), timeout=0):  # before the folder: one without a lock has lost its maker
        try:
            folder.mkdir()
            yield folder
        finally:
            _remove(folder)


def _remove_unheld(parent: Path, prefix: str) -> None:
    for folder in [path for path in parent.glob(f"{prefix}*") if path.is_dir()]:
        try:
            with FileLock(_lock_of(folder), timeout=0):
                _remove(folder)
        except Timeout:  # its maker is at work
            continue


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        _lock_of(folder).unlink(missing_ok=True)
