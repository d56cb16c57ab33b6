"""DVC's cache: objects whose bytes are others than their name says, which DVC would hand out all the same."""

from __future__ import annotations

import configparser
import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from segwise.repair.finding import Finding, holding, left, planned, put_aside, repaired

DVC_LOCK = Path(".dvc/tmp/lock")
LINE_EVERY_S = 5.0


def cache_dir(root: Path) -> Path:
    """DVC's cache of files, as `.dvc/config.local` or `.dvc/config` say it."""
    for name in ("config.local", "config"):
        config = configparser.ConfigParser()
        with suppress(configparser.Error):
            config.read(root / ".dvc" / name, encoding="utf-8")
        if config.has_option("cache", "dir"):
            return (root / ".dvc" / config.get("cache", "dir")).resolve() / "files/md5"
    return root / ".dvc/cache/files/md5"


def check(dry_run: bool) -> list[Finding]:
    """Objects of the cache whose bytes have another md5 than their name: DVC hands them out unless they are gone.

    They are moved and not deleted: of what was never pushed, and is nowhere else, the damaged copy is the only one.
    """
    found = cache_dir(Path()).glob("??/*")
    objects = sorted(path for path in found if path.is_file() and len(path.stem) == 30)
    damaged = [path for path in _told(objects) if not _is_whole(path)]
    if not damaged:
        return []
    with holding(DVC_LOCK) as is_ours:  # not while all are read: others' DVC would not wait for that
        still = [path for path in damaged if path.is_file() and not _is_whole(path)]
        return [_dropped(path, dry_run, is_ours) for path in still]


def _dropped(path: Path, dry_run: bool, is_ours: bool) -> Finding:
    what = "other bytes than its name says"
    if dry_run:
        return planned("cache", path, what, "put it aside")
    if not is_ours:
        return left("cache", path, what, "DVC is at work: wait until it has ended, then run `segwise doctor` again")
    again = "`dvc pull data` fetches it, or `dvc repro` makes it again"
    return repaired("cache", path, what, f"put aside as {put_aside(path)}: {again}")


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
