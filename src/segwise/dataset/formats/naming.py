"""What images are called in the data set: plain names that differ on every file system. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath

from segwise.dataset.finding import Finding
from segwise.dataset.formats.delivery import Picture
from segwise.dataset.names import MAX_STEM, Names, is_plain


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
    taken = Names()
    out = []
    for picture in pictures:
        name = picture.file_name
        if taken.clashes(name):
            name = taken.free(name, _digest(picture))
            came = "another image has this name (upper and lower case are the same on some disks)"
            remedy = f"it is kept as {name}"
            findings.append(Finding("name clash", "warning", picture.file_name, None, came, remedy, "repaired"))
            picture = replace(picture, file_name=name)
        taken.add(name)
        out.append(picture)
    return tuple(out)


def _digest(picture: Picture) -> str:
    data = picture.content if isinstance(picture.content, bytes) else picture.content.read_bytes()
    return sha256(data).hexdigest()
