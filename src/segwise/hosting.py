"""A Bento's server as a child process: how it is started, asked and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwise.errors import SegwiseError

START_S = 120.0
ASK_EVERY_S = 0.2


def environment() -> dict[str, str]:
    """The server's environment: its own BentoML home, no telemetry, no files written beside the verified ones."""
    own = {"BENTOML_HOME": str(Path(".segwise/bentoml").resolve()), "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SEGWISE_PACKAGE")}
    return {**kept, **own, "PYTHONDONTWRITEBYTECODE": "1", "OMP_WAIT_POLICY": "passive"}


def start(bento: Path, host: str, port: int, *, quiet: bool = False) -> subprocess.Popen[bytes]:
    """Serve the Bento in `bento` in a session of its own; it ends when this process is gone."""
    folder = bento.resolve()
    command = [sys.executable, "-m", "bentoml", "serve", str(folder), "--host", host, "--port", str(port)]
    env = {**environment(), "SEGWISE_SUPERVISOR": str(os.getpid())}  # so that the server ends if this process is killed
    out = subprocess.DEVNULL if quiet else None
    return subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, stdout=out, stderr=out)


def stop(server: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """End the server and its workers: politely, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(patience_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def served(bento: Path, start_s: float = START_S) -> Iterator[str]:
    """The address of a server of `bento` on a free port of this machine, until the block ends.

    Raises:
        SegwiseError: it ended, or did not answer within `start_s` seconds.
    """
    port = _free_port()
    server = start(bento, "127.0.0.1", port, quiet=True)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(server, address, start_s)
        yield address
    finally:
        stop(server)


def _wait(server: subprocess.Popen[bytes], address: str, start_s: float) -> None:
    deadline = time.monotonic() + start_s
    while not _is_ready(address):
        if server.poll() is not None or time.monotonic() > deadline:
            came = "no answer" if server.poll() is None else f"exit code {server.returncode}"
            remedy = "start it by hand to see why: `bentoml serve` in the unpacked package"
            raise SegwiseError(f"the package to be served within {start_s:g} s", came, remedy)
        time.sleep(ASK_EVERY_S)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:  # noqa: S310 -- our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
