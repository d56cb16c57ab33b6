"""Temporary folders go with their command, also when it was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from segwise.dataset.scratch import scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from segwise.dataset.scratch import scratch
with scratch(Path(sys.argv[1]), "source-") as folder:
    (folder / "half").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_there_and_empty_for_as_long_as_the_block_lasts(tmp_path: Path) -> None:
    parent = tmp_path / "state"
    with scratch(parent, "source-") as folder:
        assert folder.parent == parent and list(folder.iterdir()) == []
        (folder / "a").mkdir()
    assert names(parent) == set()
    with pytest.raises(ZeroDivisionError), scratch(parent, "source-"):
        1 / 0  # noqa: B018 -- an error inside
    assert names(parent) == set()


def test_what_a_killed_command_left_is_removed_by_the_next_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    (left,) = (path for path in tmp_path.iterdir() if path.is_dir())
    (tmp_path / "new").mkdir()
    (tmp_path / "source-of-an-older-version").mkdir()
    with scratch(tmp_path, "source-") as folder:
        assert not left.exists()
        assert names(tmp_path) == {"new", folder.name, f"{folder.name}.lock"}
    assert names(tmp_path) == {"new"}


def test_the_folder_of_a_command_at_work_stays(tmp_path: Path) -> None:
    with scratch(tmp_path, "source-") as first, scratch(tmp_path, "source-") as second:
        assert first != second and first.is_dir() and second.is_dir()
