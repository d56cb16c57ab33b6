"""DVC's cache: objects whose bytes are others than their name says, which DVC would hand out all the same."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from segwise.repair.finding import Finding, planned, repaired

CACHE = Path(".dvc/cache/files/md5")
LINE_EVERY_S = 5.0


def check(dry_run: bool) -> list[Finding]:
    """Objects of the cache whose bytes have another md5 than their name: DVC hands them out unless they are removed."""
    objects = sorted(path for path in CACHE.glob("??/*") if path.is_file() and len(path.stem) == 30)
    damaged = [path for path in _told(objects) if not _is_whole(path)]
    return list(_dropped(damaged, dry_run))


def _dropped(damaged: list[Path], dry_run: bool) -> Iterator[Finding]:
    for path in damaged:
        what = "other bytes than its name says"
        if dry_run:
            yield planned("cache", path, what, "remove it")
            continue
        path.unlink()
        did = "removed: `dvc pull data` fetches it, or `dvc repro` makes it again"
        yield repaired("cache", path, what, did)


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == path.parent.name + path.stem


def _told(objects: list[Path]) -> Iterator[Path]:
    """The objects; a line on stderr says every few seconds how many are read."""
    said = time.monotonic()
    for number, path in enumerate(objects):
        if time.monotonic() - said >= LINE_EVERY_S:
            said = time.monotonic()
            print(f"doctor: {number} of {len(objects)} objects of the cache read", file=sys.stderr, flush=True)
        yield path
