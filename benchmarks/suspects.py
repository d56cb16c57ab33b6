"""How many of the suspects are real label errors: errors are planted in a copy of the labels, then ranked.

    python benchmarks/suspects.py plant data ../planted            # a copy with errors, to train on as well
    python benchmarks/suspects.py measure ../planted work/calibrate/hybrid --split test

`plant` deletes 5 % of the objects and gives 2 % each of the other errors. `measure` prints, for each kind and for all
together, average precision and precision at k (k = number of errors planted in the split), beside the same
suspects shuffled and beside looking at any label. What was wrong before planting counts as a false alarm.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

RATES = {"missed": 0.05, "phantom": 0.02, "class": 0.02, "merged": 0.02, "split": 0.02, "outline": 0.02}
MIN_AREA_PX = 40  # smaller objects are not spoiled
Planted = dict[str, Any]  # kind, file_name, object_ids, box (x0, y0, x1, y1)
Spoiled = tuple[list[int], list[dict[str, Any]], list[int]]  # ids removed, rows added, box


@dataclass(frozen=True)
class Draw:
    """One object to spoil, with what lies around it in its image."""

    row: dict[str, Any]
    others: list[dict[str, Any]]
    used: set[int]  # ids that an error was given to already
    categories: list[int]
    new_id: int
    rng: np.random.Generator


def plant(document: dict[str, Any], seed: int, rates: dict[str, float] = RATES) -> tuple[dict[str, Any], list[Planted]]:
    """A copy of a label file with planted errors, none touching another, and the list of them."""
    rng = np.random.default_rng(seed)
    sizes = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    rows: dict[int, dict[str, Any]] = {a["id"]: _as_rle(a, sizes[a["image_id"]]) for a in document["annotations"]}
    categories = [c["id"] for c in document["categories"] if c.get("isthing", 1)]
    wanted = {k: 0 if k == "class" and len(categories) < 2 else round(r * len(rows)) for k, r in rates.items()}
    names = {image["id"]: image["file_name"] for image in document["images"]}
    planted, used, new_id = [], set[int](), max(rows) + 1
    order = [int(v) for v in rng.permutation(sorted(rows))]
    for kind, count in wanted.items():
        unfit: list[int] = []  # for this kind; another one may take them
        while count and order:
            unfit.append(order.pop())
            row = rows.get(unfit[-1])
            if row is None or row["id"] in used or not _is_fit(row, categories):
                continue
            others = [r for r in rows.values() if r["image_id"] == row["image_id"] and r["id"] != row["id"]]
            spoiled = SPOIL[kind](Draw(row, others, used, categories, new_id, rng))
            if spoiled is None:
                continue
            removed, added, box = spoiled
            for number in removed:
                rows.pop(number, None)
            rows.update({r["id"]: r for r in added})
            used |= {*removed, *(r["id"] for r in added)}
            new_id, count = new_id + 2, count - 1
            ids = [r["id"] for r in added]
            planted.append({"kind": kind, "file_name": names[row["image_id"]], "object_ids": ids, "box": box})
        order = unfit[::-1] + order
    return {**document, "annotations": [rows[number] for number in sorted(rows)]}, planted


def _as_rle(row: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The row with its polygons or run lengths as compressed RLE; a row that has one stays as it is."""
    shape = row["segmentation"]
    if isinstance(shape, dict) and isinstance(shape["counts"], str):
        return dict(row)
    rle = coco_mask.frPyObjects(shape, *size)
    mask = coco_mask.decode(coco_mask.merge(rle) if isinstance(rle, list) else rle)
    return _row(row, np.asarray(mask, dtype=bool), row["id"])


def _is_fit(row: dict[str, Any], categories: list[int]) -> bool:
    return not row.get("iscrowd") and row["category_id"] in categories and row["area"] >= MIN_AREA_PX


def _missed(draw: Draw) -> Spoiled | None:
    return [draw.row["id"]], [], _box(_mask(draw.row))


def _phantom(draw: Draw) -> Spoiled | None:
    taken = np.logical_or.reduce([_mask(draw.row), *(_mask(r) for r in draw.others)])
    for _ in range(20):
        moved = np.roll(_mask(draw.row), draw.rng.integers(0, taken.shape), axis=(0, 1))
        if not (moved & taken).any() and cv2.connectedComponents(moved.astype(np.uint8))[0] == 2:
            return [], [_row(draw.row, moved, draw.new_id)], _box(moved)
    return None


