"""rollback: make the previous champion the champion again. Needs the registry and the store, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from segwise import golden, registry, store, trust
from segwise.errors import UsageError
from segwise.promotion import own_code


def run(actor: str, reason: str, verify_keys: Sequence[Path] = ()) -> dict[str, Any]:
    """Unpack, verify and re-score the champion before this one, then record the return. Repeated, it goes further back.

    Neither the data, nor the DVC remote, nor params.yaml is needed. Until the record is written, the old champion
    stands: packages lie side by side, each under its digest. It is scored with the code it carries, as it will be
    served: what was changed in the working tree since is no hindrance.

    Args:
        verify_keys: public keys, one of which must have signed the package that comes back (see `trust`).

    Raises:
        UsageError: there is none before, or actor or reason is empty.
        IntegrityError: its archive or the registry is damaged, or it is not signed as asked, or it answers its golden
            images otherwise than when it was packaged; nothing is recorded.
    """
    registry.require_text(actor=actor, reason=reason)
    trusted = trust.keys(verify_keys)
    with registry.locked():
        events = registry.read()
        left, target = registry.champion(events), registry.previous(events)
        if target is None or left is None:
            raise UsageError("a champion before this one", "none in the registry", "see `segwise history`")
        _, folder, _ = store.unpack(target.bento_sha256, target.digest)
        trust.require(folder, target.digest, events, trusted)
        answered = golden.check(folder, partial(own_code.answers, folder))
        details = {**target.details, "from_digest": left.digest, "to_seq": target.seq, "golden": answered}
        event = registry.append("rollback", target.subject, details, actor, reason, expected_seq=len(events))
    summary = f"{target.digest[:12]} (event {target.seq}) is the champion again (event {event.seq}); {answered}"
    return {"digest": target.digest, "seq": event.seq, "golden": answered, "summary": summary}
