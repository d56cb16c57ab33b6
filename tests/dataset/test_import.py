"""An import merges a whole delivery into data/, or changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from segwise.dataset import coco
from segwise.dataset.integrity import data_digest
from segwise.dataset.params import DataParams
from segwise.errors import BusyError, DataInvalidError, UsageError
from segwise.labels.params import ValidateParams
from segwise.spec import sha256_of
from segwise.stages import import_
from tests.factory import make_dataset, read_labels, write_labels


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set to import; the working directory is an empty project."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return make_dataset(tmp_path / "delivery", num_images=4)


def run(source: Path, **choices: Any) -> dict[str, Any]:
    """Import with the default parameters."""
    return import_.run(source, DataParams(), ValidateParams(), import_.Choices(**choices))


def test_a_folder_and_its_json_give_the_same_bytes_and_the_next_step(source: Path) -> None:
    result = run(source)
    assert "dvc add data" in result["summary"]
    assert result["num_images"] == 4
    assert data_digest(Path("data")) == data_digest(source)
    run(source / "instances.json")
    assert data_digest(Path("data")) == data_digest(source)


def test_a_second_delivery_joins_the_first(source: Path, tmp_path: Path) -> None:
    run(source)
    before = read_labels(Path("data"))
    more = make_dataset(tmp_path / "more", num_images=6, seed=5)
    result = run(more)
    after = read_labels(Path("data"))
    assert result["images"] == {"new": 6, "relabelled": 0, "updated": 0, "unchanged": 0, "repeated": 0}
    assert after["images"][:4] == before["images"]
    assert after["annotations"][: len(before["annotations"])] == before["annotations"]
    assert len({a["id"] for a in after["annotations"]}) == len(after["annotations"])
    assert len(list(Path("data/images").iterdir())) == 10
    digest = data_digest(Path("data"))
    assert run(more)["images"]["unchanged"] == 6
    assert data_digest(Path("data")) == digest


def test_replace_begins_anew(source: Path, tmp_path: Path) -> None:
    run(source)
    more = make_dataset(tmp_path / "more", num_images=6, seed=5)
    run(more, mode="replace")
    assert data_digest(Path("data")) == data_digest(more)


def test_classes_that_share_nothing_need_a_word(source: Path, tmp_path: Path) -> None:
    run(source)
    digest = data_digest(Path("data"))
    other = make_dataset(tmp_path / "other", num_images=2, seed=9)
    write_labels(other, {**read_labels(other), "categories": [{"id": 1, "name": "ring"}]})
    with pytest.raises(UsageError, match="--mode replace"):
        run(other)
    assert data_digest(Path("data")) == digest
    run(other, mode="merge")
    assert {c["name"]: c["id"] for c in read_labels(Path("data"))["categories"]} == {"disc": 1, "ring": 2}


def test_the_example_data_gives_way_to_a_first_delivery(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(source)
    monkeypatch.setattr(import_, "EXAMPLE_SHA256", sha256_of(Path("data/instances.json")))
    more = make_dataset(tmp_path / "more", num_images=6, seed=5)
    assert run(more)["num_images"] == 6
    assert run(source)["num_images"] == 10


def test_the_example_is_the_data_that_ships() -> None:
    shipped = Path(__file__).resolve().parents[2] / "data" / "instances.json"
    assert sha256_of(shipped) == import_.EXAMPLE_SHA256


def test_a_dry_run_writes_nothing_and_reports_the_same(source: Path) -> None:
    result = run(source, dry_run=True)
    assert not Path("data").exists()
    assert result["num_images"] == 4
    assert run(source)["num_objects"] == result["num_objects"]


def polygon_label(source: Path, points: list[float]) -> None:
    """Replace the first image's objects by one polygon."""
    document = read_labels(source)
    document["annotations"] = [{"id": 5, "image_id": 1, "category_id": 1, "segmentation": [points], "area": 50.0}]
    write_labels(source, document)


def test_images_beside_the_json_are_found_and_polygons_become_rle(source: Path) -> None:
    polygon_label(source, [2.2, 3, 12.7, 3, 12, 13.5])
    document = read_labels(source)
    for image in document["images"]:
        image["file_name"] = f"images/{image['file_name']}"
    write_labels(source, document)
    run(source / "instances.json")
    written = read_labels(Path("data"))
    assert isinstance(written["annotations"][0]["segmentation"]["counts"], str)
    assert written["images"][0]["file_name"] == "image_000.png"
    polygons, rles = coco.build(source, coco.schema.check(document)), coco.read(Path("data"))
    assert polygons.images[0].annotations[0].rle == rles.images[0].annotations[0].rle


