"""Which criteria hold for a training: those of the moment when it first began, until they are changed on purpose.

A training is known by what it learns from: network, parameters, data and split. Begun again with the same four it is
the same training, and its criteria stay those of the first beginning: training again is no way around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.gate import criteria
from segwise.registry.event import Event


@dataclass(frozen=True, slots=True)
class Freeze:
    """The criteria that hold for the newest training of a network.

    Attributes:
        began: the `run` event of the training's first beginning.
        since: the event the criteria come from: `began`, or a later `amend`.
    """

    network: str
    began: Event
    since: Event

    @property
    def criteria(self) -> Mapping[str, Any]:
        """The sections `decision`, `evaluate`, `gate` and `promote` as they were then."""
        return dict(self.since.details["criteria"])

    @property
    def sha256(self) -> str:
        """The digest of the criteria."""
        return str(self.since.details["criteria_sha256"])


def criteria_of(params: Any) -> dict[str, Any]:
    """The criteria of checked parameters (`segwise.params.Params`): defaults said, numbers of one type."""
    return criteria.of(params.model_dump(mode="json", include=set(criteria.SECTIONS)))


def freeze(events: Sequence[Event], network: str) -> Freeze | None:
    """What holds for the newest training of `network`, None if none was recorded."""
    runs = [event for event in events if event.kind == "run" and event.subject.get("network") == network]
    if not runs:
        return None
    began = next(event for event in runs if event.subject == runs[-1].subject)
    amended = [event for event in events[began.seq :] if event.kind == "amend"]
    return Freeze(network, began, amended[-1] if amended else began)


def frozen(events: Sequence[Event], networks: Sequence[str]) -> Mapping[str, Any] | None:
    """The criteria that hold for a model of these networks (of a cascade both): those of the training begun first.

    None if a network's training was never recorded. Two networks may be held to different criteria, see `moved`.
    """
    held = [freeze(events, network) for network in networks]
    known = [one for one in held if one is not None]
    if not known or len(known) < len(held):
        return None
    return min(known, key=lambda one: one.began.seq).criteria


def moved(events: Sequence[Event], networks: Sequence[str], now: Mapping[str, Any]) -> list[str]:
    """Every criterion that is another one now than it was for any of these networks, in words; empty if none is."""
    held = [one for network in networks if (one := freeze(events, network)) is not None]
    return [
        f"{line} (frozen by event {one.since.seq}, {one.network})"
        for one in held
        for line in criteria.changed(one.criteria, now)
    ]
