"""`segwise suspects`: the labels that a trained model doubts, worst first → work/suspects (table, JSON, gallery)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from segwise import store
from segwise.dataset import coco, targets
from segwise.dataset.coco import Dataset, ImageRecord
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, UsageError
from segwise.evaluation.matching import intersections
from segwise.labels.suspects.quality import ImageQuality, image_quality
from segwise.labels.suspects.ranking import Judged, Suspect, judge, rank
from segwise.labels.suspects.scene import Map, Scene, shown
from segwise.predict.cascade import Cascade
from segwise.predict.instance import CANDIDATE_SCORE
from segwise.predict.maps import class_probabilities
from segwise.predict.predictor import Predictor
from segwise.report import suspects_page
from segwise.spec import SPLITS, canonical_json
from segwise.types import ClassInfo, Image, Objects

OUT = Path("work/suspects")
SPLIT_FILE = Path("work/split.json")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one image leaves behind once its pixels are gone."""

    judged: Judged
    quality: ImageQuality
    labels: Objects
    predicted: Objects


def run(
    data: DataParams, model: Path | None = None, split: str = "all", top: int = 50, threads: int = 2
) -> dict[str, Any]:
    """Rank the labels of a split by how surely the model contradicts them.

    Args:
        model: a model folder; default: the champion's.
        split: train, val or test of work/split.json, or all images of the data set.
        top: suspects shown on the page; the tables hold all of them.

    Raises:
        UsageError: `top` is below 1, the split is unknown, or the model was trained on other classes.
        DataInvalidError: the split has no images or no split was made yet.
    """
    if top < 1:
        raise UsageError("at least 1 suspect to show", f"--top {top}", "ask for 50")
    dataset = coco.read(Path(data.dir))
    parts = read_split()
    predictor = Predictor.load(store.champion_model() if model is None else model, threads=threads)
    check_classes(predictor.spec.class_infos, dataset.classes)
    records = chosen(dataset, parts, split)
    part_of = {name: part for part in SPLITS for name in parts.get(part, [])}
    looked = {r.file_name: look(predictor, dataset, r, part_of.get(r.file_name) == "train") for r in records}
    found = rank([view.judged for view in looked.values()], dataset.classes)
    images = sorted((view.quality for view in looked.values()), key=lambda q: (q.quality, q.file_name))
    _write(found, images, part_of)
    _write_page(found, images, looked, dataset, part_of, top, predictor)
    likely = sum(s.score >= 0.5 for s in found)
    words = f"{len(records)} images: {len(found)} suspects, {likely} of them more likely wrong than not"
    return {"num_images": len(records), "num_suspects": len(found), "num_likely": likely,
            "summary": f"{words} → {OUT}/index.html"}  # fmt: skip


def look(predictor: Predictor | Cascade, dataset: Dataset, record: ImageRecord, is_trained: bool) -> Looked:
    """Run the model on one image and hold its answer against the labels."""
    image, (labels, ids) = dataset.pixels(record), labelled(record)
    class_map = targets.paint(labels, dataset.classes)
    predicted, probabilities = answer(predictor, image)
    if predictor.spec.approach in (
        "semantic",
        "hybrid",
    ):  # one class a pixel: what lies under another object cannot be seen
        labels, ids = shown(labels, ids, dataset.classes)
    scene = Scene(record.file_name, labels, ids, predicted, intersections(predicted, labels), probabilities, class_map,
                  tuple(dataset.classes), is_trained)  # fmt: skip
    return Looked(judge(scene), image_quality(record.file_name, class_map, probabilities), labels, predicted)


def answer(predictor: Predictor | Cascade, image: Image) -> tuple[Objects, Map]:
    """The objects served and the probabilities of background and the classes 1..K, float32 (K + 1, H, W)."""
    if isinstance(predictor, Cascade):
        served, candidates = predictor.both(image)
        return served.objects, detected(candidates, len(predictor.spec.classes))
    outputs, size = predictor.outputs(image), (image.shape[0], image.shape[1])
    objects = predictor.decode(outputs, size).objects
    if predictor.spec.approach != "instance":
        named = class_probabilities(cast("Map", outputs["logits"]), size)
        return objects, np.concatenate([np.clip(1 - named.sum(axis=0, keepdims=True), 0, 1), named])
    candidates = predictor.decode(outputs, size, all_candidates=True).objects
    return objects, detected(candidates, len(predictor.spec.classes))


