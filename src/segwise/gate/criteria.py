"""What a run is judged by, frozen: the sections of params.yaml that say it, their digest, and what changed. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from segwise.spec import canonical_json

SECTIONS = ("decision", "evaluate", "gate", "promote")
OF_THE_GATE = ("decision", "gate")
ABSENT = "not set"


def of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria in the sections of params.yaml, as plain values: what the pixels must support, how it is measured,
    when it is good enough, and what a package has to keep beside. Sections that are missing are left out."""
    return {name: json.loads(canonical_json(params[name])) for name in SECTIONS if name in params}


def digest(criteria: Mapping[str, Any]) -> str:
    """SHA-256 of the criteria's canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(dict(criteria)).encode()).hexdigest()


def judged_by(criteria: Mapping[str, Any]) -> str:
    """SHA-256 of what the gate itself judges by: the decisions and its limits."""
    return digest({name: criteria[name] for name in OF_THE_GATE})


def changed(frozen: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each key that differs, in dotted form and order of name, with both values: `gate.min_f1: 0.75 → 0.7`.

    A section that was no part of the criteria when they were frozen is not compared.
    """
    before, after = dict(_leaves(frozen)), dict(_leaves({key: now[key] for key in now if key in frozen}))
    return [
        f"{'.'.join(key)}: {before.get(key, ABSENT)} → {after.get(key, ABSENT)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, value as JSON) of everything that is no mapping, and of mappings without entries."""
    for key, value in values.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, here)
        else:
            yield here, json.dumps(value, sort_keys=True, ensure_ascii=False)
