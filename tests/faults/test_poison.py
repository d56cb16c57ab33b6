"""A test image in train, or classes in another order, stop the run with a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwise import bundle, registry
from segwise.errors import GateRefusedError
from segwise.promotion import evidence
from segwise.spec import canonical_json
from segwise.stages import promote
from tests.factory import make_dataset
from tests.faults import jobs, poison
from tests.packages import make_package


@pytest.mark.parametrize("way", poison.WAYS)
def test_a_test_image_copied_into_train_is_refused_by_both_names_however_it_was_saved(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = make_dataset(tmp_path / "data", seed=3)  # in which what all pictures share is not symmetric
    assert poison.is_refused(data, way, 3)


@pytest.mark.parametrize(
    "names", [("blob", "disc"), ("disc", "Blob"), ("disc",)], ids=["reordered", "renamed", "one is missing"]
)
def test_a_challenger_of_other_classes_than_the_champions_is_refused_and_the_champion_stands(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs.packaged()
    champion = with_classes("champion", "disc", "blob")
    challenger = with_classes("challenger", *names)
    for folder in (champion, challenger):
        jobs.pack(folder)
        if folder is champion:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(evidence, "gather", jobs.as_good)
                promote.run("ada", "first", jobs.PARAMS)
    with pytest.raises(GateRefusedError, match=r"1 disc, 2 blob; got 1 "):
        promote.run("ada", "second", jobs.PARAMS)
    standing = registry.champion(registry.read())
    assert standing is not None and standing.reason == "first"


def with_classes(name: str, *classes: str) -> Path:
    """The folder of a package whose model has these classes, in this order."""
    folder = Path("made") / name
    make_package(folder, "")
    model = folder / bundle.MODEL
    for part in Path("work/calibrate/semantic").iterdir():
        (model / part.name).write_bytes(part.read_bytes())
    spec = json.loads((model / "model.json").read_text(encoding="utf-8"))
    spec["classes"] = [{"id": n, "name": text, "isthing": True} for n, text in enumerate(classes, start=1)]
    (model / "model.json").write_text(canonical_json(spec), encoding="utf-8")
    return folder
