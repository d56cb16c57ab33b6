"""Cascade folders of tiny graphs, and a count of how often each network ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.decision.params import Decision
from segwise.predict.cascade import PARTS, Cascade, CascadeSpec, write_cascade
from segwise.spec import sha256_of
from tests.predict.graphs import write_model

COUNT = Decision(kind="count")


def write_tiny_cascade(
    folder: Path,
    score: str,
    threshold: float,
    cheap: str = "hybrid",
    point: dict[str, float] | None = None,
    **more: Any,
) -> Path:
    """A cascade of the graphs of `tests.predict.graphs`; `point` is the cheap model's."""
    for part, approach in zip(PARTS, (cheap, "instance"), strict=True):
        write_model(folder / part, approach, point=point if part == "cheap" else None)
    keys = {"decision_name": "how many", "decision": COUNT, "score": score, "threshold": threshold, **more}
    models = {part: sha256_of(folder / part / "model.json") for part in PARTS}
    write_cascade(folder, CascadeSpec.model_validate({"models": models, **keys}))
    return folder


class Counting:
    """A session that counts its runs."""

    def __init__(self, session: Any) -> None:
        self.session, self.runs = session, 0

    def run(self, *arguments: Any) -> Any:
        self.runs += 1
        return self.session.run(*arguments)


def counted(cascade: Cascade) -> tuple[Counting, Counting]:
    """Count the runs of the cheap and of the instance network from now on."""
    out = []
    for model in (cascade.cheap, cascade.instance):
        model._session = Counting(model._session)
        out.append(model._session)
    return out[0], out[1]
