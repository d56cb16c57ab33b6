"""What a reviewer sees of the registry: history, audit, approvals, criteria, through the command line."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwise import cli, registry
from segwise.registry import head
from segwise.spec import sha256_of
from tests.registry.events import add
from tests.report.html import outside

REPO = Path(__file__).resolve().parents[2]
DIGEST = "ab12cd34" + "0" * 56
EVIL = '<script>alert(1)</script> & "it\'s"'


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(REPO / "params.yaml", "params.yaml")
    return tmp_path


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command line; its exit code and what it wrote."""

    def run(*arguments: str) -> tuple[int, str]:
        code = cli.main(list(arguments))
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def keep(text: bytes) -> str:
    """An archive in the store; returns its SHA-256."""
    store = Path(".segwise/store")
    store.mkdir(parents=True, exist_ok=True)
    (store / "new").write_bytes(text)
    sha256 = sha256_of(store / "new")
    (store / "new").rename(store / f"{sha256}.bento")
    return sha256


def record() -> str:
    """A training, a promotion and a hold; returns the promoted archive's SHA-256."""
    sha256 = keep(b"archive")
    add(registry.EVENTS, "run", {"network": "dense"}, actor="pipeline")
    add(registry.EVENTS, "promote", {"digest": DIGEST, "bento_sha256": sha256}, details={"approach": "hybrid"})
    add(registry.EVENTS, "hold", {"digest": "f" * 64}, reason=EVIL)
    return sha256


def test_history_shows_every_event_or_those_of_a_kind(say: Callable[..., tuple[int, str]]) -> None:
    assert say("history") == (0, "nothing was recorded yet\n")
    assert say("history", "--kind", "hold") == (0, "no hold was recorded yet\n")
    record()
    code, told = say("history")
    lines = told.splitlines()
    assert code == 0
    assert [line.split()[2] for line in lines] == ["run", "promote", "hold"]
    assert "ab12cd340000" in lines[1]
    assert "hybrid" in lines[1]
    assert lines[0].endswith("dense     pipeline: test")
    code, told = say("history", "--kind", "promote", "--json")
    assert [event["seq"] for event in json.loads(told)["events"]] == [2]
    assert json.loads(told)["champion"] == DIGEST


def test_no_reason_can_look_like_another_event(say: Callable[..., tuple[int, str]]) -> None:
    add(registry.EVENTS, "hold", {"digest": DIGEST}, reason="no\n   2  2026-03-01  promote  \x1b[2K\r“é”")
    code, told = say("history")
    assert (code, told.count("\n")) == (0, 1)
    assert told.endswith(r"no\n   2  2026-03-01  promote  \x1b[2K\r“é”" + "\n")


def test_an_audit_prints_the_newest_hash_and_counts_what_it_verified(say: Callable[..., tuple[int, str]]) -> None:
    assert say("audit", "verify") == (0, "nothing was recorded yet: nothing to verify\n")
    record()
    newest = registry.read()[-1].sha256
    words = "3 events verified; 1 of 1 promoted archives are here and have their bytes"
    assert say("audit", "verify") == (0, f"{words}; held against the newest record seen here; head {newest}\n")
    assert head.remembered() == (newest,)
    code, told = say("audit", "verify", "--head", newest)
    assert (code, "held against the given head and the newest record seen here;" in told) == (0, True)


def test_an_audit_that_has_nothing_to_hold_the_end_against_says_so(say: Callable[..., tuple[int, str]]) -> None:
    record()
    head.HEAD.unlink()
    code, told = say("audit", "verify", "--json")
    assert (code, json.loads(told)["held_against"]) == (0, [])
    assert "held against nothing: an end that was cut off would not show" in told


def commit() -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "registry"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "the log"], check=True)


