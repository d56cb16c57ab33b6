"""Which names may name a file of the data set: relative, below the folder, printable."""

from __future__ import annotations

from pathlib import PurePosixPath


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
