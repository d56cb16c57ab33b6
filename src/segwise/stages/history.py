"""history: read and verify the registry, show its events."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from segwise import registry


def run(kind: str | None = None) -> dict[str, Any]:
    """Every event (of `kind`), oldest first, and the champion's digest.

    Raises:
        IntegrityError: names the first bad record.
    """
    events = registry.read()
    champion = registry.champion(events)
    shown = [event for event in events if kind in (None, event.kind)]
    summary = "\n".join(_line(event) for event in shown)
    nothing = f"no {kind} was recorded yet" if kind else "nothing was recorded yet"
    return {
        "champion": champion.digest if champion else None,
        "events": [asdict(event) for event in shown],
        "summary": summary or nothing,
    }


def _line(event: registry.Event) -> str:
    about = event.details.get("approach") or event.subject.get("network") or event.subject.get("approach", "")
    digest = event.digest or event.subject.get("data_md5" if event.kind == "data" else "model_sha256", "")
    what = f"{event.kind:<12}  {digest[:12]:<12}  {about:<8}"
    return _on_one_line(f"{event.seq:>4}  {event.at}  {what}  {event.actor}: {event.reason}")


def _on_one_line(text: str) -> str:
    """Line ends and what else moves a terminal's cursor as escapes: nobody's reason may look like another event."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
