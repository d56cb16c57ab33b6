"""The environment variables of every process the flows start: homes, off switches, threads, PATH."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

OFF_SWITCHES = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "BENTOML_DO_NOT_TRACK": "True",
    "NO_ALBUMENTATIONS_UPDATE": "1",
}


def settings(root: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """What to set in the environment of a repository at `root`; what a user already chose is left alone."""
    chosen = {
        "PREFECT_HOME": str(root / ".segwise" / "prefect"),
        "BENTOML_HOME": str(root / ".segwise" / "bentoml"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 to 30 s under load, Prefect allows 20
        "PREFECT_LOCAL_STORAGE_PATH": str(root / ".segwise" / "prefect" / "storage"),
        "OMP_WAIT_POLICY": "passive",  # two trainings side by side are 1.7 times faster than with spinning threads
        "PYTHONUNBUFFERED": "1",  # a stage's progress is shown as it is written
    }
    out = {name: value for name, value in chosen.items() if name not in inherited}
    out |= OFF_SWITCHES
    own_bin = str(Path(sys.executable).parent)
    folders = inherited.get("PATH", os.defpath).split(os.pathsep)
    out["PATH"] = os.pathsep.join([own_bin, *(f for f in folders if f != own_bin)])  # a stage's `segwise` is ours
    return out


def prepare(root: Path) -> None:
    """Set it for this process and its children. Call before prefect is imported."""
    os.environ.update(settings(root, os.environ))
