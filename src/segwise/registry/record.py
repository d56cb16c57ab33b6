"""What the command line records around a stage: data, trainings, openings of the test split, verdicts.

The stages themselves know no registry: an edit here retrains nothing, and a test that calls a stage records nothing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segwise.errors import SegwiseError
from segwise.gate import criteria
from segwise.registry.event import Event, Kind
from segwise.registry.freeze import criteria_of
from segwise.registry.log import EVENTS, read
from segwise.registry.writing import append, locked
from segwise.spec import CASCADE_FILE, canonical_json, sha256_of

DATA, SPLIT, VERDICT = Path("data.dvc"), Path("work/split.json"), Path("work/gate/verdict.json")


def before(verb: str, name: str, params: Any, measured: Path | None = None) -> None:
    """Record that a training begins or that the test split is opened, and the data revision if it is new.

    Args:
        name: the network or the approach, or of predictions from elsewhere what they are called.
        params: `segwise.params.Params`.
        measured: the file of those predictions.

    Raises:
        SegwiseError: `registry/` is missing or cannot be written; BusyError: others hold it for too long;
            IntegrityError: it is damaged.
    """
    with _writable(verb), locked():
        _training(name, params) if verb == "train" else _test_read(verb, name, params, measured)


def after(verb: str) -> None:
    """Record the verdict that `gate` has just written, if it is another one than the last recorded."""
    if not VERDICT.is_file():
        return
    verdict = json.loads(VERDICT.read_text(encoding="utf-8"))
    subject = {"verdict_sha256": sha256_of(VERDICT)}
    with _writable(verb), locked():
        _append_new("gate", subject, {key: verdict.get(key) for key in ("winner", "verdict", "why")}, "segwise gate")


def _training(network: str, params: Any) -> None:
    data = _data()
    section = canonical_json(getattr(params.train, network).model_dump(mode="json"))
    subject = {
        "network": network,
        "params_sha256": hashlib.sha256(section.encode()).hexdigest(),
        "data_md5": data,
        "split_sha256": _sha256(SPLIT),
    }
    now = criteria_of(params)
    details = {"criteria": now, "criteria_sha256": criteria.digest(now)}
    append("run", subject, details, actor(), f"training of {network} begins")


def _test_read(verb: str, name: str, params: Any, measured: Path | None) -> None:
    """Nothing is recorded of a missing model, a refused cascade or a missing split: no test image is opened."""
    folder = Path("work/calibrate") / name
    spec = folder / CASCADE_FILE if (folder / CASCADE_FILE).is_file() else folder / "model.json"
    model = _sha256(measured or spec)
    if not model or not SPLIT.is_file() or _is_refused(spec):
        return
    data = _data()
    subject = {"approach": name, "model_sha256": model, "data_md5": data, "split_sha256": _sha256(SPLIT)}
    details = {"criteria_sha256": criteria.digest(criteria_of(params))}
    append("test_read", subject, details, actor(), f"segwise {verb} {name}")


def _is_refused(spec: Path) -> bool:
    try:
        return spec.name == CASCADE_FILE and bool(json.loads(spec.read_text(encoding="utf-8")).get("refused"))
    except ValueError:
        return False  # damaged: whoever opens it says so


def _data() -> str:
    """The data revision, "" outside DVC; recorded if it is new."""
    found = data_revision(DATA)
    if found:
        _append_new("data", {"data_md5": found["md5"]}, found, "first used")
    return str(found.get("md5", ""))


def data_revision(path: Path) -> dict[str, Any]:
    """md5, size (bytes) and number of files by which DVC knows the data; nothing outside DVC."""
    if not path.is_file():
        return {}
    import yaml

    out = yaml.safe_load(path.read_text(encoding="utf-8"))["outs"][0]
    return {key: out[key] for key in ("md5", "size", "nfiles") if key in out}


def _append_new(kind: Kind, subject: Mapping[str, str], details: Mapping[str, Any], reason: str) -> Event | None:
    last = next((event for event in reversed(read()) if event.kind == kind), None)
    return None if last is not None and last.subject == subject else append(kind, subject, details, actor(), reason)


def actor() -> str:
    """Who runs the program."""
    return os.environ.get("USER", "").strip() or "unknown"


def _sha256(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""


@contextmanager
def _writable(verb: str) -> Iterator[None]:
    """Errors of the file system as what they mean here; a full disk has its own words in the command line."""
    if not EVENTS.parent.is_dir():
        came = "a file" if EVENTS.parent.exists() else "no such folder"
        remedy = "restore it: `git checkout -- registry`, or in a new project `mkdir registry`"
        raise SegwiseError(f"the folder {EVENTS.parent}/, where `{verb}` is recorded", came, remedy)
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        came = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        remedy = f"make {EVENTS.parent}/ and .segwise/ writable: nothing is trained or measured unrecorded"
        raise SegwiseError(f"`{verb}` to be recorded in {EVENTS}", came, remedy) from error