def test_strict_refuses_what_would_be_repaired(source: Path) -> None:
    polygon_label(source, [-20, 3, 12.7, 3, 12, 13.5])
    with pytest.raises(DataInvalidError, match="outside the image"):
        run(source, strict=True)
    assert not Path("data").exists()
    assert run(source)["effects"]["repaired"] >= 1


@pytest.mark.parametrize("damage", ["object", "truncated image", "missing image"])
def test_what_is_broken_can_be_left_out_with_a_finding(source: Path, damage: str) -> None:
    image = source / "images/image_002.png"
    if damage == "object":
        document = read_labels(source)
        document["annotations"][0]["category_id"] = 5
        write_labels(source, document)
    elif damage == "missing image":
        image.unlink()
    else:
        image.write_bytes(image.read_bytes()[:-40])
    whole = len(read_labels(source)["annotations"])
    with pytest.raises(DataInvalidError):
        run(source)
    result = run(source, drop_broken=True)
    assert result["effects"]["dropped"] >= 1
    assert (result["num_images"], result["num_objects"] < whole) == (4 if damage == "object" else 3, True)
    assert any(f["effect"] == "dropped" for f in json.loads(import_.STATE.read_text()))


def test_a_dry_run_checks_as_much_as_the_import_and_keeps_its_findings(source: Path) -> None:
    image = source / "images/image_002.png"
    image.write_bytes(image.read_bytes()[:-40])
    with pytest.raises(DataInvalidError, match="image_002"):
        run(source, dry_run=True)
    assert "image_002.png" in import_.STATE.read_text()
    assert not Path("data").exists()


def test_an_export_of_which_hardly_anything_can_be_used_is_refused(source: Path) -> None:
    document = read_labels(source)
    for annotation in document["annotations"]:
        annotation["segmentation"] = [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]]
    write_labels(source, document)
    with pytest.raises(DataInvalidError, match="export them in pixels"):
        run(source)
    assert not Path("data").exists()


def test_no_object_at_all_is_an_error_unless_it_is_meant(source: Path) -> None:
    run(source)
    write_labels(source, {**read_labels(source), "annotations": []})
    with pytest.raises(DataInvalidError, match="--allow-empty"):
        run(source)
    assert read_labels(Path("data"))["annotations"]
    assert run(source, allow_empty=True)["num_objects"] == 0


def test_labels_of_a_second_tool_in_the_folder_are_told(source: Path) -> None:
    (source / "labels").mkdir()
    (source / "labels/image_000.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n")
    (source / "data.yaml").write_text("train: images\nnames: [disc]\n")
    run(source)
    told = [f["came"] for f in json.loads(import_.STATE.read_text()) if f["check"] == "other format"]
    assert told == ["the folder also looks like yolo; read as coco"]


def test_replacing_says_what_was_there(source: Path, tmp_path: Path) -> None:
    objects = run(source)["num_objects"]
    more = make_dataset(tmp_path / "more", num_images=6, seed=5)
    assert f"in place of 4 images with {objects} objects" in run(more, mode="replace")["summary"]


def test_an_archive_is_read_like_its_folder(source: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "delivery"), "zip", source)
    run(Path(archive))
    assert data_digest(Path("data")) == data_digest(source)
    assert [p.name for p in import_.MAKING.iterdir()] == ["lock"]
    Path(archive).write_bytes(Path(archive).read_bytes()[:-200])
    with pytest.raises(DataInvalidError, match="whole"):
        run(Path(archive))


def test_deep_images_keep_their_bytes_and_get_one_range(source: Path) -> None:
    for number in (0, 1):
        values = np.linspace(200, 1000 * (number + 1), 96 * 128).reshape(96, 128).astype(np.uint16)
        Image.fromarray(values).save(source / f"images/image_00{number}.png")
    run(source)
    assert (source / "images/image_000.png").read_bytes() == Path("data/images/image_000.png").read_bytes()
    low, high = read_labels(Path("data"))["value_range"]
    assert 200 <= low < 210
    assert 1990 < high <= 2000
    dataset = coco.read(Path("data"))
    dim, bright = (int(dataset.pixels(record).max()) for record in dataset.images[:2])
    assert bright == 255
    assert dim == pytest.approx(255 * (1000 - low) / (high - low), abs=1)


def test_data_with_polygons_is_merged_like_any_other(source: Path, tmp_path: Path) -> None:
    run(source)
    document = read_labels(Path("data"))
    more = {"id": 900, "image_id": 1, "category_id": 1, "segmentation": [[60, 60, 80, 60, 80, 80, 60, 80]]}
    runs = {"size": [96, 128], "counts": [10, 5, 96 * 128 - 15]}
    document["annotations"] += [more, {**more, "id": 901, "segmentation": runs}]
    write_labels(Path("data"), document)
    assert run(make_dataset(tmp_path / "more", num_images=2, seed=5))["images"]["new"] == 2
    after = {a["id"]: a for a in read_labels(Path("data"))["annotations"]}
    assert isinstance(after[900]["segmentation"]["counts"], str)
    assert isinstance(after[901]["segmentation"]["counts"], str)


