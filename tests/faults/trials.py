"""One trial: a fault in a job, then what stands, then one more run, then what it leaves."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwise import registry, store
from tests.faults import inject
from tests.faults.jobs import Job


@dataclass
class Bench:
    """A job, what it starts from, what an undisturbed run leaves and how many changes of files that takes."""

    job: Job
    start: Path
    wanted: dict[str, Any]
    num_changes: int
    champions: set[str] = field(default_factory=set)

    def trial(self, at: int, how: inject.How) -> str:
        """Words for what went wrong; "" if the fault was survived, "unharmed" if it did not come to pass."""
        with copied(self.start) as root:
            code, _, _ = inject.run(root, self.job.work, at, how, self._bytes())
            if how != "full" and code not in (0, inject.KILLED):
                return f"it ended with {code} instead of being killed"
            return self._after(root, code)

    def killed_after(self, seconds: float) -> str:
        """The same after a kill at any moment, also within native code."""
        with copied(self.start) as root:
            return self._after(root, inject.run(root, self.job.work, after_s=seconds)[0])

    def really_full(self, disk: Path, free_bytes: int) -> str:
        """The same on a file system `disk`, empty at first, that takes only so many bytes more."""
        root, ballast = disk / "project", disk / "ballast"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.start, root)
        room = os.statvfs(disk)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - free_bytes)
        code = inject.run(root, self.job.work)[0]
        ballast.unlink()
        return self._after(root, code)

    def _after(self, root: Path, code: int) -> str:
        if code == 0:
            return "unharmed" if left(root, self.job) == self.wanted else "it ended well with another result"
        found, _, error = inject.run(root, self._stands)
        return f"after the fault: {error}" if found else self._again(root)

    def _stands(self) -> None:
        """The old champion or the new one, whole, before anything is put right."""
        event = registry.champion(registry.read())
        digest = event.digest if event else ""
        assert digest in self.champions, f"another champion: {digest}"
        if event:
            store.champion()

    def _again(self, root: Path) -> str:
        def work() -> None:
            if not self.job.is_done():
                self.job.work()

        code, _, error = inject.run(root, work)
        if code:
            return f"run again: {error}"
        found = left(root, self.job)
        if found == self.wanted:
            return ""
        names = found.keys() | self.wanted.keys()
        return f"another result: {sorted(k for k in names if found.get(k) != self.wanted.get(k))}"

    def _bytes(self) -> dict[str, bytes]:
        return {name: value for name, value in self.wanted.items() if isinstance(value, bytes)}


@contextmanager
def bench(job: Job) -> Iterator[Bench]:
    """Prepare a job in a folder of its own and do it once undisturbed."""
    with tempfile.TemporaryDirectory() as name:
        start = Path(name) / "start"
        start.mkdir()
        _sure(inject.run(start, job.make))
        champions = {_champion(start)}
        with copied(start) as root:
            num_changes = _sure(inject.run(root, job.work))
            wanted = left(root, job)
            champions.add(_champion(root))
        yield Bench(job, start, wanted, num_changes, champions)


@contextmanager
def copied(start: Path) -> Iterator[Path]:
    """A copy of `start` to work in."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        shutil.copytree(start, root)
        yield root


def left(root: Path, job: Job) -> dict[str, Any]:
    """What the job left in `root`."""
    before = Path.cwd()
    os.chdir(root)
    try:
        return job.left()
    finally:
        os.chdir(before)


def _champion(root: Path) -> str:
    event = registry.champion(registry.read(root / registry.EVENTS))
    return event.digest if event else ""


def _sure(told: tuple[int, int, str]) -> int:
    code, count, error = told
    if code:
        raise AssertionError(json.dumps(error))
    return count
