"""Files that others rest on are whole or old, never half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise.spec import write_whole


def test_a_file_is_written_with_the_folders_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/record.json"
    write_whole(path, "µ = 1\n")
    assert path.read_bytes() == "µ = 1\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new" * 100_000 + "\ud800")  # no character: what goes before it reaches the disk
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_the_old_file_stays_until_the_new_one_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "record.json", list[str]()
    write_whole(path, "old")
    monkeypatch.setattr("os.fsync", lambda _: seen.append(path.read_text(encoding="utf-8")))
    write_whole(path, "new")
    assert [*seen, path.read_text(encoding="utf-8")] == ["old", "new"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_whole(path, "old")
    path.chmod(0o640)
    write_whole(path, "new")
    assert path.stat().st_mode & 0o777 == 0o640
