"""The images and regions of a VIA file, whatever its version: 1 and 2 as JSON or CSV, 3 as a project."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats import documents
from segwise.dataset.formats.builder import Builder
from segwise.dataset.geometry import is_number, short

MARKS = re.compile(
    r'"(?:_via_(?:img_metadata|settings|attributes)|shape_attributes|fileref|vid_list)"'
    r"|^\ufeff?\s*#?\s*filename\s*,\s*file_size\s*,\s*file_attributes"
)
KINDS_3 = {1: "point", 2: "rect", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline", 7: "polygon",
           8: "extreme_rect", 9: "extreme_circle"}  # fmt: skip
CSV_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")

Raw = dict[str, Any]


@dataclass(slots=True)
class Entry:
    """One image of a VIA file. `regions`: each with its place in words; `choices`: the project's list of attributes."""

    file: PurePosixPath
    name: str
    regions: list[tuple[str, Any]]
    attributes: Raw = field(default_factory=dict)
    embedded: Any = None
    choices: Raw = field(default_factory=dict)


def entries_of(builder: Builder, file: PurePosixPath) -> list[Entry]:
    """The images of one file; damage becomes findings."""
    if file.suffix.lower() == ".csv":
        return _of_csv(builder, file)
    raw = documents.read_json(builder, file)
    if raw is documents.NOTHING:
        return []
    if not isinstance(raw, dict):
        documents.damaged(builder, file, f"JSON that is no object ({short(raw)})", "export it again from VIA")
        return []
    if isinstance(raw.get("metadata"), dict) and isinstance(raw.get("file"), dict):
        return _of_version_3(builder, file, raw)
    is_project = "_via_img_metadata" in raw
    table = raw["_via_img_metadata"] if is_project else raw
    if not isinstance(table, dict):
        documents.damaged(builder, file, "`_via_img_metadata` is no object", "save the project again")
        return []
    attributes = raw.get("_via_attributes") if is_project else None
    choices = attributes.get("region") if isinstance(attributes, dict) else None
    rows = [_entry(builder, file, key, row, _dict(choices)) for key, row in table.items()]
    return [row for row in rows if row is not None]


def _entry(builder: Builder, file: PurePosixPath, key: str, row: Any, choices: Raw) -> Entry | None:
    name = row.get("filename") if isinstance(row, dict) else None
    if not isinstance(name, str) or not name:
        if key.startswith("_via_"):
            return None
        documents.damaged(builder, file, f"entry {short(key)} without a `filename`", "export it again from VIA")
        return None
    regions = row.get("regions") or []
    if isinstance(regions, dict):  # version 1 numbers them
        regions = list(regions.values())
    if not isinstance(regions, list):
        documents.damaged(builder, file, f"regions {short(regions)} of {short(name)}", "export it again from VIA")
        return None
    numbered = [(f"region {i}", region) for i, region in enumerate(regions)]
    return Entry(file, name, numbered, _dict(row.get("file_attributes")), row.get("base64_img_data"), choices)


def _of_csv(builder: Builder, file: PurePosixPath) -> list[Entry]:
    """Version 1 and 2 write a row per region; an image without regions has one row without a shape."""
    text = documents.read_text(builder, file)
    if text is None:
        return []
    csv.field_size_limit(2**31 - 1)  # polygons of many points are longer than the default
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
        head = [name.strip().lstrip("#") for name in rows[0]]
        columns = [head.index(name) for name in CSV_COLUMNS]
    except (csv.Error, ValueError, IndexError) as error:
        documents.damaged(builder, file, f"no CSV of VIA: {error}", "export it again from VIA")
        return []
    out: dict[str, Entry] = {}
    for row in rows[1:]:
        if not row:
            continue
        cells = [row[i] if i < len(row) else "" for i in columns]
        if not cells[0]:
            documents.damaged(builder, file, f"a row without a file name {short(row)}", "export it again from VIA")
            continue
        entry = out.setdefault(cells[0], Entry(file, cells[0], []))
        drawn = _json(cells[1])
        if drawn != {}:
            region = {"shape_attributes": drawn, "region_attributes": _json(cells[2])}
            entry.regions.append((f"region {len(entry.regions)}", region))
    return list(out.values())


def _json(cell: str) -> Any:
    try:
        return json.loads(cell) if cell.strip() else {}
    except (ValueError, RecursionError):
        return cell


def _of_version_3(builder: Builder, file: PurePosixPath, raw: Raw) -> list[Entry]:
    """Version 3 keeps files, views of files and marks of views apart, all by number."""
    attributes = {k: a for k, a in _dict(raw.get("attribute")).items() if isinstance(a, dict)}
    options = {k: _dict(a.get("options")) for k, a in attributes.items()}
    named = {k: str(a.get("aname", k)) for k, a in attributes.items()}
    entries: dict[str, Entry] = {}
    for vid, view in _dict(raw.get("view")).items():
        fids = view.get("fid_list") if isinstance(view, dict) else None
        record = raw["file"].get(str(fids[0])) if isinstance(fids, list) and fids else None
        name = record.get("fname") if isinstance(record, dict) else None
        if isinstance(name, str) and name:
            entries[vid] = Entry(file, name, [])
        else:
            documents.damaged(builder, file, f"view {short(vid)} without a file", "save the project again")
    for number, mark in _dict(raw["metadata"]).items():
        vid = str(mark.get("vid")) if isinstance(mark, dict) else ""
        if vid not in entries:
            documents.damaged(builder, file, f"mark {short(number)} of no view", "save the project again")
            continue
        values = {named.get(k, k): options.get(k, {}).get(str(v), v) for k, v in _dict(mark.get("av")).items()}
        if not mark.get("xy"):  # it says something of the whole file
            entries[vid].attributes |= values
        else:
            region = {"shape_attributes": _shape_3(mark["xy"]), "region_attributes": values}
            entries[vid].regions.append((f"region {number}", region))
    return list(entries.values())


def _shape_3(xy: Any) -> Any:
    """`[kind, numbers…]` as versions 1 and 2 write a shape."""
    if not isinstance(xy, list) or not all(is_number(v) for v in xy):
        return xy
    kind, numbers = KINDS_3.get(int(xy[0]), "unknown shape"), xy[1:]
    if kind in ("polygon", "polyline"):
        return {"name": kind, "all_points_x": numbers[::2], "all_points_y": numbers[1::2]}
    keys = {"rect": "x y width height", "circle": "cx cy r", "ellipse": "cx cy rx ry"}.get(kind, "")
    return {"name": kind, **dict(zip(keys.split(), numbers, strict=False))}


def _dict(value: Any) -> Raw:
    return value if isinstance(value, dict) else {}
