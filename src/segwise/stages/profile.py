"""segwise profile: data/ → work/profile.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.advice.profile import profile
from segwise.dataset import coco
from segwise.dataset.params import DataParams, ProfileParams
from segwise.spec import canonical_json

OUT = Path("work/profile.json")


def run(data: DataParams, params: ProfileParams) -> dict[str, Any]:
    """Sum up sizes, densities, groups and attributes of the data."""
    found = profile(coco.read(Path(data.dir)), params)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(canonical_json(found), encoding="utf-8")
    words = f"{found['num_images']} images, {found['num_objects']} objects in {found['num_groups']} groups"
    touching = f"{found['touching_fraction']:.0%} of the objects touch another"
    return {"summary": f"{words}; {touching} → {OUT}", **found}
