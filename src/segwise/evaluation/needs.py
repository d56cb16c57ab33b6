"""Which images need the dearer model: where the cheap answer is wrong for the decision and the dearer one is better.

Pure. Errors are of single images, in the decision's own units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segwise.decision.params import OWN_KEYS, Decision
from segwise.decision.score import Answers

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def needs(decision: Decision, cheap: Answers, instance: Answers, margin: float) -> Flags:
    """Which of I images need the instance model, bool (I,).

    Those whose cheap error is more than the tolerance allows and more than the instance model's by over `margin` times
    what is allowed; where the tolerance is of the action, also those where the cheap answer calls for the wrong action
    and the instance model's for the right one.
    """
    cheap_error, allowed = errors(decision, cheap)
    instance_error, _ = errors(decision, instance)
    with np.errstate(invalid="ignore"):  # nothing is beyond what is allowed without end
        out = (cheap_error > allowed) & (cheap_error - instance_error > margin * allowed)
    if decision.limit("min_accuracy") is not None:
        out |= (cheap.acts[:, 0] != cheap.acts[:, 1]) & (instance.acts[:, 0] == instance.acts[:, 1])
    return np.asarray(out, dtype=bool)


def errors(decision: Decision, found: Answers) -> tuple[Values, Values]:
    """Each image's error and how much of it the tolerance allows, float64 (I,) each.

    count: objects, summed over zones and classes (of a relative and an absolute limit the wider); coverage: mean
    |error| of the share; presence: wrong answers, none allowed; itemize and track: 1 − F1 of the image's own objects.
    Everything is allowed where the tolerance is of the action only.
    """
    error, allowed = KINDS[decision.kind](decision, found)
    return error, np.full(len(found), np.inf) if is_of_action(decision) else allowed


def is_of_action(decision: Decision) -> bool:
    """Whether the tolerance is of the action only, so that the kind's own error is held against nothing."""
    own = [decision.limit(key) for key in OWN_KEYS[decision.kind] if key != "iou"]
    return all(limit is None for limit in own)


def _count(decision: Decision, found: Answers) -> tuple[Values, Values]:
    truth, seen = (found.counts[:, side].reshape(len(found), -1).astype(np.float64) for side in (0, 1))
    relative, absolute = (decision.limit(key) or 0.0 for key in ("relative", "absolute"))
    allowed = np.maximum(relative * truth.sum(axis=1), absolute * truth.shape[1])
    return np.abs(seen - truth).sum(axis=1), allowed


def _coverage(decision: Decision, found: Answers) -> tuple[Values, Values]:
    shares = found.coverage.reshape(len(found), 2, -1)
    return np.abs(shares[:, 1] - shares[:, 0]).mean(axis=1), np.full(len(found), decision.limit("points") or 0.0)


def _presence(decision: Decision, found: Answers) -> tuple[Values, Values]:  # noqa: ARG001  # siblings share a signature
    there = found.present.reshape(len(found), 2, -1)
    return (there[:, 0] != there[:, 1]).sum(axis=1).astype(np.float64), np.zeros(len(found))


def _items(decision: Decision, found: Answers) -> tuple[Values, Values]:
    tp, fp, fn = found.matches.astype(np.float64).T
    return (fp + fn) / np.maximum(2 * tp + fp + fn, 1), np.full(len(found), 1 - (decision.limit("min_f1") or 0.0))


KINDS: dict[str, Callable[[Decision, Answers], tuple[Values, Values]]] = {
    "count": _count, "coverage": _coverage, "presence": _presence, "itemize": _items, "track": _items,
}  # fmt: skip


def mixed(cheap: Answers, instance: Answers, escalated: Flags) -> Answers:
    """The answers of a cascade that gives the images of `escalated` (I,) to the instance model."""

    def taken(cheaper: NDArray[np.generic], dearer: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.where(escalated.reshape(-1, *[1] * (cheaper.ndim - 1)), dearer, cheaper)

    keys = ("counts", "coverage", "present", "acts", "matches")
    return Answers(**{key: taken(getattr(cheap, key), getattr(instance, key)) for key in keys})  # type: ignore[arg-type]  # each keeps its kind
