"""The served artifact against the trained network and against what was gated, image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwise import golden, hosting
from segwise.dataset import coco
from segwise.dataset.images import read_image
from segwise.dataset.workers import told
from segwise.decision.limits import strain
from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.decision.score import figures as decision_figures
from segwise.evaluation.figures import figures
from segwise.evaluation.measure import measure
from segwise.evaluation.sums import Sums, stacked
from segwise.gate import parity
from segwise.gate.promote_params import PromoteParams
from segwise.gate.row import Row
from segwise.predict.cascade import Cascade
from segwise.predict.predictor import Predictor
from segwise.promotion.served import Served, ask
from segwise.types import ClassInfo, Image, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the service answered: to test images by file name, and to the package's golden images by name."""

    test: dict[str, Served]
    golden: dict[str, Served]


def ask_all(bento: Path, images: Mapping[str, Image], classes: Sequence[ClassInfo]) -> Asked:
    """Serve `bento` for as long as it takes to ask it about test images and its golden images."""
    pictures = {str(entry["image"]): read_image(path) for path, entry in golden.listed(bento)}
    with hosting.served(bento) as address:
        test = {n: ask(address, image, classes) for n, image in told("promote: serving", images.items(), len(images))}
        return Asked(test, {name: ask(address, image, classes) for name, image in pictures.items()})


def identity(bento: Path, digest: str, asked: Asked, gated: Mapping[str, Prediction]) -> list[Row]:
    """Served = gated: one digest everywhere, and the same bytes as measured here and as recorded in the package.

    Args:
        digest: of the manifest. gated: what the Predictor answered to the test images when it was measured.
    """
    every = {**asked.test, **asked.golden}
    strangers = [name for name, answer in every.items() if set(answer.digest) != {digest}]
    other = [n for n, answer in asked.test.items() if _bytes(answer.prediction) != _bytes(gated[n])]
    recorded = {str(entry["image"]): entry for _, entry in golden.listed(bento)}
    changed = [n for n, a in asked.golden.items() if golden.differs(recorded[n], a.prediction)]
    out = [
        parity.same_bytes(
            strangers, len(every), "digest in every answer = the package's", "digest", "answered by another package"
        ),
        parity.same_bytes(
            other,
            len(asked.test),
            "masks over HTTP = masks measured",
            "served_is_gated",
            "the service answers otherwise",
        ),
    ]
    if recorded and golden.is_same_machine(bento):
        words, why = "golden images over HTTP = as packaged", "the service answers otherwise than when it was packaged"
        out.append(parity.same_bytes(changed, len(recorded), words, "golden", why))
    return out


def trained(
    asked: Asked,
    reference: Predictor | Cascade,
    dataset: coco.Dataset,
    records: Sequence[coco.ImageRecord],
    decisions: Mapping[str, Decision],
    params: PromoteParams,
) -> list[Row]:
    """The service's answers measured against the trained network's, which take the place of the labels."""
    if not records:
        return parity.judge({}, None, margin=params.parity_margin, min_overlap=params.min_parity_iou, num_images=0)
    found = []
    for record in told("promote: trained network", records, len(records)):
        truth = reference.predict(dataset.pixels(record))
        answer = asked.test[record.file_name].prediction
        found.append(
            measure(
                record.file_name, answer, answer.objects, truth.objects, truth.class_map, dataset.classes,
                decisions=decisions,
            )
        )  # fmt: skip
    sums = stacked(found, dataset.classes)
    return parity.judge(
        {name: used_of(decision, sums.asked[name]) for name, decision in decisions.items()}, _overlap(sums),
        margin=params.parity_margin, min_overlap=params.min_parity_iou, num_images=len(records),
    )  # fmt: skip


def used_of(decision: Decision, found: Answers) -> float | None:
    """The part of the tolerance that the difference uses up; None where it has no number.

    Few images may leave a limit undefined: all of them show something, so that there is nothing to invent it in, or
    none of them does. Then the other limits tell, or that what is asked for is the same everywhere.
    """
    figures = decision_figures(decision, found)
    if not np.isnan(figures["used"]):
        return float(figures["used"])
    key = {"coverage": "coverage", "presence": "present"}.get(decision.kind, "counts")
    others = strain(decision, figures)
    if decision.kind != "presence" and not np.array_equal(*found.cells(key)):
        return None
    return 0.0 if np.isnan(others) else float(others)


def _overlap(sums: Sums) -> float | None:
    value = figures(sums, np.ones(len(sums), dtype=np.int64), full=False)["foreground_iou"]
    return None if np.isnan(value) else float(value)


def _bytes(prediction: Prediction) -> dict[str, str]:
    return golden.digests(prediction)
