"""A delivery becomes one recorded data revision, or changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from segwise.dataset.integrity import data_digest, recorded_digest
from tests.factory import make_dataset, read_labels, write_labels
from tests.flows.conftest import ROOT, dvc


@pytest.fixture
def project(make_repo: Callable[..., Path]) -> Path:
    """A repository with segwise's parameters, a DVC remote and no data."""
    folder = make_repo(pipeline="stages: {}\n")
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    dvc(folder, "remote", "add", "-d", "store", ".dvcstore")
    return folder


@pytest.mark.usefixtures("prefect_server")
def test_a_delivery_is_imported_recorded_and_pushed(project: Path, tmp_path: Path) -> None:
    from flows.ingest import main

    source = make_dataset(tmp_path / "delivery", num_images=4)
    assert main(["--root", str(project), "--only", str(source), "--format", "coco"]) == 0
    digest = recorded_digest(project / "data.dvc")
    assert digest == data_digest(project / "data") == data_digest(source)
    shutil.rmtree(project / "data")
    shutil.rmtree(project / ".dvc/cache")
    dvc(project, "pull", "data")
    assert data_digest(project / "data") == digest


@pytest.mark.usefixtures("prefect_server")
def test_a_broken_delivery_changes_nothing_and_says_why(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.ingest import main

    source = make_dataset(tmp_path / "delivery", num_images=4)
    document = read_labels(source)
    document["annotations"][0]["category_id"] = 7
    write_labels(source, document)
    assert main(["--root", str(project), "--only", str(source)]) == 4
    assert "image_000.png" in capsys.readouterr().err
    assert not (project / "data").exists()
    assert not (project / "data.dvc").exists()
    last = json.loads((project / ".segwise/last_run.json").read_text())
    assert last["exit_code"] == 4
