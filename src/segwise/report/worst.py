"""The worst images of a candidate: what it found, missed and invented, as outlines over the image. Pure.

Outlines are SVG paths over a small picture, so that they stay sharp and the reader can hide a kind of them. Kinds
differ by colour (green, blue, orange) and by stroke, for readers who cannot tell the colours apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.evaluation.matching import iou, pairs
from segwise.report.gallery import brightened
from segwise.report.outlines import SHOWN_PX, area, outlines, webp_uri
from segwise.report.template import fill
from segwise.types import IGNORE_INDEX, ClassInfo, Image, Mask, Objects, Prediction

MAX_BYTES = 5_600_000  # of all pictures of a page
Shares = NDArray[np.float64]  # (images,), of a decision's whole error


@dataclass(frozen=True, slots=True)
class Shot:
    """One image of the page. `view` is the width and height of the paths' coordinates (half pixels of the image).

    Paths are SVG path data: outlines of `found` and `missed` labelled objects and of `invented` predictions; areas of
    regions that are missed or invented. `words` stand under the picture.
    """

    name: str
    picture: str
    view: tuple[int, int]
    found: str
    missed: str
    invented: str
    missed_area: str
    invented_area: str
    numbers: tuple[int, int, int]
    words: tuple[str, ...]
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Ids of the classes whose objects are outlined, and of those that are compared pixel by pixel."""

    outlined: tuple[int, ...]
    compared: tuple[int, ...]


def error_shares(decision: Decision, answers: Answers) -> Shares:
    """The part of the decision's mistakes that each image makes, float64 (images,); sums to 1, or to 0 without any.

    Where there is an action, images on which it comes out wrong make half of the mistakes.
    """
    if decision.kind in ("itemize", "track"):
        mistakes = answers.matches[:, 1:].sum(axis=1).astype(np.float64)
    else:
        values = {"count": answers.counts, "coverage": answers.coverage, "presence": answers.present}[decision.kind]
        sides = values.astype(np.float64).reshape(len(answers), 2, -1)
        mistakes = np.abs(sides[:, 1] - sides[:, 0]).sum(axis=1)
    wrong = (answers.acts[:, 0] != answers.acts[:, 1]).astype(np.float64)
    parts = [part / part.sum() for part in (mistakes, wrong) if part.sum() > 0]
    return np.asarray(np.mean(parts, axis=0) if parts else np.zeros(len(answers)), dtype=np.float64)


def choose(names: Sequence[str], shares: Mapping[str, Shares], f1: Mapping[str, float], at_most: int) -> list[str]:
    """The worst images first: by the largest share of any decision's error, by F1 (undefined last), by name."""
    most = np.max([*shares.values(), np.zeros(len(names))], axis=0)
    score = {name: f1.get(name, np.nan) for name in names}
    rank = {n: (-round(float(most[i]), 9), 2.0 if np.isnan(score[n]) else score[n], n) for i, n in enumerate(names)}
    return sorted(names, key=rank.__getitem__)[:at_most]


def shot(
    name: str,
    image: Image,
    truth: Prediction,
    predicted: Prediction,
    asked: Asked,
    *,
    words: Sequence[str] = (),
    score: float | None = None,
) -> Shot:
    """One image held against its labels.

    Args:
        truth: the labels' class map (IGNORE_INDEX where they say nothing) and objects (crowds marked).
        asked: see `asked_about`.
    """
    found, missed, invented = sort_out(predicted.objects, truth.objects, asked.outlined)
    shrink = max(1.0, max(image.shape[:2]) / SHOWN_PX)
    missing, extra = _region_errors(predicted.class_map, truth.class_map, asked.compared)
    return Shot(
        name,
        webp_uri(brightened(image)),
        (2 * image.shape[1], 2 * image.shape[0]),
        outlines(truth.objects, found, shrink),
        outlines(truth.objects, missed, shrink),
        outlines(predicted.objects, invented, shrink),
        area(missing, shrink),
        area(extra, shrink),
        (len(found), len(missed), len(invented)),
        tuple(words),
        score,
    )


