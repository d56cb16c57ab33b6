"""The class list beside label maps: which value or colour means which class. Written by hand or by many tools.

Read are lines of names; of `value name`; of `r g b name` and `name r g b` in any of their spellings (CamVid's
label_colors.txt, CVAT's labelmap.txt); CSV with a header (class_dict.csv, `_classes.csv`); and JSON (names,
`{id: name}`, `{name: id or colour}`, a list of `{"id", "name", "color"}`).
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats.folder import PEEK, Folder
from segwise.dataset.names import is_writable
from segwise.errors import DataInvalidError

NAMES = (
    "classes.txt", "labels.txt", "codes.txt", "class_names.txt", "label_names.txt", "label_colors.txt",
    "label_colours.txt", "class_list.txt", "labelmap.txt", "class_dict.csv", "_classes.csv", "classes.csv",
    "labels.csv", "class_dict_seg.csv", "semantic_classes.json", "classes.json", "class_names.json", "labels.json",
    "label_map.json", "label_colors.json", "obj_class_to_machine_color.json",
)  # fmt: skip
FROM_ZERO = ("codes.txt",)  # lists of all values by convention, whether or not one of them is a background
BACKGROUND = frozenset(("background", "_background_", "__background__", "bg", "backgroundclass"))
VOID = frozenset(
    ("void", "ignore", "ignored", "__ignore__", "_ignore_", "unlabeled", "unlabelled", "dontcare", "don't care")
)
MAX_CLASSES, MAX_LINE = 65_536, 300
RGB_NAME = re.compile(r"^(?:(\d{1,5})[\s,;:]+)?(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;:]+([^\s\d].*)$")
NAME_RGB = re.compile(r"^(?:(\d{1,5})[\s,;:]+)?([^\d].*?)[\s,;:]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})\s*(?::.*)?$")
VALUE_NAME = re.compile(r"^(\d{1,5})\s*[:=,;\s]\s*([^\d\s].*)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list. `colour` is 0xRRGGBB, `isthing` whether it has instances; what is not said is None."""

    name: str
    value: int | None = None
    colour: int | None = None
    isthing: bool | None = None
    is_ignored: bool = False

    @property
    def is_background(self) -> bool:
        return self.name.strip().casefold() in BACKGROUND

    @property
    def is_void(self) -> bool:
        return self.is_ignored or self.name.strip().casefold() in VOID


def find(folder: Folder) -> list[PurePosixPath]:
    """The class lists of a source, the shallowest first; only files that read as one."""
    named = [f for f in folder.files if f.name.casefold() in NAMES]
    return sorted((f for f in named if _try(folder, f)), key=lambda f: (len(f.parts), NAMES.index(f.name.casefold())))


def read(folder: Folder, given: Sequence[str]) -> tuple[Entry, ...]:
    """The classes with a value each: those the user gave, else those of the list; empty where there is neither.

    Raises:
        DataInvalidError: two lists of the same kind differ, or one gives a value or a name twice.
    """
    if given:
        return numbered([Entry(name) for name in given])
    files = find(folder)
    if not files:
        return ()
    first = _try(folder, files[0])
    for other in files[1:]:
        if other.name.casefold() == files[0].name.casefold() and _try(folder, other) != first:
            came = f"{files[0]} and {other} name different classes"
            raise DataInvalidError("one class list", came, "import the folders one by one, or name the classes")
    return numbered(first, files[0].name.casefold() in FROM_ZERO, files[0].name)


def numbered(entries: Sequence[Entry], from_zero: bool = False, name: str = "the class list") -> tuple[Entry, ...]:
    """Each entry with its value.

    Names without values count from 0 where the first one is a background or an ignored class (a leading `__ignore__` is
    255, as LabelMe means it), else from 1: 0 is then the background.

    Raises:
        DataInvalidError: a value or a name comes twice.
    """
    if all(entry.value is None for entry in entries):
        has_ignore = bool(entries) and entries[0].name.casefold() == "__ignore__"
        start = 0 if from_zero or has_ignore or (entries and (entries[0].is_background or entries[0].is_void)) else 1
        rest = entries[1:] if has_ignore else entries
        head = [replace(entries[0], value=255)] if has_ignore else []
        entries = head + [replace(entry, value=value) for value, entry in enumerate(rest, start=start)]
    _refuse_twins("value", [str(e.value) for e in entries if e.value is not None], name)
    _refuse_twins("name", [e.name for e in entries if not (e.is_background or e.is_void)], name)
    return tuple(entries)


def _refuse_twins(kind: str, keys: list[str], name: str) -> None:
    twins = [key for key, times in Counter(keys).items() if times > 1]
    if twins:
        raise DataInvalidError(f"each {kind} once in {name}", f"{kind} {twins[0]} twice", "correct the class list")


