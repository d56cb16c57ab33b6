"""promote: hold the packaged Bento against the champion and make it the champion if it is proven to be as good.

Bytes first, evidence next, the record last: the old champion stands until the one line of the registry is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwise import golden, registry, signing, store, trust
from segwise.dataset import coco
from segwise.decision import answers
from segwise.errors import GateRefusedError, InconclusiveError, IntegrityError
from segwise.evaluation.sums import read_sums
from segwise.gate.comparison import overall
from segwise.params import Params
from segwise.promotion import conditions, evidence, notes, session
from segwise.promotion.evidence import Evidence, Rules
from segwise.report import promotion_page
from segwise.spec import canonical_json, sha256_of

WORK = Path("work")
PACKAGE, OUT = WORK / "package", WORK / "promotion"
NETWORKS = {"semantic": ("dense",), "hybrid": ("dense",), "instance": ("instance",), "cascade": ("dense", "instance")}
SAID = {"hold": "is held", "inconclusive": "is neither promoted nor held"}


@dataclass(frozen=True, slots=True)
class Contest:
    """Who stands against whom, upon which state of the registry (`seq`: of its last event)."""

    seq: int
    champion: registry.Event | None
    digest: str
    bento_sha256: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def subject(self) -> dict[str, str]:
        return {"digest": self.digest, "bento_sha256": self.bento_sha256}


def run(actor: str, reason: str, params: Params, sign_key: Path | None = None) -> dict[str, Any]:
    """Store, unpack and verify `work/package/segwise.bento`, hold it against the champion, write `work/promotion/`
    (promotion.json, index.html), and record the verdict. The champion again: nothing happens.

    Args:
        sign_key: private key that a promoted package is signed with (see `signing`).

    Raises:
        GateRefusedError: it is held: worse, or a limit, a criterion or an approval is missing.
        InconclusiveError: the evidence is not enough.
        IntegrityError: the package is not of the gate's winner, the gate judged by other limits than those of
            params.yaml, the archive is not what its manifest says, it is not what was gated, or the registry is
            damaged.
        BusyError: somebody else promoted, rolled back or amended the criteria meanwhile.
        UsageError: actor or reason is empty, or the key cannot sign or is not one the project trusts.
    """
    registry.require_text(actor=actor, reason=reason)
    trust.signer(sign_key)
    expected, why = _packaged()
    contest = _enter(expected)
    answer = {"winner": contest.manifest["winner"], **contest.subject}
    if contest.champion is not None and contest.champion.digest == contest.digest:
        is_unsigned = sign_key is not None and not registry.signatures(registry.read(), contest.digest)
        todo = "to sign it: `segwise sign`" if is_unsigned else "nothing to do"
        return {**answer, "changed": False, "summary": f"{contest.digest[:12]} already is the champion: {todo}"}
    _may(contest, actor, params)
    answered = golden.check(contest.folder)
    found, num_images = _gather(contest, actor, params)
    verdict, split = overall(row.verdict for row in found.rows), sha256_of(WORK / "split.json")
    told = _told(contest, found, verdict, num_images, registry.criteria.digest(registry.criteria_of(params)), split)
    _report(told, found, params)
    details = {
        "approach": contest.manifest["winner"], "why": why, "data_md5": contest.manifest["data_md5"],
        "split_sha256": split, "timing": session.brief(found.timing),
        "golden": answered, "criteria_sha256": told["criteria_sha256"], "champion": told["champion"],
        "checks": told["checks"], "promotion_sha256": sha256_of(OUT / "promotion.json"),
    }  # fmt: skip
    signature = _signature(contest, sign_key) if verdict == "promote" and sign_key else None
    event = _record(verdict, contest, details, actor, reason, signature)
    signed = f"; signed, {trust.path_of(event.details['signature']['sha256'])}" if signature else ""
    return {**answer, "changed": True, "seq": event.seq, "verdict": verdict, "path": str(OUT / "index.html"),
            "summary": f"{contest.manifest['winner']} is the champion: {contest.digest[:12]} (event {event.seq}); "
            f"{len(found.rows)} checks → {OUT}/index.html{signed}"}  # fmt: skip


def _packaged() -> tuple[dict[str, Any], str]:
    """The package's manifest and why it won, if the gate, as it stands now, let exactly this approach through."""
    manifest, verdict = _read(PACKAGE / "manifest.json"), _read(WORK / "gate/verdict.json")
    checks = WORK / "gate/checks.json"
    why = str((_read(checks) if checks.is_file() else verdict)["why"])
    if verdict["winner"] is None:
        kind = InconclusiveError if verdict.get("verdict") == "inconclusive" else GateRefusedError
        remedy = "improve a model, add test images, or revise the limits in params.yaml"
        raise kind("an approach that passes the gate", why.rstrip("."), remedy)
    if manifest["winner"] != verdict["winner"]:
        came = f"a package of {manifest['winner'] or 'nothing'}, made before the gate last ran"
        raise IntegrityError(f"a package of the gate's winner, {verdict['winner']}", came, "`dvc repro`")
    return manifest, why


