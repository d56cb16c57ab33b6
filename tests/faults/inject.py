"""Faults put into a piece of work from outside: the product knows nothing of them.

The work runs in a forked process whose every change of a file (open for writing, mkdir, rename, remove, write, sync) is
counted by an audit hook (PEP 578). At the chosen one the process is killed with SIGKILL, or the disk is full from
there on. What native code writes (ONNX, Parquet, OpenCV) is not counted: the benchmark's real full disk sees it.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

How = Literal["never", "before", "torn", "full"]
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink")
GROWS = ("open", "os.mkdir", "write", "fsync")  # what a full disk refuses
KILLED = -signal.SIGKILL


class Injector:
    """Counts the changes below `root`; at number `at` does what `how` says. `wanted`: the bytes files end up with."""

    def __init__(self, root: Path, at: int, how: How, wanted: dict[str, bytes]) -> None:
        self.root, self.at, self.how, self.wanted = str(root.resolve()), at, how, wanted
        self.count, self.is_idle = 0, False
        self._write, self._fsync = os.write, os.fsync

    def arm(self) -> None:
        """From here on; there is no way back, so only ever in a forked process."""
        for name in ("write", "fsync"):  # no audit event tells of these two
            setattr(os, name, getattr(self, name))
        sys.addaudithook(self.hook)

    def hook(self, event: str, values: tuple[Any, ...]) -> None:
        if self.is_idle:
            return
        if event == "open":
            is_change = isinstance(values[0], str | bytes | Path) and bool((values[2] or 0) & WRITING)
        else:
            is_change = event in CHANGES
        if is_change and self._is_below(values[0]):
            self._happens(event, values[0])

    def write(self, handle: int, data: bytes) -> int:
        self._happens("write", None, lambda: self._write(handle, data[: len(data) // 2]))
        return self._write(handle, data)

    def fsync(self, handle: int) -> None:
        self._happens("fsync", None)
        self._fsync(handle)

    def _is_below(self, path: Any) -> bool:
        if not isinstance(path, str | bytes | Path):
            return False  # a file that is open
        text = os.fsdecode(path)
        return not text.startswith("/") or text.startswith(self.root)

    def _happens(self, event: str, path: Any, half: Callable[[], Any] | None = None) -> None:
        self.count += 1
        if self.how == "full" and self.count >= self.at and event in GROWS:
            if half:
                half()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.how in ("before", "torn") and self.count == self.at:
            self.is_idle = True
            if self.how == "torn" and half:
                half()
            elif self.how == "torn" and event == "open":
                self._tear(os.fsdecode(path))
            os.kill(os.getpid(), signal.SIGKILL)

    def _tear(self, path: str) -> None:
        """What a process leaves that is killed within a write: the first half."""
        name = str(Path(path).absolute()).removeprefix(f"{self.root}/")
        data = self.wanted.get(name, b'{"half": "of so')
        if not Path(path).is_dir() and not path.endswith("events.jsonl"):  # that one is torn by `write`
            Path(path).write_bytes(data[: len(data) // 2])


def run(
    root: Path, work: Callable[[], Any], at: int = 0, how: How = "never", wanted: Any = None, after_s: float = 0
) -> tuple[int, int, str]:
    """Do the work in `root` in a process of its own, with the fault; or kill it after so many seconds.

    Returns:
        The exit code (0 done, 1 an error, -9 killed), the number of changes counted, and the error.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(root, work, Injector(root, at, how, wanted or {}), writer)
    os.close(writer)
    if after_s:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    count, _, error = told.partition("\n")
    return code, int(count or 0), error


def _child(root: Path, work: Callable[[], Any], injector: Injector, writer: int) -> None:
    code, error = 1, ""
    try:
        os.chdir(root)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        injector.arm()
        work()
        code = 0
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}\n{traceback.format_exc()}"
    finally:
        injector.is_idle, injector.how = True, "never"
        injector._write(writer, f"{injector.count}\n{error}".encode()[:60_000])
        os._exit(code)
