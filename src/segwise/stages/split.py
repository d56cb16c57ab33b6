"""segwise split: data/instances.json → work/split.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise.dataset import coco, split
from segwise.dataset.params import DataParams, SplitParams
from segwise.spec import canonical_json

OUT = Path("work/split.json")


def run(data: DataParams, params: SplitParams) -> dict[str, Any]:
    """Divide the images by group and write the file names of train, val and test."""
    records = coco.read(Path(data.dir)).images
    parts = split.assign(records, params)
    num_groups = split.count_groups(records, parts)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(canonical_json({**parts, "method": params.method, "num_groups": num_groups}), encoding="utf-8")
    sizes = {name: len(parts[name]) for name in split.SPLITS}
    words = ", ".join(f"{sizes[name]} {name} ({num_groups[name]} groups)" for name in split.SPLITS)
    return {"summary": f"{words} → {OUT}", "num_images": sizes, "num_groups": num_groups}
