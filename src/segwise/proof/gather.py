"""Everything that a dossier says about a run, read from its files and from the registry, as plain values."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from segwise import registry
from segwise.gate import criteria
from segwise.proof import facts, lock, requirements, sbom, subject, trace
from segwise.proof.causes import environment, of_params
from segwise.proof.installed import parts as installed_parts
from segwise.proof.installed import versions
from segwise.proof.records import Records
from segwise.proof.subject import Subject
from segwise.registry import Event, audit

Facts = dict[str, Any]
REPRODUCTION = "work/repro/report.json"


def gather(
    about: Subject, raw: Facts, now: Facts, events: Sequence[Event], problem: str, rows: Sequence[trace.Row]
) -> Facts:
    """Everything that a dossier says.

    Args:
        raw: the run's params.yaml as it is. now: the criteria in it, with every default said.
        problem: why the event log is not whole, "" if it is.
        rows: the trace, empty where it could not be made.
    """
    files, approach = about.records, about.approach
    metrics = files.json(f"work/evaluate/{approach}/metrics.json") or about.manifest.get("metrics") or {}
    checks, benchmark = files.json("work/gate/checks.json"), files.json("work/benchmark.json")
    labels, split, leaks = (files.json(f"work/{name}.json") for name in ("labels/summary", "split", "leaks"))
    networks = facts.NETWORKS.get(approach, ())
    recorded = subject.runs(events, about, networks)
    traced = trace.summary(rows) if rows else {}
    frozen, judged = recorded["frozen"], recorded["judged"]
    changes = criteria.changed(frozen.criteria, now) if frozen else []
    reads = [asdict(event) for event in recorded["reads"]]
    asked = [
        *requirements.of_decisions(metrics, approach),
        *(requirements.of_gate(checks, approach) or _of_manifest(about, now)),
        *requirements.of_promotion(judged.details if judged else {}),
        requirements.of_labels(labels),
        requirements.of_leaks(leaks),
        requirements.of_freeze(asdict(frozen.since) if frozen else None, reads, changes),
        requirements.of_used(_judged_by(about, raw)),
        requirements.of_trace(traced, metrics),
        requirements.of_package(about.digest, about.problem),
        requirements.of_chain(len(events), problem),
        requirements.of_reproduction(*reproduction(about.records)),
    ]
    return {
        "about": _about(about),
        "statement": facts.STATEMENT,
        "criteria": _frozen(now, frozen, changes),
        "requirements": [asdict(row) for row in asked],
        "data": facts.data(split, leaks, labels, _data_revision(about)),
        "training": [_training(about, network) for network in networks],
        "results": facts.results(metrics),
        "trace": traced,
        "latency": facts.latency(benchmark, approach),
        "software": _software(about),
        "approvals": [facts.shown_event(audit.as_dict(event)) for event in recorded["approvals"]],
        "events": [facts.shown_event(audit.as_dict(event)) for event in events],
        "num_test_reads": recorded["num_test_reads"],
        "chain": {"num_events": len(events), "problem": problem, "head": events[-1].sha256 if events else None},
        "missing": _missing(about, events, traced),
    }  # fmt: skip


def _of_manifest(about: Subject, now: Facts) -> list[requirements.Requirement]:
    return requirements.of_manifest(about.manifest.get("checks") or (), now.get("gate") or {})


def reproduction(files: Records) -> tuple[Facts, str | None]:
    """The report of the newest reproduction here, and the SHA-256 of the run's dvc.lock: it is about that, or not."""
    path, held = files.tree / REPRODUCTION, files.source("dvc.lock")
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return report, None if held is None else sha256(held).hexdigest()


def _judged_by(about: Subject, raw: Facts) -> list[str] | None:
    """The limits that are others than dvc.lock says the gate read; None where it does not say."""
    text = about.records.source("dvc.lock")
    stage = lock.read(text.decode()).get("gate") if text else None
    if stage is None or not any(key.startswith("gate.") for key in stage.params):
        return None
    return [cause.words for cause in of_params(stage, lock.flat(raw))]


def _about(about: Subject) -> Facts:
    event = about.event
    return {
        "name": about.name,
        "approach": about.approach,
        "digest": about.digest,
        "commit": about.commit,
        "at": about.at,
        "event": None if event is None else facts.shown_event(audit.as_dict(event)),
        "uncommitted": subject.uncommitted() if event is None else [],
        "why": about.manifest.get("why") or about.records.json("work/gate/checks.json").get("why", ""),
    }


def _frozen(now: Facts, frozen: registry.Freeze | None, changes: list[str]) -> Facts:
    since = frozen.since if frozen else None
    return {
        "sections": now,
        "sha256": criteria.digest(now),
        "frozen_sha256": frozen.sha256 if frozen else None,
        "frozen_at": since.at if since else None,
        "frozen_by": f"event {since.seq} ({since.kind}), {since.actor}" if since else None,
        "changes": changes,
    }


def _training(about: Subject, network: str) -> Facts:
    root, files = f"work/train/{network}", about.records
    history = files.path(f"{root}/history.csv")
    card, metrics, minutes = (files.json(f"{root}/{name}.json") for name in ("network", "metrics", "minutes"))
    return facts.training(network, card, metrics, minutes, _history(history))


def _software(about: Subject) -> Facts:
    bill = sbom.cyclonedx(installed_parts(), "segwise", platform.python_version(), about.manifest.get("packages") or ())
    raw = about.records.source("requirements.lock")
    text = None if raw is None else raw.decode()
    held = environment(text, None if raw is None else sha256(raw).hexdigest(), versions())
    return {
        "python": platform.python_version(),
        "num_components": len(bill["components"]),
        "licences": sbom.licences(bill),
        "requirements_lock_sha256": held.lock_sha256,
        "num_pinned": held.num_pinned,
        "differing": [cause.words for cause in held.differing],
        "not_installed": list(held.missing),
        "packages": about.manifest.get("packages") or {},
        "code_sha256": about.manifest.get("code_sha256"),
        "sbom": bill,
    }


def _history(path: Path | None) -> list[dict[str, float]]:
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) if v else float("nan") for k, v in row.items()} for row in csv.DictReader(file)]


def _data_revision(about: Subject) -> str | None:
    raw = about.records.source("data.dvc")
    if about.manifest.get("data_md5"):
        return str(about.manifest["data_md5"])
    return None if raw is None else str(yaml.safe_load(raw)["outs"][0]["md5"])


def _missing(about: Subject, events: Sequence[Event], traced: Facts) -> list[Facts]:
    """What is not there, by name, with the reason."""
    found = {} if about.has_files else {"the files of the run": subject.NO_FILES}
    found |= about.records.missing if about.has_files else {}
    if not events:
        found["registry/events.jsonl"] = "no event: criteria, approvals and readings of the test split are not recorded"
    if about.digest is None:
        found["package"] = about.problem or "no approach passed the gate: nothing was packaged"
    if not traced:
        found.setdefault("trace.csv", "the model, its test images or its label file are not here")
    return [{"what": what, "why": why} for what, why in sorted(found.items())]
