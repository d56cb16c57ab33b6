"""Processes of this project whose flow or terminal is gone: they hold locks and write on."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from segwise.pipeline import EFFECTS, STAGES
from segwise.repair.finding import Finding, left, repaired

VERBS = {row.name for row in (*STAGES, *EFFECTS)} - {"serve"}  # a server may be detached on purpose
ADOPTERS = ("systemd", "init", "tini", "dumb-init")  # they take in children whose parent has ended
GRACE_S = 5.0


def orphans(root: Path, kill: bool) -> list[Finding]:
    """Stages, effects and DVC runs that work in `root` and that nobody waits for any more.

    Whoever started them has ended, and they have no terminal. One that was detached on purpose (`nohup`) looks the
    same: nothing is ended without `kill`.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if _is_orphan(process, root):
                found.append(_ended(process) if kill else _told(process))
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is another user's
    return found


def _is_orphan(process: psutil.Process, root: Path) -> bool:
    if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
        return False
    if not is_ours(process.cmdline()) or not Path(process.cwd()).is_relative_to(root):
        return False
    return process.terminal() is None and _is_adopted(process)


def is_ours(command: list[str]) -> bool:
    """Whether a command line runs a stage, an effect or `dvc repro`, itself or through a shell."""
    words = " ".join(command).split()
    for number, word in enumerate(words[:6]):
        name = Path(word).name.split(".")[0]
        if name in ("segwise", "dvc"):
            rest = words[number + 1 :]
            return bool(VERBS.intersection(rest[:1])) if name == "segwise" else "repro" in rest
    return False


def _is_adopted(process: psutil.Process) -> bool:
    parent = process.parent()  # None: ended just now, or outside this container, as of `docker exec`
    return parent is not None and (parent.pid == 1 or parent.name() in ADOPTERS)


def _told(process: psutil.Process) -> Finding:
    what = f"runs without whoever started it: {_command(process)}"
    return left("processes", f"process {process.pid}", what, "end it with `segwise doctor --kill`, unless it is meant")


def _ended(process: psutil.Process) -> Finding:
    what = f"ran without whoever started it: {_command(process)}"
    family = [process, *process.children(recursive=True)]
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for one in family:
            with suppress(psutil.Error):  # it ended meanwhile, or is another user's: then it is told below
                end(one)
        _, late = psutil.wait_procs(family, timeout=GRACE_S)
        living = [str(one.pid) for one in late if _is_living(one)]
        if not living:
            return repaired("processes", f"process {process.pid}", what, f"ended, with {len(family) - 1} children")
    return left("processes", f"process {process.pid}", what, f"could not be ended: {', '.join(living)}")


def _is_living(process: psutil.Process) -> bool:
    """One that has ended and that nobody has waited for yet is none."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())[:120]
