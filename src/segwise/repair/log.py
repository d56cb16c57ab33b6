"""The registry: which record is damaged. Never edited here: what was recorded is not a program's to change."""

from __future__ import annotations

from segwise import registry
from segwise.errors import IntegrityError
from segwise.registry import head
from segwise.repair.finding import Finding, left


def check() -> tuple[tuple[registry.Event, ...], list[Finding]]:
    """The events (none if the log is damaged), and what is wrong with it."""
    try:
        events = registry.read()
    except IntegrityError as error:
        return (), [left("registry", registry.EVENTS, error.came, error.remedy)]
    try:
        for sha256 in head.remembered():
            head.require(events, sha256, str(head.HEAD))
    except IntegrityError as error:
        return events, [left("registry", registry.EVENTS, error.came, error.remedy)]
    return events, []
