"""A folder takes another's place whole, wherever the swap is broken off."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise.dataset.arrival.replace import replacing
from segwise.errors import UsageError


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/ with one file, in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/old.txt").write_text("old")
    return Path("data")


def swap(target: Path, is_done: bool = True) -> None:
    with replacing(target, Path("state")) as making:
        (making.folder / "new.txt").write_text("new")
        making.is_done = is_done


def names(target: Path) -> list[str]:
    return [path.name for path in target.iterdir()]


def test_the_new_folder_takes_the_place_once_it_is_done(target: Path) -> None:
    swap(target, is_done=False)
    assert names(target) == ["old.txt"]
    swap(target)
    assert names(target) == ["new.txt"]
    assert names(Path("state")) == ["lock"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(5, "Input/output error")])
@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rename_that_fails_loses_nothing(
    target: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, failing: int, when: str
) -> None:
    rename, calls = Path.rename, [0]

    def broken(self: Path, other: Path) -> Path:
        calls[0] += 1
        if calls[0] != failing:
            return rename(self, other)
        if when == "after":
            rename(self, other)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", broken)
        with pytest.raises(type(error)):
            swap(target)
    assert names(target) in (["old.txt"], ["new.txt"])
    swap(target)
    assert names(target) == ["new.txt"]


def test_when_even_the_way_back_fails_the_old_folder_is_kept_for_the_next_run(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = Path.rename, [0]

    def broken(self: Path, other: Path) -> Path:
        calls[0] += 1
        if calls[0] > 1:
            raise OSError(5, "Input/output error")
        return rename(self, other)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", broken)
        with pytest.raises(OSError, match="Input/output"):
            swap(target)
    assert not target.exists()
    swap(target, is_done=False)
    assert names(target) == ["old.txt"]


def test_a_link_is_refused_and_stays(target: Path) -> None:
    target.rename("big")
    target.symlink_to("big")
    with pytest.raises(UsageError, match="link"):
        swap(target)
    assert target.is_symlink()
    assert names(Path("big")) == ["old.txt"]
