"""Findings a team has accepted, with a reason, so that it is told only what is new. Pure but for `load` and `save`.

`registry/labels.json` is committed to git: one accepted finding a line, so that a diff shows what was accepted and two
branches merge. An entry holds a fingerprint of what the finding is about, not its number: labels that were numbered
anew stay accepted, an object that was drawn anew is a new finding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from segwise.dataset.coco import Dataset
from segwise.dataset.finding import Finding
from segwise.errors import IntegrityError
from segwise.labels.contract.checks import CHECKS
from segwise.labels.contract.fingerprints import Fingerprints, Key, are_near, number_of
from segwise.spec import write_whole

PATH = Path("registry/labels.json")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding.

    Attributes:
        fingerprint: of what the finding is about, see `Fingerprints`; 16 hexadecimal digits.
        object_id, came: as they were when it was accepted; for people only.
        data_revision: digest of the data it was accepted in, `<32 hex digits>.dir`.
    """

    check: str
    image: str | None
    fingerprint: str
    object_id: str
    came: str
    reason: str
    by: str
    data_revision: str

    @property
    def key(self) -> Key:
        """What a finding is recognised by."""
        return self.check, self.image or "", self.fingerprint


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is accepted, and the facts (`drift.summary`) of the data revision that new data is compared with."""

    accepted: tuple[Accepted, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    facts_revision: str = ""


def load(path: Path = PATH) -> Baseline:
    """Read the baseline; an absent file is an empty one.

    Raises:
        IntegrityError: the file is no baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Accepted(**entry) for entry in document["accepted"])
        return Baseline(entries, dict(document["facts"]), str(document["facts_revision"]))
    except FileNotFoundError:
        return Baseline()
    except (ValueError, KeyError, TypeError) as error:
        came = f"{type(error).__name__}: {error}"
        raise IntegrityError(f"accepted findings in {path}", came, f"restore it: `git checkout {path}`") from error


def save(baseline: Baseline, path: Path = PATH) -> None:
    """Write the baseline: sorted, one accepted finding a line."""
    write_whole(path, as_text(baseline))


def as_text(baseline: Baseline) -> str:
    """The file's text: JSON with one accepted finding or one fact a line."""
    ordered = sorted(baseline.accepted, key=lambda a: (*a.key, a.object_id))
    entries = ",\n".join("  " + _line(asdict(entry)) for entry in ordered)
    facts = ",\n".join(f"  {_line(name)}: {_line(baseline.facts[name])}" for name in sorted(baseline.facts))
    parts = (
        f'"accepted": [{_block(entries)}]',
        f'"facts": {{{_block(facts)}}}',
        f'"facts_revision": {_line(baseline.facts_revision)}',
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def split(
    findings: Sequence[Finding], dataset: Dataset, baseline: Baseline
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that are new, and those that are accepted, each in the order given.

    Where several findings look alike (three copies of one object), as many are accepted as the baseline holds. One
    about the whole set stays accepted until a number in it has doubled or halved.
    """
    is_accepted, _ = _match(findings, dataset, baseline)
    pairs = list(zip(findings, is_accepted, strict=True))
    return tuple(f for f, known in pairs if not known), tuple(f for f, known in pairs if known)


def stale(findings: Sequence[Finding], dataset: Dataset, baseline: Baseline) -> tuple[Accepted, ...]:
    """The accepted findings that are no longer found: mended, removed or changed since."""
    return _match(findings, dataset, baseline)[1]


def accept(
    baseline: Baseline, findings: Iterable[Finding], dataset: Dataset, *, reason: str, by: str, data_revision: str
) -> Baseline:
    """The baseline with these findings (new ones, see `split`) accepted too."""
    prints = Fingerprints(dataset)
    added = tuple(
        Accepted(f.check, f.image, prints.key(f)[2], number_of(f), f.came, reason, by, data_revision) for f in findings
    )
    return replace(baseline, accepted=(*baseline.accepted, *added))


def is_acceptable(check: str) -> bool:
    """Whether the pipeline can go on with what the check finds; where it cannot be read, a reason does not help."""
    return not (check in CHECKS and CHECKS[check].is_fixed)


def _match(
    findings: Sequence[Finding], dataset: Dataset, baseline: Baseline
) -> tuple[list[bool], tuple[Accepted, ...]]:
    """Whether each finding is accepted; and the entries that none of them needs."""
    left: dict[Key, list[Accepted]] = {}
    for entry in baseline.accepted:
        left.setdefault(entry.key, []).append(entry)
    prints = Fingerprints(dataset)
    is_accepted = []
    for found in findings:
        entries = left.get(prints.key(found), [])
        same = next((e for e in entries if found.image or are_near(e.came, found.came)), None)
        is_accepted.append(same is not None)
        if same is not None:
            entries.remove(same)
    return is_accepted, tuple(entry for entries in left.values() for entry in entries)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(lines: str) -> str:
    return f"\n{lines}\n" if lines else ""
