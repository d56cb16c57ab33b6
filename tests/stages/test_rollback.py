"""A rollback needs registry and store alone, and changes nothing unless the old package still is what it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from segwise import bundle, cli, golden, registry, store
from segwise.errors import BusyError, IntegrityError, UsageError
from segwise.stages import rollback
from tests.packages import promote


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing but a registry and a store: no data, no remote, no parameters, no git."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def promoted(root: Path, *texts: str) -> list[registry.Event]:
    return [promote(root / text, text) for text in texts]


def test_one_command_returns_to_the_champion_before_and_says_what_was_checked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = promoted(root, "a", "b")
    shutil.rmtree(store.STATE / "champions")
    assert cli.main(["rollback", "--actor", "grace", "--reason", "undercounts"]) == 0
    told = capsys.readouterr().out
    assert told == f"{first.digest[:12]} (event 1) is the champion again (event 3); no golden images in this package\n"
    folder, event = store.champion()
    assert (event.kind, event.actor, event.reason, event.subject) == ("rollback", "grace", "undercounts", first.subject)
    assert event.details == {
        "approach": "hybrid",
        "from_digest": second.digest,
        "to_seq": 1,
        "golden": "no golden images in this package",
    }
    assert bundle.verify(folder, first.digest)[0] == first.digest
    assert (folder / "src/model/model.onnx").read_text() == "a"


def test_rolling_back_goes_further_back_each_time_and_then_says_that_there_is_no_more(root: Path) -> None:
    first, second, _ = promoted(root, "a", "b", "c")
    assert rollback.run("ada", "r")["digest"] == second.digest
    assert rollback.run("ada", "r")["digest"] == first.digest
    with pytest.raises(UsageError, match="a champion before this one"):
        rollback.run("ada", "r")
    assert len(registry.read()) == 5


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_champion_before_nothing_is_recorded(root: Path, count: int) -> None:
    promoted(root, *"a"[:count])
    with pytest.raises(UsageError, match="none in the registry"):
        rollback.run("ada", "r")
    assert len(registry.read()) == count


def test_a_package_that_answers_its_golden_images_otherwise_does_not_come_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = promoted(root, "a", "b")
    asked = []

    def other(folder: Path, *_: object) -> str:
        asked.append(folder.name)
        assert registry.champion(registry.read()) == second, "the old champion serves until then"
        raise IntegrityError("the recorded answer", "another class map", "restore it")

    monkeypatch.setattr(golden, "check", other)
    with pytest.raises(IntegrityError, match="another class map"):
        rollback.run("ada", "r")
    assert asked == [first.digest]
    assert store.champion()[1] == second
    assert (store.champion()[0] / "src/model/model.onnx").read_text() == "b"


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_lost_or_damaged_old_archive_leaves_the_champion_and_is_named(root: Path, damage: object) -> None:
    first, second = promoted(root, "a", "b")
    damage(store.STATE / "store" / f"{first.bento_sha256}.bento")  # type: ignore[operator]  # a lambda
    with pytest.raises(IntegrityError, match=first.bento_sha256):
        rollback.run("ada", "r")
    assert store.champion()[1] == second
    assert len(registry.read()) == 2


def test_a_damaged_champion_is_no_hindrance(root: Path) -> None:
    first, second = promoted(root, "a", "b")
    (store.STATE / "store" / f"{second.bento_sha256}.bento").unlink()
    shutil.rmtree(store.STATE / "champions" / second.digest)
    assert rollback.run("ada", "r")["digest"] == first.digest
    assert store.champion()[1].digest == first.digest


def test_an_archive_of_another_package_under_this_digest_is_refused(root: Path) -> None:
    (first,) = promoted(root, "a")
    subject = {"digest": "0" * 64, "bento_sha256": first.bento_sha256}
    registry.append("promote", subject, {}, "mallory", "the digest of another package")
    promoted(root, "b")
    with pytest.raises(IntegrityError, match="a package with the digest 0000"):
        rollback.run("ada", "r")
    assert len(registry.read()) == 3


def test_a_rollback_killed_before_its_record_changes_nothing_and_the_next_succeeds(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = promoted(root, "a", "b")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            rollback.run("ada", "r")
    assert store.champion()[1] == second
    assert rollback.run("ada", "r")["digest"] == first.digest


def test_while_somebody_holds_the_registry_a_rollback_waits_and_then_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(root, "a", "b")
    locked = registry.locked
    monkeypatch.setattr(registry, "locked", lambda: locked(timeout_s=0.05))
    with locked(), pytest.raises(BusyError, match="the registry to be free"):
        rollback.run("ada", "r")
    assert len(registry.read()) == 2