def _enter(expected: Mapping[str, Any]) -> Contest:
    """Store and unpack the package, each whole or not at all; the champion stands as it did."""
    with registry.locked():
        events = registry.read()
        sha256 = store.keep(PACKAGE / "segwise.bento")
        digest, folder, manifest = store.unpack(sha256)
    if manifest != expected:
        raise IntegrityError(
            f"the archive that {PACKAGE}/manifest.json describes", f"{digest} with another", "`dvc repro package`"
        )
    return Contest(len(events), registry.champion(events), digest, sha256, folder, manifest)


def _may(contest: Contest, actor: str, params: Params) -> None:
    """What has to hold before the test split is opened."""
    now, events, winner = registry.criteria_of(params), registry.read(), contest.manifest["winner"]
    conditions.require_frozen(events, NETWORKS[winner], now)
    conditions.require_judged(WORK / "gate/checks.json", _sums(contest), winner, now)
    conditions.require_approved(events, contest.digest, actor, params.promote.approvals)


def _sums(contest: Contest) -> Path:
    return WORK / "evaluate" / str(contest.manifest["winner"]) / "sums.npz"


def _gather(contest: Contest, actor: str, params: Params) -> tuple[Evidence, int]:
    """The evidence, and on how many test images; that they are opened is recorded first."""
    dataset = coco.read(Path(params.data.dir))
    answers.check(dict(params.decision), dataset.classes)
    records = coco.by_name(dataset, _read(WORK / "split.json")["test"])
    champion = None if contest.champion is None else store.champion()[0]
    with registry.locked():
        subject = {**contest.subject, "champion": contest.champion.digest if contest.champion else ""}
        details = {"num_images": len(records), "split_sha256": sha256_of(WORK / "split.json")}
        registry.append("test_read", subject, details, actor, "segwise promote")
    rules = Rules(params.decision, params.evaluate, params.gate, params.promote)
    packages, trained, evaluated = (champion, contest.folder), WORK / "train", read_sums(_sums(contest))
    return evidence.gather(packages, contest.digest, trained, evaluated, dataset, records, rules), len(records)


def _told(
    contest: Contest, found: Evidence, verdict: str, num_images: int, criteria_sha256: str, split_sha256: str
) -> dict[str, Any]:
    """The content of promotion.json."""
    champion, networks = contest.champion, NETWORKS[contest.manifest["winner"]]
    standing = None if champion is None else (champion, store.STATE / "champions" / champion.digest)
    return promotion_page.result(
        verdict, found.rows, found.timing, found.changed,
        champion={"digest": champion.digest, "approach": champion.details.get("approach", "")} if champion else None,
        challenger={**contest.subject, "approach": contest.manifest["winner"]},
        num_images=num_images, num_groups=found.num_groups, criteria_sha256=criteria_sha256,
        notes=notes.notes(registry.read(), networks, split_sha256, standing),
    )  # fmt: skip


def _report(told: Mapping[str, Any], found: Evidence, params: Params) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "promotion.json").write_text(canonical_json(told), encoding="utf-8")
    dataset = coco.read(Path(params.data.dir))
    shots = promotion_page.shots(found.changed, found.answers, dataset, params.decision)
    (OUT / "index.html").write_text(promotion_page.render(told, shots, params.decision), encoding="utf-8")


def _signature(contest: Contest, sign_key: Path) -> bytes:
    """Of the package as it lies in the store: no file that a server has left beside it."""
    with store.opened(contest.bento_sha256, contest.digest) as folder:
        return signing.sign(folder, sign_key)


def _record(
    verdict: str,
    contest: Contest,
    details: Mapping[str, Any],
    actor: str,
    reason: str,
    signature: bytes | None,
) -> registry.Event:
    """The switch: one event. Who holds or cannot tell is recorded just so, and raised."""
    kind: Any = verdict
    with registry.locked():
        if signature:
            details = {**details, "signature": store.keep_signature(signature)}
        event = registry.append(kind, contest.subject, details, actor, reason, expected_seq=contest.seq)
    if verdict == "promote":
        return event
    failing = [check for check in details["checks"] if check["verdict"] == verdict]
    came = f"{contest.digest[:12]} {SAID[verdict]} (event {event.seq}): " + "; ".join(
        f"{c['words']}: {c['to_change']}" for c in failing
    )
    error = InconclusiveError if verdict == "inconclusive" else GateRefusedError
    raise error("a challenger that is proven to be as good as the champion", came, f"see {OUT}/index.html")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise IntegrityError(f"{path}", "no such file", "run `dvc repro` to produce it")
    return dict(json.loads(path.read_text(encoding="utf-8")))
