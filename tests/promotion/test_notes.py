"""What stands beside the checks of a promotion."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise import golden, registry
from segwise.errors import IntegrityError
from segwise.promotion.notes import notes

NOW, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    details = {"criteria": {}, "criteria_sha256": "0"}
    registry.append("run", {"network": "dense"}, details, "ada", "training", path=path)
    registry.append("test_read", {"approach": "hybrid"}, {}, "ada", "evaluate", path=path)
    registry.append("test_read", {"digest": "d" * 64}, {}, "ada", "promote", path=path)
    return path


def test_frozen_criteria_and_openings_of_the_test_split_are_told(log: Path) -> None:
    assert notes(registry.read(log), ["dense", "instance"], NOW, None) == [
        "The criteria of dense are those of event 1 (run).",
        "No training of instance is recorded: its criteria were not frozen.",
        "The test split was opened 2 times so far, this one included; no bound is corrected for it.",
    ]


@pytest.mark.parametrize(("split", "number"), [(NOW, 0), (OTHER, 1), (None, 0)])
def test_a_champion_of_another_split_may_have_seen_the_test_images(
    log: Path, split: str | None, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {} if split is None else {"split_sha256": split}
    event = registry.append("promote", {"digest": "c" * 64}, details, "ada", "first", path=log)
    monkeypatch.setattr(golden, "check", lambda _: "as recorded")
    found = notes(registry.read(log), [], NOW, (event, Path("champion")))
    assert sum("promoted on another split" in text for text in found) == number


def test_a_champion_that_todays_code_answers_otherwise_for_is_told(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(_: Path) -> str:
        raise IntegrityError("the recorded answer", "another class map", "go back")

    champion = (registry.append("promote", {"digest": "c" * 64}, {}, "ada", "first", path=log), Path("champion"))
    monkeypatch.setattr(golden, "check", other)
    assert "(another class map)" in notes(registry.read(log), [], NOW, champion)[-1]
    monkeypatch.setattr(golden, "check", lambda _: "5 golden images answered as recorded")
    assert len(notes(registry.read(log), [], NOW, champion)) == 1
