"""Label files of text: found, read with limits, and any damage reported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats import pairs
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable

MAX_BYTES = 2 * 10**9  # the largest public label files have 1.2 GB
LOOKED_AT = 200
NOTHING: Any = object()
"""What `read_json` answers for a file that could not be read."""


def some(folder: Folder, test: Callable[[str], bool], *suffixes: str) -> bool:
    """Whether the start of one of the first 200 files with these endings, those nearest to the root, passes a test."""
    files = sorted(folder.having(*suffixes), key=lambda file: (len(file.parts), file))
    return any(test(folder.peek(file)) for file in files[:LOOKED_AT])


def passing(folder: Folder, test: Callable[[str], bool], *suffixes: str) -> tuple[list[PurePosixPath], ...]:
    """The files with these endings whose start passes a test, and the others."""
    files = folder.having(*suffixes)
    fits = {file: test(folder.peek(file)) for file in files}
    return [file for file in files if fits[file]], [file for file in files if not fits[file]]


def read_bytes(builder: Builder, file: PurePosixPath) -> bytes | None:
    """A label file's bytes; None, with an error among the findings, where it cannot be read or is far too large."""
    path = builder.folder.path(file)
    try:
        if path.stat().st_size > MAX_BYTES:
            damaged(builder, file, f"{path.stat().st_size:,} bytes", "split it into several files")
            return None
        return path.read_bytes()
    except OSError as error:
        damaged(builder, file, error.strerror or str(error), "allow it to be read")
        return None


def read_text(builder: Builder, file: PurePosixPath) -> str | None:
    """A label file's text (UTF-8, or UTF-16 with its mark); None, with an error, where it is none."""
    data = read_bytes(builder, file)
    if data is None:
        return None
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        damaged(builder, file, f"text that is not UTF-8 ({error.reason} at byte {error.start})", "save it as UTF-8")
        return None


def read_json(builder: Builder, file: PurePosixPath) -> Any:
    """A label file's JSON, unchecked; `NOTHING`, with an error among the findings, where it is none."""
    data = read_bytes(builder, file)
    if data is None:
        return NOTHING
    try:
        return json.loads(data)
    except RecursionError:
        damaged(builder, file, "JSON nested too deep", "export the labels again")
    except (ValueError, MemoryError) as error:
        damaged(
            builder, file, f"no whole JSON: {error}" if data.strip() else "an empty file", "export the labels again"
        )
    return NOTHING


def damaged(builder: Builder, file: PurePosixPath, came: str, remedy: str) -> None:
    """Report a label file that is no use."""
    builder.report("label file", "error", None, None, f"{printable(file)}: {printable(came)}", remedy)


def left_unread(builder: Builder, files: Sequence[PurePosixPath], title: str) -> None:
    """Say which files with a label file's ending are of another kind; what segwise wrote itself goes without saying."""
    files = [file for file in files if not _is_own(builder.folder, file)]
    if files and builder.folder.only is None:
        first = ", ".join(map(printable, files[:3])) + (", …" if len(files) > 3 else "")
        came = f"{len(files)} other {'file was' if len(files) == 1 else 'files were'} not read ({first})"
        builder.report("other file", "warning", None, None, came, f"nothing, if they are no {title}")


def _is_own(folder: Folder, file: PurePosixPath) -> bool:
    """Whether it is the list of findings that `segwise export` leaves beside the labels."""
    text = folder.peek(file).lstrip() if file.name == "findings.json" else ""
    return text.strip() == "[]" or (text.startswith("[") and all(f'"{k}"' in text for k in ("check", "came", "remedy")))


def only_boxes(builder: Builder, what: str) -> None:
    """The error of an export without a single outline: to accept it would make every image look empty or boxy."""
    came = f"{what}: it claims to be a segmentation export but holds boxes only"
    builder.report("no polygons", "error", None, None, came, "export with masks or polygons")


def split_of(file: PurePosixPath) -> str | None:
    """The split that a label file's name or else one of its folders says; None without one, or where it says two."""
    return _split_in(file.stem) or (None if _splits_in(file.stem) else folder_split(file))


def folder_split(file: PurePosixPath) -> str | None:
    """The split that a folder of the path names, the deepest such (`train2017` is `train`); None without one."""
    return next((split for part in reversed(file.parent.parts) if (split := _split_in(part))), None)


def split_word(word: str | None) -> str | None:
    """A split as segwise writes it; words of its own stay as they are."""
    return pairs.SPLITS.get(word.casefold(), word) if word else None


def _split_in(name: str) -> str | None:
    found = _splits_in(name)
    return found.pop() if len(found) == 1 else None


def _splits_in(name: str) -> set[str]:
    words = re.findall(r"[a-z]+", name.casefold())
    return {pairs.SPLITS[word] for word in words if word in pairs.SPLITS}
