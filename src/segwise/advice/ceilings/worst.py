"""The images on which a ceiling is farthest from the labels, with what happened to which object. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from segwise.advice.ceilings.concentration import per_image
from segwise.advice.ceilings.image import Measured
from segwise.advice.ceilings.table import Plain, Table, plain_dict
from segwise.decision import score
from segwise.decision.params import Decision

STATES = ("merged", "split", "missed")  # the first that holds is told


def worst(
    images: Sequence[Measured],
    decisions: Mapping[str, Decision],
    class_ids: Mapping[str, Sequence[int]],
    tables: Mapping[str, Table],
    num: int,
) -> list[Plain]:
    """Up to `num` images with an error for each candidate and decision, the worst first.

    Each has `truth` and `ceiling` (objects, share of the pixels, or answers that say yes), `error` in the same unit
    (wrong objects where items are asked for), and `boxes`, `{"box_xyxy", "what"}`, of the decision's labelled objects
    that are merged, split or missed.
    """
    out = []
    for candidate, table in tables.items():
        for name, decision in decisions.items():
            answers = table.read(name)
            error = per_image(decision, answers)
            order = sorted(np.flatnonzero(error).tolist(), key=lambda i: (-error[i], images[i].file_name))
            for index in order[:num]:
                entry = {"file_name": images[index].file_name, "candidate": candidate, "decision": name}
                said = {"error": error[index], **_said(decision, answers, index)}
                out.append(
                    plain_dict(entry | said | {"boxes": _boxes(images[index], table, index, name, class_ids[name])})
                )
    return out


def _said(decision: Decision, answers: score.Answers, index: int) -> dict[str, float]:
    values = {"coverage": answers.coverage, "presence": answers.present}.get(decision.kind, answers.counts)[index]
    truth, ceiling = values.reshape(2, -1).sum(axis=1).tolist()
    return {"truth": truth, "ceiling": ceiling}


def _boxes(image: Measured, table: Table, index: int, name: str, class_ids: Sequence[int]) -> list[Plain]:
    found = table.at(index, name)
    states = {"merged": found.is_merged, "split": found.is_split, "missed": found.is_missed}
    asked = np.isin(image.class_ids, list(class_ids))
    any_of = asked & np.any(list(states.values()), axis=0)
    return [
        {"box_xyxy": image.boxes_xyxy[i].tolist(), "what": next(s for s in STATES if states[s][i])}
        for i in np.flatnonzero(any_of)
    ]
