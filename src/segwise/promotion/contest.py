"""Champion and challenger on the same test images: what each measures, and their figures on the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import coco, targets
from segwise.dataset.workers import told
from segwise.decision.params import Decision
from segwise.decision.score import figures as decision_figures
from segwise.errors import GateRefusedError, IntegrityError
from segwise.evaluation.figures import figures
from segwise.evaluation.measure import measure
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.sums import Sums, stacked
from segwise.predict.cascade import Cascade
from segwise.predict.predictor import Predictor
from segwise.spec import ClassSpec
from segwise.types import Prediction

SAME_WITHIN = 1e-9  # figures of one model measured twice
Draws = NDArray[np.int64]  # (R, I), how often each image is drawn
Figures = Mapping[str, float]


class Entrant:
    """A model that takes part: its name for people, its Predictor, and the answers it gave to the test images."""

    def __init__(self, name: str, model: Path, threads: int) -> None:
        self.name, self.predictor = name, Predictor.load(model, threads=threads)
        self.answers: dict[str, Prediction] = {}

    def sums(
        self,
        dataset: coco.Dataset,
        records: Sequence[coco.ImageRecord],
        decisions: Mapping[str, Decision],
        params: EvaluateParams,
    ) -> Sums:
        """Answer and measure every image, as `evaluate` does."""
        found = []
        for record in told(f"promote: {self.name}", records, len(records)):
            answer, candidates = self.predictor.both(dataset.pixels(record))
            self.answers[record.file_name] = answer
            truth = targets.objects(record)
            painted = targets.paint(truth, dataset.classes)
            found.append(
                measure(
                    record.file_name, answer, candidates, truth, painted, dataset.classes, group=record.group,
                    attributes=record.attributes, decisions=decisions, boundary_tolerance=params.boundary_tolerance,
                )
            )  # fmt: skip
        return stacked(found, dataset.classes)


def require_same_classes(champion: Predictor | Cascade, challenger: Predictor | Cascade) -> None:
    """The same classes in the same order, or the figures of the two are about different things.

    Raises:
        GateRefusedError: they differ; both lists are named.
    """
    ours, theirs = (_listed(p.spec.classes) for p in (champion, challenger))
    if ours != theirs:
        expected = f"a challenger of the champion's classes, {', '.join(ours)}"
        remedy = "label and train the same classes in the same order, or begin anew with an empty registry"
        raise GateRefusedError(expected, f"{', '.join(theirs)}", remedy)


def _listed(classes: Sequence[ClassSpec]) -> list[str]:
    return [f"{c.id} {c.name}{'' if c.isthing else ' (region)'}" for c in classes]


def require_same(measured: Sums, evaluated: Sums) -> None:
    """What was packaged is what was gated: the same figures of the same images.

    Raises:
        IntegrityError: other images, or a figure that differs by more than SAME_WITHIN.
    """
    remedy = "make the package anew: `dvc repro package`"
    if measured.file_names.tolist() != evaluated.file_names.tolist():
        came = f"{len(measured)} and {len(evaluated)} images that are not the same"
        raise IntegrityError("the package measured on the images that the gate saw", came, remedy)
    found, gated = (_everything(s) for s in (measured, evaluated))
    for name in sorted(found.keys() | gated.keys()):
        one, other = found.get(name, np.nan), gated.get(name, np.nan)
        if not (one == other or abs(one - other) <= SAME_WITHIN or (np.isnan(one) and np.isnan(other))):
            came = f"{name} {one:.9g} measured now, {other:.9g} when it was evaluated"
            raise IntegrityError("the package to be the model that was gated", came, remedy)


def _everything(sums: Sums) -> dict[str, float]:
    answers = {f"{name}.counts": float(found.counts.sum()) for name, found in sums.asked.items()}
    return {**figures(sums, np.ones(len(sums), dtype=np.int64)), **answers}


def values(sums: Sums, decisions: Mapping[str, Decision], weights: NDArray[np.int64]) -> dict[str, float]:
    """Every figure that is compared: the headline ones, and `<decision>.used` and `.error` of each decision."""
    out = dict(figures(sums, weights, full=False))
    for name, decision in decisions.items():
        found = decision_figures(decision, sums.asked[name], weights)
        out |= {f"{name}.{key}": value for key, value in found.items()}
    return out


def drawn(sums: Sums, decisions: Mapping[str, Decision], draws: Draws) -> dict[str, NDArray[np.float64]]:
    """Each of `values` for each draw, float64 (R,)."""
    rows = [values(sums, decisions, weights) for weights in draws]
    return {key: np.array([row[key] for row in rows], dtype=np.float64) for key in (rows[0] if rows else ())}
