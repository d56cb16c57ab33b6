"""`segwise dossier RUN`: everything a reviewer asks of one run, in one folder with one page → dossier/<id>.

MANIFEST.json lists every file with its SHA-256. The same inputs give the same bytes: dates are those of events and
commits.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from segwise import registry
from segwise.dataset import coco, integrity, targets
from segwise.dataset.workers import told
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError, IntegrityError, SegwiseError
from segwise.evaluation.sums import read_sums
from segwise.gate import criteria
from segwise.params import Params, checked
from segwise.predict.predictor import Predictor
from segwise.proof import facts, gather, subject, trace
from segwise.proof.subject import Subject
from segwise.registry import Event, audit
from segwise.report import dossier_page, worst
from segwise.report.inputs import read_images_figures
from segwise.spec import canonical_json, sha256_of
from segwise.types import Prediction

OUT = Path("dossier")
NUM_WORST = 6
SOURCES = ("params.yaml", "dvc.lock", "data.dvc", "requirements.lock")
ACCEPTED = "registry/labels.json"  # label findings that somebody accepted, with the reason
PART = ".part-"  # a dossier that is being made; one that a killed run left is removed
FILES = (
    "labels/summary.json", "labels/findings.json", "split.json", "leaks.json", "gate/checks.json", "gate/verdict.json",
    "benchmark.json", "package/manifest.json",
)  # fmt: skip
OF_NETWORK = ("network.json", "metrics.json", "minutes.json", "history.csv")
PROMOTION = Path("work/promotion/promotion.json")
Shots = list[worst.Shot]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model answers on the test images: rows of the trace, pictures of the worst images and ordinary ones."""

    rows: list[trace.Row]
    worst: Shots
    ordinary: Shots


def run(run: str = "work") -> dict[str, Any]:
    """Write `dossier/<id>` about the run in `work/`, or about a package that the registry knows.

    Args:
        run: `work`, an event's number, or the beginning of a package's digest.

    Raises:
        UsageError: the registry knows no such package.
        IntegrityError: nothing was gated yet, or the package's archive is gone or damaged.
    """
    events, problem = _events()
    with tempfile.TemporaryDirectory(prefix="segwise-dossier-") as scratch:
        if run != "work" and problem:
            raise IntegrityError("an event log that is whole", problem, "see `segwise audit verify`")
        is_work = run == "work"
        about = subject.of_work(Path(scratch)) if is_work else subject.of_event(events, run, Path(scratch))
        raw = yaml.safe_load(about.records.source("params.yaml") or b"") or {}
        params = _params(raw)
        seen = _look(about, raw, params.decision if params else {})
        now = registry.criteria_of(params) if params else criteria.of(raw)
        found = gather.gather(about, raw, now, events, problem, seen.rows)
        folder = _write(about, found, seen)
    missing, digest = found["missing"], sha256_of(folder / "MANIFEST.json")
    words = f"missing, and named on the page: {len(missing)}" if missing else "nothing is missing"
    summary = f"dossier of {about.approach} → {folder}/index.html; {words}; MANIFEST.json {digest[:12]}"
    return {"path": str(folder), "manifest_sha256": digest, "missing": missing, "summary": summary}


def _events() -> tuple[tuple[Event, ...], str]:
    try:
        return audit.vouched()[0], ""
    except IntegrityError as error:
        return (), error.came


def _params(raw: Mapping[str, Any]) -> Params | None:
    """The run's parameters; None where they are those of another version of segwise."""
    try:
        return checked(yaml.safe_dump(dict(raw)), "params.yaml")
    except SegwiseError:
        return None


def _look(about: Subject, raw: Mapping[str, Any], decisions: Mapping[str, Decision]) -> Seen:
    """Predict every test image; without the model, its data or its split nothing is seen, and the reason is kept."""
    files = about.records
    try:
        dataset = _dataset(about, Path((raw.get("data") or {}).get("dir", "data")))
        names = files.json("work/split.json").get("test", [])
        records = coco.by_name(dataset, names)
        if about.model is None or not records:
            raise IntegrityError("a model and test images", about.problem or "none", "")
        predictor = Predictor.load(about.model)
    except SegwiseError as error:
        files.missing["trace.csv"] = f"expected {error.expected}; got {error.came}"
        return Seen([], [], [])
    rows: list[trace.Row] = []
    for record in told("dossier", records, len(records)):
        ids = [annotation.id for annotation in targets.with_pixels(record)]
        answer = predictor.predict(dataset.pixels(record))
        rows += trace.of_image(record.file_name, answer.objects, targets.objects(record), ids, dataset.classes)
    return Seen(rows, *_pictures(about, predictor, dataset, decisions))


def _dataset(about: Subject, root: Path) -> coco.Dataset:
    """The run's data, which must be what lies here, byte for byte.

    Raises:
        IntegrityError, DataInvalidError: it is not here, or has other bytes.
    """
    wanted = about.manifest.get("data_md5")
    recorded = integrity.check(root, Path(f"{root}.dvc"))["digest"]
    if wanted is not None and recorded != wanted:
        raise DataInvalidError(f"the data revision {wanted}", f"{recorded} in {root}", "check that revision out")
    return coco.read(root)


