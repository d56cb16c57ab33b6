"""One stage as a process of its own: started in its own session, streamed, watched, and killed with its children."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import psutil

from segwise.errors import BusyError, SegwiseError

Outcome = Literal["ran", "restored", "unchanged"]
GRACE_S = 5.0  # between asking a stage to stop and killing it

_EXITED = re.compile(r"exited with (-?\d+)")


class StageFailedError(SegwiseError):
    """A stage ended badly; `exit_code` is the one its `segwise` command ended with."""

    def __init__(self, stage: str, exit_code: int, came: str) -> None:
        super().__init__(f"stage {stage} to succeed", came, f"correct the cause, then `make run` goes on from {stage}")
        self.stage, self.exit_code = stage, exit_code

    def __reduce__(self) -> tuple[type[StageFailedError], tuple[str, int, str]]:
        return type(self), (self.stage, self.exit_code, self.came)


class StoppedError(SegwiseError):
    """The run was interrupted before this process could start."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended: its exit code and every line it wrote."""

    code: int
    lines: tuple[str, ...]


class Processes:
    """The processes of one run. They are recorded on disk, so that the run after a `kill -9` can end them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._record = root / ".segwise" / "running.json"
        self._running: dict[int, float] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, command: list[str], tell: Callable[[str], None], timeout_s: float) -> Finished:
        """Run `command` in the root, in a session of its own; `tell` gets each line as it is written."""
        with self._lock:
            if self._stopped:
                raise StoppedError("the run to go on", "it was stopped", "run it again: it goes on from here")
            process = subprocess.Popen(
                command,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[process.pid] = psutil.Process(process.pid).create_time()
            self._write()
        timed_out = threading.Event()

        def give_up() -> None:
            timed_out.set()
            kill_group(process.pid)

        watchdog = threading.Timer(timeout_s, give_up)
        watchdog.daemon = True
        watchdog.start()
        lines = []
        try:
            for line in _lines(process.stdout) if process.stdout else ():
                lines.append(line)
                tell(line)
            code = process.wait()
        finally:
            watchdog.cancel()
            kill_group(process.pid)
            if process.stdout:
                process.stdout.close()
            with self._lock:
                self._running.pop(process.pid, None)
                self._write()
        if timed_out.is_set():
            lines.append(f"stopped: it ran longer than {timeout_s:.0f} s")
        return Finished(code, tuple(lines))

    def stop(self) -> None:
        """End every running process with its children; nothing starts after this."""
        with self._lock:
            self._stopped = True
            groups = list(self._running)
        for group in groups:
            kill_group(group)

    def end_leftovers(self) -> int:
        """Kill what a run that was itself killed left behind; returns how many. Only processes it had started."""
        return end_remembered(self._record)

    def _write(self) -> None:
        remember(self._record, self._running)


def remember(record: Path, running: Mapping[int, float]) -> None:
    """Store which processes (number to time of creation) are ours."""
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(dict(running)), encoding="utf-8")


def end_remembered(record: Path) -> int:
    """Kill the groups of the remembered processes that still run; returns how many. A reused number is left alone."""
    try:
        recorded = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    ended = 0
    for pid, started in recorded.items():
        try:
            same = abs(psutil.Process(int(pid)).create_time() - started) < 1
        except psutil.Error:
            continue
        if same:
            kill_group(int(pid))
            ended += 1
    record.unlink(missing_ok=True)
    return ended


def kill_group(group: int, grace_s: float = GRACE_S) -> None:
    """Ask a process group to end, then make it. No error if it is gone."""
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 2.0)):
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and _group_alive(group):
            time.sleep(0.05)


def end_children(grace_s: float = GRACE_S) -> None:
    """Ask every process that this one has started, and what they started, to end; then make them."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.Error):
            child.terminate()
    for child in psutil.wait_procs(children, timeout=grace_s)[1]:
        with suppress(psutil.Error):
            child.kill()


def _group_alive(group: int) -> bool:
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, psutil.Error):
            continue
    return False


def repair_rwlock(root: Path) -> bool:
    """Remove a DVC lock file that a killed process left half written; it would block everything. True if it was."""
    path = root / ".dvc" / "tmp" / "rwlock"
    for _ in range(2):  # a living writer is done after a moment
        try:
            json.loads(path.read_text(encoding="utf-8"))
            return False
        except FileNotFoundError:
            return False
        except ValueError:
            time.sleep(0.3)
    path.unlink(missing_ok=True)
    return True


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines as they come; a progress bar's carriage return ends a line too."""
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *whole, rest = re.split(rb"[\r\n]+", rest + chunk)
        yield from (line.decode(errors="replace") for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace")


def reproduce(processes: Processes, stage: str, tell: Callable[[str], None], timeout_s: float) -> Outcome:
    """Bring one stage up to date with DVC and say what that took.

    Raises:
        BusyError: somebody else holds DVC's lock.
        StageFailedError: the stage failed; the message is the stage's own.
    """
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    finished = processes.run(command, tell, timeout_s)
    text = "\n".join(finished.lines)
    if finished.code == 0:
        if "Running stage" in text:
            return "ran"
        return "restored" if "is cached" in text or "Checking out" in text else "unchanged"
    if "Unable to acquire lock" in text or "is busy, it is being blocked" in text:
        raise BusyError("the pipeline to be free", "another DVC command holds its lock", "wait for it, then run again")
    codes = _EXITED.findall(text)
    own = [line.strip() for line in finished.lines if line.startswith(("segwise ", "  → "))]  # the error and its remedy
    own = own or list(finished.lines[-3:])
    raise StageFailedError(stage, int(codes[-1]) if codes else 1, " ".join(own) or "no message")
