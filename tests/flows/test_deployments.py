"""A schedule really fires, on a real local server, and does what the bare command does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.flows.conftest import ROOT, dvc


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_scheduled_run_fires_leaves_the_lock_of_dvc_repro_and_ends_with_its_server(
    make_repo: Callable[..., Path], tmp_path: Path
) -> None:
    scheduled, by_hand = make_repo("scheduled"), make_repo("hand")
    dvc(by_hand, "repro")
    command = [sys.executable, "-m", "flows.deployments", "--root", str(scheduled)]
    command += ["--interval", "5", "--port", str(_free_port())]
    env = os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")}
    log = tmp_path / "schedule.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 100
        while not (scheduled / "last.txt").exists() and time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            time.sleep(0.3)
        while "last.txt" not in _text(scheduled / "dvc.lock") and time.monotonic() < deadline:
            time.sleep(0.1)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    finally:
        process.kill()
    assert (scheduled / "dvc.lock").read_bytes() == (by_hand / "dvc.lock").read_bytes(), log.read_text()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_taken_port_is_told_as_busy() -> None:
    from flows.deployments import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 6


@pytest.mark.parametrize("given", [["--cron", "every night"], ["--cron", "0 99 * * *"], ["--timezone", "Mars/North"]])
def test_a_schedule_that_is_none_is_a_usage_error(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from flows.deployments import main

    assert main(given) == 2
    assert "five cron fields" in capsys.readouterr().err


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
