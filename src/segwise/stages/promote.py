"""promote: make the packaged Bento the champion. Bytes first, the record last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise import registry, store
from segwise.errors import GateRefusedError, IntegrityError

PACKAGE, GATE = Path("work/package"), Path("work/gate")


def run(actor: str, reason: str) -> dict[str, Any]:
    """Store, unpack and verify `work/package/segwise.bento`, then record it. The champion again: nothing happens.

    Raises:
        GateRefusedError: the gate, as it stands now, lets no approach through.
        IntegrityError: the package is not of the gate's winner, the archive is not what its manifest says, or the
            registry is damaged.
        UsageError: actor or reason is empty.
    """
    registry.require_text(actor=actor, reason=reason)
    expected, why = _packaged()
    with registry.locked():
        champion = registry.champion(registry.read())
        sha256 = store.keep(PACKAGE / "segwise.bento")
        digest, _, manifest = store.unpack(sha256)
        if manifest != expected:
            raise IntegrityError(
                f"the archive that {PACKAGE}/manifest.json describes", f"{digest} with another", "`dvc repro package`"
            )
        answer = {"winner": manifest["winner"], "digest": digest, "bento_sha256": sha256}
        if champion is not None and champion.digest == digest:
            return {**answer, "changed": False, "summary": f"{digest[:12]} already is the champion: nothing to do"}
        details = {"approach": manifest["winner"], "why": why, "data_md5": manifest["data_md5"]}
        event = registry.append("promote", {"digest": digest, "bento_sha256": sha256}, details, actor, reason)
    summary = f"{manifest['winner']} is the champion: {digest[:12]} (event {event.seq})"
    return {**answer, "changed": True, "seq": event.seq, "summary": summary}


def _packaged() -> tuple[dict[str, Any], str]:
    """The package's manifest and why it won, if the gate, as it stands now, let exactly this approach through."""
    manifest, verdict = _read(PACKAGE / "manifest.json"), _read(GATE / "verdict.json")
    checks = GATE / "checks.json"
    why = str((_read(checks) if checks.is_file() else verdict)["why"])
    if verdict["winner"] is None:
        remedy = "improve a model, or revise the thresholds in params.yaml"
        raise GateRefusedError("an approach that passes the gate", why.rstrip("."), remedy)
    if manifest["winner"] != verdict["winner"]:
        came = f"a package of {manifest['winner'] or 'nothing'}, made before the gate last ran"
        raise IntegrityError(f"a package of the gate's winner, {verdict['winner']}", came, "`dvc repro`")
    return manifest, why


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise IntegrityError(f"{path}", "no such file", "run `dvc repro` to produce it")
    return dict(json.loads(path.read_text(encoding="utf-8")))
