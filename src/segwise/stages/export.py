"""segwise export: data/ → the labels and images of one or all splits in the format of another tool, in a new folder."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from segwise.dataset import coco, schema
from segwise.dataset.exports import place, plan, table
from segwise.dataset.exports.item import NO_SPLIT, Index, Job, Page
from segwise.dataset.finding import Finding, errors_in, refusal
from segwise.dataset.images import header_of
from segwise.dataset.names import is_plain
from segwise.dataset.params import DataParams
from segwise.dataset.splits.split import LEFT_OUT
from segwise.errors import DataInvalidError, UsageError
from segwise.labels import findings
from segwise.spec import SPLITS

SPLIT = Path("work/split.json")
STATE = Path(".segwise/export_findings.json")  # of an export that was refused
NOTES = ("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")  # a licence travels with the images it is about
LOSSES = ("dropped", "approximated")


def run(
    format: str,  # noqa: A002 -- the option's word
    out: Path,
    split: str | None,
    data: DataParams,
    tolerance_px: float = 0,
    only_rle: bool = False,
    strict: bool = False,
) -> dict[str, Any]:
    """Write the labels in `format`, with copies of the images, into `out`; what the format cannot say is a finding.

    Args:
        split: only the images of this split; None = all.
        tolerance_px: simplify polygons up to this far from the exact outline, pixels; 0 = exact.
        only_rle: coco only: run lengths instead of polygons.
        strict: refuse where anything would be dropped or approximated.

    Raises:
        UsageError: an unknown format or split, a tolerance below 0, or `out` is not empty.
        DataInvalidError: the data set is broken, the format cannot hold it, or `strict` and something would be lost.
    """
    exporter = table.module(format)
    if only_rle and format != "coco":
        raise UsageError("`--rle` with `--format coco`", f"`--format {format}`", "leave `--rle` out")
    if out.resolve().is_relative_to(Path(data.dir).resolve()):
        raise UsageError(f"a folder outside {data.dir}", str(out), "name another: data/ holds data revisions alone")
    place.check_new(out)
    if not 0 <= tolerance_px < math.inf:
        raise UsageError(
            "a tolerance of at least 0 px", f"{tolerance_px}", "0 keeps the exact outline, 1 is a fair start"
        )
    dataset, raw = _read(Path(data.dir))
    splits, source = _splits(dataset)
    if split is not None and split not in splits.values():
        known = ", ".join(sorted(set(splits.values())))
        raise UsageError(f"a split among {known} ({source})", repr(split), "name one of them, or leave `--split` out")
    planned = plan.plan(dataset, raw, splits, split, exporter.IS_FLAT)
    job = Job(dataset.classes, tolerance_px, only_rle, plan.header(raw))
    found = list(plan.losses(planned, dataset, exporter.KEEPS))
    if tolerance_px > 0:
        found.append(plan.about_tolerance(tolerance_px))
    with place.appearing(out) as new:
        found += _write(new, exporter, dataset, planned, job)
        _refuse(found, strict)
        (new / "findings.json").write_text(findings.as_json(found), encoding="utf-8")
    sizes = {"num_images": len(planned.records), "num_objects": plan.count_objects(planned.records)}
    return {"summary": _words(out, exporter, sizes, found, source), **sizes, **findings.counts(found)}


def _read(root: Path) -> tuple[coco.Dataset, dict[str, Any]]:
    raw = coco.read_raw(root / coco.LABELS_NAME)
    checked = schema.check(raw)
    if errors_in(checked.findings):
        raise refusal(checked.findings)
    return coco.build(root, checked), raw


def _splits(dataset: coco.Dataset) -> tuple[dict[str, str], str]:
    """The split of every image, and where it is said: by `segwise split` on these very images, or by the label file."""
    given = {record.file_name: record.split or NO_SPLIT for record in dataset.images}
    if SPLIT.is_file():
        parts = json.loads(SPLIT.read_text(encoding="utf-8"))
        drawn = {name: split for split in (*SPLITS, LEFT_OUT) for name in parts.get(split, ())}
        if drawn.keys() == given.keys():
            return drawn, f"splits of {SPLIT}"
    for name, split in given.items():
        if not is_plain(split) or "/" in split:
            raise DataInvalidError("a split that can name a folder", f"{split!r} for {name}", "rename the split")
    return given, "splits of the label file" if any(r.split for r in dataset.images) else "no splits"


def _write(new: Path, exporter: ModuleType, dataset: coco.Dataset, planned: plan.Plan, job: Job) -> Iterator[Finding]:
    rows = []
    for item in planned.items():
        yield from _fits(dataset, item.record)
        yield from item.without_pixels()
        page: Page = exporter.page(item, job)
        yield from page.findings
        rows.append(page.row)
        image = new / page.image
        image.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dataset.image_path(item.record), image)
        _put(new, page.files)
    index: Index = exporter.index(rows, job)
    yield from index.findings
    _put(new, index.files)
    for note in NOTES:
        if (dataset.root / note).is_file():
            shutil.copyfile(dataset.root / note, new / note)


def _fits(dataset: coco.Dataset, record: coco.ImageRecord) -> Iterator[Finding]:
    """Whether the image is the labelled one, and lies as the labels lie in it."""
    header = header_of(dataset.image_path(record))
    if header.upright != (record.height, record.width):
        came = f"{header.width} × {header.height} pixels, the label file says {record.width} × {record.height}"
        yield Finding("size mismatch", "error", record.file_name, None, came, "run `segwise validate`")
    if header.orientation != 1:
        came = f"EXIF orientation {header.orientation}; the labels are on the upright image"
        yield Finding("orientation", "warning", record.file_name, None, came, "use a reader that turns the image")


def _put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _refuse(found: list[Finding], strict: bool) -> None:
    lost = [f for f in found if f.effect in LOSSES] if strict else []
    if not lost and not errors_in(found):
        return
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(findings.as_json(found), encoding="utf-8")
    if errors_in(found):
        raise refusal(found, str(STATE))
    first = "; ".join(f"{f.where}: {f.came} [{f.check}]" for f in lost[:3])
    came = f"{len(lost)} losses: {first}{f'; and {len(lost) - 3} more' if len(lost) > 3 else ''}"
    remedy = f"leave out `--strict`, or choose another format; all of them are in {STATE}"
    raise DataInvalidError("an export without losses", came, remedy)


def _words(out: Path, exporter: ModuleType, sizes: dict[str, int], found: list[Finding], source: str) -> str:
    counts = findings.counts([f for f in found if f.effect in LOSSES])["findings"]
    lost = ", ".join(f"{number} {check}" for check, number in counts.items())
    words = f"{sizes['num_images']} images, {sizes['num_objects']} objects as {exporter.TITLE}, {source}"
    return f"{words}; {f'not exact: {lost}, see {out}/findings.json' if lost else 'nothing lost'} → {out}"
