"""segwise import: what an annotation tool wrote → data/, all of it or nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from segwise.dataset import coco, finding, schema
from segwise.dataset.arrival import ingest
from segwise.dataset.arrival.merge import Merged, merge
from segwise.dataset.arrival.replace import replacing
from segwise.dataset.finding import Finding
from segwise.dataset.formats import detect
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.source import opened
from segwise.dataset.integrity import recorded_digest
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, SegwiseError, UsageError
from segwise.labels import findings
from segwise.labels.contract import baseline
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.spec import sha256_of

MAKING = Path(".segwise/import")  # on the same file system as data/, so that a rename is enough
STATE = Path(".segwise/findings.json")
PULLING = Path(".segwise/pulling")  # the Makefile's mark of a killed `dvc pull`: it would be repeated over the new data
EXAMPLE_SHA256 = (  # shipped with segwise: your own data replaces it
    "1f2b3b91280a9bd2b67dc5cb006905da846ef832589eed06bbeab01432c57018"
)

WRITTEN = ("manifest", "cvat", "via", "labelme", "coco", "yolo")  # formats told by label files, not by folders of PNG

Mode = Literal["auto", "merge", "replace"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user asked for. See `segwise import --help`."""

    format: str = "auto"
    classes: tuple[str, ...] = ()
    mode: Mode = "auto"
    strict: bool = False
    drop_broken: bool = False
    allow_empty: bool = False
    dry_run: bool = False
    record: bool = False


def run(source: Path, data: DataParams, params: ValidateParams, choices: Choices = Choices()) -> dict[str, Any]:
    """Read `source`, check it, merge it with data/ aside, check the result, and put it in the place of data/.

    Raises:
        UsageError: no known format, or classes that have nothing in common with data/ and no word on what to do.
        DataInvalidError: there is an error-level finding, or with `strict` any repair or loss; data/ stays as it is.
        BusyError: another import is running.
    """
    target = Path(data.dir)
    with opened(source, MAKING) as folder, replacing(target, MAKING) as making:
        name = detect.detect(folder) if choices.format == "auto" else choices.format
        delivery = _read(folder, name, choices)
        _plausible(delivery, choices)
        old = _existing(target, delivery, choices.mode)
        delivered = ingest.content_digests(delivery.pictures)
        was = _held(target)
        held = {} if old is None else ingest.file_digests(target)
        merged = ingest.with_range(
            merge(old, held, delivery, delivered, may_empty=choices.allow_empty), None if old is None else target
        )
        found = [*delivery.findings, *_others(folder, name, choices), *merged.findings]
        _refuse(found, choices.strict)
        is_new = merged.document != old or bool(merged.copies)
        if is_new:
            ingest.fill(making.folder, target if old is not None else None, merged, folder.root)
            inspected = inspect(making.folder, rules(params))
            found += baseline.split(inspected.findings, inspected.dataset, baseline.load())[0]
            _refuse(found, strict=False)
        making.is_done = is_new and not choices.dry_run
    _save(found)
    if choices.dry_run:
        return _answer(name, merged, found, f"Nothing was written to {target} (--dry-run).")
    if making.is_done:
        PULLING.unlink(missing_ok=True)
    where = _placed(target, old, was) if is_new else f"Nothing new: {target} stays as it is."
    if choices.record:
        where += f" {_record(target)}"
    elif is_new:
        where += f" Now record the revision: `dvc add {target}`."
    return _answer(name, merged, found, where)


def _read(folder: Folder, name: str, choices: Choices) -> Delivery:
    delivery: Delivery = detect.module(name).read(folder, Options(choices.classes))
    if choices.drop_broken:
        delivery = ingest.without_broken(delivery)
    if finding.errors_in(delivery.findings):
        _refuse(delivery.findings, strict=False)
    if not delivery.pictures:
        place = folder.archive or folder.root
        raise DataInvalidError(f"images in {place}", f"none ({name})", "name the folder that holds them")
    return delivery


def _plausible(delivery: Delivery, choices: Choices) -> None:
    """Refuse a delivery that holds hardly anything of what it should: a wrong export, not a few slips."""
    kept = sum(len(picture.regions) for picture in delivery.pictures)
    dropped = [f for f in delivery.findings if f.effect == "dropped" and f.object_id is not None]
    if len(dropped) > kept and not choices.drop_broken:
        check, number = Counter(f.check for f in dropped).most_common(1)[0]
        came = f"{kept} of {kept + len(dropped)}; {number} are left out for `{check}`, the first in {dropped[0].where}"
        remedy = "say `--drop-broken` if the rest is what you want; otherwise export again"
        if check == "zero area":
            remedy = f"are the coordinates fractions of the image? export them in pixels; {remedy}"
        _save(delivery.findings)
        raise DataInvalidError("most objects to be of use", came, remedy)
    if not kept and not choices.allow_empty:
        came = f"none in {len(delivery.pictures)} images"
        remedy = "export with polygons or masks; if all images are meant to be empty, say `--allow-empty`"
        raise DataInvalidError("labelled objects", came, remedy)


