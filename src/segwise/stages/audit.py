"""audit: verify the registry and what it promises, or hand its events to a reviewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwise import store, trust
from segwise.errors import IntegrityError
from segwise.registry import Event, audit, head
from segwise.report import audit_page
from segwise.spec import canonical_json, write_whole


def run(
    action: str = "verify",
    head: str | None = None,
    format: str = "html",  # noqa: A002 -- the name of its option
    out: Path | None = None,
    verify_keys: Sequence[Path] = (),
) -> dict[str, Any]:
    """See `verify` and `export`."""
    return verify(head, verify_keys) if action == "verify" or out is None else export(format, out)


def verify(anchor: str | None = None, verify_keys: Sequence[Path] = ()) -> dict[str, Any]:
    """Check form, hash, order and chain of every record, that none was cut off, the bytes of every promoted archive and
    signature, and, where keys are asked for, that every promoted archive is signed by one of them.

    Args:
        anchor: hash of a record that must be there, e.g. the newest of an earlier run. The newest record that this
            machine has seen, and all that git's last commit holds, must be there in any case.
        verify_keys: public keys, one of which must have signed; none: those that the project asks for, see `trust`.

    Raises:
        IntegrityError: names the first bad record, the first archive or signature with other bytes, or the first
            archive that is not signed as asked.
    """
    trusted = trust.keys(verify_keys)
    events, known = audit.vouched(anchor)
    archives = store.archives([event.bento_sha256 for event in events if event.kind == "promote"])
    damaged = [sha256 for sha256, state in archives.items() if state == "damaged"]
    if damaged:
        raise IntegrityError(f"the promoted archive {damaged[0]} in the store", "other bytes", store.LOST)
    for path in trust.damaged(events):
        raise IntegrityError(f"the signature {path} as it was recorded", "other bytes", trust.SIGN_AGAIN)
    num_signed = _require_signed(events, archives, trusted) if trusted else None
    if events:
        head.remember(events)
    newest = events[-1].sha256 if events else None
    absent = sum(state == "absent" for state in archives.values())
    summary = _summary(len(events), len(archives), absent, num_signed, newest, known)
    told = {"num_events": len(events), "head": newest, "held_against": known, "archives": archives, "summary": summary}
    return told if num_signed is None else {**told, "num_signed": num_signed}


def export(format: str, out: Path) -> dict[str, Any]:  # noqa: A002 -- the name of its option
    """Write every event to `out`: a page for people, JSON, or a table. The same log gives the same bytes.

    Raises:
        IntegrityError: names the first bad record, or one that is known and gone; nothing is written.
    """
    events, _ = audit.vouched()
    texts = {
        "html": lambda: audit_page.render(events),
        "json": lambda: canonical_json([audit.as_dict(event) for event in events]),
        "csv": lambda: audit.as_csv(events),
    }
    write_whole(out, texts[format]())
    return {"num_events": len(events), "out": str(out), "summary": f"{len(events)} events written to {out}"}


def _require_signed(events: Sequence[Event], archives: Mapping[str, str], trusted: Mapping[str, Path]) -> int:
    """Hold every promoted package that is here against its signatures; returns how many there are."""
    promoted = {(event.bento_sha256, event.digest) for event in events if event.kind == "promote"}
    here = [package for package in sorted(promoted) if archives[package[0]] == "whole"]
    for sha256, digest in here:
        with store.opened(sha256, digest) as folder:
            trust.require(folder, digest, events, trusted)
    return len(here)


def _summary(
    num_events: int, num_archives: int, num_absent: int, num_signed: int | None, newest: str | None, known: list[str]
) -> str:
    if newest is None:
        return "nothing was recorded yet: nothing to verify"
    here = f"{num_archives - num_absent} of {num_archives} promoted archives are here and have their bytes"
    absent = f" ({num_absent} not on this machine)" if num_absent else ""
    signed = "" if num_signed is None else f"; {num_signed} are signed by a key that is asked for"
    against = " and ".join(known) or "nothing: an end that was cut off would not show; keep the head, and give it"
    return f"{num_events} events verified; {here}{absent}{signed}; held against {against}; head {newest}"
