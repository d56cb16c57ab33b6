"""One row per image: what a reader sorts to find the worst ones (per_image.parquet)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from segwise.decision.answers import Answer
from segwise.decision.params import Decision
from segwise.evaluation import pixels
from segwise.evaluation.measure import Measured, Reply
from segwise.evaluation.objects import f1


def per_image_rows(images: Sequence[Measured], decisions: Mapping[str, Decision] | None = None) -> list[dict[str, Any]]:
    """The rows, in canonical order. Each decision adds `<name>.true`, `.predicted`, `.error` and, with an action,
    `.acts_true` and `.acts_predicted`: see `answered`."""
    rows = []
    for m in sorted(images, key=lambda m: m.file_name):
        counted, matches = m.tally.counted.sum(axis=1), [int(a[0].sum()) for a in (m.tally.tp, m.tally.fp, m.tally.fn)]
        truth, predicted = pixels.coverage(m.pixels)
        row = {
            "file_name": m.file_name,
            "group": m.group,
            **m.attributes,
            "true_count": int(counted[0]),
            "predicted_count": int(counted[1]),
            "f1": f1(*matches),
            "foreground_iou": pixels.foreground_iou(m.pixels),
            "true_coverage": float(truth.sum()),
            "predicted_coverage": float(predicted.sum()),
            "num_merged": int(m.tally.merged.sum()),
            "num_split": int(m.tally.split.sum()),
            "escalated": m.escalated,
        }
        for name, decision in (decisions or {}).items():
            row |= {f"{name}.{key}": value for key, value in answered(decision, m.asked[name]).items()}
        rows.append(row)
    return rows


def columns(decisions: Mapping[str, Decision], attributes: Iterable[str] = ()) -> list[str]:
    """The columns of `per_image_rows`, for a candidate that was not measured."""
    own = ["true_count", "predicted_count", "f1", "foreground_iou", "true_coverage", "predicted_coverage"]
    own += ["num_merged", "num_split", "escalated"]
    acts = ["acts_true", "acts_predicted"]
    said = [f"{n}.{k}" for n, d in decisions.items() for k in ("true", "predicted", "error", *acts * bool(d.action))]
    return ["file_name", "group", *sorted(attributes), *own, *said]


def answered(decision: Decision, reply: Reply) -> dict[str, Any]:
    """What label and prediction say to the decision, each as one number, and the image's own error.

    count, itemize, track: objects, and Σ|error| in objects, or false negatives + false positives. coverage: the share,
    summed over classes (mean over zones), and the mean |error|. presence: zones and classes where it is there, and
    the number of wrong answers.
    """
    label, said, matches = reply
    out: dict[str, Any] = {"true": _said(decision, label), "predicted": _said(decision, said)}
    if decision.kind == "count":
        out["error"] = float(np.abs(label.counts - said.counts).sum())
    elif decision.kind == "coverage":
        out["error"] = float(np.abs(label.coverage - said.coverage).mean())
    elif decision.kind == "presence":
        out["error"] = float((label.present != said.present).sum())
    else:
        out["error"] = float(matches[1:].sum())
    return out | ({"acts_true": label.acts, "acts_predicted": said.acts} if decision.action else {})


def _said(decision: Decision, answer: Answer) -> float:
    if decision.kind == "coverage":
        return float(answer.coverage.sum(axis=1).mean())
    return float((answer.present if decision.kind == "presence" else answer.counts).sum())
