"""Why outputs differ, from evidence: what each stage read then and now, what is installed, and the machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from segwise.proof.lock import Book, Stage, is_within, maker

Kind = Literal["data", "code", "params", "environment", "hardware", "times", "upstream"]
KINDS: tuple[Kind, ...] = ("data", "code", "params", "environment", "hardware", "times")
WORDS: dict[Kind, str] = {
    "data": "the data revision",
    "code": "the code",
    "params": "the parameters",
    "environment": "the installed packages",
    "hardware": "the machine",
    "times": "what was measured by the clock",
    "upstream": "what an earlier stage wrote",
}
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(;[^\\]*)?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cause:
    """One difference between the recorded run and its repetition. `what`: the file, key, package or machine."""

    kind: Kind
    what: str
    recorded: str
    here: str

    @property
    def words(self) -> str:
        return f"{self.what}: {self.recorded} → {self.here}"


@dataclass(frozen=True, slots=True)
class Environment:
    """The packages that a revision's lock pins, against those installed here.

    `differing`: one cause per package of another version, `missing`: pinned and not installed (names).
    """

    lock_sha256: str | None
    num_pinned: int
    differing: tuple[Cause, ...]
    missing: tuple[str, ...]


def of_stage(
    book: Book,
    stage: Stage,
    found: Mapping[str, str],
    params: Mapping[str, Any],
    data: Collection[str],
    times: Collection[str] = (),
) -> list[Cause]:
    """What a stage reads otherwise than it did: data, code, earlier outputs, parameters.

    Args:
        found: MD5 by path of what it reads now; a missing file has none.
        params: every parameter now, by dotted key (see `lock.flat`).
        data: paths that DVC tracks as data. times: outputs that hold measurements.
    """
    out = []
    for path, md5 in stage.deps.items():
        here = found.get(path)
        if here != md5:
            kind: Kind = "times" if path in times else _kind(book, path, data)
            out.append(Cause(kind, path, _short(md5), _short(here)))
    return out + of_params(stage, params)


def of_params(stage: Stage, here: Mapping[str, Any]) -> list[Cause]:
    """The keys with other values; a key that came in a section that was recorded whole counts, any other one not."""
    recorded, out = stage.params, []
    for key, value in recorded.items():
        now = _value(here, key)
        if now != value or isinstance(now, bool) != isinstance(value, bool):
            out.append(Cause("params", key, _said(value), _said(now)))
    new = (key for key in here if not _is_recorded(recorded, key) and _is_below(stage.sections, key))
    return out + [Cause("params", key, "absent", _said(here[key])) for key in new]


def _is_recorded(recorded: Mapping[str, Any], key: str) -> bool:
    """A value that became a mapping is one difference, not as many as it now has keys."""
    return any(is_within(key.replace(".", "/"), known.replace(".", "/")) for known in recorded)


def _is_below(sections: Collection[str], key: str) -> bool:
    parts = key.split(".")
    return any(".".join(parts[:number]) in sections for number in range(1, len(parts)))


def pins(text: str) -> dict[str, str]:
    """The versions that a requirements.lock pins, by normalised name; lines that hold elsewhere only are left out."""
    found = {normal(m[1]): m[2] for m in _PIN.finditer(text) if not m[3]}
    return dict(sorted(found.items()))


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment(lock: str | None, lock_sha256: str | None, installed: Mapping[str, str]) -> Environment:
    """The pins of a revision against what is installed (versions by normalised name)."""
    pinned = pins(lock or "")
    wrong = [(n, v) for n, v in pinned.items() if n in installed and installed[n] != v]
    differing = tuple(Cause("environment", name, version, installed[name]) for name, version in wrong)
    return Environment(lock_sha256, len(pinned), differing, tuple(n for n in pinned if n not in installed))


def hardware(recorded: str | None, here: str) -> list[Cause]:
    """The processor then and now; nothing where it was not recorded."""
    return [] if recorded in (None, here) else [Cause("hardware", "CPU", str(recorded), here)]


def _kind(book: Book, path: str, data: Collection[str]) -> Kind:
    if any(is_within(path, root) or is_within(root, path) for root in data):
        return "data"
    return "code" if maker(book, path) is None else "upstream"


_ABSENT = object()


def _value(values: Mapping[str, Any], key: str) -> Any:
    if key in values:
        return values[key]
    inside = {k: v for k, v in values.items() if k.startswith(f"{key}.")}
    return inside or _ABSENT


def _said(value: Any) -> str:
    return "absent" if value is _ABSENT else repr(value) if isinstance(value, str) else str(value)


def _short(md5: str | None) -> str:
    return "missing" if not md5 else f"md5 {md5[:12]}"
