"""The registry keeps its order, notices every change and survives a killed writer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segwise import registry
from segwise.errors import BusyError, IntegrityError, UsageError


def add(path: Path, digest: str, kind: registry.Kind = "promote", **about: Any) -> registry.Event:
    subject = {"digest": digest, "bento_sha256": "b" + digest}
    about = {"actor": "ada", "reason": "it passed", "details": {"approach": "hybrid"}, **about}
    return registry.append(kind, subject, path=path, **about)


def log(tmp_path: Path, *digests: str) -> Path:
    path = tmp_path / "events.jsonl"
    for digest in digests:
        add(path, digest)
    return path


def test_no_log_means_no_champion(tmp_path: Path) -> None:
    assert registry.champion(registry.read(tmp_path / "events.jsonl")) is None


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    events = registry.read(log(tmp_path, "a", "b", "c"))
    assert [e.digest for e in events] == ["a", "b", "c"]
    assert [e.seq for e in events] == [1, 2, 3]


def test_order_comes_from_the_sequence_not_from_the_clock(tmp_path: Path) -> None:
    path = log(tmp_path, "a")
    add(path, "b")
    champion = registry.champion(registry.read(path))
    assert champion is not None
    assert champion.digest == "b"


def test_rolling_back_twice_walks_back_two_promotions(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b", "c")
    seen = []
    while (back := registry.previous(registry.read(path))) is not None:
        seen.append(back.digest)
        add(path, back.digest, "rollback")
    champion = registry.champion(registry.read(path))
    assert seen == ["b", "a"]
    assert champion is not None
    assert champion.digest == "a"


def test_a_promotion_after_a_rollback_can_be_rolled_back_to_the_same_place(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b")
    add(path, "a", "rollback")
    add(path, "c")
    back = registry.previous(registry.read(path))
    assert back is not None
    assert back.digest == "a"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_any_changed_record_is_named(tmp_path: Path, number: int) -> None:
    path = log(tmp_path, "a", "b", "c", "d")
    lines = path.read_text().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace("it passed", "it failed")
    path.write_text("".join(lines))
    with pytest.raises(IntegrityError, match=f"record {number}, which .* was changed"):
        registry.read(path)


@pytest.mark.parametrize(
    ("edit", "record"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1]], 2),
        (lambda lines: [*lines[:2], lines[1]], 3),
        (lambda lines: [lines[0], "not json\n", lines[2]], 2),
        (lambda lines: [lines[0], lines[1].replace('{"', '{ "', 1), lines[2]], 2),
    ],
    ids=["removed", "swapped", "repeated", "garbage", "reformatted"],
)
def test_the_first_bad_record_is_named(tmp_path: Path, edit: object, record: int) -> None:
    path = log(tmp_path, "a", "b", "c")
    path.write_text("".join(edit(path.read_text().splitlines(keepends=True))))  # type: ignore[operator]  # a lambda
    with pytest.raises(IntegrityError, match=f"record {record}, which"):
        registry.read(path)


@pytest.mark.parametrize("kept", [1, 19, -1])
def test_a_torn_last_record_is_warned_about_and_removed_by_the_next(
    tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = log(tmp_path, "a", "b", "c")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][: kept - (kept < 0)])
    assert [e.digest for e in registry.read(path)] == ["a", "b"]
    assert "torn record 3" in caplog.text
    add(path, "d")
    caplog.clear()
    assert [e.digest for e in registry.read(path)] == ["a", "b", "d"]
    assert caplog.text == ""


def test_a_last_record_that_lacks_only_its_newline_counts(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b")
    path.write_bytes(path.read_bytes()[:-1])
    assert [e.digest for e in registry.read(path)] == ["a", "b"]
    add(path, "c")
    assert [e.digest for e in registry.read(path)] == ["a", "b", "c"]


def test_a_torn_tail_hides_no_damage_before_it(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b")
    damaged = path.read_bytes().replace(b"it passed", b"it failed", 1) + b'{"actor"'
    path.write_bytes(damaged)
    for act in (registry.read, lambda p: add(p, "c")):
        with pytest.raises(IntegrityError, match="record 1, which"):
            act(path)
    assert path.read_bytes() == damaged


def test_a_damaged_last_record_that_was_whole_is_an_error(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b")
    path.write_bytes(path.read_bytes()[:-9] + b"\n")
    with pytest.raises(IntegrityError, match="record 2, which"):
        registry.read(path)


def test_every_line_is_canonical_json(tmp_path: Path) -> None:
    path = log(tmp_path, "a", "b")
    for line in path.read_text().splitlines():
        assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))


def test_a_second_holder_is_told_that_the_registry_is_busy(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    acquire = f"held = filelock.FileLock({str(lock)!r}); held.acquire(); print('held', flush=True)"
    code = f"import filelock, time; {acquire}; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError), registry.locked(lock, timeout_s=0.1):
            pass
        holder.kill()
    with registry.locked(lock, timeout_s=5):
        assert lock.exists()


def test_an_empty_reason_is_refused() -> None:
    with pytest.raises(UsageError, match="--reason"):
        registry.require_text(actor="ada", reason="  ")
