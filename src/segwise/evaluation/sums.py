"""The measured images of one candidate, stacked, so that any weighting of them is a few sums; kept in sums.npz.

What two candidates measured on the same images is compared image by image: their rows are the same, in one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.decision.score import Answers, stack
from segwise.errors import IntegrityError
from segwise.evaluation.measure import Measured
from segwise.evaluation.mistakes import RIGHT, ObjectRows
from segwise.evaluation.precision import Ranking, rank
from segwise.evaluation.reliability import reliability
from segwise.types import ClassInfo

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SIZES = ("small", "medium", "large")


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """I images in canonical order (file name), K classes, of which those with `things` are countable.

    Attributes:
        file_names, groups: text (I,). attributes: by name, text (I,). things: bool (K,).
        pixels: int64 (I, K + 1, K + 1). boundary: int64 (I, 4, K). matches: int64 (I, 3, 10, K), tp, fp, fn.
        pq: float64 (I, 4, K). counted: int64 (I, 2, K). joined: int64 (I, 2, K), merged and split.
        mistakes: int64 (I, 5, K), by kind. reliability: float64 (I, 3, 10, K).
        sized: int64 (I, 3, 4, K): by size: tp, fp, fn, right predictions; size_limits_px: float64 (2,), between sizes.
        density: float64 (I,), labelled objects per megapixel. escalated: bool (I,).
        rankings: by class, for average precision. asked: by decision.
    """

    file_names: NDArray[np.str_]
    groups: NDArray[np.str_]
    attributes: dict[str, NDArray[np.str_]]
    things: NDArray[np.bool_]
    pixels: Ints
    boundary: Ints
    matches: Ints
    pq: Floats
    counted: Ints
    joined: Ints
    mistakes: Ints
    reliability: Floats
    sized: Ints
    size_limits_px: Floats
    density: Floats
    escalated: NDArray[np.bool_]
    rankings: tuple[Ranking, ...]
    asked: dict[str, Answers]

    def __len__(self) -> int:
        return len(self.file_names)


def stacked(images: Sequence[Measured], classes: Sequence[ClassInfo]) -> Sums:
    """The images, in whatever order they come, as sums."""
    images = sorted(images, key=lambda m: m.file_name)
    num, things = len(classes), np.array([c.isthing for c in classes], dtype=bool)
    pixels = np.stack([m.pixels for m in images])
    pq = np.stack([m.tally.pq for m in images])
    pq[:, :, ~things] = _stuff_pq(pixels)[:, :, ~things]
    counted = np.stack([m.tally.counted for m in images])
    limits = _size_limits([m.rows for m in images])
    areas = np.array([m.size[0] * m.size[1] for m in images], dtype=np.float64)
    names = sorted({key for m in images for key in m.attributes})
    return Sums(
        np.array([m.file_name for m in images]),
        np.array([m.group for m in images]),
        {key: np.array([str(m.attributes.get(key, "unknown")) for m in images]) for key in names},
        things,
        pixels,
        np.stack([m.boundary for m in images]),
        np.stack([np.stack([m.tally.tp, m.tally.fp, m.tally.fn]) for m in images]),
        pq,
        counted,
        np.stack([np.stack([m.tally.merged, m.tally.split]) for m in images]),
        np.stack([m.rows.of_kinds(num) for m in images]),
        np.stack([reliability(m.rows, num) for m in images]),
        np.stack([_sized(m.rows, limits, num) for m in images]),
        limits,
        counted[:, 0][:, things].sum(axis=1) / (areas / 1e6),
        np.array([m.escalated for m in images], dtype=bool),
        tuple(rank([m.detections[k] for m in images]) for k in range(num)),
        {name: _answers([m.asked[name] for m in images]) for name in sorted(images[0].asked)},
    )


def _answers(replies: Sequence[Any]) -> Answers:
    return stack([(label, said) for label, said, _ in replies], np.stack([matches for *_, matches in replies]))


def _stuff_pq(matrices: Ints) -> Floats:
    """tp, fp, fn, summed IoU of each class taken as one segment an image, float64 (I, 4, K)."""
    hit = np.diagonal(matrices, axis1=1, axis2=2)[:, 1:]
    truth, predicted = matrices.sum(axis=2)[:, 1:], matrices.sum(axis=1)[:, 1:]
    iou = hit / np.maximum(truth + predicted - hit, 1)
    paired = iou > 0.5
    parts = (paired, ~paired & (predicted > 0), ~paired & (truth > 0), np.where(paired, iou, 0))
    return np.stack([part.astype(np.float64) for part in parts], axis=1)


def _size_limits(images: Sequence[ObjectRows]) -> Floats:
    """Areas that divide the labelled objects into thirds, pixels; the labels alone, so all candidates share them."""
    areas = np.concatenate([rows.areas_px[~rows.is_predicted] for rows in images])
    return np.quantile(areas, [1 / 3, 2 / 3]) if areas.size else np.full(2, np.nan)


def _sized(rows: ObjectRows, limits: Floats, num_classes: int) -> Ints:
    size = np.searchsorted(limits, rows.areas_px, side="left")
    right = rows.fates == RIGHT
    picks = (
        ~rows.is_predicted & right,
        rows.is_predicted & ~right,
        ~rows.is_predicted & ~right,
        rows.is_predicted & right,
    )
    cells = size * num_classes + rows.class_ids - 1
    shape = (len(SIZES), num_classes)
    return np.stack([np.bincount(cells[p], minlength=shape[0] * shape[1]).reshape(shape) for p in picks], axis=1)


def write_sums(path: Path, sums: Sums) -> None:
    """Write sums.npz: the same sums are the same bytes (an uncompressed archive, every entry dated 1980-01-01)."""
    np.savez(path, **dict(sorted(_arrays(sums).items())))  # type: ignore[arg-type]  # its stub takes allow_pickle for a name


def write_nothing(path: Path) -> None:
    """Write a sums.npz without sums, of a candidate that was not measured."""
    np.savez(path)


def read_sums(path: Path) -> Sums:
    """Read what `write_sums` wrote.

    Raises:
        IntegrityError: no such file, or not one of these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        plain = {f.name: arrays[f.name] for f in fields(Sums) if f.name not in NESTED}
        rankings = tuple(_ranking(arrays, k) for k in range(len(plain["things"])))
    except (OSError, ValueError, KeyError) as error:
        came, remedy = f"{type(error).__name__}: {error}", "measure again: `dvc repro evaluate`"
        raise IntegrityError(f"the sums of an evaluation in {path}", came, remedy) from error
    asked = {name: Answers(**parts) for name, parts in _under(arrays, "asked").items()}
    return Sums(**plain, attributes=_flat(arrays, "attribute"), rankings=rankings, asked=asked)


