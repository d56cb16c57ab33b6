"""A split that leaks is refused with the pair and the remedy; one that does not says how near the nearest pair is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from segwise.dataset.params import DataParams, LinkParams, SplitParams
from segwise.errors import DataInvalidError
from segwise.stages import split as stage
from tests.dataset.textures import quarters, texture
from tests.factory import make_dataset, read_labels, write_labels

FILES = ("work/split.json", "work/leaks.json", "registry/splits.json")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/ in the working directory: 24 disc images with groups and splits."""
    monkeypatch.chdir(tmp_path)
    return make_dataset(tmp_path / "data", 24)


def leaks() -> dict[str, Any]:
    return dict(json.loads(Path("work/leaks.json").read_text(encoding="utf-8")))


def change(root: Path, number: int, **keys: Any) -> None:
    document = read_labels(root)
    document["images"][number] |= keys
    write_labels(root, document)


def test_a_clean_split_is_proved_clean(data: Path) -> None:
    told = stage.run(DataParams(), SplitParams())
    report = leaks()
    assert told["num_across"] == dict.fromkeys(("group", "identical", "duplicate", "tile", "overlap"), 0)
    assert report["links"]["group"]["num_links"] == 12
    nearest = report["nearest_across"]["duplicate"]
    assert len(set(nearest["splits"])) == 2 and "of 64 hash bits" in nearest["why"]
    assert report["groups"] == [[f"image_{2 * g:03}.png", f"image_{2 * g + 1:03}.png"] for g in range(12)]
    assert report["balance"]["rows"][0]["train"]["amount"] == told["num_images"]["train"] == 12


def test_the_same_picture_in_train_and_test_is_refused_by_name_and_accepted_as_a_warning(data: Path) -> None:
    pixels = np.array(PilImage.open(data / "images/image_000.png"))
    for number, kind, picture in ((6, "identical", pixels), (7, "duplicate", pixels[:, ::-1])):
        PilImage.fromarray(picture).save(data / f"images/image_{number:03}.png")
        with pytest.raises(
            DataInvalidError, match=rf"image_000\.png: in train, but .* image_{number:03}\.png in test"
        ) as refused:
            stage.run(DataParams(), SplitParams())
        assert f"split.links.{kind}: warning" in refused.value.remedy
        assert leaks()["links"][kind]["across"][0]["splits"] == ["train", "test"]
    links = LinkParams(identical="warning", duplicate="warning", overlap="off")
    told = stage.run(DataParams(), SplitParams(links=links))
    assert told["num_warnings"] >= 2 and leaks()["links"]["overlap"] is None


def test_a_divided_group_is_refused_by_its_name(data: Path) -> None:
    change(data, 0, split="test")
    with pytest.raises(DataInvalidError, match="group g00") as refused:
        stage.run(DataParams(), SplitParams(method="given"))
    assert refused.value.exit_code == 4


def test_tiles_of_one_field_in_two_splits_are_refused_and_drawn_together(data: Path) -> None:
    for number, tile in zip((1, 3, 5, 7), quarters(texture(4)), strict=True):
        PilImage.fromarray(tile).save(data / f"images/image_{number:03}.png")
    with pytest.raises(DataInvalidError, match="edge against"):
        stage.run(DataParams(), SplitParams())
    stage.run(DataParams(), SplitParams(method="stratified"))
    assert leaks()["largest_group"] == 8  # four tiles and their partners by group
    assert leaks()["links"]["tile"]["num_across"] == 0


def test_a_set_without_splits_is_drawn_recorded_and_drawn_the_same_again(data: Path) -> None:
    document = read_labels(data)
    for entry in document["images"]:
        del entry["split"]
    write_labels(data, document)
    first = stage.run(DataParams(), SplitParams())
    texts = [Path(file).read_bytes() for file in FILES]
    second = stage.run(DataParams(), SplitParams())
    assert [Path(file).read_bytes() for file in FILES] == texts
    assert (first["num_drawn"], second["num_drawn"]) == (24, 0)


def test_a_drawn_image_that_the_label_file_moves_is_named(data: Path) -> None:
    document = read_labels(data)
    given = [entry.pop("split") for entry in document["images"]]
    write_labels(data, document)
    stage.run(DataParams(), SplitParams())
    drawn = _splits()
    for entry, part in zip(document["images"], given, strict=True):
        entry["split"] = part
    write_labels(data, document)
    told = stage.run(DataParams(), SplitParams())
    now = _splits()
    assert leaks()["moved"] == [
        {"image": name, "drawn": drawn[name], "given": now[name]} for name in sorted(now) if drawn[name] != now[name]
    ]
    assert told["num_moved"] == len(leaks()["moved"]) > 0 and "moved by the label file" in told["summary"]


def test_images_keep_their_split_when_others_are_added_or_all_are_renamed(data: Path) -> None:
    params = SplitParams(method="stratified")
    document = read_labels(data)
    write_labels(data, {**document, "images": document["images"][:12]} | _annotations(document, 12))
    stage.run(DataParams(), params)
    before = _splits()
    for entry in document["images"]:
        new = "z" + entry["file_name"]
        (data / "images" / entry["file_name"]).rename(data / "images" / new)
        entry["file_name"] = new
    write_labels(data, document)
    stage.run(DataParams(), params)
    after = _splits()
    assert {name: after["z" + name] for name in before} == before
    assert len(after) == 24


def test_other_images_change_nothing_in_a_given_split_and_record_nothing(data: Path) -> None:
    stage.run(DataParams(), SplitParams())
    assert json.loads(Path("registry/splits.json").read_text())["images"] == {}
    parts = json.loads(Path("work/split.json").read_text())
    given = {entry["file_name"]: entry["split"] for entry in read_labels(data)["images"]}
    assert _splits() == given
    assert (parts["method"], parts["num_groups"]) == ("given", {"train": 6, "val": 3, "test": 3})


def _annotations(document: dict[str, Any], images: int) -> dict[str, Any]:
    return {"annotations": [a for a in document["annotations"] if a["image_id"] <= images]}


def _splits() -> dict[str, str]:
    parts = json.loads(Path("work/split.json").read_text())
    return {name: part for part in ("train", "val", "test") for name in parts[part]}
