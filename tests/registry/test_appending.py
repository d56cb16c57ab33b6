"""One writer at a time, and of two that decided upon the same state only the first."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segwise import registry
from segwise.errors import BusyError, IntegrityError, UsageError
from segwise.registry import head, writing
from tests.registry.events import add, promote

REPO = Path(__file__).resolve().parents[2]


def test_of_two_promotions_decided_upon_the_same_state_the_second_is_told_who_won(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    promote(path, "d" * 64, expected_seq=1, actor="grace", reason="better on the March data")
    before = path.read_bytes()
    with pytest.raises(BusyError) as caught:
        promote(path, "c", expected_seq=1)
    assert "promote dddddddddddd by grace (better on the March data), event 2" in caught.value.came
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["promote", "rollback", "amend"])
def test_a_switch_or_an_amendment_since_then_refuses(tmp_path: Path, kind: registry.Kind) -> None:
    path = tmp_path / "events.jsonl"
    add(path, kind, {"digest": "a"})
    with pytest.raises(BusyError, match="event 1"):
        promote(path, "b", expected_seq=0)


@pytest.mark.parametrize("kind", ["data", "run", "test_read", "gate", "approval", "hold", "inconclusive"])
def test_what_changes_no_champion_does_not_refuse(tmp_path: Path, kind: registry.Kind) -> None:
    path = tmp_path / "events.jsonl"
    add(path, kind, {"digest": "a"})
    assert promote(path, "b", expected_seq=0).seq == 2


def test_a_decision_upon_the_newest_record_goes_through(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for number in range(3):
        assert promote(path, f"{number}", expected_seq=number).seq == number + 1


def test_a_log_shorter_than_what_was_decided_upon_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    with pytest.raises(IntegrityError, match="record 2, which is gone"):
        promote(path, "b", expected_seq=2)


PROMOTER = """
import sys
from segwise import registry
from segwise.errors import BusyError
sys.stdin.readline()
try:
    with registry.locked():
        who, seq = sys.argv[1], int(sys.argv[2])
        registry.append("promote", {"digest": who}, {}, "p" + who, "race", expected_seq=seq)
    print("won")
except BusyError as error:
    print(error.came)
"""


@pytest.mark.parametrize(("num_processes", "num_rounds"), [(2, 2), (8, 1)])
def test_of_promotions_at_once_exactly_one_wins_and_the_others_name_it(
    tmp_path: Path, num_processes: int, num_rounds: int
) -> None:
    (tmp_path / "registry").mkdir()
    env = {**os.environ, "PYTHONPATH": str(REPO / "src")}
    for seq in range(num_rounds):
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", PROMOTER, f"{n}", f"{seq}"],
                cwd=tmp_path,
                env=env,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for n in range(num_processes)
        ]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        said = [racer.communicate(timeout=60)[0].strip() for racer in racers]
        winner = said.index("won")
        losers = [words for n, words in enumerate(said) if n != winner]
        assert losers == [f"promote {winner} by p{winner} (race), event {seq + 1}"] * (num_processes - 1)
    assert len(registry.read(tmp_path / registry.EVENTS)) == num_rounds


def test_what_could_never_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    before = path.read_bytes()
    for subject, details in (({"digest": 3}, {}), ({}, {"f1": float("nan")}), ({}, {"path": Path()})):
        with pytest.raises((TypeError, ValueError)):
            add(path, "hold", subject, details=details)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match="no event"):
        add(path, "party", {})  # type: ignore[arg-type]  # on purpose
    assert path.read_bytes() == before


def test_an_event_is_returned_as_it_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = add(path, "hold", {"digest": "a"}, details={"checks": ({"f1": 0.7}, None), 3: "é\ud800"})
    assert registry.read(path) == (event,)
    assert event.details == {"checks": [{"f1": 0.7}, None], "3": "é\ud800"}


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_event_without_actor_or_reason_is_refused(tmp_path: Path, text: str) -> None:
    for about in ({"actor": text}, {"reason": text}):
        with pytest.raises(UsageError, match=f"--{next(iter(about))}"):
            promote(tmp_path / "events.jsonl", "a", **about)
    assert not (tmp_path / "events.jsonl").exists()


@pytest.mark.parametrize("when", ["half written", "at the sync"])
def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    before, write = path.read_bytes(), os.write

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if when == "half written":
            patch.setattr(writing.os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
        else:
            patch.setattr(writing.os, "fsync", full)
        with pytest.raises(OSError, match=r"disk took only part|No space left") as caught:
            promote(path, "b")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert promote(path, "b").seq == 2


def test_a_record_is_synced_before_anybody_is_told_and_so_is_the_folder_of_a_new_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def told(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(writing.os, "fsync", told)
    path = tmp_path / "log" / "events.jsonl"
    promote(path, "a")
    assert synced == ["events.jsonl", "log"]
    promote(path, "b")
    assert synced == ["events.jsonl", "log", "events.jsonl"]


@pytest.mark.parametrize("now", ["1999-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00", ""])
def test_a_clock_that_jumps_changes_no_order_and_no_champion(
    tmp_path: Path, now: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    promote(path, "a")
    monkeypatch.setattr(writing, "now", lambda: now)
    promote(path, "b", expected_seq=1)
    monkeypatch.undo()
    promote(path, "c", expected_seq=2)
    events = registry.read(path)
    assert [event.digest for event in events] == ["a", "b", "c"]
    assert events[1].at == now
    assert registry.previous(events) == events[1]


def test_without_git_or_outside_a_repository_the_revision_is_empty_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert promote(Path("events.jsonl"), "a").git_revision == ""
    monkeypatch.setenv("PATH", "")
    assert promote(Path("events.jsonl"), "b").git_revision == ""
    assert len(registry.read(Path("events.jsonl"))) == 2


def test_in_a_repository_with_uncommitted_changes_the_commit_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert promote(Path("events.jsonl"), "a").git_revision == "", "no commit yet"
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head_now = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    Path("dirty").write_text("not committed")
    assert promote(Path("events.jsonl"), "b").git_revision == head_now


def test_the_newest_record_is_remembered_on_this_machine_and_a_failure_to_do_so_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert head.remembered() == ()
    event = promote(registry.EVENTS, "a")
    assert head.remembered() == (event.sha256,)
    assert head.HEAD.read_text() == f"1 {event.sha256}\n"
    head.HEAD.unlink()
    head.HEAD.mkdir()
    assert promote(registry.EVENTS, "b").seq == 2
    assert "head was not kept" in caplog.text
    assert len(registry.read()) == 2
