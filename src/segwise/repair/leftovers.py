"""Files that a killed writer had not yet given their name (`.split.json.4711.new`, see `spec.write_whole`).

Nothing reads them. One whose process lives may be written at this moment and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from segwise.repair.finding import Finding, planned, repaired

NAME = re.compile(r"\..+\.(\d+)\.new")
FLAT, DEEP = (Path(), Path(".segwise"), Path("registry")), (Path("work"),)  # where files are written whole


def check(dry_run: bool) -> list[Finding]:
    """Every such file whose process has ended; removed."""
    return [_removed(path, dry_run) for path in sorted(_left())]


def _left() -> Iterator[Path]:
    files = [path for folder in FLAT for path in folder.glob(".*.new")]
    files += [path for folder in DEEP for path in folder.rglob(".*.new")]
    for path in files:
        named = NAME.fullmatch(path.name)
        if named and path.is_file() and not psutil.pid_exists(int(named[1])):
            yield path


def _removed(path: Path, dry_run: bool) -> Finding:
    what = "not yet in its place when its writer was killed"
    if dry_run:
        return planned("leftovers", path, what, "remove it")
    path.unlink()
    return repaired("leftovers", path, what, "removed")