def _class(draw: Draw) -> Spoiled | None:
    wrong = int(draw.rng.choice([c for c in draw.categories if c != draw.row["category_id"]]))
    return [draw.row["id"]], [{**draw.row, "category_id": wrong}], _box(_mask(draw.row))


def _merged(draw: Draw) -> Spoiled | None:
    row, mask = draw.row, _mask(draw.row)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for other in draw.others:
        like = other["category_id"] == row["category_id"] and not other.get("iscrowd") and other["id"] not in draw.used
        if like and 1 / 3 < other["area"] / row["area"] < 3 and (near & _mask(other)).any():
            both = mask | _mask(other)
            return [row["id"], other["id"]], [_row(row, both, draw.new_id)], _box(both)
    return None


def _split(draw: Draw) -> Spoiled | None:
    mask = _mask(draw.row)
    if draw.row["area"] < 100:
        return None
    ys, xs = np.nonzero(mask)
    angle = draw.rng.uniform(0, np.pi)
    side = (ys - ys.mean()) * np.sin(angle) + (xs - xs.mean()) * np.cos(angle) > 0
    parts = [np.zeros_like(mask), np.zeros_like(mask)]
    parts[0][ys[side], xs[side]] = True
    parts[1][ys[~side], xs[~side]] = True
    return [draw.row["id"]], [_row(draw.row, part, draw.new_id + i) for i, part in enumerate(parts)], _box(mask)


def _outline(draw: Draw) -> Spoiled | None:
    mask, step = _mask(draw.row), max(2, round(0.25 * 2 * np.sqrt(draw.row["area"] / np.pi)))
    taken = np.logical_or.reduce([np.zeros_like(mask), *(_mask(r) for r in draw.others)])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (step + 1, step + 1))
    way = int(draw.rng.integers(3))
    if way == 0:
        spoiled = cv2.erode(mask.astype(np.uint8), kernel) > 0
    else:
        spoiled = np.roll(mask, int(draw.rng.choice([-step, step])), axis=way - 1) & ~taken
    if np.count_nonzero(spoiled) < 20 or np.count_nonzero(spoiled & mask) > 0.8 * np.count_nonzero(spoiled | mask):
        return None
    return [draw.row["id"]], [_row(draw.row, spoiled, draw.row["id"])], _box(spoiled | mask)


SPOIL: dict[str, Callable[[Draw], Spoiled | None]] = {
    "missed": _missed, "phantom": _phantom, "class": _class, "merged": _merged, "split": _split, "outline": _outline,
}  # fmt: skip


def _mask(row: dict[str, Any]) -> NDArray[np.bool_]:
    shape = row["segmentation"]
    counts = shape["counts"].encode("ascii") if isinstance(shape["counts"], str) else shape["counts"]
    return np.asarray(coco_mask.decode({"size": shape["size"], "counts": counts}), dtype=bool)


def _row(row: dict[str, Any], mask: NDArray[np.bool_], number: int) -> dict[str, Any]:
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    shape = {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}
    box = [float(v) for v in coco_mask.toBbox(rle)]
    return {**row, "id": number, "segmentation": shape, "area": int(mask.sum()), "bbox": box}