def test_what_git_holds_has_to_stand_at_the_beginning_of_the_log(say: Callable[..., tuple[int, str]]) -> None:
    record()
    commit()
    whole = registry.EVENTS.read_bytes()
    add(registry.EVENTS, "run", {"network": "dense"})
    head.HEAD.unlink()
    code, told = say("audit", "verify")
    assert (code, "held against git's last commit;" in told) == (0, True)
    written_on, lines = registry.EVENTS.read_bytes(), whole.splitlines(keepends=True)
    for damaged, words in {
        b"".join(lines[:2]): "record 3, which is gone",
        written_on[: len(whole) - 40]: "record 3, which was cut off",
        b"": "record 1, which is gone",
    }.items():
        head.HEAD.unlink(missing_ok=True)
        registry.EVENTS.write_bytes(damaged)
        code, told = say("audit", "verify")
        assert (code, words in told) == (5, True), told
        assert "keep a copy" in told or "the next event removes it" in told


def test_a_whole_log_written_anew_is_found_by_what_git_holds(say: Callable[..., tuple[int, str]]) -> None:
    record()
    commit()
    registry.EVENTS.unlink()
    head.HEAD.unlink()
    add(registry.EVENTS, "run", {"network": "dense"}, actor="pipeline", reason="other words")
    for _ in range(3):
        add(registry.EVENTS, "run", {"network": "dense"})
    code, told = say("audit", "verify")
    assert code == 5
    assert "record 1, which is another one than in git's last commit" in told


def test_an_end_that_was_cut_off_is_found_by_what_this_machine_saw(say: Callable[..., tuple[int, str]]) -> None:
    record()
    lines = registry.EVENTS.read_bytes().splitlines(keepends=True)
    registry.EVENTS.write_bytes(b"".join(lines[:2]))
    code, told = say("audit", "verify")
    assert code == 5
    assert "the end of the log was cut off" in told
    head.HEAD.unlink()
    assert say("audit", "verify")[0] == 0, "another machine cannot know"
    newest = json.loads(lines[2])["sha256"]
    code, told = say("audit", "verify", "--head", newest)
    assert code == 5
    assert newest in told
    registry.EVENTS.unlink()
    assert say("audit", "verify")[0] == 5, "the log is gone"


def test_an_audit_remembers_what_it_verified_in_a_clone(say: Callable[..., tuple[int, str]]) -> None:
    record()
    newest = head.remembered()
    head.HEAD.unlink()
    assert say("audit", "verify")[0] == 0
    assert head.remembered() == newest == (registry.read()[-1].sha256,)


def test_a_log_that_was_cut_and_then_written_on_still_shows_the_cut(say: Callable[..., tuple[int, str]]) -> None:
    record()
    hold = registry.read()[-1].sha256
    lines = registry.EVENTS.read_bytes().splitlines(keepends=True)
    registry.EVENTS.write_bytes(b"".join(lines[:2]))
    for _ in range(2):
        newest = add(registry.EVENTS, "run", {"network": "dense"})
        assert head.remembered() == (hold, newest.sha256)
    code, told = say("audit", "verify")
    assert code == 5
    assert hold in told
    registry.EVENTS.write_bytes(b"".join(lines))
    code, told = say("audit", "verify")
    assert code == 5, "what was written on is missing now"
    assert newest.sha256 in told
    head.HEAD.unlink()
    assert say("audit", "verify")[0] == 0


def test_an_archive_with_other_bytes_is_named_and_one_elsewhere_is_said(say: Callable[..., tuple[int, str]]) -> None:
    archive = Path(f".segwise/store/{record()}.bento")
    archive.write_bytes(b"archivf")
    code, told = say("audit", "verify")
    assert code == 5
    assert archive.stem in told
    archive.unlink()
    code, told = say("audit", "verify", "--json")
    assert code == 0
    assert json.loads(told)["archives"] == {archive.stem: "absent"}
    assert "0 of 1 promoted archives are here and have their bytes (1 not on this machine)" in told


@pytest.mark.parametrize("arguments", [("verify",), ("export", "--out", "a.html")])
def test_a_damaged_log_is_neither_verified_nor_exported(
    arguments: tuple[str, ...], say: Callable[..., tuple[int, str]]
) -> None:
    record()
    registry.EVENTS.write_bytes(registry.EVENTS.read_bytes().replace(b"pipeline", b"pipelime"))
    code, told = say("audit", *arguments)
    assert code == 5
    assert "record 1, which" in told
    assert not Path("a.html").exists()


