"""What a dossier says, as plain values: one part per heading, from the files and events of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Values = Mapping[str, Any]
NETWORKS = {"semantic": ("dense",), "hybrid": ("dense",), "instance": ("instance",), "cascade": ("dense", "instance")}
STATEMENT = (
    "This dossier supports a technical file, such as one for ISO 13485, IEC 62304 or 21 CFR Part 11. It confers "
    "nothing: it is neither a certificate nor a conformity assessment, and it replaces neither your quality system nor "
    "the judgement of those who sign. It states what was measured, on which data, by which code, and who decided."
)
FIGURES = {
    "f1": "F1 at IoU 0.5", "ap50": "mask AP50", "ap": "mask AP", "pq": "PQ", "foreground_iou": "foreground IoU",
    "miou": "mIoU", "boundary_f": "boundary F", "count_error": "count error", "coverage_error": "coverage error",
    "merge_rate": "merge rate", "split_rate": "split rate", "missed_error": "missed", "invented_error": "invented",
}  # fmt: skip
OF_CLASS = ("f1", "ap50", "pq", "miou", "count_error", "coverage_error", "merge_rate", "split_rate")
OF_SLICE = ("f1", "ap50", "pq", "foreground_iou", "count_error", "coverage_error", "merge_rate", "split_rate")
TIMES = ("p50_ms", "p95_ms", "p99_ms", "jitter", "cold_start_ms", "peak_memory_mb", "cpu_s_per_image", "model_mb")


def data(split: Values, leaks: Values, labels: Values, revision: str | None) -> dict[str, Any]:
    """Revision, contract, split and leaks."""
    groups = split.get("num_groups") or {}
    parts = ("train", "val", "test")
    links = {
        kind: {key: own.get(key) for key in ("severity", "num_links", "num_across")}
        for kind, own in (leaks.get("links") or {}).items()
    }
    return {
        "revision": revision,
        "labels": dict(labels),
        "split": {part: {"images": len(split[part]), "groups": groups.get(part)} for part in parts if part in split},
        "method": split.get("method"),
        "num_left_out": len(split.get("left_out") or ()),
        "links": links,
    }


def training(network: str, card: Values, metrics: Values, minutes: Values, history: Sequence[Values]) -> dict[str, Any]:
    """One network's record: parameters and seed, what it ended with, how it went."""
    params = dict(card.get("params") or {})
    steps = [(row.get("step"), row.get("train_loss"), row.get("val_loss")) for row in history]
    return {
        "network": network,
        "seed": params.get("seed"),
        "params": params,
        "metrics": dict(metrics),
        "minutes": minutes.get("minutes"),
        "history": [[None if v is None or v != v else v for v in step] for step in steps],
    }


def results(metrics: Values) -> dict[str, Any]:
    """The figures with their intervals: of all test images, of each class, of each slice."""
    slices = {
        name: {part: _figures(own, OF_SLICE) for part, own in parts.items()}
        for name, parts in (metrics.get("slices") or {}).items()
    }
    return {
        **{key: metrics.get(key) for key in ("num_images", "num_groups", "num_objects")},
        "all": _figures(metrics, FIGURES),
        "classes": {name: _figures(own, OF_CLASS) for name, own in (metrics.get("per_class") or {}).items()},
        "slices": slices,
        "decisions": metrics.get("decisions") or {},
    }


def _figures(own: Values, keys: Sequence[str] | Mapping[str, str]) -> dict[str, Any]:
    intervals = own.get("intervals") or {}
    kept = {key: [own[key], intervals.get(key)] for key in keys if own.get(key) is not None}
    return {"num_images": own.get("num_images"), "figures": kept}


def latency(benchmark: Values, approach: str) -> dict[str, Any]:
    """The winner's times and the machine they belong to."""
    own = (benchmark.get("approaches") or {}).get(approach) or {}
    if not own:
        return {}
    about = {key: benchmark.get(key) for key in ("cpu", "device", "threads", "batch_size", "num_images", "image_sizes")}
    return {**about, **{key: own.get(key) for key in TIMES}}


def shown_event(event: Values) -> dict[str, Any]:
    """An event for the table: what it is about in short, and its hash where the log keeps one."""
    subject = dict(event.get("subject") or {})
    about = ", ".join(f"{key} {str(value)[:12]}" for key, value in sorted(subject.items()) if value)
    keys = ("seq", "at", "kind", "actor", "reason", "git_revision", "sha256")
    return {**{key: event.get(key, "") for key in keys}, "about": about}
