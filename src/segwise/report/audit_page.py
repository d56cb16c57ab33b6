"""The page of the registry: who is champion, every event in order, what changed between two of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from segwise import registry
from segwise.report.template import fill


@dataclass(frozen=True, slots=True)
class Row:
    """One event as shown."""

    event: registry.Event
    is_champion: bool
    about: tuple[tuple[str, str], ...]
    details: str


def render(events: Sequence[registry.Event]) -> str:
    """The HTML of verified events, newest first; the same events give the same bytes."""
    champion = registry.champion(events)
    rows = [_row(event, event == champion) for event in reversed(events)]
    counts = Counter(event.kind for event in events)
    kinds = [(kind, counts[kind]) for kind in registry.KINDS if counts[kind]]
    head = events[-1].sha256 if events else ""
    return fill("audit.html.j2", rows=rows, champion=champion, kinds=kinds, head=head, number=len(events))


def _row(event: registry.Event, is_champion: bool) -> Row:
    about = tuple((name, value) for name, value in sorted(event.subject.items()) if value)
    details = json.dumps(event.details, sort_keys=True, indent=2, ensure_ascii=False) if event.details else ""
    return Row(event, is_champion, about, details)
