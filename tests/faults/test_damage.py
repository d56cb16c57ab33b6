"""Damaged bytes are refused before anything is computed from them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.factory import make_dataset
from tests.faults import damage


def test_a_model_cut_off_anywhere_is_refused_by_every_way_of_loading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = damage.truncated_models(tmp_path)
    assert found == dict.fromkeys(found, (damage.NUM_CUTS, damage.NUM_CUTS))
    assert len(found) == 6


def test_a_corrupt_object_of_cache_or_remote_is_found_before_training(tmp_path: Path) -> None:
    root, draw = tmp_path / "project", random.Random(5)
    damage.recorded(root, make_dataset(tmp_path / "data", num_images=2))
    assert damage.brought_back(root, "checkout", "--force", "-q") == "whole"
    assert damage.corrupt_cache(root, draw) == "refused"
    assert damage.corrupt_remote(root, draw) == "refused"
