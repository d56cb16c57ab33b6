"""The last record that was seen on this machine. A chain shows every change but a cut at its end; this shows that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from segwise.errors import IntegrityError
from segwise.registry.event import Event
from segwise.registry.log import read
from segwise.spec import write_whole

HEAD = Path(".segwise/registry.head")


def remember(events: Sequence[Event], path: Path = HEAD) -> None:
    """Keep the number and hash of the newest record, and of each one kept before that the log no longer holds.

    So a log that was cut and then written on still shows the cut. What cannot be kept is warned of: the records
    themselves are safe.
    """
    hashes = {event.sha256 for event in events}
    lost = [line for line in _lines(path) if line.split()[1] not in hashes]
    newest = [f"{event.seq} {event.sha256}" for event in events[-1:]]
    try:
        write_whole(path, "".join(f"{line}\n" for line in [*lost, *newest]))
    except OSError as error:
        logging.getLogger(__name__).warning("the registry's head was not kept in %s: %s", path, error)


def remembered(path: Path = HEAD) -> tuple[str, ...]:
    """Hashes of the records that this machine has seen as the newest and that have to be in the log."""
    return tuple(line.split()[1] for line in _lines(path))


def warn(events: Sequence[Event], path: Path = HEAD) -> None:
    """Say so where the log lacks records that this machine has seen: another champion may follow from those."""
    lost = set(remembered(path)) - {event.sha256 for event in events}
    if lost and lost - {event.sha256 for event in read()}:  # some may have been written since `events` were read
        words = "the registry lacks records that this machine has seen, which may name another champion"
        logging.getLogger(__name__).warning("%s: see `segwise audit verify`", words)


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [line for line in text.splitlines() if len(line.split()) == 2]


def require(events: Sequence[Event], sha256: str, where: str) -> None:
    """Raises IntegrityError if no record has this hash: the log was cut off, or is another one."""
    if not any(event.sha256 == sha256 for event in events):
        raise IntegrityError(
            f"a record with the hash {sha256}, which was the newest when it was last verified ({where})",
            f"{len(events)} records, none of them with it: the end of the log was cut off, or it is another log",
            "look for it in git: `git log -p -- registry/events.jsonl`; "
            f"if another log is meant (a branch), delete {HEAD}",
        )
