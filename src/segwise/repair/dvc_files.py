"""dvc.lock and data.dvc: what DVC knows of every output and of the data."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from segwise.repair.cache import DVC_LOCK
from segwise.repair.finding import Finding, holding, keep_aside, left, planned, repaired
from segwise.spec import write_whole

FILES = (Path("dvc.lock"), Path("data.dvc"))


def check(dry_run: bool) -> list[Finding]:
    """dvc.lock and data.dvc, restored from git's HEAD if they are damaged; the damaged copy is kept."""
    with holding(DVC_LOCK) as is_ours:
        damaged = [(path, what) for path in FILES if path.is_file() and (what := _damage(path, path.read_bytes()))]
        if damaged and not is_ours:
            return [
                left("dvc", path, what, "DVC is at work: wait until it has ended, then run `segwise doctor` again")
                for path, what in damaged
            ]
        return [_restored(path, what, dry_run) for path, what in damaged]


def _restored(path: Path, what: str, dry_run: bool) -> Finding:
    committed = _committed(path)
    if committed is None and path.name != "dvc.lock":
        return left("dvc", path, what, "git has no whole one: restore it by hand")
    will = "restore it from git" if committed is not None else "put it aside: the next `dvc repro` writes it anew"
    if dry_run:
        return planned("dvc", path, what, will)
    copy = keep_aside(path)
    if committed is None:
        path.unlink()
        return repaired("dvc", path, what, f"put aside as {copy}: the next `dvc repro` writes it anew")
    write_whole(path, committed)
    return repaired("dvc", path, what, f"restored from git; the damaged one is {copy}")


def _committed(path: Path) -> str | None:
    """The file in git's HEAD, None if there is none that is whole."""
    try:
        git = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    except OSError:
        return None
    return None if git.returncode or _damage(path, git.stdout) else git.stdout.decode()


def _damage(path: Path, raw: bytes) -> str:
    """Why DVC cannot read this text of the file; "" if it can."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA, COMPILED_SINGLE_STAGE_SCHEMA
    from voluptuous import Invalid

    schema = COMPILED_LOCKFILE_SCHEMA if path.name == "dvc.lock" else COMPILED_SINGLE_STAGE_SCHEMA
    try:
        values = yaml.load(raw.decode(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- both safe
        schema(values)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return f"is no YAML: {' '.join(str(error).split())[:150]}"
    except (Invalid, TypeError, AttributeError) as error:
        return f"is not in DVC's form: {' '.join(str(error).split())[:150] or 'empty'}"
    return "" if raw.endswith(b"\n") else "was cut off: its last line has no end"
