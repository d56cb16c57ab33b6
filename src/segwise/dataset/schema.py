"""Check a raw COCO document, record by record, before any library touches it. Pure; bad records never stop the pass.

pycocotools crashes on polygons that are not finite and accepts masks that do not fit their image, so everything that
reaches it has passed here first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from segwise.dataset.finding import Finding
from segwise.dataset.geometry import geometry, is_number, short, whole
from segwise.dataset.names import is_plain, is_writable

MAX_CLASSES = 254  # class maps are uint8: 0 is background, 255 says nothing
MAX_PIXELS = 2**31 - 1  # run lengths are 32-bit in pycocotools

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, and the records without an error, unchanged: it is safe to build values from these."""

    findings: tuple[Finding, ...]
    images: tuple[Raw, ...] = ()
    annotations: tuple[Raw, ...] = ()
    categories: tuple[Raw, ...] = ()
    value_range: tuple[float, float] | None = None


def check(raw: object) -> Checked:
    """All that can be said about a COCO document without its image files and without decoding masks."""
    missing = [key for key in ("images", "annotations", "categories") if not _is_list(raw, key)]
    if not isinstance(raw, dict) or missing:
        came = f"no list `{missing[0]}`"
        return Checked((Finding("structure", "error", None, None, came, "write it as COCO instances JSON"),))
    findings: list[Finding] = []
    categories = _keep(raw["categories"], _Names(raw["categories"], "name").category, findings)
    images = _keep(raw["images"], _Names(raw["images"], "file_name").image, findings)
    by_id = {int(image["id"]): image for image in images}
    known = {int(category["id"]) for category in categories}
    broken = {whole(i.get("id")) for i in raw["images"] if isinstance(i, dict)} - set(by_id)
    ids = _Names(raw["annotations"], "id")
    annotations = _keep(raw["annotations"], lambda a: ids.annotation(a, by_id, known, broken), findings)
    findings += _whole_set(raw, categories)
    return Checked(tuple(findings), tuple(images), tuple(annotations), tuple(categories), _value_range(raw, findings))


def _whole_set(raw: Raw, categories: list[Raw]) -> Iterator[Finding]:
    if not raw["images"]:
        yield _error("empty data set", None, "no images", "import images and labels: `segwise import SOURCE`")
    if not raw["categories"]:
        yield _error("empty data set", None, "no categories", "name the classes in `categories`")
    if len(categories) > MAX_CLASSES:
        came = f"{len(categories)} categories"
        yield _error("too many classes", None, came, f"merge them to {MAX_CLASSES} at most")


def is_range(value: Any) -> bool:
    """Whether it is [low, high], two finite numbers, the first one smaller."""
    return isinstance(value, list) and len(value) == 2 and all(is_number(v) for v in value) and value[0] < value[1]


def _value_range(raw: Raw, findings: list[Finding]) -> tuple[float, float] | None:
    value = raw.get("value_range")
    if value is None:
        return None
    if is_range(value):
        return float(value[0]), float(value[1])
    findings.append(_error("structure", None, f"value_range {short(value)}", "write [low, high], pixel values"))
    return None


def _keep(records: list[Any], check_one: Any, findings: list[Finding]) -> list[Raw]:
    kept = []
    for record in records:
        found = list(check_one(record))
        findings += found
        if not any(f.severity == "error" for f in found):
            kept.append(record)
    return kept


class _Names:
    """Checks one record after the other; holds how often each id and name of its list occurs."""

    def __init__(self, records: list[Any], name: str) -> None:
        rows = [r for r in records if isinstance(r, dict)]
        self._ids = Counter(whole(r.get("id")) for r in rows)
        self._names = Counter(r[name] for r in rows if isinstance(r.get(name), str))

    def category(self, record: Any) -> Iterator[Finding]:
        if not isinstance(record, dict) or whole(record.get("id")) is None:
            yield _error("structure", None, f"category {short(record)}", "give each category a whole number `id`")
            return
        name = record.get("name")
        if not isinstance(name, str) or not name or not is_writable(name):
            yield _error("structure", None, f"category {record['id']} without a `name`", "name it")
        elif self._names[name] > 1 or self._ids[whole(record["id"])] > 1:
            came = f"category {record['id']} {name!r} occurs more than once"
            yield _error("duplicate id", None, came, "keep one entry per category")
        if record.get("isthing", 1) not in (0, 1):
            yield _error("structure", None, f"`isthing: {short(record['isthing'])}` of {name!r}", "write 0 or 1")

    def image(self, record: Any) -> Iterator[Finding]:
        name = record.get("file_name") if isinstance(record, dict) else None
        if not isinstance(name, str) or not is_plain(name):
            came = f"image {short(record)}"
            yield _error("structure", None, came, "give it a `file_name` inside images/, without `..`")
            return
        if self._names[name] > 1:
            yield _error("duplicate id", name, "the file name occurs more than once", "keep one entry per image")
        if whole(record.get("id")) is None:
            yield _error("structure", name, f"id {short(record.get('id'))}", "write a whole number")
        elif self._ids[whole(record["id"])] > 1:
            yield _error("duplicate id", name, f"image id {record['id']} is used twice", "number the images anew")
        sides = [whole(record.get(key)) for key in ("width", "height")]
        if None in sides or min(s or 0 for s in sides) < 1 or (sides[0] or 0) * (sides[1] or 0) > MAX_PIXELS:
            came = f"width {short(record.get('width'))}, height {short(record.get('height'))}"
            yield _error("structure", name, came, "write the image's size in pixels")
        odd = [key for key, value in record.items() if isinstance(value, str) and not is_writable(value)]
        if odd:
            yield _error("structure", name, f"`{odd[0]}` is no valid text", "write it in UTF-8")
        if not isinstance(record.get("group", ""), str | int | None):
            yield _error("structure", name, f"group {short(record['group'])}", "write the group as text")

    def annotation(self, record: Any, images: dict[int, Raw], known: set[int], broken: set[Any]) -> Iterator[Finding]:
        number = whole(record.get("id")) if isinstance(record, dict) else None
        if number is None:
            yield _error("structure", None, f"annotation {short(record)}", "give it a whole number `id`")
            return
        image = images.get(whole(record.get("image_id")))  # type: ignore[arg-type]  # None is no key
        if image is None:
            if whole(record.get("image_id")) not in broken:  # a broken image has its own finding
                came = f"image_id {short(record.get('image_id'))}, which no image has"
                yield _error("unknown image", None, came, "remove the object or add the image", number)
            else:
                yield _error("unknown image", None, "belongs to a broken image", "repair the image's entry", number)
            return
        name = image["file_name"]
        if self._ids[number] > 1:
            yield _error("duplicate id", name, f"annotation id {number} is used twice", "number them anew", number)
        if whole(record.get("category_id")) not in known:
            came = f"category_id {short(record.get('category_id'))}"
            yield _error("unknown category", name, came, f"use one of {sorted(known)[:9]} or add the category", number)
        if record.get("iscrowd", 0) not in (0, 1):
            yield _error("structure", name, f"iscrowd {short(record['iscrowd'])}", "write 0 or 1", number)
        for check_name, came, remedy in geometry(record, int(image["width"]), int(image["height"])):
            yield _error(check_name, name, came, remedy, number)


def _error(name: str, image: str | None, came: str, remedy: str, number: int | None = None) -> Finding:
    return Finding(name, "error", image, number, came, remedy)


def _is_list(raw: object, key: str) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get(key), list)
