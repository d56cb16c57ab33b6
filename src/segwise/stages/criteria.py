"""criteria: show what the models are held to and since when; change it on purpose, with a reason."""

from __future__ import annotations

from typing import Any

from segwise import registry
from segwise.params import Params
from segwise.pipeline import NETWORKS


def run(params: Params, amend: bool = False, actor: str = "", reason: str = "") -> dict[str, Any]:
    """The criteria frozen for the newest training of each network, and what is another one in params.yaml now.

    Args:
        amend: record the criteria as they are now: from then on they hold for every training so far.

    Raises:
        UsageError: `amend` without actor or reason.
        IntegrityError: the registry is damaged.
    """
    now = registry.criteria_of(params)
    amended = _amend(now, actor, reason) if amend else None
    held = [one for network in NETWORKS if (one := registry.freeze(registry.read(), network)) is not None]
    networks = [_shown(one, now) for one in held]
    lines = [line for shown in networks for line in _lines(shown)]
    if amended is not None:
        lines.insert(0, f"amended by event {amended.seq}: the criteria as they are now hold for every training so far")
    elif amend and lines:
        lines.insert(0, "nothing to amend: params.yaml says what is frozen")
    digest = registry.criteria.digest(now)
    summary = "\n".join(lines) or "nothing is frozen: no training was recorded yet"
    return {"now": now, "now_sha256": digest, "networks": networks, "changed": amended is not None, "summary": summary}


def _amend(now: dict[str, Any], actor: str, reason: str) -> registry.Event | None:
    registry.require_text(actor=actor, reason=reason)
    with registry.locked():
        lines = registry.moved(registry.read(), NETWORKS, now)
        if not lines:
            return None
        digest = registry.criteria.digest(now)
        details = {"criteria": now, "criteria_sha256": digest, "changes": lines}
        return registry.append("amend", {"criteria_sha256": digest}, details, actor, reason)


def _shown(one: registry.Freeze, now: dict[str, Any]) -> dict[str, Any]:
    return {
        "network": one.network,
        "began_seq": one.began.seq,
        "since_seq": one.since.seq,
        "since": one.since.at,
        "kind": one.since.kind,
        "actor": one.since.actor,
        "criteria_sha256": one.sha256,
        "changes": registry.criteria.changed(one.criteria, now),
    }


def _lines(shown: dict[str, Any]) -> list[str]:
    how = "when its training began" if shown["kind"] == "run" else f"amended by {shown['actor']}"
    since = f"since event {shown['since_seq']} ({shown['since']}, {how})"
    changes = [f"  {line}" for line in shown["changes"]]
    state = "; changed in params.yaml since, so that nothing is promoted:" if changes else "; params.yaml says the same"
    return [f"{shown['network']:<8}  frozen as {shown['criteria_sha256'][:12]} {since}{state}", *changes]