def _box(mask: NDArray[np.bool_]) -> list[int]:
    ys, xs = np.nonzero(mask)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def is_hit(suspect: dict[str, Any], error: Planted) -> bool:
    """Whether a suspect (a row of suspects.json) points at a planted error: its label, or for missing ones its box."""
    if suspect["file_name"] != error["file_name"]:
        return False
    if error["object_ids"]:
        return bool(set(error["object_ids"]) & set(suspect["object_ids"]))
    ours, theirs = np.array([suspect[k] for k in ("x0", "y0", "x1", "y1")]), np.array(error["box"])
    sides = np.minimum(ours[2:], theirs[2:]) - np.maximum(ours[:2], theirs[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    total = float(np.prod(ours[2:] - ours[:2]) + np.prod(theirs[2:] - theirs[:2])) - shared
    return shared / total > 0.3


def judge(
    suspects: Sequence[dict[str, Any]], planted: Sequence[Planted], num_labels: int
) -> dict[str, dict[str, float]]:
    """Figures by kind and for `all` together; within a kind only suspects named so count, in `all` any name does.

    Beside average precision: `shuffled`, that of the same suspects in random order, and `any_label`, that of looking
    at all `num_labels` labelled objects in random order.
    """
    kinds = [k for k in RATES if any(p["kind"] == k for p in planted)]
    parts = {k: ([s for s in suspects if s["kind"] == k], [p for p in planted if p["kind"] == k]) for k in kinds}
    return {k: _figures(*both, num_labels) for k, both in {**parts, "all": (suspects, planted)}.items()}


def _figures(suspects: Sequence[dict[str, Any]], planted: Sequence[Planted], num_labels: int) -> dict[str, float]:
    left, hits = list(planted), []
    for suspect in suspects:
        found = next((p for p in left if is_hit(suspect, p)), None)
        hits.append(found is not None)
        if found is not None:
            left.remove(found)
    hit = np.array(hits, dtype=float)
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    n, shuffled = max(len(planted), 1), float(hit.mean()) if len(hit) else 0.0
    return {
        "planted": len(planted),
        "suspects": len(hit),
        "found": float(hit.sum()),
        "ap": float((precision * hit).sum() / n),
        "shuffled": shuffled * float(hit.sum()) / n,
        "any_label": len(planted) / max(num_labels, 1),
        "precision_at_k": float(hit[: len(planted)].sum() / n),
        "precision_at_20": float(hit[:20].mean()) if len(hit) else 0.0,
    }


def reliability(suspects: Sequence[dict[str, Any]], planted: Sequence[Planted]) -> list[tuple[str, int, float]]:
    """By range of score: how many suspects, and the share of them that point at a planted error."""
    out = []
    for low, high in ((0.8, 1.01), (0.6, 0.8), (0.4, 0.6), (0.2, 0.4), (0.05, 0.2), (0.0, 0.05)):
        rows = [s for s in suspects if low <= s["score"] < high]
        share = np.mean([any(is_hit(s, p) for p in planted) for s in rows]) if rows else float("nan")
        out.append((f"{low:.2f} – {min(high, 1):.2f}", len(rows), float(share)))
    return out


def write_planted(data: Path, out: Path, seed: int) -> None:
    """Copy a data set with errors planted; planted.json lists them. Images are linked."""
    document, planted = plant(json.loads((data / "instances.json").read_text(encoding="utf-8")), seed)
    out.mkdir(parents=True)
    (out / "images").symlink_to((data / "images").resolve())
    (out / "instances.json").write_text(json.dumps(document), encoding="utf-8")
    (out / "planted.json").write_text(json.dumps(planted), encoding="utf-8")
    print(f"{len(planted)} errors planted in {out}")


def measure(data: Path, model: Path, split: str, split_file: Path | None) -> None:
    """Run the stage on a planted copy and print the figures."""
    from segwise.dataset.params import DataParams
    from segwise.stages import suspects

    data, model = data.resolve(), model.resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "work").mkdir()
        if split_file is not None:
            shutil.copyfile(split_file, f"{folder}/work/split.json")
        os.chdir(folder)
        print(suspects.run(DataParams(dir=str(data)), model, split)["summary"])
        document = json.loads(Path("work/suspects/suspects.json").read_text(encoding="utf-8"))
    names = {row["file_name"] for row in document["images"]}
    planted = [p for p in json.loads((data / "planted.json").read_text(encoding="utf-8")) if p["file_name"] in names]
    labels = json.loads((data / "instances.json").read_text(encoding="utf-8"))
    inside = {image["id"] for image in labels["images"] if image["file_name"] in names}
    num_labels = sum(a["image_id"] in inside for a in labels["annotations"])
    print(f"{'kind':9} planted suspects found     AP shuffled any label  P@k  P@20")
    for kind, f in judge(document["suspects"], planted, num_labels).items():
        print(f"{kind:9} {f['planted']:7} {f['suspects']:8} {f['found']:5.0f}  {f['ap']:.3f}    {f['shuffled']:.3f} "
              f"    {f['any_label']:.3f} {f['precision_at_k']:.2f}  {f['precision_at_20']:.2f}")  # fmt: skip
    print("\nscore          suspects  real")
    for words, count, share in reliability(document["suspects"], planted):
        print(f"{words:14} {count:8}  {share:.2f}")


def main() -> None:
    """Plant or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    planting = verbs.add_parser("plant")
    planting.add_argument("data", type=Path)
    planting.add_argument("out", type=Path)
    planting.add_argument("--seed", type=int, default=0)
    measuring = verbs.add_parser("measure")
    measuring.add_argument("data", type=Path)
    measuring.add_argument("model", type=Path)
    measuring.add_argument("--split", default="all")
    measuring.add_argument("--split-file", type=Path, default=Path("work/split.json"))
    values = parser.parse_args()
    if values.verb == "plant":
        write_planted(values.data, values.out, values.seed)
    else:
        measure(values.data, values.model, values.split, values.split_file if values.split_file.is_file() else None)


if __name__ == "__main__":
    main()
