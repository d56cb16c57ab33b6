"""What follows from the events: who is champion, who was before, who approved or signed, how often the test split was
read."""

from __future__ import annotations

from collections.abc import Sequence

from segwise.registry.event import Event

SWITCHES = ("promote", "rollback")  # what makes a champion
DECIDING = (*SWITCHES, "amend")  # what a decision to promote rests upon


def champion(events: Sequence[Event]) -> Event | None:
    """The event that made the current champion."""
    switches = _switches(events)
    return switches[-1] if switches else None


def previous(events: Sequence[Event]) -> Event | None:
    """The promotion a rollback returns to: the one below the current champion's on the stack of promotions."""
    stack: list[Event] = []
    for event in _switches(events):
        stack = stack[:-1] if event.kind == "rollback" else [*stack, event]
    return stack[-2] if len(stack) > 1 else None


def rolled_back(events: Sequence[Event]) -> frozenset[str]:
    """SHA-256 of the archives that the rollbacks since the last promotion took down."""
    switches = _switches(events)
    first = len(switches)
    while first > 0 and switches[first - 1].kind == "rollback":
        first -= 1
    return frozenset(event.bento_sha256 for event in switches[max(first - 1, 0) : -1])


def approvers(events: Sequence[Event], digest: str) -> tuple[str, ...]:
    """Who approved this package since it was last rolled back, each person once, in the order they did."""
    names: dict[str, str] = {}
    standing: Event | None = None
    for event in events:
        if event.kind == "rollback" and standing is not None and standing.digest == digest:
            names = {}
        if event.kind in SWITCHES:
            standing = event
        if event.kind == "approval" and event.digest == digest:
            names.setdefault(_same(event.actor), event.actor.strip())
    return tuple(names.values())


def approved(events: Sequence[Event], digest: str, needed: int, promoter: str = "") -> bool:
    """Whether `needed` people other than `promoter`, each counted once, approved the package `digest`."""
    return sum(_same(name) != _same(promoter) for name in approvers(events, digest)) >= needed


def has_approved(events: Sequence[Event], digest: str, actor: str) -> bool:
    """Whether `actor` approved this package since it was last rolled back."""
    return _same(actor) in map(_same, approvers(events, digest))


def signatures(events: Sequence[Event], digest: str) -> tuple[str, ...]:
    """SHA-256 of the signatures recorded for this package, each once, the newest first."""
    made = [event.details["signature"]["sha256"] for event in events if event.digest == digest and _is_signed(event)]
    return tuple(dict.fromkeys(reversed(made)))


def num_test_reads(events: Sequence[Event]) -> int:
    """How often the test split was opened."""
    return sum(event.kind == "test_read" for event in events)


def _is_signed(event: Event) -> bool:
    return isinstance(event.details.get("signature"), dict) and "sha256" in event.details["signature"]


def _same(name: str) -> str:
    return name.strip().casefold()


def _switches(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.kind in SWITCHES]