def test_a_log_whose_end_was_cut_off_is_not_exported(say: Callable[..., tuple[int, str]]) -> None:
    record()
    registry.EVENTS.write_bytes(b"".join(registry.EVENTS.read_bytes().splitlines(keepends=True)[:2]))
    code, told = say("audit", "export", "--out", "a.html")
    assert (code, "cut off" in told) == (5, True)
    assert not Path("a.html").exists()


def test_a_record_that_is_just_being_written_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from segwise.registry import audit

    record()
    whole = registry.EVENTS.read_bytes()
    registry.EVENTS.write_bytes(whole[:-7])
    monkeypatch.setattr(audit.time, "sleep", lambda _: registry.EVENTS.write_bytes(whole))
    assert len(audit.settled()) == 3


def export(say: Callable[..., tuple[int, str]], kind: str) -> str:
    assert say("audit", "export", "--format", kind, "--out", f"out/a.{kind}")[0] == 0
    with Path(f"out/a.{kind}").open(encoding="utf-8", newline="") as file:
        return file.read()


def test_the_exports_hold_every_event_and_are_the_same_bytes_each_time(say: Callable[..., tuple[int, str]]) -> None:
    record()
    events = registry.read()
    from_json = json.loads(export(say, "json"))
    assert [(e["seq"], e["sha256"], e["reason"]) for e in from_json] == [(e.seq, e.sha256, e.reason) for e in events]
    rows = list(csv.DictReader(export(say, "csv").splitlines()))
    assert [row["kind"] for row in rows] == ["run", "promote", "hold"]
    assert json.loads(rows[1]["subject"]) == events[1].subject
    assert rows[2]["reason"] == EVIL
    for kind in ("json", "csv", "html"):
        assert export(say, kind) == export(say, kind)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"])
def test_a_spreadsheet_computes_nothing_of_what_people_wrote(text: str, say: Callable[..., tuple[int, str]]) -> None:
    add(registry.EVENTS, "hold", {}, reason=text)
    (row,) = csv.DictReader(export(say, "csv").splitlines())
    assert row["reason"] == f"'{text}"


def test_the_page_names_champion_and_newest_hash_and_loads_and_runs_nothing(
    say: Callable[..., tuple[int, str]],
) -> None:
    record()
    text = export(say, "html")
    assert outside(text) == []
    assert text.count('<li id="event-') == 3
    assert text.index('id="event-3"') < text.index('id="event-1"'), "newest first"
    assert DIGEST in text
    assert registry.read()[-1].sha256 in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_of_an_empty_registry_says_so(say: Callable[..., tuple[int, str]]) -> None:
    assert "No package was promoted yet" in export(say, "html")


def test_two_people_approve_a_package_by_the_beginning_of_its_digest(say: Callable[..., tuple[int, str]]) -> None:
    record()
    code, told = say("approve", "AB12cd34", "--actor", "grace", "--reason", "read the report")
    assert (code, told) == (0, "ab12cd340000 is approved by grace (event 4)\n")
    assert say("approve", DIGEST, "--actor", "alan")[1] == "ab12cd340000 is approved by grace, alan (event 5)\n"
    code, told = say("approve", DIGEST, "--actor", "Grace")
    assert (code, told) == (0, "Grace has approved ab12cd340000 already: nothing to do\n")
    events = registry.read()
    assert len(events) == 5
    assert registry.approved(events, DIGEST, 2, promoter="ada")


def test_the_packaged_bento_can_be_approved_before_anything_was_promoted(say: Callable[..., tuple[int, str]]) -> None:
    manifest = Path("work/package/manifest.json")
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"winner": "hybrid"}')
    digest = sha256_of(manifest)
    assert say("approve", digest[:8], "--actor", "grace")[0] == 0
    assert registry.read()[0].digest == digest
    manifest.write_text('{"winner": null}')
    assert say("approve", sha256_of(manifest), "--actor", "grace")[0] == 2


