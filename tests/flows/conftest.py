"""Tiny DVC repositories whose stages take a moment, and a Prefect of the tests' own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DIAMOND = """
stages:
  first:
    cmd: echo one > first.txt
    outs: [first.txt]
  left:
    cmd: python step.py left 1
    deps: [first.txt]
    params: [left]
    outs: [left.txt]
  right:
    cmd: python step.py right 1
    deps: [first.txt]
    params: [right]
    outs: [right.txt]
  last:
    cmd: cat left.txt right.txt > last.txt
    deps: [left.txt, right.txt]
    outs: [last.txt]
"""

STEP = """
import pathlib, sys, time
name, seconds = sys.argv[1], float(sys.argv[2])
begin = time.time()
print("working on", name, flush=True)
time.sleep(seconds)
pathlib.Path(name + ".txt").write_text(name + "\\n")
pathlib.Path(".spans").mkdir(exist_ok=True)
pathlib.Path(".spans", name).write_text(f"{begin} {time.time()}")
"""


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC there, with our environment's `python` first on the PATH as the flow does."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "dvc", *arguments]
    env = os.environ | {"PATH": path}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Ctrl-C reaches the runs that tests start, also where the tests were started with it ignored (`… &`)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of these tests reaches the user's Prefect, nor the other way round."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
    patch.setenv("DVC_NO_ANALYTICS", "1")
    patch.delenv("PREFECT_API_URL", raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def prefect_server(own_prefect: None) -> Iterator[None]:
    """One Prefect server for the flows that run inside the test process."""
    from prefect.testing.utilities import prefect_test_harness

    import flows  # noqa: F401  # sets the environment prefect reads when it is imported

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., Path]:
    """Make a repository with a `dvc.yaml`, in a folder of its own."""

    def make(name: str = "repo", pipeline: str = DIAMOND) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        dvc(folder, "init", "-q")
        (folder / "dvc.yaml").write_text(pipeline)
        (folder / "params.yaml").write_text("left: 1\nright: 1\n")
        (folder / "step.py").write_text(STEP)
        return folder

    return make