def detected(candidates: Objects, num_classes: int) -> Map:
    """Probabilities from detections: each pixel has the best score of every class there, the background the rest."""
    named = np.full((num_classes, *candidates.size), CANDIDATE_SCORE / num_classes, dtype=np.float32)
    rows = zip(candidates.boxes_xyxy, candidates.crops, candidates.class_ids, candidates.scores, strict=True)
    for (x0, y0, x1, y1), crop, class_id, score in rows:
        window = named[int(class_id) - 1, y0:y1, x0:x1]
        window[crop] = np.maximum(window[crop], score)
    background = 1 - named.max(axis=0, keepdims=True)
    planes = np.concatenate([background, named])
    return np.asarray(planes / planes.sum(axis=0), dtype=np.float32)


def labelled(record: ImageRecord) -> tuple[Objects, NDArray[np.int64]]:
    """The labelled objects and their ids, int64 (M,)."""
    ids = np.array([a.id for a in targets.with_pixels(record)], dtype=np.int64)
    return targets.objects(record), ids


def read_split() -> dict[str, list[str]]:
    """The file names by part; empty where `segwise split` has not run."""
    return dict(json.loads(SPLIT_FILE.read_text(encoding="utf-8"))) if SPLIT_FILE.is_file() else {}


def chosen(dataset: Dataset, parts: dict[str, list[str]], split: str) -> Sequence[ImageRecord]:
    """The records of a split."""
    if split not in (*SPLITS, "all"):
        raise UsageError(f"a split ({', '.join(SPLITS)}, all)", f"`{split}`", "name one of them")
    if split != "all" and not parts:
        raise DataInvalidError(f"the split in {SPLIT_FILE}", "none", "run `segwise split`, or take `--split all`")
    records = dataset.images if split == "all" else coco.by_name(dataset, parts[split])
    if not records:
        raise DataInvalidError(f"images in {split}", "none", "take `--split all`")
    return records


def check_classes(known: Sequence[ClassInfo], labelled_as: Sequence[ClassInfo]) -> None:
    """Raise UsageError where the model speaks of other classes than the labels."""
    ours, theirs = ([c.name for c in classes] for classes in (labelled_as, known))
    if ours != theirs:
        remedy = "take a model that was trained on this data set: `--model work/calibrate/<approach>`"
        raise UsageError(f"a model of the classes {', '.join(ours)}", f"one of {', '.join(theirs)}", remedy)


def _write(found: Sequence[Suspect], images: Sequence[ImageQuality], part_of: dict[str, str]) -> None:
    import pandas as pd

    OUT.mkdir(parents=True, exist_ok=True)
    rows = [row_of(suspect, part_of.get(suspect.file_name, "")) for suspect in found]
    qualities = [
        {"file_name": q.file_name, "split": part_of.get(q.file_name, ""), "quality": q.quality, "doubted": q.doubted}
        for q in images
    ]
    document = {"suspects": rows, "images": qualities}
    (OUT / "suspects.json").write_text(canonical_json(document), encoding="utf-8")
    pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS).to_parquet(OUT / "suspects.parquet", index=False)
    pd.DataFrame(qualities).to_parquet(OUT / "images.parquet", index=False)


COLUMNS: dict[str, Any] = {
    "kind": "str", "score": "float64", "file_name": "str", "split": "str", "is_trained": "bool", "object_ids": "object",
    "label_class": "str", "model_class": "str", "x0": "int64", "y0": "int64", "x1": "int64", "y1": "int64",
    "area_px": "int64", "came": "str", "remedy": "str",
}  # fmt: skip


def row_of(suspect: Suspect, part: str) -> dict[str, Any]:
    """One suspect as the tables hold it; the box in pixels, half-open."""
    box = dict(zip(("x0", "y0", "x1", "y1"), suspect.place.box_xyxy, strict=True))
    names = ("kind", "score", "file_name", "is_trained", "label_class", "model_class", "came", "remedy")
    values = {name: getattr(suspect, name) for name in names}
    return {**values, **box, "split": part, "object_ids": list(suspect.object_ids), "area_px": suspect.place.area_px}


def _write_page(
    found: Sequence[Suspect], images: Sequence[ImageQuality], looked: dict[str, Looked], dataset: Dataset,
    part_of: dict[str, str], top: int, predictor: Predictor | Cascade,
) -> None:  # fmt: skip
    records = {record.file_name: record for record in dataset.images}
    cards = []
    for suspect in found[:top]:
        view, image = looked[suspect.file_name], dataset.pixels(records[suspect.file_name])
        cards.append(
            suspects_page.card(suspect, image, view.labels, view.predicted, part_of.get(suspect.file_name, ""))
        )
    page = suspects_page.Page(cards, found, images, part_of, predictor.spec.approach)
    (OUT / "index.html").write_text(suspects_page.render(page), encoding="utf-8")
