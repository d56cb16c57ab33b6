"""An import puts a whole data set in the place of data/, or changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from segwise.dataset import coco
from segwise.dataset.integrity import data_digest
from segwise.dataset.params import DataParams
from segwise.errors import BusyError, DataInvalidError, UsageError
from segwise.stages import import_
from tests.factory import make_dataset, read_labels, write_labels


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set to import; the working directory is an empty project."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return make_dataset(tmp_path / "delivery", num_images=4)


def test_a_folder_and_its_json_give_the_same_bytes_and_the_next_step(source: Path) -> None:
    result = import_.run(source, DataParams())
    assert "dvc add data" in result["summary"]
    assert result["num_images"] == 4
    assert data_digest(Path("data")) == data_digest(source)
    import_.run(source / "instances.json", DataParams())
    assert data_digest(Path("data")) == data_digest(source)


def test_images_beside_the_json_are_found_and_polygons_become_rle(source: Path) -> None:
    document = read_labels(source)
    document["annotations"] = [
        {"id": 5, "image_id": 1, "category_id": 1, "segmentation": [[2.2, 3, 12.7, 3, 12, 13.5]], "area": 50.0}
    ]
    for image in document["images"]:
        image["file_name"] = f"images/{image['file_name']}"
    write_labels(source, document)
    import_.run(source / "instances.json", DataParams())
    written = read_labels(Path("data"))
    assert isinstance(written["annotations"][0]["segmentation"]["counts"], str)
    assert written["images"][0]["file_name"] == "image_000.png"
    polygons, rles = coco.build(source, coco.schema.check(document)), coco.read(Path("data"))
    assert polygons.images[0].annotations[0].rle == rles.images[0].annotations[0].rle


def test_what_was_imported_is_not_replaced_by_a_pull_that_was_killed_before(source: Path) -> None:
    import_.PULLING.parent.mkdir()
    import_.PULLING.touch()
    import_.run(source, DataParams())
    assert not import_.PULLING.exists()


@pytest.mark.parametrize("damage", ["category", "missing image", "truncated image"])
def test_a_broken_delivery_leaves_data_as_it_was(source: Path, damage: str) -> None:
    import_.run(source, DataParams())
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
        import_.run(source, DataParams())
    assert ("object 1" if damage == "category" else "image_002.png") in str(refused.value)
    assert data_digest(Path("data")) == before
    assert Path(".segwise/findings.json").is_file()
    assert [p.name for p in import_.MAKING.iterdir()] == ["lock"]


def test_an_import_killed_between_its_renames_is_mended_by_the_next(source: Path) -> None:
    import_.run(source, DataParams())
    before = data_digest(Path("data"))
    shutil.move("data", import_.MAKING / "old")
    document = read_labels(source)
    document["categories"] = []
    (source / "images/image_000.png").unlink()
    with pytest.raises(DataInvalidError):
        import_.run(source, DataParams())
    shutil.copytree(import_.MAKING, "copy", dirs_exist_ok=True)
    assert Path("data").is_dir()
    assert data_digest(Path("data")) == before


def test_a_source_that_is_no_data_set_is_a_usage_error(source: Path) -> None:
    for wrong in (source / "nowhere", source / "images", source / "images/image_000.png"):
        with pytest.raises(UsageError, match="segwise import"):
            import_.run(wrong, DataParams())
    assert not Path("data").exists()


def test_two_imports_at_once_are_refused(source: Path) -> None:
    import_.MAKING.mkdir(parents=True)
    with FileLock(import_.MAKING / "lock"), pytest.raises(BusyError):
        import_.run(source, DataParams())
