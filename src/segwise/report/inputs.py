"""The files a run leaves in `work/`, as the values of the page. A missing file is an empty value."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from segwise.spec import sha256_of


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read_yaml(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a training's history.csv; an empty cell is NaN."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) if v else float("nan") for k, v in row.items()} for row in csv.DictReader(file)]


def read_images_figures(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of an approach's per_image.parquet, by file name."""
    import pandas as pd

    records: Sequence[Mapping[Any, Any]] = pd.read_parquet(path).to_dict("records")
    return {str(row["file_name"]): {str(key): value for key, value in row.items()} for row in records}


def provenance(work: Path, params: Path, data: Path) -> dict[str, str]:
    """What names this run's data, code, parameters and package; `data` is the data's .dvc file."""
    manifest, bento = work / "package/manifest.json", work / "package/segwise.bento"
    package = read_json(manifest)
    facts = {
        "data revision": (read_yaml(data).get("outs") or [{}])[0].get("md5"),
        "git revision": _git_revision(),
        "params.yaml, SHA-256": sha256_of(params) if params.is_file() else None,
        "package digest": sha256_of(manifest) if package.get("winner") else None,
        "package archive, SHA-256": sha256_of(bento) if bento.is_file() else None,
        "shipped code, SHA-256": package.get("code_sha256"),
    }
    return {name: str(value) for name, value in facts.items() if value}


def _git_revision() -> str:
    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()

    revision = ask("rev-parse", "HEAD")
    changed = bool(revision) and bool(ask("status", "--porcelain", "-uno"))
    return f"{revision} + uncommitted changes" if changed else revision
