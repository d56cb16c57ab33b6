"""The working data's bytes are held against data.dvc, by DVC's own digest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segwise.dataset import integrity
from segwise.errors import IntegrityError
from tests.factory import make_dataset


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder where DVC itself has recorded data/."""
    make_dataset(tmp_path / "data", num_images=3)
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    for words in (["init", "--no-scm", "-q"], ["add", "-q", "data"]):
        subprocess.run([sys.executable, "-m", "dvc", *words], cwd=tmp_path, env=environment, check=True)
    return tmp_path


def run(root: Path) -> dict[str, object]:
    return integrity.check(root / "data", root / "data.dvc", root / ".dvc/cache/files/md5")


def test_untouched_data_has_the_digest_dvc_gave_and_each_change_is_named(recorded: Path) -> None:
    assert run(recorded) == {"digest": integrity.recorded_digest(recorded / "data.dvc"), "num_files": 4}
    images = recorded / "data/images"
    (images / "image_000.png").unlink()
    (images / "image_001.png").unlink()
    (images / "image_000.png").write_bytes(b"other")
    (recorded / "data/new.txt").write_text("x")
    with pytest.raises(IntegrityError) as refused:
        run(recorded)
    said = str(refused.value)
    assert "changed images/image_000.png; missing images/image_001.png; new new.txt" in said
    assert "dvc add" in said
    assert refused.value.exit_code == 5
    (next((recorded / ".dvc/cache/files/md5").rglob("*.dir"))).unlink()
    with pytest.raises(IntegrityError, match="digest"):
        run(recorded)


def test_missing_data_says_pull(tmp_path: Path) -> None:
    (tmp_path / "data.dvc").write_text("outs:\n- md5: 0.dir\n")
    with pytest.raises(IntegrityError, match="dvc pull"):
        run(tmp_path)


@pytest.mark.parametrize("text", [None, "", "outs: []", "{", "outs: 3"])
def test_a_missing_or_broken_record_is_refused(tmp_path: Path, text: str | None) -> None:
    make_dataset(tmp_path / "data", num_images=1)
    if text is not None:
        (tmp_path / "data.dvc").write_text(text)
    with pytest.raises(IntegrityError, match=r"data\.dvc"):
        run(tmp_path)
