"""What this interpreter has installed, and what it runs on; no network."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from segwise.proof.causes import normal


@dataclass(frozen=True, slots=True)
class Part:
    """One installed distribution, as its metadata say it.

    `expression`: its SPDX licence, "" without one. `classifiers`: of licences alone. `requires`: PEP 508 texts.
    """

    name: str
    version: str
    expression: str = ""
    classifiers: tuple[str, ...] = ()
    licence: str = ""
    requires: tuple[str, ...] = ()


@cache
def parts() -> dict[str, Part]:
    """The installed distributions by normalised name, sorted; of one that is found twice, the first on the path."""
    out: dict[str, Part] = {}
    for distribution in distributions():
        metadata = distribution.metadata  # parsed anew at every access
        every = {key: tuple(map(str, metadata.get_all(key) or ())) for key in metadata}
        if every.get("Name") and normal(every["Name"][0]) not in out:
            out[normal(every["Name"][0])] = Part(
                every["Name"][0],
                every["Version"][0],
                _one(every.get("License-Expression")),
                tuple(c for c in every.get("Classifier", ()) if c.startswith("License :: ")),
                _one(every.get("License")),
                every.get("Requires-Dist", ()),
            )
    return dict(sorted(out.items()))


def versions() -> dict[str, str]:
    """The installed versions by normalised name."""
    return {name: part.version for name, part in parts().items()}


def cpu_name() -> str:
    """The processor's name as `segwise benchmark` records it."""
    info = Path("/proc/cpuinfo")
    rows = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), platform.machine())


def _one(values: tuple[str, ...] | None) -> str:
    text = values[0].strip() if values else ""
    return "" if text == "UNKNOWN" else text