@pytest.mark.parametrize("is_broken", [True, False])
def test_a_file_of_the_user_in_data_is_never_written_over(source: Path, tmp_path: Path, is_broken: bool) -> None:
    run(source)
    own = Path("data/images/image_005.png")
    Image.new("RGB", (128, 96), (9, 9, 9)).save(own)
    before = own.read_bytes()
    more = make_dataset(tmp_path / "more", num_images=6, seed=5)
    if is_broken:
        document = read_labels(more)
        document["annotations"][0]["category_id"] = 7
        write_labels(more, document)
        with pytest.raises(DataInvalidError):
            run(more)
    else:
        assert run(more)["num_images"] == 10
    assert own.read_bytes() == before


def test_a_file_that_lies_there_without_an_entry_gets_its_entry(source: Path, tmp_path: Path) -> None:
    run(source)
    more = make_dataset(tmp_path / "more", num_images=2, seed=5)
    shutil.copyfile(more / "images/image_001.png", "data/images/lies_there.png")
    assert run(more)["num_images"] == 6
    assert "lies_there.png" in {i["file_name"] for i in read_labels(Path("data"))["images"]}
    assert len(list(Path("data/images").iterdir())) == 6


def deepen(root: Path, low: int, high: int) -> None:
    """Give every image of a data set 16 bits."""
    for path in sorted((root / "images").iterdir()):
        grey = np.asarray(Image.open(path).convert("L"), dtype=np.float64) / 255
        Image.fromarray((low + (high - low) * grey).astype(np.uint16)).save(path)


def test_the_range_that_a_label_file_states_is_kept(source: Path) -> None:
    deepen(source, 0, 4000)
    write_labels(source, {**read_labels(source), "value_range": [0, 4095]})
    run(source)
    assert read_labels(Path("data"))["value_range"] == [0, 4095]


def test_deep_images_without_a_range_keep_their_full_one_when_others_join(source: Path, tmp_path: Path) -> None:
    deepen(source, 0, 60000)
    run(source)
    document = read_labels(Path("data"))
    del document["value_range"]
    write_labels(Path("data"), document)
    before = coco.read(Path("data"))
    first = before.pixels(before.images[0])
    more = make_dataset(tmp_path / "more", num_images=2, seed=5)
    deepen(more, 0, 900)
    run(more)
    after = coco.read(Path("data"))
    same = next(record for record in after.images if record.file_name == before.images[0].file_name)
    np.testing.assert_array_equal(after.pixels(same), first)


def test_what_was_imported_is_not_replaced_by_a_pull_that_was_killed_before(source: Path) -> None:
    import_.PULLING.parent.mkdir()
    import_.PULLING.touch()
    run(source)
    assert not import_.PULLING.exists()


@pytest.mark.parametrize("damage", ["category", "missing image", "truncated image"])
def test_a_broken_delivery_leaves_data_as_it_was(source: Path, damage: str) -> None:
    run(source)
    before = data_digest(Path("data"))
    image = source / "images/image_002.png"
    if damage == "category":
        document = read_labels(source)
        document["annotations"][0]["category_id"] = 5
        write_labels(source, document)
    elif damage == "missing image":
        image.unlink()
    else:
        image.write_bytes(image.read_bytes()[:-40])
    with pytest.raises(DataInvalidError) as refused:
        run(source)
    assert ("annotation 1" if damage == "category" else "image_002") in str(refused.value)
    assert data_digest(Path("data")) == before
    assert Path(".segwise/findings.json").is_file()
    assert [p.name for p in import_.MAKING.iterdir()] == ["lock"]


def test_what_an_import_killed_between_its_renames_left_is_put_right_first(source: Path, tmp_path: Path) -> None:
    run(source)
    before = data_digest(Path("data"))
    shutil.move("data", import_.MAKING / "old")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError):
        run(empty)
    assert data_digest(Path("data")) == before
    shutil.move("data", import_.MAKING / "old")
    assert run(make_dataset(tmp_path / "more", num_images=2, seed=5))["num_images"] == 6


def test_a_source_that_is_no_data_set_is_a_usage_error(source: Path) -> None:
    (source / "README.md").write_text("what this is")
    for wrong in (source / "nowhere", source / "images", source / "images/image_000.png", source / "README.md"):
        with pytest.raises(UsageError, match=r"segwise import|--format|label file"):
            run(wrong)
    assert not Path("data").exists()


def test_two_imports_at_once_are_refused(source: Path) -> None:
    import_.MAKING.mkdir(parents=True)
    with FileLock(import_.MAKING / "lock"), pytest.raises(BusyError):
        run(source)
