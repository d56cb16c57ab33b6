"""sign: sign a promoted package with an own key: one promoted before there was a key, or once more with another key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segwise import registry, signing, store, trust
from segwise.errors import UsageError

SHORTEST = 8  # hexadecimal digits that name a package


def run(digest: str, sign_key: Path | None, actor: str, reason: str) -> dict[str, Any]:
    """Sign the promoted package whose digest begins with `digest` ("": the champion), as it lies in the store, and
    record the signature beside those that it has.

    Raises:
        UsageError: no key, one that cannot sign or that the project does not trust, or no such package; actor or
            reason is empty.
        IntegrityError: the registry is damaged, or the stored archive is gone or damaged.
    """
    registry.require_text(actor=actor, reason=reason)
    if sign_key is None:
        raise UsageError("a key to sign with", "none", trust.SAY_KEY)
    trust.signer(sign_key)
    with registry.locked():
        package = _the_one(digest.strip().lower(), registry.read())
        with store.opened(package.bento_sha256, package.digest) as folder:
            signature = store.keep_signature(signing.sign(folder, sign_key))
        details = {"approach": package.details.get("approach", ""), "signature": signature}
        event = registry.append("sign", {"digest": package.digest}, details, actor, reason)
    path = trust.path_of(signature["sha256"])
    summary = f"{package.digest[:12]} is signed by {signature['key_sha256'][:12]} (event {event.seq}): {path}"
    return {"digest": package.digest, "seq": event.seq, "signature": str(path), "summary": summary}


def _the_one(digest: str, events: Sequence[registry.Event]) -> registry.Event:
    champion = registry.champion(events)
    if not digest and champion is not None:
        return champion
    promoted = {event.digest: event for event in events if event.kind == "promote"}
    found = [name for name in promoted if name.startswith(digest)] if len(digest) >= SHORTEST else []
    if len(found) != 1:
        came = f"{digest!r}, with which {len(found) or 'none'} of {len(promoted)} begin{'s' * (len(found) < 2)}"
        expected = f"the digest of a promoted package, {SHORTEST} digits or more"
        raise UsageError(expected, came, "`segwise history --kind promote` prints them")
    return promoted[found[0]]
