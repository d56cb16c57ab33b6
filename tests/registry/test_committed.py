"""What git's last commit holds of the log has to stand at its beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise.errors import IntegrityError
from segwise.registry import committed

LOG = Path("registry/events.jsonl")


@pytest.mark.parametrize(
    ("kept", "here", "expected"),
    [
        (b"", b"a\n", None),
        (b"a", b"", None),  # its writer was killed: it never was in force
        (b"a\n", b"a\n", 1),
        (b"a\nb\n", b"a\nb\nc\n", 2),
        (b"a\nb", b"a\nc\n", 1),
        (b"a\nb\n", b"a\nb\nc", 2),
    ],
)
def test_a_log_that_goes_on_from_it_is_fine(
    kept: bytes, here: bytes, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "_committed", lambda _: kept)
    assert committed.require(here) == expected


@pytest.mark.parametrize(
    ("kept", "here", "words"),
    [
        (b"a\n", b"", "record 1, which is gone"),
        (b"a\n", b"x\n", "record 1, which is another one"),
        (b"a\nb\n", b"a\n", "record 2, which is gone"),
        (b"a\nb\n", b"a\nb", "record 2, which is gone"),
        (b"a\nb\n", b"a\nx\n", "record 2, which is another one"),
        (b"a\nb\nc\n", b"b\na\nc\n", "record 1, which is another one"),
        (b"a\nb\nc\n", b"a\nc\n", "record 2, which is another one"),
    ],
)
def test_the_first_record_that_is_gone_or_another_one_is_named(
    kept: bytes, here: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "_committed", lambda _: kept)
    with pytest.raises(IntegrityError, match=words):
        committed.require(here)


def test_without_git_or_outside_a_repository_nothing_is_held_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert committed.require(b"a\n", LOG) is None
    monkeypatch.setenv("PATH", "")
    assert committed.require(b"a\n", LOG) is None
