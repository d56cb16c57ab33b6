"""The last record that was seen on this machine. A chain shows every change but a cut at its end; this shows that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from segwise.errors import IntegrityError
from segwise.registry.event import Event
from segwise.spec import write_whole

HEAD = Path(".segwise/registry.head")


def remember(event: Event, path: Path = HEAD) -> None:
    """Keep the number and hash of the newest record; what cannot be kept is warned of: the record itself is safe."""
    try:
        write_whole(path, f"{event.seq} {event.sha256}\n")
    except OSError as error:
        logging.getLogger(__name__).warning("the registry's head was not kept in %s: %s", path, error)


def remembered(path: Path = HEAD) -> str | None:
    """Hash of the newest record seen on this machine, None if none was."""
    words = path.read_text(encoding="utf-8", errors="replace").split() if path.is_file() else []
    return words[1] if len(words) == 2 else None


def require(events: Sequence[Event], sha256: str, where: str) -> None:
    """Raises IntegrityError if no record has this hash: the log was cut off, or is another one."""
    if not any(event.sha256 == sha256 for event in events):
        raise IntegrityError(
            f"a record with the hash {sha256}, which was the newest when it was last verified ({where})",
            f"{len(events)} records, none of them with it: the end of the log was cut off, or it is another log",
            f"restore registry/events.jsonl from git; if another log is meant (a branch), delete {HEAD}",
        )
