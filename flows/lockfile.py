"""dvc.lock in the order of `dvc repro`, whichever sibling happened to end first: the same file from both."""

from __future__ import annotations

from pathlib import Path


def stage_order(root: Path) -> list[str]:
    """Names of the stages as dvc.lock lists them now."""
    from dvc.utils.serialize import load_yaml

    path = root / "dvc.lock"
    return list(load_yaml(str(path)).get("stages", {})) if path.is_file() else []


def settle(root: Path, before: list[str]) -> None:
    """List the stages that are new in dvc.lock in the order of `dvc repro`, after those that were there."""
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro
    from dvc.utils.serialize import modify_yaml

    now = stage_order(root)
    with Repo(str(root), _wait_for_lock=True) as repo:  # an editor's or a person's DVC may hold it
        plan = [stage.name for stage in plan_repro(repo.index.graph) if getattr(stage, "name", None)]
        wanted = [name for name in before if name in now]
        wanted += sorted((n for n in now if n not in before), key=lambda n: plan.index(n) if n in plan else len(plan))
        if wanted == now:
            return
        with repo.lock, modify_yaml(str(root / "dvc.lock")) as lock:
            stages = dict(lock["stages"])
            lock["stages"].clear()
            lock["stages"].update({name: stages[name] for name in wanted})
