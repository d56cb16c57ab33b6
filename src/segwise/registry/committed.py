"""The log in git's last commit: all that it holds has to stand at the beginning of the log here, byte for byte.

A chain cannot show that its end was cut off, nor that somebody wrote the whole of it anew. A commit that holds it can,
on every machine that has the repository.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from segwise.registry.log import EVENTS, broken


def require(raw: bytes, path: Path = EVENTS) -> int | None:
    """How many of the records in `raw` git's last commit holds too; None where it holds no log, or there is no git.

    Raises:
        IntegrityError: names the first record of the commit's that is gone, or is another one here.
    """
    kept = _records(_committed(path))
    if not kept:
        return None
    here = _records(raw)
    for number, line in enumerate(kept, start=1):
        if here[number - 1 : number] != [line]:
            what = "is another one than in git's last commit" if number <= len(here) else "is gone: git has it"
            raise broken(str(path), number, what)
    return len(kept)


def _records(raw: bytes) -> list[bytes]:
    """Whole lines: a record whose writer was killed was never in force."""
    return raw.split(b"\n")[:-1]


def _committed(path: Path) -> bytes:
    try:
        git = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    except OSError:
        return b""
    return b"" if git.returncode else git.stdout
