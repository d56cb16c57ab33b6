"""What was found and what was done about it; and the two ways of putting something out of the way."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segwise.spec import sha256_of

ASIDE = Path(".segwise/damaged")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        check: which part: models, locks, dvc, cache, registry, leftovers or processes.
        did: what was done about it; in a dry run and where nothing is, what is to be done.
        is_left: whether it is still so.
    """

    check: str
    where: str
    what: str
    did: str
    is_left: bool

    def line(self) -> str:
        """For people."""
        return f"{'!' if self.is_left else '✓'} {self.where}: {self.what}; {self.did}"


def planned(check: str, where: Path | str, what: str, will: str) -> Finding:
    """A finding of a dry run: what a real one does about it, e.g. "remove it"."""
    return Finding(check, str(where), what, f"would {will}", True)


def repaired(check: str, where: Path | str, what: str, did: str) -> Finding:
    """A finding that is no more."""
    return Finding(check, str(where), what, did, False)


def left(check: str, where: Path | str, what: str, remedy: str) -> Finding:
    """A finding that a person has to see to."""
    return Finding(check, str(where), what, remedy, True)


def keep_aside(path: Path) -> Path:
    """Copy a damaged file to `.segwise/damaged/`, named by its bytes, so that nothing is lost; returns the copy."""
    ASIDE.mkdir(parents=True, exist_ok=True)
    copy = ASIDE / f"{path.name}.{sha256_of(path)[:12]}"
    copy.write_bytes(path.read_bytes())
    return copy


def put_aside(path: Path) -> Path:
    """Move a damaged file to `.segwise/damaged/`, named by its bytes; returns where it is now."""
    ASIDE.mkdir(parents=True, exist_ok=True)
    aside = ASIDE / f"{path.parent.name}{path.name}.{sha256_of(path)[:12]}"
    shutil.move(path, aside)
    return aside


@contextmanager
def holding(lock: Path) -> Iterator[bool]:
    """Hold a lock file (flock, as DVC and filelock do); False if another process does. No file, no holder."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(handle)
