"""The software bill of materials, CycloneDX 1.5 JSON, from what the installed distributions say of themselves.

No network, no clock: the same installation gives the same bytes. https://cyclonedx.org/docs/1.5/json/
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from segwise.proof.causes import normal
from segwise.proof.installed import Part

SPEC = "1.5"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"\bextra\s*==")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/segwise")


def cyclonedx(found: Mapping[str, Part], root: str, python: str, shipped: Collection[str] = ()) -> dict[str, Any]:
    """The bill of everything installed, by normalised name.

    Args:
        root: the distribution that the others are installed for.
        python: the interpreter's version.
        shipped: distributions that the package (the Bento) names; they carry the property `segwise:shipped`.
    """
    names = {normal(name) for name in shipped}
    parts = [_component(name, d, name in names) for name, d in found.items() if name != root]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "component": _root(root, found.get(root)),
            "properties": [{"name": "segwise:python", "value": python}],
        },
        "components": parts,
        "dependencies": [
            {"ref": _ref(name, d.version), "dependsOn": _needs(d, found)} for name, d in found.items()
        ],
    }  # fmt: skip
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, repr(document))}"}


def licence(part: Part) -> dict[str, Any] | None:
    """CycloneDX's form of a distribution's licence: its SPDX expression, else its classifiers, else its own words."""
    if part.expression:
        return {"expression": part.expression}
    words = [c.rsplit(" :: ", 1)[1] for c in part.classifiers if c != "License :: OSI Approved"]
    if not words and part.licence:
        words = [part.licence.splitlines()[0][:80].strip()]  # some put the whole text there: its first line names it
    return {"license": {"name": "; ".join(words)}} if words else None


def licences(document: Mapping[str, Any]) -> dict[str, int]:
    """How many components each licence has, the commonest first; "not stated" counts those without."""
    every = (_said(component) for component in document["components"])
    return dict(sorted(Counter(every).items(), key=lambda row: (-row[1], row[0])))


def _said(component: Mapping[str, Any]) -> str:
    entry = next(iter(component.get("licenses", ())), None)
    if entry is None:
        return "not stated"
    return str(entry.get("expression") or entry["license"]["name"])


def _component(name: str, part: Part, is_shipped: bool) -> dict[str, Any]:
    stated = licence(part)
    return {
        "type": "library",
        "bom-ref": _ref(name, part.version),
        "name": part.name,
        "version": part.version,
        "purl": _ref(name, part.version),
        **({"licenses": [stated]} if stated else {}),
        **({"properties": [{"name": "segwise:shipped", "value": "true"}]} if is_shipped else {}),
    }


def _root(name: str, part: Part | None) -> dict[str, Any]:
    if part is None:
        return {"type": "application", "name": name}
    return {**_component(name, part, is_shipped=False), "type": "application"}


def _ref(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _needs(part: Part, found: Mapping[str, Part]) -> list[str]:
    """What it requires and is installed; requirements of extras are left out."""
    asked = (text for text in part.requires if not _EXTRA.search(text))
    names = {normal(match[0]) for text in asked if (match := _NAME.match(text))}
    return sorted(_ref(name, found[name].version) for name in names if name in found)
