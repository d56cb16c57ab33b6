"""Faults put into every stage and effect, many times, and how many of them one more run puts right.

    python -m benchmarks.faults                     # all of it, about 15 minutes
    python -m benchmarks.faults kill models --every 5

kill: SIGKILL at every change of a file, before it and half-way through it; the stages that take seconds at random
moments. full: no more space from every change on; on a real full disk (tmpfs; needs the right to mount) from every few
kilobytes on. dvc: `dvc repro` and the flow of `make run` killed at random moments. models: cut off at 97 lengths.
objects: a byte changed in DVC's cache and remote. poison: test pictures in train. Ends with 1 if a fault did harm.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxruntime  # noqa: F401  # loaded before the forks
import torch  # noqa: F401
import yaml

from tests.factory import make_dataset
from tests.faults import damage, poison
from tests.faults.heavy import HEAVY
from tests.faults.jobs import JOBS
from tests.faults.trials import Bench, bench
from tests.flows.conftest import DIAMOND, STEP, dvc

GOOD = ("", "unharmed", "doctor")
DISK_BYTES = 256 * 2**20
failures: list[str] = []


def tally(name: str, found: Iterable[str]) -> None:
    """Print how many faults were put in and survived; keep what was not."""
    started, told = time.perf_counter(), list(found)
    bad = [words for words in told if words not in GOOD]
    failures.extend(f"{name}: {words}" for words in bad)
    unharmed = told.count("unharmed")
    more = f", {unharmed} of them without effect" if unharmed else ""
    more += f", {told.count('doctor')} of them after `segwise doctor`" if "doctor" in told else ""
    seconds = time.perf_counter() - started
    print(f"{name:38} {len(told) - len(bad):4} of {len(told):4} survived{more}  ({seconds:.0f} s)", flush=True)
    for words in bad[:3]:
        print(f"    {words.splitlines()[0][:200]}", flush=True)


def kill(every: int, number: int) -> None:
    """Killed at each change of a file; the heavy ones at their ends, in the middle, and at random moments."""
    for job in JOBS:
        with bench(job) as prepared:
            points = range(1, prepared.num_changes + 1, every)
            tally(f"kill {job.name}", (prepared.trial(at, how) for at in points for how in ("before", "torn")))
    draw = random.Random(5)  # noqa: S311  # a repeatable draw
    for job in HEAVY:
        started = time.perf_counter()
        with bench(job) as prepared:
            seconds, last = (time.perf_counter() - started) / 2, prepared.num_changes
            tally(f"kill {job.name}", (prepared.trial(at, "torn") for at in sorted({1, last // 2, last})))
            moments = [draw.uniform(0.05, seconds) for _ in range(number)]
            tally(f"kill {job.name}, at random moments", (prepared.killed_after(s) for s in moments))


def full(every: int, number: int) -> None:
    """No space from each change on; then on a disk that really is full."""
    for job in JOBS:
        with bench(job) as prepared:
            tally(f"full {job.name}", (prepared.trial(at, "full") for at in range(1, prepared.num_changes + 1, every)))
    with disk() as folder:
        for job in (*JOBS, *HEAVY):
            if folder is not None:
                with bench(job) as prepared:
                    tally(f"full {job.name}, real disk", _really_full(prepared, folder, number))


def _really_full(prepared: Bench, folder: Path, number: int) -> Iterator[str]:
    """Free space in `number` steps, of up to all that the job writes and half as much again."""
    written = sum(len(value) for value in prepared.wanted.values() if isinstance(value, bytes)) or 64 * 2**10
    for step in range(number):
        yield prepared.really_full(folder, int(1.5 * written * step / number))


@contextmanager
def disk() -> Iterator[Path | None]:
    """A small file system of our own; None where mounting is not allowed."""
    with tempfile.TemporaryDirectory() as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", name], check=False)
        if mounted.returncode:
            print("a real full disk: not tried, mounting is not allowed here", flush=True)
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def by_dvc(_every: int, number: int) -> None:
    """`dvc repro` and the flow, killed at random moments; run again, they leave what an undisturbed run leaves."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        wanted = _outcome(_project(root / "undisturbed"))
        repro = [sys.executable, "-m", "dvc", "repro", "-q"]
        tally("kill dvc repro", (_killed(_project(root), repro, wanted, 4.0, n + 1) for n in range(number)))
        tally("kill dvc repro and its stages", (_killed(_project(root), repro, wanted, 4.0, -n) for n in range(number)))
        if os.environ.get("FAULTS_FLOW", "1") == "1":
            run = [sys.executable, "-m", "flows.pipeline", "--root"]
            tally("kill the flow", (_killed(_project(root), run, wanted, 20.0, n + 1) for n in range(number // 2)))


def _project(root: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=root)) if root.exists() else root
    folder.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q")
    (folder / "dvc.yaml").write_text(DIAMOND.replace(" 1\n", " 0.3\n"))
    (folder / "params.yaml").write_text("left: 1\nright: 1\n")
    (folder / "step.py").write_text(STEP)
    if folder.name == "undisturbed":
        dvc(folder, "repro", "-q")
    return folder


def _outcome(folder: Path) -> dict[str, Any]:
    """The lock file's content (plain DVC writes it in the order of the runs) and every output's bytes."""
    outs = {name: (folder / name).read_bytes() for name in ("first.txt", "left.txt", "right.txt", "last.txt")}
    return {**outs, "dvc.lock": yaml.safe_load((folder / "dvc.lock").read_text())}


def _killed(folder: Path, command: list[str], wanted: dict[str, Any], within_s: float, seed: int) -> str:
    is_flow = "flows.pipeline" in command
    where = {"cwd": Path(__file__).parents[1]} if is_flow else {"cwd": folder}
    words = [*command, str(folder)] if is_flow else command
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1", "PREFECT_HOME": str(folder / ".prefect")}
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(words, env=env, stdout=quiet, stderr=quiet, start_new_session=True, **where)  # type: ignore[call-overload]
    time.sleep(random.Random(seed).uniform(0.2, within_s))  # noqa: S311  # a repeatable draw
    if seed > 0:
        os.kill(child.pid, signal.SIGKILL)  # its children live on, as after the kernel's out-of-memory killer
    else:
        os.killpg(child.pid, signal.SIGKILL)  # as when the machine stops
    child.wait()
    again = subprocess.run(words, env=env, capture_output=True, text=True, check=False, **where)  # type: ignore[call-overload]
    is_healed = bool(again.returncode) and not is_flow  # the flow does of itself what the doctor does
    if is_healed:
        subprocess.run([sys.executable, "-m", "segwise.cli", "doctor"], env=env, stdout=quiet, check=False, cwd=folder)
        again = subprocess.run(words, env=env, capture_output=True, text=True, check=False, cwd=folder)
    try:
        found = _outcome(folder)
        if found == wanted:
            return "doctor" if is_healed else ""
        return f"another result: {sorted(k for k in wanted if found[k] != wanted[k])}"
    except OSError as error:
        return f"{error.filename} is missing, exit {again.returncode}: {(again.stderr or again.stdout).strip()[-300:]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def models(_every: int, _number: int) -> None:
    """A model cut off at 97 lengths, by every way of loading it."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for way, (found, tried) in damage.truncated_models(Path(name)).items():
            tally(f"cut off: {way}", [""] * found + ["was loaded"] * (tried - found))
        os.chdir("/")


def objects(_every: int, number: int) -> None:
    """A random byte of a random object of the cache, then of the remote."""
    with tempfile.TemporaryDirectory() as name:
        root, draw = Path(name) / "project", random.Random(5)  # noqa: S311  # a repeatable draw
        damage.recorded(root, make_dataset(Path(name) / "data", num_images=6))
        tally("corrupt object of the cache", _found(lambda: damage.corrupt_cache(root, draw), number))
        tally("corrupt object of the remote", _found(lambda: damage.corrupt_remote(root, draw), number))


def _found(tried: Callable[[], damage.Outcome], number: int) -> Iterator[str]:
    words: dict[damage.Outcome, str] = {"refused": "", "whole": "unharmed", "trained on": "was not found"}
    return (words[tried()] for _ in range(number))


def poisoned(_every: int, number: int) -> None:
    """A picture of the test split in train, under another name."""
    for way in poison.WAYS:
        tally(f"test image in train, {way}", (_poisoned(way, n) for n in range(number // 4)))


def _poisoned(way: str, seed: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        is_refused = poison.is_refused(make_dataset(Path(name) / "data", seed=seed), way, seed)
        os.chdir("/")
        return "" if is_refused else "was accepted"


KINDS: dict[str, Callable[[int, int], None]] = {
    "kill": kill, "full": full, "dvc": by_dvc, "models": models, "objects": objects, "poison": poisoned,
}  # fmt: skip


def main() -> int:
    """Put in the faults that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(KINDS)}; all where none is named")
    parser.add_argument("--every", type=int, default=1, help="take each nth change of a file only")
    parser.add_argument("--number", type=int, default=20, help="of random trials of each kind")
    values = parser.parse_args()
    for kind in values.kinds or KINDS:
        KINDS[kind](values.every, values.number)
    print(f"{len(failures)} faults did harm", *failures, sep="\n  ")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
