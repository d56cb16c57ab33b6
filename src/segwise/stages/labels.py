"""segwise labels: accept known findings, make a baseline of all, tell what changed between two data revisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segwise.dataset import integrity
from segwise.dataset.finding import Finding
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, UsageError
from segwise.labels.contract import baseline
from segwise.labels.contract.checks import severity
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.labels.revisions import comparison, drift, layout


def run(action: str, data: DataParams, params: ValidateParams, **options: Any) -> dict[str, Any]:
    """One of `accept`, `baseline` and `diff`, with the options of the function of that name below."""
    actions: dict[str, Callable[..., dict[str, Any]]] = {"accept": accept, "baseline": rebase, "diff": diff}
    return actions[action](data, params, **options)


def accept(
    data: DataParams,
    params: ValidateParams,
    *,
    check: str,
    reason: str,
    actor: str,
    image: str | None = None,
    object_id: str | None = None,
) -> dict[str, Any]:
    """Accept the findings of a check, all of them or those of one image or object, with a reason.

    Raises:
        UsageError: no reason is given, or nothing new is found there.
        DataInvalidError: it is an error with which the data cannot be read.
    """
    _need_reason(reason)
    root, known = Path(data.dir), baseline.load()
    found = inspect(root, rules(params))
    listed = (*found.findings, *drift.compare(known.facts, found.tables, severity("drift", params.severity)))
    new, accepted = baseline.split(listed, found.dataset, known)
    chosen = _matching(new, check, image, object_id)
    if not chosen:
        raise _nothing(new, bool(_matching(accepted, check, image, object_id)), check, image, object_id)
    _need_readable(chosen)
    digest = integrity.data_digest(root)
    made = baseline.accept(known, chosen, found.dataset, reason=reason.strip(), by=actor, data_revision=digest)
    baseline.save(made)
    places = "; ".join(f.where for f in chosen[:3]) + (f"; and {len(chosen) - 3} more" if len(chosen) > 3 else "")
    words = f"accepted {len(chosen)} of `{check}`: {places}; new and left: {len(new) - len(chosen)}"
    return {"summary": f"{words} → {baseline.PATH}, commit it", "accepted": [asdict(f) for f in chosen]}


def rebase(data: DataParams, params: ValidateParams, *, reason: str, actor: str) -> dict[str, Any]:
    """Accept every finding and keep the facts that later revisions are compared with; stale entries are removed.

    Raises:
        UsageError: no reason is given.
        DataInvalidError: there is an error with which the data cannot be read.
    """
    _need_reason(reason)
    root, known = Path(data.dir), baseline.load()
    found = inspect(root, rules(params))
    new, _ = baseline.split(found.findings, found.dataset, known)
    _need_readable(new)
    stale = baseline.stale(found.findings, found.dataset, known)
    kept = baseline.Baseline(
        tuple(entry for entry in known.accepted if entry not in stale),
        drift.summary(found.tables),
        integrity.data_digest(root),
    )
    revision = kept.facts_revision
    made = baseline.accept(kept, new, found.dataset, reason=reason.strip(), by=actor, data_revision=revision)
    baseline.save(made)
    counts = {"num_accepted": len(made.accepted), "num_new": len(new), "num_stale": len(stale)}
    words = f"accepted: {len(made.accepted)} ({len(new)} of them new), stale and removed: {len(stale)}"
    said = f"{words}; facts of {revision}: {len(made.facts)} → {baseline.PATH}, commit it"
    return {"summary": said, "data_revision": revision, **counts}


def diff(data: DataParams, params: ValidateParams, *, before: str, after: str = layout.WORKSPACE) -> dict[str, Any]:
    """What changed from one data revision to another: findings, images, objects, classes, drift.

    Args:
        before, after: a git revision, a digest `<32 hex digits>.dir`, or `workspace`.

    Raises:
        UsageError: there is no such revision.
        IntegrityError: a revision's files cannot be had.
    """
    folder = Path(data.dir)
    with layout.laid_out(before, folder) as (old, old_digest), layout.laid_out(after, folder) as (new, digest):
        book = rules(params)
        hashes = integrity.file_hashes(old), integrity.file_hashes(new)
        found = comparison.compare(inspect(old, book), inspect(new, book), *hashes)
    head = f"{before} ({old_digest}) → {after} ({digest})"
    head += ": the same data" if old_digest == digest else ""
    named = {"before": {"revision": before, "digest": old_digest}, "after": {"revision": after, "digest": digest}}
    return {"summary": f"{head}\n{comparison.words(found)}", **named, **found.values()}


def _matching(findings: Sequence[Finding], check: str, image: str | None, object_id: str | None) -> tuple[Finding, ...]:
    return tuple(
        f for f in findings if f.check == check and image in (None, f.image) and object_id in (None, str(f.object_id))
    )


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError("a reason", "none", '--reason "why this is right as it is": it is kept with what is accepted')


def _need_readable(chosen: Sequence[Finding]) -> None:
    stuck = [f for f in chosen if not baseline.is_acceptable(f.check)]
    if stuck:
        first = stuck[0]
        came = f"{len(stuck)} that cannot be read; {first.where}: {first.came} [{first.check}]"
        raise DataInvalidError("findings one can live with", came, f"mend it, a reason does not help: {first.remedy}")


def _nothing(
    new: Sequence[Finding], is_accepted: bool, check: str, image: str | None, object_id: str | None
) -> UsageError:
    place = "".join(f", {word} {value}" for word, value in (("image", image), ("object", object_id)) if value)
    came = f"accepted already: {check}{place}" if is_accepted else f"none of {check}{place}"
    checks = sorted({f.check for f in new})
    remedy = f"new findings there are of: {', '.join(checks)}" if checks else "there is no new finding"
    return UsageError("a new finding to accept", came, remedy)
