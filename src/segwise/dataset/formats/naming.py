"""What images are called in the data set: plain names that differ on every file system. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import PurePosixPath
from unicodedata import normalize

from segwise.dataset.finding import Finding
from segwise.dataset.formats.delivery import Picture
from segwise.dataset.names import is_plain

MAX_STEM = 100


def own_name(name: str, found: PurePosixPath | None) -> str:
    """The name in the data set: as the label file says, where that is plain; else the file's own.

    Args:
        found: the file, relative to the source; None where the label file carries the image itself.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    parts = parts[1:] if len(parts) > 1 and parts[0] == "images" else parts
    wanted = "/".join(parts)
    if is_plain(wanted) and (found is None or found.name.casefold() == parts[-1].casefold()):
        return wanted
    return plain(found.name if found is not None else wanted)


def plain(name: str) -> str:
    """The last part of a name with an underscore for each character that a file name cannot have everywhere."""
    last = name.replace("\\", "/").split("/")[-1]
    last = "".join(c if c.isprintable() and c not in ':*?"<>|' else "_" for c in last)
    path = PurePosixPath(last.strip(". ") or "image")
    stem = path.stem.encode(errors="replace")[:MAX_STEM].decode(errors="ignore")
    return stem + path.suffix[:16] if not is_plain(path.name) else path.name


def distinct(pictures: Iterable[Picture], findings: list[Finding]) -> tuple[Picture, ...]:
    """Names that differ in more than case, none of them another one's folder. Of one name, the first keeps it."""
    taken: set[str] = set()
    out = []
    for picture in pictures:
        name = picture.file_name
        if _clashes(name, taken):
            name = _other(picture, taken)
            came = "another image has this name (upper and lower case are the same on some disks)"
            remedy = f"it is kept as {name}"
            findings.append(Finding("name clash", "warning", picture.file_name, None, came, remedy, "repaired"))
            picture = replace(picture, file_name=name)
        taken.update((_key(name), *(_key(str(folder)) + "/" for folder in PurePosixPath(name).parents)))
        out.append(picture)
    return tuple(out)


def _other(picture: Picture, taken: set[str]) -> str:
    """A free name: with the start of the content's hash, which is the same whatever the order."""
    path = PurePosixPath(picture.file_name)
    data = picture.content if isinstance(picture.content, bytes) else picture.content.read_bytes()
    stem, digest = plain(path.stem)[:MAX_STEM], sha256(data).hexdigest()[:8]
    for number in count():
        name = f"{stem}-{digest}{f'-{number}' if number else ''}{path.suffix}"
        wanted = str(path.with_name(name))
        free = next((n for n in (wanted, name) if not _clashes(n, taken)), None)
        if free is not None:
            return free
    raise AssertionError("count() never ends")


def _clashes(name: str, taken: set[str]) -> bool:
    key = _key(name)
    return key in taken or key + "/" in taken or any(_key(str(p)) in taken for p in PurePosixPath(name).parents)


def _key(name: str) -> str:
    return normalize("NFC", name).casefold()
