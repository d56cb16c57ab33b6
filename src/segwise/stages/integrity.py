"""segwise integrity: re-hash data/ against data.dvc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.dataset import integrity
from segwise.dataset.params import DataParams


def run(data: DataParams) -> dict[str, Any]:
    """Compare the working data's bytes with what the .dvc file beside it records."""
    folder = Path(data.dir)
    found = integrity.check(folder, folder.with_name(folder.name + ".dvc"))
    return {"summary": f"{found['num_files']} files in {folder} are the recorded ones ({found['digest']})", **found}