@pytest.mark.parametrize("digest", ["ab12cd3", "ffff0000", "", "ab12cd341"])
def test_a_digest_that_names_no_package_or_is_too_short_is_refused(
    digest: str, say: Callable[..., tuple[int, str]]
) -> None:
    record()
    code, told = say("approve", digest, "--actor", "grace")
    assert code == 2
    assert "8 digits or more" in told
    assert len(registry.read()) == 3


def test_a_digest_that_names_two_packages_is_refused(say: Callable[..., tuple[int, str]]) -> None:
    record()
    Path(f".segwise/champions/{DIGEST[:-1]}1").mkdir(parents=True)
    code, told = say("approve", DIGEST[:10], "--actor", "grace")
    assert code == 2
    assert "with which 2 of 3 packages begin" in told


def limit(value: float) -> None:
    """Set the limit `gate.max_tolerance_used`."""
    text, count = re.subn(
        r"max_tolerance_used: [\d.]+", f"max_tolerance_used: {value}", Path("params.yaml").read_text()
    )
    assert count == 1
    Path("params.yaml").write_text(text, encoding="utf-8")


def begin(network: str = "dense") -> None:
    from segwise.params import load
    from segwise.registry import record as recording

    limit(1.0)
    Path("registry").mkdir(exist_ok=True)
    recording.before("train", network, load())


def test_the_criteria_show_what_is_frozen_since_when_and_what_differs_now(say: Callable[..., tuple[int, str]]) -> None:
    assert say("criteria") == (0, "nothing is frozen: no training was recorded yet\n")
    begin()
    code, told = say("criteria")
    assert code == 0
    assert re.fullmatch(r"dense +frozen as [0-9a-f]{12} since event 1 \(.*\); params.yaml says the same\n", told)
    limit(1.2)
    code, told = say("criteria")
    assert code == 0
    assert "changed in params.yaml since, so that nothing is promoted:\n  gate.max_tolerance_used: 1.0 → 1.2\n" in told
    assert len(registry.read()) == 1


def test_an_amendment_is_recorded_with_who_why_and_what(say: Callable[..., tuple[int, str]]) -> None:
    begin()
    limit(1.2)
    code, told = say("criteria", "--amend", "--actor", "ada")
    assert code == 2
    assert "--reason" in told
    code, told = say("criteria", "--amend", "--actor", "ada", "--reason", "the clinic accepts more")
    assert code == 0
    assert told.startswith("amended by event 2")
    event = registry.read()[-1]
    assert (event.kind, event.actor, event.reason) == ("amend", "ada", "the clinic accepts more")
    assert event.details["changes"] == ["gate.max_tolerance_used: 1.0 → 1.2 (frozen by event 1, dense)"]
    code, told = say("criteria", "--json")
    (shown,) = json.loads(told)["networks"]
    assert (shown["since_seq"], shown["began_seq"], shown["changes"]) == (2, 1, [])
    assert shown["criteria_sha256"] == json.loads(told)["now_sha256"]


def test_without_a_change_nothing_is_amended(say: Callable[..., tuple[int, str]]) -> None:
    arguments = ("criteria", "--amend", "--actor", "ada", "--reason", "by mistake")
    assert say(*arguments) == (0, "nothing is frozen: no training was recorded yet\n")
    begin()
    code, told = say(*arguments)
    assert code == 0
    assert told.startswith("nothing to amend: ")
    assert [event.kind for event in registry.read()] == ["run"]


def test_what_an_audit_is_given_is_what_is_used(say: Callable[..., tuple[int, str]]) -> None:
    with pytest.raises(SystemExit):
        say("audit")
    with pytest.raises(SystemExit):
        say("audit", "export")
    values: Any = cli.parser().parse_args(["audit", "export", "--out", "x.csv", "--format", "csv"])
    assert (values.format, values.out) == ("csv", Path("x.csv"))