def _pictures(
    about: Subject, predictor: Any, dataset: coco.Dataset, decisions: Mapping[str, Decision]
) -> tuple[Shots, Shots]:
    """The worst images, as `compare` orders them, and the one with the median F1."""
    root = f"work/evaluate/{about.approach}"
    paths = [about.records.path(f"{root}/{name}") for name in ("sums.npz", "per_image.parquet")]
    if None in paths or not decisions:
        return [], []
    sums, rows = read_sums(paths[0]), read_images_figures(paths[1])  # type: ignore[arg-type]  # none is None
    names, f1 = [str(name) for name in sums.file_names], {name: float(row["f1"]) for name, row in rows.items()}
    shares = {name: worst.error_shares(d, sums.asked[name]) for name, d in decisions.items()}
    asked = worst.asked_about(decisions, dataset.classes)

    def shot(record: coco.ImageRecord) -> worst.Shot:
        truth = Prediction(targets.class_map(record, dataset.classes), targets.objects(record))
        image, index = dataset.pixels(record), names.index(record.file_name)
        said = [worst.words_of(n, d, sums.asked[n], shares[n], index) for n, d in decisions.items()]
        score = None if np.isnan(f1[record.file_name]) else f1[record.file_name]
        return worst.shot(record.file_name, image, truth, predictor.predict(image), asked, words=said, score=score)

    ranked = sorted((value, name) for name, value in f1.items() if not np.isnan(value))
    middle = [ranked[len(ranked) // 2][1]] if ranked else []
    chosen = worst.choose(names, shares, f1, NUM_WORST)
    first, second = ([shot(r) for r in coco.by_name(dataset, part)] for part in (chosen, middle))
    return first, second


def _write(about: Subject, found: Mapping[str, Any], seen: Seen) -> Path:
    """The folder, complete or not at all: it is made beside its place and put there at the end."""
    OUT.mkdir(exist_ok=True)
    for stale in OUT.glob(f"{PART}*"):
        shutil.rmtree(stale, ignore_errors=True)
    part, old, target = OUT / f"{PART}{about.name}", OUT / f"{PART}old-{about.name}", OUT / about.name
    part.mkdir()
    bill = found["software"]["sbom"]
    said = {**found, "software": {key: value for key, value in found["software"].items() if key != "sbom"}}
    texts = {
        "sbom.cdx.json": canonical_json(bill),
        "criteria.json": canonical_json(found["criteria"]["sections"]),
        "dossier.json": canonical_json(said),
        **({"trace.csv": trace.as_csv(seen.rows)} if seen.rows else {}),
    }
    for name, text in texts.items():
        (part / name).write_text(text, encoding="utf-8", newline="")
    _copy_records(about, part / "records")
    listed = _listed(part)
    html = dossier_page.render(said, seen.worst, seen.ordinary, listed)
    (part / "index.html").write_text(html, encoding="utf-8")
    manifest = {"dossier": about.name, "package": about.digest, "files": _listed(part), "missing": found["missing"]}
    (part / "MANIFEST.json").write_text(canonical_json(manifest), encoding="utf-8")
    if target.exists():
        target.replace(old)
    part.replace(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def _copy_records(about: Subject, into: Path) -> None:
    files, networks = about.records, facts.NETWORKS.get(about.approach, ())
    names = [f"work/{name}" for name in FILES] + [f"work/evaluate/{about.approach}/metrics.json"]
    names += [f"work/train/{network}/{name}" for network in networks for name in OF_NETWORK]
    found: dict[str, bytes | None] = {name: files.source(name) for name in SOURCES}
    found[ACCEPTED] = files.source(ACCEPTED, is_optional=True)
    for name in names:
        path = files.path(name, is_optional=True)
        found[name] = None if path is None else path.read_bytes()
    found["registry/events.jsonl"] = registry.EVENTS.read_bytes() if registry.EVENTS.is_file() else None
    found |= {str(path): path.read_bytes() for path in _later(about)}
    for name, raw in found.items():
        if raw is not None:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_bytes(raw)


def _later(about: Subject) -> list[Path]:
    """What was made of this very run after it, where it lies here: the page of its promotion, its reproduction."""
    found = []
    if PROMOTION.is_file():
        told = json.loads(PROMOTION.read_text(encoding="utf-8"))
        found += [PROMOTION] if about.digest and told["challenger"]["digest"] == about.digest else []
    report, lock_sha256 = gather.reproduction(about.records)
    if lock_sha256 and report.get("dvc_lock_sha256") == lock_sha256:
        found.append(Path(gather.REPRODUCTION))
    return found


def _listed(folder: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 and size (bytes) of every file, by path."""
    paths: Sequence[Path] = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in paths
    }  # fmt: skip