def _others(folder: Folder, name: str, choices: Choices) -> list[Finding]:
    """A warning for each other tool's labels in the folder: they were not read."""
    if choices.format != "auto":
        return []
    also = [other for other in WRITTEN if other != name and detect.module(other).looks_like(folder)]
    remedy = "if those are the labels you mean, say `--format`, or import their folder"
    return [
        Finding("other format", "warning", None, None, f"the folder also looks like {other}; read as {name}", remedy)
        for other in also
    ]


def _existing(target: Path, delivery: Delivery, mode: Mode) -> dict[str, Any] | None:
    """The label file to merge with; None where there is none or it is to be replaced."""
    path = target / coco.LABELS_NAME
    if mode == "replace" or not path.is_file() or (mode == "auto" and sha256_of(path) == EXAMPLE_SHA256):
        return None
    document: dict[str, Any] = coco.read_raw(path)
    checked = schema.check(document)
    if finding.errors_in(checked.findings):
        raise finding.refusal(checked.findings)
    held = {category["name"] for category in checked.categories}
    given = {category.name for category in delivery.categories}
    if mode == "auto" and not held & given:
        came = f"{_some(given)}; {target} has {_some(held)}"
        remedy = f"say `--mode replace` to begin anew, or `--mode merge` to add the classes to {target}"
        raise UsageError("a delivery that shares a class with the data set", came, remedy)
    return ingest.with_rles(document, checked)


def _held(target: Path) -> str:
    """What lies in `target`, in words; empty where there is no data set."""
    path = target / coco.LABELS_NAME
    if not path.is_file():
        return ""
    if sha256_of(path) == EXAMPLE_SHA256:
        return "the example data"
    document = coco.read_raw(path)
    images, objects = (len(document.get(key) or ()) for key in ("images", "annotations"))
    return f"{_many(images, 'image')} with {_many(objects, 'object')}"


def _placed(target: Path, old: dict[str, Any] | None, was: str) -> str:
    """Where the data set lies now, and what it replaced."""
    return f"It is in {target}" + (f", in place of {was}." if old is None and was else ".")


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _record(target: Path) -> str:
    for verb in ("add", "push"):
        done = subprocess.run([sys.executable, "-m", "dvc", verb, "-q", str(target)], capture_output=True, text=True)
        if done.returncode:
            said = " ".join(done.stderr.split())[-300:]
            raise SegwiseError(f"`dvc {verb} {target}` to succeed", said, f"run `dvc {verb} {target}` yourself")
    digest = recorded_digest(target.with_name(target.name + ".dvc"))
    return f"Recorded as revision {digest} and pushed; commit {target}.dvc."


def _refuse(found: Sequence[Finding], strict: bool) -> None:
    held = [replace(f, severity="error") if strict and f.effect else f for f in found]
    if finding.errors_in(held):
        _save(held)
        raise finding.refusal(held, str(STATE))


def _save(found: Sequence[Finding]) -> None:
    STATE.parent.mkdir(parents=True, exist_ok=True)
    STATE.write_text(findings.as_json(found), encoding="utf-8")


def _answer(name: str, merged: Merged, found: Sequence[Finding], then: str) -> dict[str, Any]:
    images, objects = len(merged.document["images"]), len(merged.document["annotations"])
    effects = Counter(f.effect for f in found if f.effect)
    counts = findings.counts(found)
    done = ", ".join(f"{n} {word}" for word, n in merged.counts.items() if n)
    words = [f"{name}: {_many(images, 'image')} ({done}), {_many(objects, 'object')}"]
    words.append(_many(counts["num_warnings"], "warning"))
    if effects:
        words.append(", ".join(f"{n} {word}" for word, n in sorted(effects.items())))
    said = "; ".join(words) + (f" (each in {STATE})" if found else "")
    result = {"format": name, "num_images": images, "num_objects": objects, "images": dict(merged.counts)}
    return {"summary": f"{said}. {then}", **result, "effects": dict(effects), **counts}
