"""Which of a VIA region's attributes is its class. VIA has no classes of its own, only attributes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.text import printable
from segwise.dataset.formats.via_files import Entry

KNOWN = ("class", "label", "category", "type", "object", "name", "species", "class_name", "category_name", "label_name")
CHOICES = frozenset(("dropdown", "radio", "checkbox"))
FALLBACK = "object"


@dataclass(frozen=True, slots=True)
class ClassOf:
    """Answers a region's class. `key` is the attribute that holds it; empty where all regions are of one class."""

    key: str
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, builder: Builder, regions: Sequence[tuple[str, Any]], entries: Sequence[Entry], classes: Sequence[str]
    ) -> ClassOf:
        """Find the attribute: of those that most regions have, one that is chosen from a list, one with a telling
        name, one with few values; in that order."""
        values: dict[str, list[str]] = defaultdict(list)
        for _, region in regions:
            for key, value in _attributes(region).items():
                if (name := _one(value)) is not None:
                    values[key].append(name)
        kinds = {k: kind for e in entries for k, v in e.choices.items() if isinstance(kind := _type(v), str)}
        kinds |= {k: "checkbox" for _, r in regions for k, v in _attributes(r).items() if isinstance(v, dict)}
        given = set(classes)
        ranked = sorted(values, key=lambda k: _rank(k, values[k], len(regions), kinds.get(k), given))
        fitting = [k for k in ranked if _is_class(k, values[k], kinds.get(k), given)]
        if not fitting:
            name = classes[0] if classes else FALLBACK
            if regions:
                came = f"no attribute of the regions is a class; all are {printable(name)}"
                builder.report("no class", "warning", None, None, came, "say `--classes NAME`", "approximated")
            return cls("", (name,))
        if len(fitting) > 1 and fitting[0].strip().casefold() not in KNOWN:
            came = f"{printable(fitting[0])} is taken as the class, of {', '.join(map(printable, sorted(fitting)))}"
            builder.report("class attribute", "warning", None, None, came, "name the right one `class` in VIA")
        return cls(fitting[0], tuple(sorted(set(values[fitting[0]]))))

    def __call__(self, region: Any) -> str | None:
        if not self.key:
            return self.names[0]
        return _one(_attributes(region).get(self.key))

    def attributes(self, region: Any) -> dict[str, Any]:
        """The region's other attributes."""
        return {key: value for key, value in _attributes(region).items() if key != self.key}


def _attributes(region: Any) -> dict[str, Any]:
    found = region.get("region_attributes") if isinstance(region, dict) else None
    return found if isinstance(found, dict) else {}


def _type(choice: Any) -> Any:
    return choice.get("type") if isinstance(choice, dict) else None


def _one(value: Any) -> str | None:
    """The class that a value names: text, a number, or the one ticked box of several."""
    if isinstance(value, dict):
        ticked = [key for key, is_on in value.items() if is_on is True or is_on in ("true", "1", 1)]
        return ticked[0].strip() or None if len(ticked) == 1 else None
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _is_class(key: str, values: list[str], kind: Any, given: set[str]) -> bool:
    """A telling name, a list to choose from, the user's classes, or values that repeat: free text is no class."""
    if key.strip().casefold() in KNOWN or kind in CHOICES or given.issuperset(values):
        return True
    return len(set(values)) == 1 or len(set(values)) <= len(values) / 2


def _rank(key: str, values: list[str], num_regions: int, kind: Any, given: set[str]) -> tuple[Any, ...]:
    is_common = len(values) >= num_regions / 2
    place = KNOWN.index(key.strip().casefold()) if key.strip().casefold() in KNOWN else len(KNOWN)
    fits = bool(given) and given.issuperset(values)
    return not fits, not is_common, place == len(KNOWN) and kind not in CHOICES, place, len(set(values)), key