def sort_out(
    predicted: Objects, truth: Objects, class_ids: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Labelled objects found (one-to-one at IoU 0.5 or more, class by class) and missed, and predictions invented.

    Indices, int64. A prediction without a partner that lies mostly in a crowd of its class is left out.
    """
    found, missed, invented = [], [], []
    overlap = iou(predicted, truth)
    for class_id in class_ids:
        mine = np.flatnonzero(predicted.class_ids == class_id)
        same = truth.class_ids == class_id
        theirs, crowds = np.flatnonzero(same & ~truth.is_crowd), np.flatnonzero(same & truth.is_crowd)
        rows, columns = pairs(overlap[np.ix_(mine, theirs)], 0.5)
        in_crowd = np.any(overlap[np.ix_(mine, crowds)] > 0.5, axis=1)
        found.append(theirs[columns])
        missed.append(np.setdiff1d(theirs, theirs[columns]))
        invented.append(np.setdiff1d(mine[~in_crowd], mine[rows]))
    first, second, third = (np.concatenate([np.empty(0, np.int64), *part]) for part in (found, missed, invented))
    return first, second, third


def fitting(shots: Sequence[Shot]) -> list[Shot]:
    """As many of the first as stay under MAX_BYTES together."""
    sizes = np.cumsum([len(s.picture) + sum(map(len, (s.found, s.missed, s.invented, s.missed_area, s.invented_area)))
                       for s in shots])  # fmt: skip
    return [s for s, size in zip(shots, sizes, strict=True) if size <= MAX_BYTES]


def render(candidate: str, shots: Sequence[Shot], others: Sequence[str], num_images: int, basis: str) -> str:
    """The page's HTML; the same values give the same bytes.

    Args:
        others: the candidates that have such a page, for the links.
        num_images: of the test split. basis: by what they are ordered, in words.
    """
    shown = fitting(shots)
    return fill("worst.html.j2",
        candidate=candidate, shots=shown, others=others, num_images=num_images, num_left=len(shots) - len(shown),
        basis=basis, has_areas=any(s.missed_area or s.invented_area for s in shown),
    )  # fmt: skip


def asked_about(decisions: Mapping[str, Decision], classes: Sequence[ClassInfo]) -> Asked:
    """The classes that any of the decisions is about: coverage asks for pixels, the other kinds for objects where the
    class is countable."""
    things = {c.id for c in classes if c.isthing}
    covered = {i for d in decisions.values() if d.kind == "coverage" for i in d.class_ids(classes)}
    others = {i for d in decisions.values() if d.kind != "coverage" for i in d.class_ids(classes)}
    return Asked(tuple(sorted(others & things)), tuple(sorted(covered | (others - things))))


def _region_errors(predicted: NDArray[np.uint8], truth: NDArray[np.uint8], ids: Sequence[int]) -> tuple[Mask, Mask]:
    """Pixels of the regions that are missed and invented, bool (H, W) each."""
    known, differ = truth != IGNORE_INDEX, predicted != truth
    return differ & np.isin(truth, ids), known & differ & np.isin(predicted, ids)


def words_of(name: str, decision: Decision, answers: Answers, shares: Shares, index: int) -> str:
    """What label and prediction say to a decision about one image, and its part of the decision's mistakes."""
    if decision.kind == "coverage":
        truth, seen = (f"{100 * float(side[index].mean()):.1f} %" for side in answers.cells("coverage"))
        said = f"{truth} labelled, {seen} predicted"
    elif decision.kind == "presence":
        truth, seen = ("present" if side[index].any() else "absent" for side in answers.cells("present"))
        said = f"{truth} in the labels, {seen} in the prediction"
    else:
        truth, seen = (f"{int(side[index].sum()):,}" for side in answers.cells("counts"))
        said = f"{truth} labelled, {seen} predicted"
    wrong = "; the action comes out wrong" if answers.acts[index, 0] != answers.acts[index, 1] else ""
    return f"{name}: {said}; {100 * shares[index]:.1f} % of its mistakes{wrong}"
