"""`segwise curve NETWORK`: what the next labels are worth, from trainings on fewer of them → work/curve/<network>."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segwise.advice import cross_fit, learning, subsets, trainings
from segwise.advice.cross_fit import Labelled, Scored
from segwise.advice.learning import CLASS_MASKS, Terms
from segwise.advice.trainings import Job
from segwise.dataset import coco
from segwise.dataset.coco import ImageRecord
from segwise.errors import UsageError
from segwise.params import Params
from segwise.predict.predictor import Predictor
from segwise.report import curve_page
from segwise.spec import canonical_json

OUT = Path("work/curve")
SERVES = {"dense": ("semantic", "hybrid"), "instance": ("instance",)}
NO_INSTANCES = {"center": 0.0, "offset": 0.0, "distance": 0.0}
Cells = list[list[Job]]  # [repeat][size]


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked: see `segwise curve --help`. `steps` 0 = a third of the configured ones."""

    fractions: tuple[float, ...] = (0.25, 0.5, 1.0)
    repeats: int = 3
    steps: int = 0
    more: int = 50
    max_minutes: float = 60.0
    has_class_masks: bool = False
    seed: int = 0


def run(network: str, params: Params, choices: Choices) -> dict[str, Any]:
    """Train on nested subsets of the training groups, score each on the validation images, extrapolate.

    Raises:
        UsageError: more minutes are expected than `max_minutes`, or an option makes no sense.
        DataInvalidError: too few groups of training or validation images.
    """
    data = coco.read(Path(params.data.dir))
    split = json.loads(Path("work/split.json").read_text(encoding="utf-8"))
    records, val = (coco.by_name(data, split[part]) for part in ("train", "val"))
    drawn = subsets.nested(_groups(records), choices.fractions, choices.repeats, choices.seed)
    halves = subsets.halves(_groups(val), choices.seed)
    document = _document(network, params, choices.steps)
    runs = _runs(network, document, drawn, [r.file_name for r in val], choices.has_class_masks)
    _announce([job for cells in runs.values() for row in cells for job in row], choices.max_minutes)
    images = cross_fit.labelled(data, val, params.decision)
    scored = _scored(runs, images, halves, params)
    sizes = np.array([[len(names) for names in row] for row in drawn], dtype=np.float64).T
    steps = document["train"][network]["steps"]
    terms = Terms(choices.more, params.evaluate.confidence, params.evaluate.replicates, choices.seed, steps)
    found = learning.learned(scored, sizes, [r.group for r in val], params.decision, _effort(), terms)
    about = {
        "network": network, "steps": steps, "repeats": choices.repeats,
        "num_images": len(records), "num_groups": len({r.group for r in records}), "num_validation_images": len(val),
        "num_validation_groups": len({r.group for r in val}), "more": terms.more, "confidence": terms.confidence,
    }  # fmt: skip
    result = {**about, **found}
    out = OUT / network
    out.mkdir(parents=True, exist_ok=True)
    (out / "curve.json").write_text(canonical_json(result), encoding="utf-8")
    (out / "index.html").write_text(curve_page.render(result), encoding="utf-8")
    return {**result, "summary": f"{curve_page.table(result)}\n→ {out}/index.html"}


def _groups(records: Sequence[ImageRecord]) -> dict[str, str]:
    return {record.file_name: record.group for record in records}


def _effort() -> Mapping[str, Any] | None:
    path = Path("work/profile.json")
    return dict(json.loads(path.read_text(encoding="utf-8"))["effort"]) if path.is_file() else None


def _document(network: str, params: Params, steps: int) -> trainings.Document:
    """params.yaml with the steps that every training here has."""
    configured = getattr(params.train, network).steps
    if steps < 0:
        raise UsageError("at least 1 step", f"--steps {steps}", f"ask for {max(configured // 3, 1)}")
    document = params.model_dump(mode="json", by_alias=True, exclude_unset=True)  # a tolerance is what is stated
    document |= {"data": params.data.model_dump(mode="json"), "train": params.train.model_dump(mode="json")}
    return trainings.with_section(document, network, {"steps": steps or max(configured // 3, 1)})


def _runs(
    network: str,
    document: trainings.Document,
    drawn: Sequence[Sequence[subsets.Names]],
    val: Sequence[str],
    has_class_masks: bool,
) -> dict[str, Cells]:
    """The trainings by what they serve: all approaches of the network, or CLASS_MASKS alone."""
    out = {network: trainings.jobs(network, document, drawn, val)}
    if has_class_masks:
        if network != "dense":
            raise UsageError("the dense network with --class-masks", network, "run `segwise curve dense --class-masks`")
        bare = {"loss": {**document["train"]["dense"]["loss"], **NO_INSTANCES}}
        out[CLASS_MASKS] = trainings.jobs(network, trainings.with_section(document, network, bare), drawn, val)
    return out


def _announce(jobs: Sequence[Job], max_minutes: float) -> None:
    """Say how many trainings are left and how long they will take, before they start."""
    left = [job for job in jobs if not job.is_done]
    if not left:
        return
    minutes = trainings.minutes_per_training(left[-1]) * len(left)
    words = f"curve: {len(left)} trainings of {len(jobs)} to do, about {minutes:.1f} minutes"
    print(words, file=sys.stderr, flush=True)
    if minutes > max_minutes:
        remedy = "lower --steps, --repeats or the number of --fractions, or raise --max-minutes"
        raise UsageError(f"at most {max_minutes:g} minutes of training", f"about {minutes:.1f}", remedy)


def _scored(
    runs: Mapping[str, Cells], images: Sequence[Labelled], halves: Sequence[Sequence[str]], params: Params
) -> dict[str, list[list[Scored]]]:
    """Train what is not there yet and score it: by candidate, [size][repeat]."""
    start, done, total = time.monotonic(), 0, sum(len(row) for cells in runs.values() for row in cells)
    out: dict[str, list[list[Scored]]] = {}
    for name, cells in runs.items():
        for row in cells:
            for size, job in enumerate(row):
                if not job.is_done:
                    trainings.train(job)
                for candidate, scored in _measured(name, job, images, halves, params).items():
                    out.setdefault(candidate, [[] for _ in row])[size].append(scored)
                done += 1
                left = (time.monotonic() - start) / done * (total - done) / 60
                words = f"curve: {done}/{total} done ({len(job.split['train'])} images), {left:.1f} minutes left"
                print(words, file=sys.stderr, flush=True)
    return out


def _measured(
    name: str, job: Job, images: Sequence[Labelled], halves: Sequence[Sequence[str]], params: Params
) -> dict[str, Scored]:
    """By candidate: the scores of one training. All approaches of a network read the same graph."""
    approaches = ("semantic",) if name == CLASS_MASKS else SERVES[name]
    fitting = {approach: getattr(params.calibrate, approach) for approach in approaches}
    network = Predictor.load_network(job.model, fitting[approaches[0]].threads)
    found = cross_fit.scored(network, images, halves, fitting, params.decision)
    return {CLASS_MASKS: found["semantic"]} if name == CLASS_MASKS else found
