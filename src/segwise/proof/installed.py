"""What this interpreter has installed, and what it runs on; no network."""

from __future__ import annotations

import platform
from importlib.metadata import Distribution, distributions
from pathlib import Path

from segwise.proof.causes import normal


def found() -> dict[str, Distribution]:
    """The installed distributions by normalised name, sorted; of one that is found twice, the first on the path."""
    out: dict[str, Distribution] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name:
            out.setdefault(normal(name), distribution)
    return dict(sorted(out.items()))


def versions() -> dict[str, str]:
    """The installed versions by normalised name."""
    return {name: distribution.version for name, distribution in found().items()}


def cpu_name() -> str:
    """The processor's name as `segwise benchmark` records it."""
    info = Path("/proc/cpuinfo")
    rows = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), platform.machine())
