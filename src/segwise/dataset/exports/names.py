"""File names of an export: without folders where the format knows none, and never two with one stem. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import PurePosixPath

LONGEST = 200  # bytes of a stem: endings such as `_gtFine_instanceIds.png` have to fit into 255


def flat(names: Sequence[str]) -> dict[str, str]:
    """A name without folders for each name: `a/b.png` becomes `a__b.png`.

    Stems that would be equal (upper and lower case are the same on some disks) or too long get the start of their own
    name's SHA-256, all of them, so that an image's name does not depend on its neighbours' order.
    """
    stems = {name: "__".join(PurePosixPath(name).with_suffix("").parts) for name in names}
    times = Counter(stem.casefold() for stem in stems.values())
    return {
        name: (stem if times[stem.casefold()] == 1 and _fits(stem) else _marked(stem, name))
        + PurePosixPath(name).suffix
        for name, stem in stems.items()
    }


def _fits(stem: str) -> bool:
    return len(stem.encode()) <= LONGEST


def _marked(stem: str, name: str) -> str:
    short = stem.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{short}-{sha256(name.encode()).hexdigest()[:8]}"
