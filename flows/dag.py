"""The pipeline as DVC knows it: stages, what each waits for, and which of them DVC would run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from segwise.errors import UsageError


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of dvc.yaml.

    Attributes:
        name: DVC's name, e.g. `train@dense`.
        after: names of the stages it waits for.
        alone: nothing may run beside it (`meta: {alone: true}`), because it measures time.
    """

    name: str
    after: tuple[str, ...]
    alone: bool = False


def read_dag(root: Path) -> tuple[Stage, ...]:
    """The stages of `root/dvc.yaml`, in an order in which each comes after everything it waits for.

    Raises:
        UsageError: dvc.yaml is missing or DVC cannot read it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.stage import PipelineStage
    from networkx import descendants, topological_sort

    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph  # an edge goes from a stage to what it waits for
            order = [stage for stage in reversed(list(topological_sort(graph))) if isinstance(stage, PipelineStage)]
            waits = {stage.name: {d.name for d in descendants(graph, stage) if d in order} for stage in order}
            direct = {
                stage.name: tuple(sorted(d.name for d in graph.successors(stage) if d in order)) for stage in order
            }
            alone = {stage.name for stage in order if (stage.meta or {}).get("alone")}
            written = {stage.name: number for number, stage in enumerate(repo.index.stages) if stage in order}
    except DvcException as error:
        raise UsageError("a pipeline DVC can read", f"{error} in {root}", "correct dvc.yaml") from error
    stages = [Stage(n, direct[n], n in alone) for n in sorted(written, key=lambda n: (len(waits[n]), written[n]))]
    return _hold_back(stages, waits)


def _hold_back(stages: list[Stage], waits: dict[str, set[str]]) -> tuple[Stage, ...]:
    """Let a stage that must be alone wait for everything that does not wait for it; put it after that."""
    held = {}
    for stage in stages:
        if stage.alone:
            others = {s.name for s in stages if stage.name not in waits[s.name] | {s.name} and not s.alone}
            held[stage.name] = tuple(sorted(others | set(stage.after)))
    done: list[Stage] = []
    left = [Stage(s.name, held.get(s.name, s.after), s.alone) for s in stages]
    while left:
        names = {s.name for s in done}
        ready = next(s for s in left if names.issuperset(s.after))
        done.append(ready)
        left.remove(ready)
    return tuple(done)


def changed_stages(root: Path, stages: tuple[Stage, ...]) -> set[str]:
    """Names of the stages DVC would run: those it calls changed, and all that come after them."""
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "status", "--json"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    names = {stage.name for stage in stages}
    if answer.returncode != 0:
        return names  # DVC will say in the stage what is wrong
    changed = set(json.loads(answer.stdout)) & names
    for stage in stages:
        if changed.intersection(stage.after):
            changed.add(stage.name)
    return changed
