"""The flow and the bare command do the same; siblings overlap; a failure is named; nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.flows.conftest import ROOT, STEP, dvc

MakeRepo = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("prefect_server")

FAILING = """
stages:
  good: {cmd: python step.py good 0, outs: [good.txt]}
  bad: {cmd: "echo 'segwise bad: expected nuclei; got none' >&2; exit 4", outs: [bad.txt]}
  after: {cmd: cp bad.txt after.txt, deps: [bad.txt], outs: [after.txt]}
"""


def _run(folder: Path) -> tuple[int, dict[str, str]]:
    from flows.pipeline import main
    from flows.record import read

    code = main(["--root", str(folder), "--jobs", "2"])
    return code, read(folder)["outcomes"]


def _start(folder: Path, until: str) -> subprocess.Popen[str]:
    """A run in a process of its own, on the tests' server; returns when its stage says `until`."""
    from prefect.settings import PREFECT_API_URL

    command = [sys.executable, "-m", "flows.pipeline", "--root", str(folder)]
    env = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen(command, cwd=ROOT, env=env, text=True, start_new_session=True, **pipes)
    assert run.stdout is not None
    assert any(until in line for line in run.stdout)
    return run


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_flow_leaves_the_lock_file_that_dvc_repro_leaves(make_repo: MakeRepo) -> None:
    by_flow, by_hand = make_repo("flow"), make_repo("hand")
    dvc(by_hand, "repro")

    code, outcomes = _run(by_flow)

    assert code == 0
    assert outcomes == dict.fromkeys(["first", "left", "right", "last"], "ran")
    assert (by_flow / "dvc.lock").read_bytes() == (by_hand / "dvc.lock").read_bytes()


def test_siblings_run_side_by_side_and_what_is_unchanged_does_not_run_again(make_repo: MakeRepo) -> None:
    folder = make_repo()
    _run(folder)
    spans = {n: [float(t) for t in (folder / ".spans" / n).read_text().split()] for n in ("left", "right")}
    assert max(spans["left"][0], spans["right"][0]) < min(spans["left"][1], spans["right"][1])

    assert set(_run(folder)[1].values()) == {"unchanged"}

    (folder / "params.yaml").write_text("left: 1\nright: 2\n")
    _, outcomes = _run(folder)
    assert outcomes["right"] == "ran"
    assert outcomes["left"] == outcomes["first"] == outcomes["last"] == "unchanged"

    (folder / "params.yaml").write_text("left: 1\nright: 1\n")
    assert _run(folder)[1]["right"] == "restored"


def test_a_failed_stage_fails_the_run_with_its_own_exit_code_and_stops_what_depends_on_it(
    make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.pipeline import pipeline

    folder = make_repo(pipeline=FAILING)
    code, outcomes = _run(folder)

    assert code == 4
    assert outcomes == {"good": "ran", "bad": "failed"}
    assert not (folder / "after.txt").exists()
    shown = capsys.readouterr()
    assert "expected nuclei; got none" in shown.err
    assert "bad failed" in shown.err
    assert "Traceback" not in shown.err + shown.out

    state = pipeline(root=str(folder), jobs=2, return_state=True)
    assert state.is_failed()


STALE = """
stages:
  first: {cmd: "false", outs: [first.txt]}
  gate: {cmd: cp first.txt gate.txt, deps: [first.txt], outs: [gate.txt]}
"""


def test_a_run_that_does_not_reach_the_gate_shows_no_figures_of_the_run_before(
    make_repo: MakeRepo, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_repo(pipeline=STALE)
    for name in ("gate/verdict.json", "evaluate/hybrid/metrics.json"):
        path = folder / "work" / name
        path.parent.mkdir(parents=True)
        path.write_text('{"winner": "hybrid", "why": "it passed", "num_images": 1}')
    code, outcomes = _run(folder)
    assert (code, outcomes) == (1, {"first": "failed"})
    shown = capsys.readouterr()
    assert "first failed" in shown.err
    assert "make serve" not in shown.out
    assert "Verdict" not in shown.out


def test_a_second_run_in_the_same_repository_is_refused_as_busy(make_repo: MakeRepo) -> None:
    from filelock import FileLock

    from flows.pipeline import main

    folder = make_repo()
    (folder / ".segwise").mkdir()
    with FileLock(folder / ".segwise" / "run.lock"):
        assert main(["--root", str(folder)]) == 6


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])  # Ctrl-C; Prefect's cancel
def test_an_interrupted_run_says_so_and_leaves_no_process_behind(make_repo: MakeRepo, how: int, code: int) -> None:
    folder = make_repo(pipeline="stages:\n  long: {cmd: python step.py long 300, outs: [long.txt]}\n")
    run = _start(folder, until="working on long")
    try:
        os.killpg(run.pid, how) if how == signal.SIGINT else run.send_signal(how)  # a terminal tells the whole group
        _, error = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == code, error
    assert "Traceback" not in error and "EventsWorker" not in error
    assert ("interrupted; the next run goes on from here" in error) == (how == signal.SIGINT)
    assert _processes_in(folder) == []


def test_a_run_after_a_kill_ends_what_was_left_and_goes_on_without_a_manual_step(make_repo: MakeRepo) -> None:
    folder = make_repo(pipeline="stages:\n  slow: {cmd: python step.py slow 300, outs: [slow.txt]}\n")
    run = _start(folder, until="working on slow")
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    for stream in (run.stdout, run.stderr):
        if stream:
            stream.close()
    left = _processes_in(folder)
    assert left, "the stage should have outlived its flow"
    (folder / ".dvc" / "tmp" / "rwlock").write_text('{"write": {"')
    (folder / "step.py").write_text(STEP.replace("time.sleep(seconds)", ""))

    code, outcomes = _run(folder)

    assert (code, outcomes) == (0, {"slow": "ran"})
    deadline = time.monotonic() + 10
    while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in left)
