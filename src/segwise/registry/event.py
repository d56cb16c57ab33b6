"""One record of the registry: its form, its text, its hash.

A record is one line of canonical JSON (sorted keys, no spaces, ASCII). `sha256` is the SHA-256 of that line without
the key `sha256`, so that any changed byte shows in the record itself, the last one included; `prev` is the `sha256` of
the record before, so that a lost, added or moved record shows in the one after it (Haber and Stornetta 1991).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "data", "run", "amend", "test_read", "gate", "approval", "promote", "hold", "inconclusive", "rollback", "sign"
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
GENESIS = hashlib.sha256(b"").hexdigest()  # `prev` of the first record


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, by whom and why.

    Attributes:
        seq: its number, from 1; the order of events comes from here.
        prev: `sha256` of the record before.
        at: the clock when it was written, for people only: nothing is decided by it.
        git_revision: the commit of the working tree, "" outside git.
        subject: what it is about, by digest or name; of promotions and rollbacks `digest` (SHA-256 of the package's
            manifest) and `bento_sha256` (of the archive, its name in the store).
        details: what else a reader of the history wants, JSON values.
    """

    seq: int
    prev: str
    kind: Kind
    at: str
    actor: str
    reason: str
    git_revision: str
    subject: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The package it is about, "" if it is about none."""
        return self.subject.get("digest", "")

    @property
    def bento_sha256(self) -> str:
        """The archive it is about, "" if it is about none."""
        return self.subject.get("bento_sha256", "")

    def values(self) -> dict[str, Any]:
        """Every field but the hash, by name; not copied."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def sha256(self) -> str:
        """The record's hash: what the next one names as `prev`."""
        return hashlib.sha256(_compact(self.values()).encode()).hexdigest()

    def line(self) -> str:
        """The record as written, with its newline."""
        return _compact({**self.values(), "sha256": self.sha256}) + "\n"


def parse(line: bytes) -> Event | None:
    """The event of a line (without its newline), None unless it is, byte for byte, what `Event.line` writes."""
    try:
        values = json.loads(line)
        values.pop("sha256")
        event = Event(**values)
        is_whole = _is_typed(event) and event.line().encode() == line + b"\n"
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    return event if is_whole else None


def is_torn(tail: bytes) -> bool:
    """Whether a last line without its newline is the beginning of a record, as a killed writer leaves it.

    A record that is whole and followed by anything but its newline was changed later: that is damage.
    """
    try:
        json.JSONDecoder().raw_decode(tail.decode("ascii"))
    except (ValueError, RecursionError) as error:
        return not isinstance(error, UnicodeDecodeError) and b'{"actor":"'.startswith(tail[:10])
    return False


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _is_typed(event: Event) -> bool:
    texts = (event.prev, event.at, event.actor, event.reason, event.git_revision)
    is_mapped = isinstance(event.subject, dict) and isinstance(event.details, dict)
    return (
        type(event.seq) is int
        and event.kind in KINDS
        and is_mapped
        and all(isinstance(text, str) for text in (*texts, *event.subject.values()))
    )
