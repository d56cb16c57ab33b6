"""A clean copy of a revision to run stages in: its code from git, its data linked from DVC's cache, nothing else.

It lies in `.segwise/repro/<number>`, on the cache's disk, so that files are linked and not copied. A run that was
killed leaves its folder, and perhaps processes that it started: the next one, which has to hold the lock, ends those
and removes it. They are known by a variable of their environment: a shell that somebody opened there is not ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from segwise.dataset.integrity import manifest_digest
from segwise.errors import BusyError, IntegrityError, UsageError

STATE = Path(".segwise/repro")
LAST_LINES = 3
MARK = "SEGWISE_REPRODUCTION"  # in the environment of all that a reproduction starts: its folder
Say = Callable[[str], None]


def resolve(revision: str) -> str:
    """The commit that a revision's name means.

    Raises:
        UsageError: no git, no commit, or no such revision.
    """
    done = _git(Path(), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode:
        inside = _git(Path(), "rev-parse", "--git-dir").returncode == 0
        came = revision if inside else f"{Path.cwd()}, which is no git repository"
        raise UsageError("a git revision", came, "name a commit, tag or branch: `git log --oneline -- dvc.lock`")
    return done.stdout.decode().strip()


def file_at(commit: str, path: str) -> bytes | None:
    """A file as it is in a commit, None where it is not."""
    done = _git(Path(), "show", f"{commit}:{path}")
    return done.stdout if done.returncode == 0 else None


def commits_with(text: str, path: str) -> list[str]:
    """The commits of any branch that brought `text` into a file, or took it away, the first one first."""
    done = _git(Path(), "log", "--all", "--reverse", "--format=%H", f"-S{text}", "--", path)
    return done.stdout.decode().split() if done.returncode == 0 else []


def cached(cache: Path, md5: str) -> Path:
    """Where DVC's cache keeps the bytes of this MD5 (of a folder: its manifest)."""
    return cache / md5[:2] / md5[2:]


@contextmanager
def clean(commit: str) -> Iterator[Path]:
    """The files of a commit in a folder of their own, removed at the end, whatever the end is.

    Raises:
        BusyError: another reproduction is at work in this repository.
    """
    STATE.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(STATE / "lock", timeout=0), _told_of_sigterm():
            remove_leftovers()
            folder = STATE.resolve() / str(os.getpid())
            try:
                _copy(commit, folder)
                yield folder
            finally:
                remove_leftovers()
    except Timeout as error:
        remedy = "wait for it, or end that process"
        raise BusyError("one reproduction at a time", "another one at work here", remedy) from error


def remove_leftovers() -> None:
    """End what reproductions started and is still there, and remove their folders. The lock has to be held."""
    for folder in (path for path in STATE.iterdir() if path.is_dir()):
        for process in _started_for(folder.resolve()):
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def link(cache: Path, md5: str, target: Path) -> bool:
    """Put a file or folder of the cache at `target`, linked and verified; False where the cache lacks it.

    Raises:
        IntegrityError: the cache holds other bytes than it says.
    """
    source = cached(cache, md5)
    if not md5 or not source.is_file():
        return False
    if not md5.endswith(".dir"):
        return _link(source, md5, target)
    rows = json.loads(source.read_bytes())
    return all(_link(cached(cache, row["md5"]), row["md5"], target / row["relpath"]) for row in rows)


def md5_of(path: Path) -> str | None:
    """The MD5 that DVC gives a file or folder (without compiled Python), None where there is nothing."""
    if path.is_dir():
        files = (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts and p.suffix != ".pyc")
        return manifest_digest({p.relative_to(path).as_posix(): _md5(p) for p in files})
    return _md5(path) if path.is_file() else None


def run(command: str, folder: Path, say: Say) -> str:
    """Run a stage's command in the checkout, each line of its output told; returns "" or how it failed.

    It runs in a session of its own, so that it ends with everything it started. The code is the checkout's.
    """
    env = {
        **os.environ,
        MARK: str(folder),
        "PYTHONPATH": str(folder / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_WAIT_POLICY": "passive",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(  # noqa: S602 -- a shell runs it, as DVC does; it is the repository's own command
        command, shell=True, cwd=folder, env=env, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            for line in process.stdout or ():
                last.append(line.strip())
                say(line.rstrip())
        except BaseException:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return f"`{command}` ended with {process.returncode}: {' '.join(last)}" if process.returncode else ""


def _copy(commit: str, folder: Path) -> None:
    cloned = _git(Path(), "clone", "--quiet", "--shared", "--no-checkout", ".", str(folder))
    done = cloned if cloned.returncode else _git(folder, "checkout", "--quiet", "--detach", commit)
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split())
        raise UsageError(f"a checkout of {commit[:12]}", words, "check the repository: `git fsck`")


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False)


def _link(source: Path, md5: str, target: Path) -> bool:
    if not source.is_file():
        return False
    if _md5(source) != md5:
        remedy = "delete that file, then `dvc pull data` or `dvc repro` make it anew"
        raise IntegrityError(f"{source} with the MD5 of its name", "other bytes", remedy)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk
        target.symlink_to(source.resolve())
    return True


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _started_for(folder: Path) -> list[int]:
    """Processes that the reproduction in a folder started, and theirs (Linux; elsewhere none are found)."""
    mark, found = f"{MARK}={folder}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


@contextmanager
def _told_of_sigterm() -> Iterator[None]:
    """SIGTERM is an interruption, so that what was begun is ended; from another thread nothing can be arranged."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
