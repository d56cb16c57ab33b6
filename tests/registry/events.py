"""Events for the tests of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segwise import registry


def add(path: Path, kind: registry.Kind, subject: dict[str, str], **about: Any) -> registry.Event:
    """Append an event by ada."""
    return registry.append(kind, subject, path=path, **{"details": {}, "actor": "ada", "reason": "test", **about})


def promote(path: Path, digest: str, **about: Any) -> registry.Event:
    """Append the promotion of a package."""
    return add(path, "promote", {"digest": digest, "bento_sha256": "b" + digest}, **about)
