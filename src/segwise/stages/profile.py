"""segwise profile: data/ → work/profile.json, work/plan.yaml and the page work/profile.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.advice import samples
from segwise.advice.histograms import histograms
from segwise.advice.measure import Measured, measure
from segwise.advice.plan import as_yaml, plan
from segwise.advice.profile import profile
from segwise.dataset import coco, workers
from segwise.dataset.coco import Dataset
from segwise.dataset.images import header_of
from segwise.dataset.params import DataParams, ProfileParams
from segwise.report import profile_page
from segwise.spec import canonical_json

OUT, PLAN, PAGE = Path("work/profile.json"), Path("work/plan.yaml"), Path("work/profile.html")


def run(data: DataParams, params: ProfileParams) -> dict[str, Any]:
    """Read the data: measure it, plan for it, show it."""
    dataset = coco.read(Path(data.dir))
    seen = (measure(r, dataset.classes, dataset.pixels(r), params) for r in dataset.images)
    measured = list(workers.told("profile", seen, len(dataset.images)))
    is_deep = [header_of(dataset.image_path(record)).is_deep for record in dataset.images]
    found = {**profile(dataset, measured, is_deep, params), "histograms": histograms(measured)}
    entries = plan(found, params)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(canonical_json(found), encoding="utf-8")
    PLAN.write_text(as_yaml(entries), encoding="utf-8")
    PAGE.write_text(profile_page.render(found, entries, _samples(dataset, measured, params)), encoding="utf-8")
    words = f"{found['num_images']} images, {found['num_objects']} objects in {found['num_groups']} groups"
    touching = f"{found['touching_fraction']:.0%} of the objects touch another of their class"
    return {"summary": f"{words}; {touching} → {PAGE}, {PLAN}", **found}


def _samples(dataset: Dataset, measured: list[Measured], params: ProfileParams) -> list[profile_page.Sample]:
    chosen = samples.choose(measured, [r.file_name for r in dataset.images], params.num_samples)
    records = [(dataset.images[index], words) for index, words in chosen]
    return [profile_page.sample(r, dataset.pixels(r), dataset.classes, words) for r, words in records]
