"""rollback: make the previous champion the champion again."""

from __future__ import annotations

from typing import Any

from segwise import registry, store
from segwise.errors import UsageError


def run(actor: str, reason: str) -> dict[str, Any]:
    """Unpack and verify the champion before this one, then record the return. Repeated, it goes further back.

    Raises:
        UsageError: there is none before, or actor or reason is empty.
        IntegrityError: its archive or the registry is damaged; nothing is recorded.
    """
    registry.require_text(actor=actor, reason=reason)
    with registry.locked():
        target = registry.previous(registry.read())
        if target is None:
            raise UsageError("a champion before this one", "none in the registry", "see `segwise history`")
        store.unpack(target.bento_sha256, target.digest)
        event = registry.append("rollback", target.subject, target.details, actor, reason)
    summary = f"{target.digest[:12]} (event {target.seq}) is the champion again (event {event.seq})"
    return {"digest": target.digest, "seq": event.seq, "summary": summary}
