"""An export is a new folder, whole or not there; names, splits and losses are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from segwise.dataset import palette
from segwise.dataset.exports import table
from segwise.dataset.integrity import data_digest
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, UsageError
from segwise.spec import canonical_json
from segwise.stages import export
from tests.dataset.exports.readers import IGNORED, READERS
from tests.dataset.exports.sets import Labelled, box, make_set
from tests.factory import make_dataset, read_labels, write_labels

WORDS = tuple(table.FORMATS)
DATA = DataParams()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory is an empty project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings_of(out: str) -> list[dict[str, object]]:
    return list(json.loads(Path(out, "findings.json").read_text()))


@pytest.mark.parametrize("word", WORDS)
def test_two_exports_have_the_same_bytes(word: str) -> None:
    make_dataset(Path("data"), num_images=4)
    export.run(word, Path("a"), None, DATA)
    export.run(word, Path("b"), None, DATA)
    assert data_digest(Path("a")) == data_digest(Path("b"))


@pytest.mark.parametrize("word", WORDS)
def test_every_image_is_there_with_its_own_bytes_empty_ones_included(word: str) -> None:
    make_set(Path("data"), {"full.png": [Labelled(box(2, 2, 9, 9))], "empty.png": []})
    result = export.run(word, Path("out"), None, DATA)
    assert result["num_images"] == 2
    found = READERS[word](Path("out"))
    assert {name: len(rows) for name, rows in found.items()} == {"full.png": 1, "empty.png": 0}
    copies = {p.read_bytes() for p in Path("out").rglob("*.png")}
    assert {p.read_bytes() for p in Path("data/images").iterdir()} <= copies


@pytest.mark.parametrize("word", WORDS)
def test_one_split_is_written_where_one_is_named(word: str) -> None:
    make_dataset(Path("data"), num_images=8)
    wanted = {i["file_name"] for i in read_labels(Path("data"))["images"] if i["split"] == "val"}
    export.run(word, Path("out"), "val", DATA)
    assert set(READERS[word](Path("out"))) == wanted
    with pytest.raises(UsageError, match=r"train, val.*'valid'"):
        export.run(word, Path("other"), "valid", DATA)


def test_the_split_stage_counts_more_than_the_label_file_if_it_speaks_of_these_images() -> None:
    make_dataset(Path("data"), num_images=4)
    names = sorted(p.name for p in Path("data/images").iterdir())
    Path("work").mkdir()
    for test, wanted in ((names[3:], {names[3]}), (["another.png"], set())):
        parts = {"train": names[:1], "left_out": names[1:2], "val": names[2:3], "test": test}
        export.SPLIT.write_text(canonical_json(parts))
        if wanted:
            export.run("coco", Path("out"), "test", DATA)
            assert set(READERS["coco"](Path("out"))) == wanted
        else:
            with pytest.raises(UsageError, match="label file"):
                export.run("coco", Path("nothing"), "test", DATA)


@pytest.mark.parametrize("word", WORDS)
def test_images_of_one_name_in_two_folders_do_not_clash(word: str) -> None:
    objects = {"a/x.png": [Labelled(box(0, 0, 5, 5))], "b/x.png": [], "a__x.png": [Labelled(box(0, 0, 3, 3))] * 2}
    make_set(Path("data"), objects)
    export.run(word, Path("out"), None, DATA)
    num_owned = {"voc": [0, 1, 1], "cityscapes": [0, 1, 1]}.get(word, [0, 1, 2])
    assert sorted(len(rows) for rows in READERS[word](Path("out")).values()) == num_owned
    renamed = [f["image"] for f in findings_of("out") if f["check"] == "name changed"]
    assert renamed == ([] if word == "coco" else ["a/x.png", "a__x.png", "b/x.png"])


@pytest.mark.parametrize("word", WORDS)
def test_two_images_that_differ_in_their_ending_only_keep_their_own_labels(word: str) -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5))], "x.bmp": []})
    export.run(word, Path("out"), None, DATA)
    found = {Path(name).suffix: len(rows) for name, rows in READERS[word](Path("out")).items()}
    assert found == {".png": 1, ".bmp": 0}


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is() -> None:
    make_dataset(Path("data"), num_images=2)
    Path("out").mkdir()
    Path("out/mine.txt").write_text("mine")
    Path("file").write_text("mine")
    for out in ("out", "file"):
        with pytest.raises(UsageError, match="new or empty"):
            export.run("coco", Path(out), None, DATA)
    assert [p.name for p in Path("out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled() -> None:
    make_dataset(Path("data"), num_images=2)
    Path("out").mkdir()
    export.run("coco", Path("out"), None, DATA)
    assert Path("out/findings.json").is_file()


@pytest.mark.parametrize("damage", ["missing", "other size"])
def test_a_broken_image_stops_the_export_and_nothing_appears(damage: str, project: Path) -> None:
    make_dataset(Path("data"), num_images=3)
    image = Path("data/images/image_002.png")
    if damage == "missing":
        image.unlink()
    else:
        Image.new("RGB", (7, 5)).save(image)
    with pytest.raises(DataInvalidError, match=r"image_002\.png"):
        export.run("yolo", Path("out"), None, DATA)
    assert {p.name for p in project.iterdir()} <= {"data", ".segwise"}


def test_strict_refuses_losses_and_tells_all_of_them() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 9, 9)), Labelled(box(4, 4, 20, 20))]})
    with pytest.raises(DataInvalidError, match=r"x\.png.*25 px"):
        export.run("voc", Path("out"), None, DATA, strict=True)
    assert not Path("out").exists()
    checks = [f["check"] for f in json.loads(export.STATE.read_text())]
    assert checks == ["not carried", "overlap", "class name"]
    export.run("coco", Path("out"), None, DATA, strict=True)


def test_an_export_never_goes_into_the_data_set() -> None:
    make_dataset(Path("data"), num_images=2)
    digest = data_digest(Path("data"))
    with pytest.raises(UsageError, match="outside"):
        export.run("coco", Path("data/x"), None, DATA)
    assert data_digest(Path("data")) == digest


def test_run_lengths_are_asked_of_coco_alone() -> None:
    make_dataset(Path("data"), num_images=2)
    with pytest.raises(UsageError, match="--rle"):
        export.run("yolo", Path("out"), None, DATA, only_rle=True)


def test_an_unknown_format_names_the_known_ones() -> None:
    make_dataset(Path("data"), num_images=1)
    with pytest.raises(UsageError, match="coco, yolo, voc"):
        export.run("tfrecord", Path("out"), None, DATA)


@pytest.mark.parametrize("tolerance_px", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_distance_is_refused(tolerance_px: float) -> None:
    make_dataset(Path("data"), num_images=1)
    with pytest.raises(UsageError, match="tolerance"):
        export.run("coco", Path("out"), None, DATA, tolerance_px=tolerance_px)


def test_coco_keeps_what_the_label_file_says_beside_masks() -> None:
    make_dataset(Path("data"), num_images=4)
    document = read_labels(Path("data"))
    document["info"] = {"year": 2020}
    document["annotations"][0]["track"] = 7
    write_labels(Path("data"), document)
    Path("data/LICENSE").write_text("CC0")
    result = export.run("coco", Path("out"), "train", DATA)
    written = json.loads(Path("out/annotations/instances_train.json").read_text())
    assert written["images"] == [i for i in document["images"] if i["split"] == "train"]
    assert written["info"] == {"year": 2020}
    first = written["annotations"][0]
    assert {key: first[key] for key in ("id", "track", "area", "bbox", "iscrowd")} == {
        key: document["annotations"][0][key] for key in ("id", "track", "area", "bbox", "iscrowd")
    }
    assert Path("out/LICENSE").read_text() == "CC0"
    assert "nothing lost" in result["summary"]
    assert findings_of("out") == []


@pytest.mark.parametrize("word", [w for w in WORDS if w != "coco"])
def test_groups_attributes_and_kinds_that_a_format_does_not_carry_are_named(word: str) -> None:
    make_set(Path("data"), {"a.png": [], "b.png": []}, group="field 1", stain="blue", split="train")
    export.run(word, Path("out"), None, DATA)
    text = "".join(p.read_text(errors="ignore") for p in Path("out").rglob("*") if p.suffix in (".json", ".geojson"))
    keeps = table.module(word).KEEPS
    for kind, mark in (("group", "the group of 2 images"), ("attributes", "stain"), ("kind", "'street: wet'")):
        said = [f for f in findings_of("out") if f["check"] == "not carried" and mark in str(f["came"])]
        assert len(said) == (kind not in keeps)
        assert all(f["effect"] == "dropped" for f in said)
    assert ('"stain": "blue"' in text) == ("attributes" in keeps)


@pytest.mark.parametrize("word", WORDS)
def test_ignore_regions_stay_ignored_or_are_reported(word: str) -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5), 9, True), Labelled(box(10, 10, 15, 15), 9)]})
    export.run(word, Path("out"), None, DATA)
    kinds = sorted(kind for kind, _ in READERS[word](Path("out"))["x.png"])
    assert kinds == (["window"] if word == "yolo" else [IGNORED, "window"])
    said = [f["object_id"] for f in findings_of("out") if f["check"] == "ignore region"]
    assert said == ([1] if word in ("yolo", "labelme", "geojson") else [])


def test_coco_writes_crowds_as_uncompressed_and_holes_as_compressed_run_lengths() -> None:
    ring = box(0, 0, 9, 9) & ~box(3, 3, 5, 5)
    make_set(Path("data"), {"x.png": [Labelled(ring), Labelled(box(9, 9, 20, 20)), Labelled(ring, 9, True)]})
    for only_rle in (False, True):
        out = Path(f"out_{only_rle}")
        export.run("coco", out, None, DATA, only_rle=only_rle)
        written = json.loads((out / "annotations/instances_all.json").read_text())
        hole, square, crowd = (a["segmentation"] for a in written["annotations"])
        assert isinstance(hole["counts"], str)
        assert isinstance(crowd["counts"], list)
        assert isinstance(square, dict) == only_rle
        assert len(READERS["coco"](out)["x.png"]) == 3


def test_yolo_says_which_objects_hang_on_bridges_and_which_share_a_box() -> None:
    corner = box(0, 0, 4, 4) | box(4, 4, 8, 8)  # meets itself at a corner: one ring without a bridge
    apart = box(10, 0, 12, 4) | box(14, 0, 16, 4)
    ring = box(0, 10, 9, 19) & ~box(3, 13, 5, 15)
    objects = [Labelled(m) for m in (corner, apart, ring, box(0, 0, 8, 8))]
    make_set(Path("data"), {"x.png": objects})
    export.run("yolo", Path("out"), None, DATA)
    said = [(f["check"], f["object_id"]) for f in findings_of("out") if f["object_id"] is not None]
    assert said == [("multi-part", 2), ("hole", 3), ("same box", 1), ("same box", 4)]


@pytest.mark.parametrize("word", ["voc", "cityscapes"])
def test_objects_that_lose_half_of_their_pixels_or_all_of_them_are_named(word: str) -> None:
    wall, window, pane = box(0, 0, 20, 20), box(5, 5, 15, 15), box(5, 5, 15, 10)
    half = [
        Labelled(wall, 1),
        Labelled(window, 9),
        Labelled(pane, 9),
        Labelled(box(5, 10, 14, 15), 9),
        Labelled(pane, 1),
    ]
    make_set(Path("data"), {"x.png": half})
    export.run(word, Path("out"), None, DATA)
    said = [(f["object_id"], f["effect"], f["came"]) for f in findings_of("out") if f["check"] == "overlap"]
    assert said == [
        (None, "approximated", "3 objects lose 245 px to objects above them"),
        (2, "approximated", "95 of its 100 px lie under other objects"),
        (3, "dropped", "50 of its 50 px lie under other objects"),
    ]


def test_voc_maps_have_the_palette_of_the_devkit() -> None:
    # PASCAL VOC 2012: background, aeroplane, bicycle, …, tvmonitor, void
    wanted = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert {i: tuple(palette.voc()[i].tolist()) for i in wanted} == wanted
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5), 9)]})
    export.run("voc", Path("out"), None, DATA)
    with Image.open("out/SegmentationClass/x.png") as image:
        assert image.mode == "P"
        assert image.convert("RGB").getpixel((0, 0)) == (128, 128, 0)


def test_voc_object_maps_of_more_objects_than_a_palette_holds_have_16_bits_and_keep_void_at_255() -> None:
    masks = [box(y, x, y + 1, x + 1) for y in range(20) for x in range(15)]
    crowd = Labelled(box(21, 0, 23, 20), 1, True)
    make_set(Path("data"), {"x.png": [*map(Labelled, masks), crowd]})
    export.run("voc", Path("out"), None, DATA)
    assert len(READERS["voc"](Path("out"))["x.png"]) == 301
    with Image.open("out/SegmentationObject/x.png") as image:
        values = np.asarray(image)
    assert values.max() == 301
    assert ((values == 255) == crowd.mask).all()
    assert [f["came"].split(",")[0] for f in findings_of("out") if f["check"] == "many objects"] == ["300 objects"]


def test_voc_renames_classes_that_its_list_cannot_hold() -> None:
    names = ("void", "a:b", "a_b", "two\nlines", "fine")
    categories = [{"id": i, "name": name} for i, name in enumerate(names, start=1)]
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5), 5)]}, categories=categories)
    export.run("voc", Path("out"), None, DATA)
    lines = Path("out/labelmap.txt").read_text().splitlines()[2:]
    assert [line.split(":")[0] for line in lines] == ["void_1", "a_b_2", "a_b_3", "two lines", "fine"]
    assert len([f for f in findings_of("out") if f["check"] == "class name"]) == 4


@pytest.mark.parametrize("fault", ["objects", "classes"])
def test_cityscapes_refuses_what_16_bit_instance_ids_cannot_hold(fault: str) -> None:
    size, category = (40, 60), 1 if fault == "objects" else 65
    count = 1001 if fault == "objects" else 1
    masks = [box(i // 30, 2 * (i % 30), i // 30 + 1, 2 * (i % 30) + 1, size) for i in range(count)]
    categories = [{"id": i, "name": f"class {i}"} for i in range(1, category + 1)]
    make_set(Path("data"), {"x.png": [Labelled(m, category) for m in masks]}, size, categories)
    with pytest.raises(DataInvalidError, match="1001 objects" if fault == "objects" else "class 65"):
        export.run("cityscapes", Path("out"), None, DATA)
    assert not Path("out").exists()


def test_cityscapes_merges_regions_of_stuff_and_says_so() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5), 4), Labelled(box(10, 10, 15, 15), 4)]})
    export.run("cityscapes", Path("out"), None, DATA)
    ((_, mask),) = READERS["cityscapes"](Path("out"))["x.png"]
    assert mask.sum() == 50
    assert [f["check"] for f in findings_of("out")] == ["merged"]


def test_simpler_outlines_are_smaller_and_reported() -> None:
    make_dataset(Path("data"), num_images=4)
    sizes = []
    for out, tolerance_px in (("exact", 0.0), ("simple", 1.0)):
        export.run("geojson", Path(out), None, DATA, tolerance_px=tolerance_px)
        sizes.append(sum(p.stat().st_size for p in Path(out, "annotations").iterdir()))
    assert sizes[1] < sizes[0] * 0.6
    assert [f["check"] for f in findings_of("simple")] == ["simplified"]


def test_an_annotation_without_pixels_is_reported_by_every_format() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5))]})
    document = read_labels(Path("data"))
    document["annotations"].append(
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[3.1, 3.1, 3.2, 3.1, 3.2, 3.2]]}
    )
    write_labels(Path("data"), document)
    for word in WORDS:
        export.run(word, Path(word), None, DATA)
        assert [f["object_id"] for f in findings_of(word) if f["check"] == "zero area"] == [2]


def test_an_image_that_is_stored_turned_is_reported() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5))]})
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (30, 24)).save("data/images/x.png", exif=exif)
    export.run("coco", Path("out"), None, DATA)
    assert [f["check"] for f in findings_of("out")] == ["orientation"]


def test_a_split_that_would_leave_the_folder_is_refused() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5))]}, split="../elsewhere")
    with pytest.raises(DataInvalidError, match="elsewhere"):
        export.run("yolo", Path("out"), None, DATA)


def test_a_mask_that_fills_its_image_has_an_outline_just_inside_it() -> None:
    make_set(Path("data"), {"x.png": [Labelled(np.ones((20, 50), dtype=bool))]}, size=(20, 50))
    export.run("yolo", Path("out"), None, DATA)
    assert Path("out/labels/train/x.txt").read_text() == "0 0.001 0.0025 0.999 0.0025 0.999 0.9975 0.001 0.9975\n"


def test_images_without_a_split_are_for_training_in_yolo_and_ultralytics_wishes_are_told() -> None:
    make_set(Path("data"), {"x.png": [Labelled(box(0, 0, 5, 5))]})
    export.run("yolo", Path("out"), None, DATA)
    content = yaml.safe_load(Path("out/data.yaml").read_text())
    assert content == {"train": "images/train", "nc": 3, "names": {0: "cell", 1: "street: wet", 2: "window"}}
    said = [str(f["came"]) for f in findings_of("out") if f["check"] == "no split"]
    assert said == [
        "1 images without a split are written as `train`",
        "images of train only; Ultralytics trains with `train` and `val`",
    ]
