"""history: read and verify the registry."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from segwise import registry


def run() -> dict[str, Any]:
    """Every event, oldest first, and the champion's digest.

    Raises:
        IntegrityError: names the first bad record.
    """
    events = registry.read()
    champion = registry.champion(events)
    lines = [
        f"{e.seq:>4}  {e.at}  {e.kind:<8}  {e.digest[:12]}  {e.details.get('approach', ''):<8}  {e.actor}: {e.reason}"
        for e in events
    ]
    summary = "\n".join(lines) if lines else "nothing was promoted yet"
    digest = champion.digest if champion else None
    return {"champion": digest, "events": [asdict(event) for event in events], "summary": summary}
