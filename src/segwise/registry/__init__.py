"""The registry: an append-only, hash-chained event log. Who is champion is folded from it, never stored twice."""

from __future__ import annotations

from segwise.gate import criteria
from segwise.registry.event import GENESIS, KINDS, Event, Kind
from segwise.registry.fold import (
    approved,
    approvers,
    champion,
    has_approved,
    num_test_reads,
    previous,
    rolled_back,
    signatures,
)
from segwise.registry.freeze import Freeze, criteria_of, freeze, frozen, moved
from segwise.registry.log import EVENTS, read, verify
from segwise.registry.writing import LOCK, append, locked, require_text

__all__ = [
    "EVENTS",
    "GENESIS",
    "KINDS",
    "LOCK",
    "Event",
    "Freeze",
    "Kind",
    "append",
    "approved",
    "approvers",
    "champion",
    "criteria",
    "criteria_of",
    "freeze",
    "frozen",
    "has_approved",
    "locked",
    "moved",
    "num_test_reads",
    "previous",
    "read",
    "require_text",
    "rolled_back",
    "signatures",
    "verify",
]
