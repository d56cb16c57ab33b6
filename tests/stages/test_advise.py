"""segwise advise reads data and profile and writes ceilings, advice and the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwise.dataset.params import DataParams, ProfileParams
from segwise.decision.params import Decision
from segwise.errors import IntegrityError, UsageError
from segwise.stages import advise, profile
from tests.advice.drawn import PARAMS
from tests.factory import make_dataset, read_labels, write_labels

DATA = DataParams(dir="data")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_dataset(Path("data"), 10)
    document = read_labels(Path("data"))
    document["categories"].append({"id": 2, "name": "ground", "isthing": 0})
    write_labels(Path("data"), document)
    profile.run(DATA, ProfileParams(num_samples=0))
    return tmp_path


def test_advise_writes_its_three_files_the_same_each_time(project: Path) -> None:
    decisions = {"discs": Decision(kind="count"), "ground": Decision(kind="count", classes=("ground",))}
    result = advise.run(DATA, decisions, PARAMS)
    files = [advise.OUT / name for name in ("ceilings.json", "advice.json", "index.html")]
    first = [file.read_bytes() for file in files]
    advise.run(DATA, decisions, PARAMS)
    assert [file.read_bytes() for file in files] == first
    advice = json.loads(files[1].read_text(encoding="utf-8"))["decisions"]
    assert advice["discs"] == result["decisions"]["discs"]
    assert advice["ground"]["recommend"] == "no answer"  # a region: there is nothing to count
    assert "ground" not in json.loads(files[0].read_text(encoding="utf-8"))["candidates"]["semantic"]["decisions"]
    assert "discs: " in result["summary"] and "ground: The labels do not allow an answer" in result["summary"]


def test_findings_that_contradict_the_labels_take_the_answer_away(project: Path) -> None:
    advise.FINDINGS.parent.mkdir(parents=True)
    advise.FINDINGS.write_text(json.dumps({"rows": {"duplicate object": 9}}), encoding="utf-8")
    found = advise.run(DATA, {"discs": Decision(kind="count")}, PARAMS)["decisions"]["discs"]
    assert found["blockers"] == ["contradicting labels"]


def test_advise_asks_for_the_profile_first_and_refuses_an_unknown_class(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="`disk` in a decision"):
        advise.run(DATA, {"discs": Decision(kind="count", classes=("disk",))}, PARAMS)
    advise.PROFILE.unlink()
    with pytest.raises(IntegrityError, match="segwise profile"):
        advise.run(DATA, {"discs": Decision(kind="count")}, PARAMS)