def _try(folder: Folder, file: PurePosixPath) -> list[Entry]:
    try:
        text = folder.peek(file).lstrip("\ufeff")
        entries = parse(text, file.suffix.lower()) if len(text) < PEEK else []
    except (ValueError, RecursionError, csv.Error):
        return []
    return entries if all(is_writable(e.name) and e.name.isprintable() for e in entries) else []


def parse(text: str, suffix: str) -> list[Entry]:
    """The entries of a list's text; empty where it is none.

    Raises:
        ValueError: damaged JSON.
    """
    if suffix == ".json":
        return _of_json(json.loads(text))
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines or len(lines) > MAX_CLASSES or max(map(len, lines)) > MAX_LINE:
        return []
    if suffix == ".csv":
        return _of_table(list(csv.reader(lines, skipinitialspace=True)))
    return _of_lines(lines)


def _of_lines(lines: list[str]) -> list[Entry]:
    for pattern, order in ((NAME_RGB, (0, 2, 3, 4, 1)), (RGB_NAME, (0, 1, 2, 3, 4))):
        found = [match.groups() for match in map(pattern.match, lines) if match]
        if len(found) == len(lines):
            rows = [[groups[i] for i in order] for groups in found]
            return [Entry(r[4].strip(), _int(r[0]), rgb(r[1:4])) for r in rows]
    found = [match.groups() for match in map(VALUE_NAME.match, lines) if match]
    if len(found) == len(lines):
        return [Entry(name.strip(), int(value)) for value, name in found]
    return [Entry(line) for line in lines]


def _of_table(rows: list[list[str]]) -> list[Entry]:
    header = [cell.strip().casefold().replace("_", " ") for cell in rows[0]]
    name = _column(header, ("name", "class", "class name", "label", "label name"))
    value = _column(header, ("pixel value", "value", "id", "index", "class id", "label id"))
    channels = [_column(header, (word, word[0])) for word in ("red", "green", "blue")]
    if name is None:
        return _of_lines([" ".join(row) if len(row) == 2 and not row[0].isdigit() else ",".join(row) for row in rows])
    rows = [row for row in rows[1:] if len(row) == len(header)]
    wanted = [c for c in channels if c is not None]
    return [
        Entry(r[name].strip(), None if value is None else _int(r[value].strip()), rgb([r[c].strip() for c in wanted]))
        for r in rows
    ]


def _column(header: list[str], words: tuple[str, ...]) -> int | None:
    return next((header.index(word) for word in words if word in header), None)


def _of_json(data: Any) -> list[Entry]:
    if isinstance(data, dict):
        inner = next(
            (data[k] for k in ("classes", "labels", "categories", "names") if isinstance(data.get(k), list)), 0
        )
        data = inner or data
    if isinstance(data, dict):
        return [entry for key, value in data.items() for entry in _of_item(key, value)]
    if not isinstance(data, list) or len(data) > MAX_CLASSES:
        return []
    if all(isinstance(item, str) for item in data):
        return [Entry(item) for item in data]
    found = [_of_record(item) for item in data if isinstance(item, dict)]
    return [entry for entry in found if entry is not None] if len(found) == len(data) and None not in found else []


def _of_item(key: str, value: Any) -> list[Entry]:
    if isinstance(value, str) and key.isdigit():
        return [Entry(value, _int(key))]
    if _int(value) is not None and isinstance(value, int):
        return [Entry(key, value)]
    return [Entry(key, None, rgb(value))] if rgb(value) is not None else []


def _of_record(item: dict[str, Any]) -> Entry | None:
    name = next((item[k] for k in ("name", "label", "class", "title") if isinstance(item.get(k), str)), None)
    value = next((found for k in ("id", "value", "index") if (found := _int(item.get(k))) is not None), None)
    colour = next((rgb(item[k]) for k in ("color", "colour", "rgb") if k in item), None)
    said = next((item[k] for k in ("hasInstances", "isthing", "instances") if k in item), None)
    isthing = bool(said) if isinstance(said, int) else None
    return None if name is None else Entry(name, value, colour, isthing, item.get("ignoreInEval") is True)


def rgb(value: Any) -> int | None:
    """0xRRGGBB of `[r, g, b]` or "#RRGGBB"; None if it is neither."""
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", value.strip()):
        return int(value.strip()[1:7], 16)
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        parts = [_int(v) for v in value]
        if len(parts) in (3, 4) and all(p is not None and 0 <= p <= 255 for p in parts):
            red, green, blue = (p for p in parts[:3] if p is not None)
            return red << 16 | green << 8 | blue
    return None


def _int(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return value if type(value) is int and abs(value) < 2**31 else None
