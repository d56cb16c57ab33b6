"""Which names may name a file of the data set: relative, below the folder, printable, and distinct everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import PurePosixPath
from unicodedata import normalize

MAX_STEM = 100


def is_plain(name: str) -> bool:
    """Whether `name` is a relative path with forward slashes that stays inside its folder on every system."""
    path = PurePosixPath(name)
    is_short = len(name) <= 1000 and all(len(part.encode(errors="replace")) <= 255 for part in path.parts)
    inside = not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0] if path.parts else False
    return is_short and inside and is_text(name)


def is_text(value: str) -> bool:
    """Printable, without lone surrogates or control characters: it can name a file and be written to any table."""
    return value.isprintable() and "\\" not in value


def is_writable(value: str) -> bool:
    """Whether the text can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class Names:
    """Names of files in one folder that stay apart on every file system: they differ in more than case and in more than
    the spelling of accents, and none is another one's folder."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._taken: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take a name."""
        self._taken.update((_key(name), *(_key(str(folder)) + "/" for folder in PurePosixPath(name).parents)))

    def clashes(self, name: str) -> bool:
        """Whether the name cannot stand beside those that are taken."""
        key = _key(name)
        folders = (_key(str(folder)) for folder in PurePosixPath(name).parents)
        return key in self._taken or key + "/" in self._taken or any(folder in self._taken for folder in folders)

    def free(self, name: str, digest: str) -> str:
        """A name like `name` that does not clash: with the start of its content's digest, whatever the order."""
        path = PurePosixPath(name)
        stem = path.stem[:MAX_STEM]
        for number in count():
            other = f"{stem}-{digest[:8]}{f'-{number}' if number else ''}{path.suffix}"
            for candidate in (str(path.with_name(other)), other):
                if not self.clashes(candidate):
                    return candidate
        raise AssertionError("count() never ends")


def _key(name: str) -> str:
    return normalize("NFC", name).casefold()
