"""approve: say that a package may be promoted, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise import registry, store
from segwise.errors import UsageError
from segwise.spec import sha256_of

PACKAGED = Path("work/package/manifest.json")
SHORTEST = 8  # hexadecimal digits that name a package


def run(digest: str, actor: str, reason: str) -> dict[str, Any]:
    """Record that `actor` approves the package whose digest begins with `digest`. A second time changes nothing.

    Raises:
        UsageError: no package here has this digest, or several have; actor or reason is empty.
    """
    registry.require_text(actor=actor, reason=reason)
    with registry.locked():
        events = registry.read()
        found = _the_one(digest.strip().lower(), events)
        if registry.has_approved(events, found, actor):
            summary = f"{actor} has approved {found[:12]} already: nothing to do"
            return {
                "digest": found,
                "approvers": registry.approvers(events, found),
                "changed": False,
                "summary": summary,
            }
        event = registry.append("approval", {"digest": found}, {}, actor, reason)
        names = registry.approvers((*events, event), found)
    summary = f"{found[:12]} is approved by {', '.join(names)} (event {event.seq})"
    return {"digest": found, "approvers": names, "changed": True, "seq": event.seq, "summary": summary}


def _the_one(digest: str, events: tuple[registry.Event, ...]) -> str:
    known = {event.digest for event in events if event.digest} | set(store.unpacked())
    if PACKAGED.is_file() and json.loads(PACKAGED.read_text(encoding="utf-8")).get("winner"):
        known.add(sha256_of(PACKAGED))
    found = sorted(name for name in known if name.startswith(digest)) if len(digest) >= SHORTEST else []
    if len(found) != 1:
        came = f"{digest!r}, with which {len(found) or 'none'} of {len(known)} packages begin{'s' * (len(found) < 2)}"
        expected = f"the digest of a package that was built here, {SHORTEST} digits or more"
        raise UsageError(expected, came, "`segwise package` and `segwise history` print digests")
    return found[0]
