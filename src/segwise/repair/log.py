"""The registry: which record is damaged. Never edited here: what was recorded is not a program's to change."""

from __future__ import annotations

from segwise import registry
from segwise.errors import IntegrityError
from segwise.registry import audit
from segwise.repair.finding import Finding, left


def check() -> tuple[tuple[registry.Event, ...] | None, list[Finding]]:
    """The events, None where they are not to be relied on; and what is wrong with the log.

    A last record whose writer was killed is told: it never was in force, and those before it are to be relied on.
    """
    try:
        return audit.vouched()[0], []
    except IntegrityError as error:
        found = [left("registry", registry.EVENTS, error.came, error.remedy)]
    try:
        return audit.vouched(is_lenient=True)[0], found
    except IntegrityError:
        return None, found
