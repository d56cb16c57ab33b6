"""Findings a team has accepted, with a reason, so that it is told only what is new. Pure but for `load` and `save`.

`registry/labels.json` is committed to git: one accepted finding a line, so that a diff shows what was accepted and two
branches merge. An entry holds a fingerprint of what the finding is about, not its number: labels that were numbered
anew stay accepted, an object that was drawn anew is a new finding.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from segwise.dataset.coco import Dataset
from segwise.dataset.finding import Finding
from segwise.errors import IntegrityError

PATH = Path("registry/labels.json")
_OTHERS = re.compile(r"\bobjects? ((?:\d+(?:, | and )?)+)")  # "object 3", "objects 3, 4 and 5" in a finding's words


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
    def key(self) -> tuple[str, str, str]:
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
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")  # a killed write leaves the old file whole
    aside.write_text(as_text(baseline), encoding="utf-8")
    aside.replace(path)


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

    Where several findings look alike (three copies of one object), as many are accepted as the baseline holds.
    """
    left = Counter(entry.key for entry in baseline.accepted)
    prints = Fingerprints(dataset)
    sides: tuple[list[Finding], list[Finding]] = ([], [])
    for found in findings:
        key = prints.key(found)
        is_accepted = left[key] > 0
        left[key] -= is_accepted
        sides[is_accepted].append(found)
    return tuple(sides[0]), tuple(sides[1])


def stale(findings: Sequence[Finding], dataset: Dataset, baseline: Baseline) -> tuple[Accepted, ...]:
    """The accepted findings that are no longer found: mended, removed or changed since."""
    prints = Fingerprints(dataset)
    found = Counter(prints.key(f) for f in findings)
    out = []
    for entry in baseline.accepted:
        found[entry.key] -= 1
        if found[entry.key] < 0:
            out.append(entry)
    return tuple(out)


def accept(
    baseline: Baseline, findings: Iterable[Finding], dataset: Dataset, *, reason: str, by: str, data_revision: str
) -> Baseline:
    """The baseline with these findings (new ones, see `split`) accepted too."""
    prints = Fingerprints(dataset)
    added = tuple(
        Accepted(f.check, f.image, prints.key(f)[2], _text(f.object_id), f.came, reason, by, data_revision)
        for f in findings
    )
    return replace(baseline, accepted=(*baseline.accepted, *added))


class Fingerprints:
    """Recognises findings in data that was numbered anew.

    The fingerprint of a finding about an object is the hash of its class's name and run lengths, and of those of the
    objects that the finding's words name; of any other finding (about an image, the set, or a record that cannot be
    read) it is the hash of its words.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._names = {info.id: info.name for info in dataset.classes}
        self._objects = {(r.file_name, str(a.id)): a for r in dataset.images for a in r.annotations}

    def key(self, found: Finding) -> tuple[str, str, str]:
        """The check, the image and the fingerprint."""
        image = found.image or ""
        content = self.content(image, _text(found.object_id))
        about = [content, *self._others(found, image)] if content else [found.came]
        return found.check, image, hashlib.sha256("\n\n".join(about).encode()).hexdigest()[:16]

    def content(self, image: str, number: str) -> str:
        """The class and the mask of an object, as text; empty where the data set has none of that number."""
        found = self._objects.get((image, number))
        if found is None:
            return ""
        return "\n".join([self._names[found.class_id], str(found.is_crowd), found.rle["counts"].decode("ascii")])

    def _others(self, found: Finding, image: str) -> list[str]:
        numbers = {number for match in _OTHERS.finditer(found.came) for number in re.findall(r"\d+", match[1])}
        return sorted(self.content(image, number) for number in numbers)


def _text(object_id: int | str | None) -> str:
    return "" if object_id is None else str(object_id)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(lines: str) -> str:
    return f"\n{lines}\n" if lines else ""
