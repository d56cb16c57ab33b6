"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory import make_dataset


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    """A data set of 12 disc images in `tmp_path/data`."""
    return make_dataset(tmp_path / "data")
