"""The files of a source, found by the names its label files use. Nothing outside the source is ever opened."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path, PurePosixPath

from segwise.dataset.images import SUFFIXES

MAX_FILES = 2_000_000
PEEK = 65_536


class Folder:
    """A source folder. Attributes:

    root: the folder; resolved.
    only: the file that the user named instead of the folder, or None.
    files: relative paths of all files, sorted; hidden ones and links that leave the folder are left out.
    outside: links that leave the folder.
    """

    def __init__(self, source: Path) -> None:
        self.only = source.resolve() if source.is_file() else None
        self.root = (source.parent if source.is_file() else source).resolve()
        self.outside: list[PurePosixPath] = []
        self.files: tuple[PurePosixPath, ...] = tuple(sorted(self._walk()))
        self._by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
        for file in self.files:
            self._by_name[file.name.casefold()].append(file)
            if file.suffix.casefold() in SUFFIXES:
                self._by_name["\0" + file.stem.casefold()].append(file)  # names written without their ending

    def _walk(self) -> list[PurePosixPath]:
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
            for name in names:
                path = Path(folder) / name
                relative = PurePosixPath(path.relative_to(self.root).as_posix())
                if name.startswith("."):
                    continue
                if path.is_symlink() and not path.resolve().is_relative_to(self.root):
                    self.outside.append(relative)
                elif path.is_file():
                    found.append(relative)
            if len(found) > MAX_FILES:
                break
        return found

    def path(self, file: PurePosixPath) -> Path:
        """Where a file of `files` lies."""
        return self.root / file

    def having(self, *suffixes: str) -> list[PurePosixPath]:
        """The files with one of these endings (lower case, with the dot); the file that the user named, if any."""
        if self.only is not None:
            named = PurePosixPath(self.only.name)
            return [named] if named.suffix.lower() in suffixes else []
        return [file for file in self.files if file.suffix.lower() in suffixes]

    def peek(self, file: PurePosixPath) -> str:
        """The first 64 KiB of a file as text; empty where it cannot be read."""
        try:
            with self.path(file).open("rb") as handle:
                return handle.read(PEEK).decode("utf-8", errors="replace")
        except OSError:
            return ""

    def find(self, name: str, near: PurePosixPath = PurePosixPath()) -> PurePosixPath | None:
        """The image a label file means by `name`, wherever below the source it lies.

        Tried in turn: the path from the folder `near` and from the root, the longest tail of the path that fits one
        file, and the same for a name without an ending. Separators of either kind, case, drives and `..` are no matter.

        Args:
            near: the folder (relative to the root) of the label file.

        Returns:
            The relative path, or None if no file or several equally good ones fit (see `candidates`).
        """
        found = self.candidates(name, near)
        return found[0] if len(found) == 1 else None

    def candidates(self, name: str, near: PurePosixPath = PurePosixPath()) -> list[PurePosixPath]:
        """The files that fit `name` equally well; see `find`."""
        parts = [p.casefold() for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
        if not parts:
            return []
        for stored in (self._by_name.get(parts[-1], []), self._by_name.get("\0" + parts[-1], [])):
            best = _best(stored, parts, near)
            if best:
                return best
        return []


def _best(stored: list[PurePosixPath], parts: list[str], near: PurePosixPath) -> list[PurePosixPath]:
    """Those of `stored` that share the longest tail with `parts`; of these the one nearest to `near`."""
    if len(stored) <= 1:
        return list(stored)
    scores = [(_tail(file, parts), _head(file, near)) for file in stored]
    top = max(scores)
    return [file for file, score in zip(stored, scores, strict=True) if score == top]


def _tail(file: PurePosixPath, parts: list[str]) -> int:
    mine = [p.casefold() for p in file.parts]
    return next((i for i in range(1, len(parts)) if i >= len(mine) or mine[-1 - i] != parts[-1 - i]), len(parts))


def _head(file: PurePosixPath, near: PurePosixPath) -> tuple[int, int]:
    shared = 0
    for mine, theirs in zip(file.parent.parts, near.parts, strict=False):
        if mine != theirs:
            break
        shared += 1
    return shared, -len(file.parts)
