"""segwise split: data/ → work/split.json, work/leaks.json; registry/splits.json keeps what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from segwise.dataset import coco, finding, workers
from segwise.dataset.params import DataParams, SplitParams
from segwise.dataset.splits import balance, groups, leaks, record, split
from segwise.spec import canonical_json, write_whole

OUT = Path("work/split.json")
LEAKS = Path("work/leaks.json")
RECORD = Path("registry/splits.json")


def run(data: DataParams, params: SplitParams) -> dict[str, Any]:
    """Find what belongs together, divide the images, and prove that nothing leaks.

    Raises:
        DataInvalidError: a split is missing, unknown or empty, or a link that is an error crosses splits; all links are
            in work/leaks.json.
    """
    dataset = coco.read(Path(data.dir))
    threads = workers.count()
    kinds = params.links.of("error", "warning")
    seen = _look(dataset, kinds, threads)
    links = groups.find(dataset.images, seen, kinds, threads)
    kept = record.for_params(record.read(RECORD), params)
    contents = [t.print.content for t in seen]
    recorded = {r.file_name: s for r, c in zip(dataset.images, contents, strict=True) if (s := kept.split_of(c))}
    brought = balance.amounts(dataset.images, dataset.classes)
    division = split.assign(dataset.images, params, brought, links.all, recorded, contents)
    report = leaks.report(division, links, seen, params.links)
    report["moved"] = leaks.moved(division, recorded)
    report["balance"] = balance.table(brought, division.chosen, params.fractions.model_dump())
    write_whole(LEAKS, canonical_json(report))
    found = leaks.findings(division, links, params.links)
    if finding.errors_in(found):
        raise finding.refusal(found, str(LEAKS))
    _keep(kept, division, contents)
    parts, num_groups = division.parts, division.num_groups
    out = {**parts, "left_out": division.left_out, "method": division.method, "num_groups": num_groups}
    write_whole(OUT, canonical_json(out))
    return _told(division, report, len(found))


def _look(dataset: coco.Dataset, kinds: Sequence[str], threads: int) -> list[groups.Traits]:
    """Decode each image once and keep what the search needs."""
    with ThreadPoolExecutor(threads) as pool:
        seen = pool.map(lambda record: groups.traits(dataset.pixels(record), kinds), dataset.images)
        return list(workers.told("split", seen, len(dataset.images)))


def _keep(kept: record.Record, division: split.Division, contents: Sequence[str]) -> None:
    """Add the drawn splits to the record; given ones stand in the label file."""
    drawn = {}
    if division.method != "given":
        named = zip(contents, division.names, division.chosen, strict=True)
        drawn = {content: (part, name) for content, name, part in named}
    write_whole(RECORD, record.as_text(kept.with_images(drawn)))


def _told(division: split.Division, report: dict[str, Any], num_warnings: int) -> dict[str, Any]:
    sizes = {name: len(names) for name, names in division.parts.items()}
    words = ", ".join(f"{sizes[name]} {name} ({division.num_groups[name]} groups)" for name in sizes)
    counted = {kind: found for kind, found in report["links"].items() if found}
    links = ", ".join(f"{kind} {found['num_links']}" for kind, found in counted.items())
    left = f"; left out: {len(division.left_out)}" if division.left_out else ""
    if report["moved"]:
        left += f"; moved by the label file from the split they were drawn into: {len(report['moved'])}"
    across = {kind: found["num_across"] for kind, found in counted.items()}
    left += f"; drawn: {division.num_drawn}, kept in {RECORD}, commit it" if division.num_drawn else ""
    summary = f"{words}{left} → {OUT}; links found: {links}; across splits: {sum(across.values())} → {LEAKS}"
    return {
        "summary": summary,
        "num_images": sizes,
        "num_groups": division.num_groups,
        "num_left_out": len(division.left_out),
        "num_drawn": division.num_drawn,
        "num_links": {kind: found["num_links"] for kind, found in counted.items()},
        "num_across": across,
        "num_moved": len(report["moved"]),
        "num_warnings": num_warnings + len(report["moved"]),
        "balance": {key: report["balance"][key] for key in ("images_error", "mean_error", "max_error")},
    }
