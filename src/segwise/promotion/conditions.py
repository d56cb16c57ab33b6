"""What has to hold before a challenger is looked at: criteria, the gate's verdict, approvals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwise import registry
from segwise.errors import GateRefusedError, IntegrityError
from segwise.spec import sha256_of


def require_frozen(events: Sequence[registry.Event], networks: Sequence[str], now: Mapping[str, Any]) -> None:
    """What a model is judged by may not change after its training began, unless it is amended on purpose.

    Raises:
        GateRefusedError: it did; every changed line is named.
    """
    lines = registry.moved(events, networks, now)
    if lines:
        remedy = "put them back, or change them on purpose: `segwise criteria --amend --reason …`"
        raise GateRefusedError("the criteria of when the training began", "; ".join(lines), remedy)


def require_judged(checks: Path, sums: Path, winner: str, now: Mapping[str, Any]) -> None:
    """The gate's verdict is one by these limits on these figures.

    Lax limits that were put back once it had run, or test images that came afterwards, would leave no other trace.

    Args:
        checks: the gate's checks.json. sums: the winner's figures of now. now: the criteria of now.

    Raises:
        IntegrityError: it is one by other limits, or on other figures.
    """
    remedy = "judge again: `dvc repro`"
    found = json.loads(checks.read_text(encoding="utf-8")) if checks.is_file() else {}
    if found.get("judged_by") != registry.criteria.judged_by(now):
        came = "one by other limits: params.yaml was changed after the gate had run"
        raise IntegrityError("a verdict of the gate by the limits in params.yaml", came, remedy)
    if not sums.is_file() or found.get("judged", {}).get(winner) != sha256_of(sums):
        came = "one on others: it was evaluated again after the gate had run"
        raise IntegrityError(f"a verdict of the gate on the figures in {sums}", came, remedy)


def require_approved(events: Sequence[registry.Event], digest: str, actor: str, needed: int) -> None:
    """As many people other than `actor` approved the package as are asked for.

    Raises:
        GateRefusedError: too few did; those who did are named.
    """
    if not registry.approved(events, digest, needed, actor):
        names = ", ".join(registry.approvers(events, digest)) or "nobody"
        expected = f"{needed} approval(s) of {digest[:12]} by others than {actor}"
        raise GateRefusedError(expected, f"approved by {names}", f"`segwise approve {digest[:12]} --actor NAME`")
