"""The parts of the flows that need no Prefect."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.dag import Stage, read_dag
from flows.environment import settings
from flows.process import (
    Finished,
    Processes,
    StageFailedError,
    StoppedError,
    end_remembered,
    remember,
    repair_rwlock,
    reproduce,
)
from flows.progress import clock, time_left_s
from flows.record import Record
from flows.summary import reason_of, rows
from segwise.errors import BusyError, GateRefusedError, InconclusiveError, UsageError
from tests.flows.conftest import dvc


def test_time_left_is_the_longest_chain_or_the_work_divided_by_the_workers() -> None:
    stages = [Stage("a", ()), Stage("b", ("a",)), Stage("c", ("a",)), Stage("d", ("b", "c"))]
    assert time_left_s(stages, {"a": 1, "b": 10, "c": 2, "d": 1}, jobs=2) == 12
    assert time_left_s(stages, {"b": 10, "c": 10}, jobs=1) == 20
    assert time_left_s(stages, {}, jobs=2) == 0


def test_durations_are_said_as_people_say_them() -> None:
    assert [clock(5.4), clock(185)] == ["5 s", "3:05 min"]


def test_a_stage_that_measures_time_waits_for_everything_that_does_not_wait_for_it(tmp_path: Path) -> None:
    dvc(tmp_path, "init", "-q", "--no-scm")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n"
        "  make: {cmd: 'true', outs: [m]}\n"
        "  time: {cmd: 'true', deps: [m], outs: [t], meta: {alone: true}}\n"
        "  other: {cmd: 'true', deps: [m], outs: [o]}\n"
        "  judge: {cmd: 'true', deps: [t], outs: [j]}\n"
    )
    after = {stage.name: stage.after for stage in read_dag(tmp_path)}
    assert after == {"make": (), "other": ("make",), "time": ("make", "other"), "judge": ("time",)}
    assert list(after).index("time") > list(after).index("other")


def test_a_broken_pipeline_file_is_told_without_a_traceback(tmp_path: Path) -> None:
    dvc(tmp_path, "init", "-q", "--no-scm")
    (tmp_path / "dvc.yaml").write_text("stages:\n  make: {comand: 'true'}\n")
    with pytest.raises(UsageError, match="a pipeline DVC can read"):
        read_dag(tmp_path)


def test_a_process_that_runs_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    lines: list[str] = []
    begin = time.monotonic()
    finished = Processes(tmp_path).run(["sh", "-c", "echo hello; sleep 100 & sleep 100"], lines.append, timeout_s=1)
    assert lines == ["hello"]
    assert finished.code != 0
    assert "longer than 1 s" in finished.lines[-1]
    assert time.monotonic() - begin < 20


def test_progress_bars_are_split_into_lines_and_nothing_starts_after_a_stop(tmp_path: Path) -> None:
    lines: list[str] = []
    processes = Processes(tmp_path)
    processes.run([sys.executable, "-c", r"print('1 %\r2 %\r3 %')"], lines.append, timeout_s=30)
    assert lines == ["1 %", "2 %", "3 %"]
    processes.stop()
    with pytest.raises(StoppedError):
        processes.run(["true"], lines.append, timeout_s=30)


def test_only_a_torn_lock_file_is_removed(tmp_path: Path) -> None:
    lock = tmp_path / ".dvc" / "tmp" / "rwlock"
    assert not repair_rwlock(tmp_path)
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")
    assert not repair_rwlock(tmp_path)
    lock.write_text('{"write": {"a')
    assert repair_rwlock(tmp_path)
    assert not lock.exists()


def test_the_exit_code_is_the_worst_reason_not_the_last(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert record.exit_code() == 0
    record.failed("promote", GateRefusedError("a", "b", "c"))
    assert record.exit_code() == 3
    record.failed("report", BusyError("a", "b", "c"))
    assert record.exit_code() == 6


def test_the_environment_switches_reporting_home_off_and_leaves_what_a_user_chose(tmp_path: Path) -> None:
    out = settings(tmp_path, {"PREFECT_HOME": "/elsewhere", "PATH": "/usr/bin"})
    assert "PREFECT_HOME" not in out
    assert out["DO_NOT_TRACK"] == "1"
    assert out["OMP_WAIT_POLICY"] == "passive"
    assert out["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_hold_and_inconclusive_are_verdicts_of_a_run_and_not_failures(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.failed("promote", InconclusiveError("a", "b", "c"))
    assert (record.outcomes["promote"], record.exit_code()) == ("inconclusive", 7)
    record.failed("promote", GateRefusedError("a", "b", "c"))
    assert (record.outcomes["promote"], record.exit_code()) == ("held", 3)
    assert record.ended_well("promote")


def test_a_package_that_was_judged_is_judged_anew_only_after_something_changed(tmp_path: Path) -> None:
    from flows.pipeline import was_judged
    from segwise import registry
    from segwise.spec import sha256_of

    package = tmp_path / "work" / "package" / "segwise.bento"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"new")

    def event(kind: registry.Kind, sha256: str) -> None:
        registry.append(kind, {"bento_sha256": sha256}, {}, "ada", "test", path=tmp_path / registry.EVENTS)

    assert not was_judged(tmp_path)
    for kind in ("hold", "inconclusive"):
        event(kind, sha256_of(package))
        event("test_read", "")
        assert was_judged(tmp_path)
        event("amend", "")
        assert not was_judged(tmp_path)
        event(kind, "another")
        assert not was_judged(tmp_path)
    event("hold", sha256_of(package))
    event("rollback", "old")
    assert not was_judged(tmp_path)


def test_a_package_that_somebody_rolled_back_is_not_promoted_again_by_itself(tmp_path: Path) -> None:
    from flows.pipeline import was_rolled_back
    from segwise import registry
    from segwise.spec import sha256_of

    package = tmp_path / "work" / "package" / "segwise.bento"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"new")

    def event(kind: registry.Kind, sha256: str) -> None:
        subject = {"digest": "d" + sha256, "bento_sha256": sha256}
        registry.append(kind, subject, {}, "ada", "test", path=tmp_path / registry.EVENTS)

    assert not was_rolled_back(tmp_path)
    event("promote", "old")
    event("promote", sha256_of(package))
    assert not was_rolled_back(tmp_path)
    event("rollback", "old")
    assert was_rolled_back(tmp_path)
    event("rollback", "older")
    assert was_rolled_back(tmp_path), "a second rollback does not bring the first one's package back"
    package.write_bytes(b"newer")
    assert not was_rolled_back(tmp_path)
    event("promote", sha256_of(package))
    package.write_bytes(b"new")
    assert not was_rolled_back(tmp_path), "since then somebody promoted again"


def test_nothing_changed_is_only_said_if_the_last_run_made_the_lock_and_its_package_is_the_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import pipeline
    from segwise import registry
    from segwise.spec import sha256_of

    package, events = tmp_path / pipeline.PACKAGE, tmp_path / registry.EVENTS
    for path, text in {
        package: "bento",
        tmp_path / "dvc.lock": "one",
        tmp_path / "work/report/index.html": "report",
        tmp_path / "work/gate/verdict.json": '{"winner": "hybrid", "why": "it passed"}',
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(pipeline, "changed_stages", lambda *_: set())
    record = Record(tmp_path)
    record.done("gate", "ran")
    record.done("report", "done")
    record.keep_lock()

    assert not pipeline._is_up_to_date(tmp_path, ()), "nothing is promoted, or the registry was lost"
    subject = {"digest": "d", "bento_sha256": sha256_of(package)}
    registry.append("promote", subject, {}, "ada", "test", path=events)
    assert pipeline._is_up_to_date(tmp_path, ())
    (tmp_path / "dvc.lock").write_text("two")
    assert not pipeline._is_up_to_date(tmp_path, ()), "`dvc repro` ran since"


def test_a_failed_stage_is_told_with_its_remedy(tmp_path: Path) -> None:
    lines = ("Running stage", "segwise split: expected images; got none.", "  → add some", "ERROR: exited with 4")
    processes = Processes(tmp_path)
    processes.run = lambda *_: Finished(1, lines)  # type: ignore[method-assign]  # DVC's part, played
    with pytest.raises(StageFailedError) as failed:
        reproduce(processes, "split", print, 1.0)
    assert failed.value.exit_code == 4
    assert "got none. → add some" in str(failed.value)


def test_a_process_is_ended_by_its_record_unless_its_number_was_given_to_another(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "100"], start_new_session=True)
    try:
        created, record = psutil.Process(process.pid).create_time(), tmp_path / "state" / "server.json"
        remember(record, {process.pid: created - 60})
        assert end_remembered(record) == 0
        assert process.poll() is None
        remember(record, {process.pid: created})
        assert end_remembered(record) == 1
        assert process.wait(timeout=10) != 0
        assert not record.exists()
    finally:
        process.kill()


def test_an_error_nobody_foresaw_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows import pipeline

    def fail(*_: object) -> None:
        raise RuntimeError("the server\ndid not start")

    monkeypatch.setattr(pipeline, "read_dag", fail)
    assert pipeline.main(["--root", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert "RuntimeError: the server did not start" in shown
    assert shown.count("\n") == 1


def test_a_page_that_refuses_the_table_does_not_fail_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from flows import pipeline

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("server busy")

    said: list[str] = []
    monkeypatch.setattr(pipeline, "create_markdown_artifact", refuse)
    pipeline._show_on_page(SimpleNamespace(root=tmp_path, progress=SimpleNamespace(say=said.append)))  # type: ignore[arg-type]
    assert "server busy" in said[0]


def test_the_table_says_what_the_gate_says_of_each_approach(tmp_path: Path) -> None:
    words = {"semantic": "hold", "hybrid": "inconclusive", "instance": "promote"}
    for approach in words:
        (tmp_path / "work/evaluate" / approach).mkdir(parents=True)
        (tmp_path / "work/evaluate" / approach / "metrics.json").write_text('{"miou": 0.9}')
    (tmp_path / "work/gate").mkdir()
    for winner, last in ((None, "passed"), ("instance", "winner")):
        verdict = {"winner": winner, "approaches": {name: {"verdict": word} for name, word in words.items()}}
        (tmp_path / "work/gate/checks.json").write_text(json.dumps(verdict))
        assert [(row[0], row[-1]) for row in rows(tmp_path)] == [
            ("semantic", "failed"), ("hybrid", "not proven"), ("instance", last)
        ]  # fmt: skip


def test_the_reason_for_no_promotion_is_what_promote_said() -> None:
    said = "expected the criteria of then; got gate.min_f1: 0.75 → 0.65.   → put them back"
    message = f"expected stage promote to succeed; got segwise promote: {said}.\n  → correct the cause"
    assert reason_of(message) == "expected the criteria of then; got gate.min_f1: 0.75 → 0.65. → put them back."