NESTED = ("attributes", "rankings", "asked")  # kept as asked/<decision>/<field> and the like


def _arrays(sums: Sums) -> dict[str, NDArray[Any]]:
    out = {f.name: getattr(sums, f.name) for f in fields(Sums) if f.name not in NESTED}
    out |= {f"attribute/{name}": values for name, values in sums.attributes.items()}
    for name, found in sums.asked.items():
        out |= {f"asked/{name}/{f.name}": getattr(found, f.name) for f in fields(Answers)}
    for k, ranking in enumerate(sums.rankings):
        flags = {"matched": np.packbits(ranking.matched, axis=2), "ignored": np.packbits(ranking.ignored, axis=2)}
        parts = {"image": ranking.image, **flags, "num_truth": ranking.num_truth}
        out |= {f"ranking/{k}/{name}": values for name, values in parts.items()}
    return out


def _ranking(arrays: dict[str, NDArray[Any]], k: int) -> Ranking:
    parts = {name: arrays[f"ranking/{k}/{name}"] for name in ("image", "matched", "ignored", "num_truth")}
    num = parts["image"].size
    for name in ("matched", "ignored"):
        parts[name] = np.unpackbits(parts[name], axis=2, count=num).astype(bool)
    return Ranking(**parts)


def _flat(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.split("/", 1)[1]: values for name, values in arrays.items() if name.startswith(f"{prefix}/")}


def _under(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, dict[str, NDArray[Any]]]:
    out: dict[str, dict[str, NDArray[Any]]] = {}
    for path, values in _flat(arrays, prefix).items():
        name, field = path.rsplit("/", 1)
        out.setdefault(name, {})[field] = values
    return out
