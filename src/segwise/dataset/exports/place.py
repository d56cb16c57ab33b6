"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.errors import UsageError


def check_new(out: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        UsageError: it does, or it is a file.
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        came = f"{out}, which {'is not empty' if out.is_dir() else 'is a file'}"
        raise UsageError("a new or empty folder", came, "name another one: `--out`, or remove it")


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` to fill; it becomes `out` when the block ends without an error.

    Raises:
        UsageError: `out` holds something by then.
    """
    target = out.resolve()
    new = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        check_new(out)
        new.replace(target)  # an empty folder may be there: rename takes its place
    finally:
        shutil.rmtree(new, ignore_errors=True)
