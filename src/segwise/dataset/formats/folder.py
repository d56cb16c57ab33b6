"""The files of a source, found by the names its label files use. Nothing outside the source is ever opened."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path, PurePosixPath
from unicodedata import normalize
from urllib.parse import unquote

from segwise.dataset.images import SUFFIXES
from segwise.errors import UsageError

MAX_FILES = 2_000_000
PEEK = 65_536
HERE = PurePosixPath()


class Folder:
    """A source folder. Attributes:

    root: the folder; resolved.
    title: what to call it to the user: its name with a slash, or the archive it was unpacked from.
    only: the file that the user named instead of the folder, or None.
    files: relative paths of all files, sorted; hidden ones and links that leave the folder are left out.
    outside: links that leave the folder.
    unreadable: folders that could not be listed.
    archive: the zip archive it was unpacked from, or None.
    """

    def __init__(self, source: Path, archive: Path | None = None) -> None:
        self.only = _named(source) if source.is_file() else None
        self.root = source.resolve() if self.only is None else self.only.parent
        self.archive = archive
        self.title = f"{self.root.name}/" if archive is None else archive.name
        self.outside: list[PurePosixPath] = []
        self.unreadable: list[PurePosixPath] = []
        self.files: tuple[PurePosixPath, ...] = tuple(sorted(self._walk()))
        self._held = frozenset(self.files)
        self._by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
        for file in self.files:
            self._by_name[_key(file.name)].append(file)
            if file.suffix.casefold() in SUFFIXES:
                self._by_name["\0" + _key(file.stem)].append(file)  # names written without their ending

    def _walk(self) -> list[PurePosixPath]:
        found = []
        for folder, folders, names in os.walk(self.root, onerror=self._unlisted):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
            for name in (*folders, *(n for n in names if not n.startswith("."))):
                path = Path(folder) / name
                if path.is_symlink() and not self._holds(path):
                    self.outside.append(self._relative(path))
                elif path.is_file():
                    found.append(self._relative(path))
            if len(found) > MAX_FILES:
                shown = self.archive or self.root
                raise UsageError(f"at most {MAX_FILES:,} files below {shown}", "more", "name a folder further down")
        self.outside.sort()
        return found

    def _unlisted(self, error: OSError) -> None:
        self.unreadable.append(self._relative(Path(error.filename)))

    def _relative(self, path: Path) -> PurePosixPath:
        return PurePosixPath(path.relative_to(self.root).as_posix())

    def _holds(self, link: Path) -> bool:
        try:
            return link.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):  # a loop of links: it leads nowhere
            return False

    def __contains__(self, file: PurePosixPath) -> bool:
        return file in self._held

    def path(self, file: PurePosixPath) -> Path:
        """Where a file of `files` lies."""
        return self.root / file

    def having(self, *suffixes: str) -> list[PurePosixPath]:
        """The files with one of these endings (lower case, with the dot); the file that the user named, if any."""
        if self.only is not None:
            named = PurePosixPath(self.only.name)
            return [named] if named.suffix.lower() in suffixes else []
        return [file for file in self.files if file.suffix.lower() in suffixes]

    def images(self) -> list[PurePosixPath]:
        """The files with an image's ending."""
        return [file for file in self.files if file.suffix.lower() in SUFFIXES]

    def peek(self, file: PurePosixPath) -> str:
        """The first 64 KiB of a file as text; empty where it cannot be read."""
        try:
            with self.path(file).open("rb") as handle:
                data = handle.read(PEEK)
        except OSError:
            return ""
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")

    def find(self, name: str, near: PurePosixPath = HERE) -> PurePosixPath | None:
        """The image a label file means by `name`, wherever below the source it lies.

        Tried in turn: the path from the folder `near` and from the root, the longest tail of the path that fits one
        file, and the same for a name without an ending. Separators of either kind, case, drives and `..` are no
        matter, unless they are all that tells two files apart. A name written as part of an address (`%20`,
        `…?d=folder/name`) is read as one where nothing fits it as it stands.

        Args:
            near: the folder (relative to the root) of the label file.

        Returns:
            The relative path, or None if no file or several equally good ones fit (see `candidates`).
        """
        found = self.candidates(name, near)
        return found[0] if len(found) == 1 else None

    def candidates(self, name: str, near: PurePosixPath = HERE) -> list[PurePosixPath]:
        """The files that fit `name` equally well; see `find`."""
        for spelling in dict.fromkeys((name, unquote(name), unquote(name).partition("?d=")[2])):
            parts = [p for p in spelling.replace("\\", "/").split("/") if p not in ("", ".", "..")]
            if parts and near.joinpath(*parts) in self:
                return [near.joinpath(*parts)]
            for key in (_key(parts[-1]), "\0" + _key(parts[-1])) if parts else ():
                if found := _best(self._by_name.get(key, []), parts, near):
                    return found
        return []


def _named(file: Path) -> Path:
    """A file that the user named: a link to a file elsewhere means that file, beside which its images are."""
    place = file.parent.resolve()
    target = file.resolve()
    return place / file.name if target.is_relative_to(place) else target


def _key(name: str) -> str:
    """What two spellings of one name share: some disks change case, others how accents are stored."""
    return normalize("NFC", name).casefold()


def _best(stored: list[PurePosixPath], parts: list[str], near: PurePosixPath) -> list[PurePosixPath]:
    """Those of `stored` that share the longest tail with `parts`; of these the nearest to `near`, then by case."""
    if len(stored) <= 1:
        return list(stored)
    folded = [_key(part) for part in parts]
    scores = [
        (_tail([_key(p) for p in file.parts], folded), _head(file, near), _tail(list(file.parts), parts))
        for file in stored
    ]
    top = max(scores)
    return [file for file, score in zip(stored, scores, strict=True) if score == top]


def _tail(mine: list[str], theirs: list[str]) -> int:
    """How many parts agree, from the last but one backwards: of the last one only the ending may differ."""
    pairs = zip(mine[-2::-1], theirs[-2::-1], strict=False)
    agreeing = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)) - 1)
    return 2 * agreeing + (mine[-1] == theirs[-1])


def _head(file: PurePosixPath, near: PurePosixPath) -> tuple[int, int]:
    shared = 0
    for mine, theirs in zip(file.parent.parts, near.parts, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared, -len(file.parts)
