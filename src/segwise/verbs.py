"""What each verb takes: its example, its options, and how they become the arguments of its stage's `run`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwise.params import Params

Values = argparse.Namespace
Parser = argparse.ArgumentParser


def _none(parser: Parser) -> None:
    """No options."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line.

    `arguments(values, params)` gives the keywords of `run`. `is_reading`: it can print its result as JSON.
    `needs_params`: effects on what is already built work without params.yaml; they get None.
    """

    example: str
    arguments: Callable[[Values, Params], dict[str, Any]]
    options: Callable[[Parser], None] = _none
    is_reading: bool = False
    needs_params: bool = True


def _train(parser: Parser) -> None:
    parser.add_argument("--fresh", action="store_true", help="ignore the checkpoint of an interrupted training")


def _import(parser: Parser) -> None:
    from segwise.dataset.formats.table import FORMATS

    add = parser.add_argument
    add("source", type=Path, help="a folder, a label file or a .zip, as the annotation tool wrote it")
    add("--format", default="auto", choices=("auto", *FORMATS), help="what wrote it (default: %(default)s)")
    add("--classes", default="", help="class names, separated by commas, where the source holds none")
    mode = "add to data/ or begin anew; auto adds, and replaces only the example data (default: %(default)s)"
    add("--mode", default="auto", choices=("auto", "merge", "replace"), help=mode)
    add("--strict", action="store_true", help="refuse (exit 4) where anything is repaired, dropped or approximated")
    add("--drop-broken", action="store_true", help="leave out images and objects that cannot be read, with a finding")
    add("--allow-empty", action="store_true", help="images without objects are meant: they may empty known images")
    add("--dry-run", action="store_true", help="read, check and report; data/ stays as it is")
    add("--record", action="store_true", help="then `dvc add` and `dvc push` the new revision")


def _import_arguments(a: Values, p: Params) -> dict[str, Any]:
    from segwise.stages.import_ import Choices

    classes = tuple(name.strip() for name in a.classes.split(",") if name.strip())
    choices = Choices(a.format, classes, a.mode, a.strict, a.drop_broken, a.allow_empty, a.dry_run, a.record)
    return {"source": a.source, "data": p.data, "params": p.validation, "choices": choices}


def _export(parser: Parser) -> None:
    from segwise.dataset.exports.table import FORMATS
    from segwise.spec import SPLITS

    add = parser.add_argument
    add("--format", required=True, choices=tuple(FORMATS), help="what will read it")
    add("--out", required=True, type=Path, help="a new folder")
    add("--split", choices=SPLITS, help="only the images of this split")
    add("--tolerance", default=0.0, type=float, metavar="PX",
        help="simplify polygons up to this far from the exact outline (default: %(default)s, exact)")  # fmt: skip
    add("--rle", action="store_true", help="coco: run lengths instead of polygons")
    add("--strict", action="store_true", help="refuse (exit 4) where the format would lose something")


def _labels(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _adder(actions)
    diff = add("diff", "what changed from one data revision to another", "segwise labels diff HEAD~1 HEAD")
    diff.add_argument("before", help="a git revision, a digest of data.dvc (<md5>.dir), or `workspace`")
    diff.add_argument("after", nargs="?", default="workspace", help="the later one (default: %(default)s)")
    accept = add(
        "accept",
        "accept findings as they are, with a reason",
        'segwise labels accept --check "empty image" --reason "fields without cells are meant"',
    )
    accept.add_argument("--check", required=True, help="the check's name, as `segwise validate` prints it")
    accept.add_argument("--image", help="only those of this image")
    accept.add_argument("--object", dest="object_id", help="only that of this object")
    baseline = add(
        "baseline",
        "accept every finding, and keep today's facts to compare later revisions with",
        'segwise labels baseline --reason "reviewed on 3 March"',
    )
    for action in (accept, baseline):
        action.add_argument("--reason", required=True, help="why it is right; kept with what is accepted")
        action.add_argument("--actor", default=os.environ.get("USER", "unknown"), help="who says so (default: $USER)")
    for action in (diff, accept, baseline):
        action.add_argument("--json", action="store_true", help="print the result as JSON")


def _adder(actions: Any) -> Callable[[str, str, str], Parser]:
    def add(name: str, does: str, example: str) -> Parser:
        return actions.add_parser(  # type: ignore[no-any-return]  # argparse types its own result as Any
            name,
            help=does,
            description=does[0].upper() + does[1:] + ".",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    return add


def _labels_arguments(a: Values, p: Params) -> dict[str, Any]:
    options = {
        "diff": ("before", "after"),
        "accept": ("check", "reason", "actor", "image", "object_id"),
        "baseline": ("reason", "actor"),
    }[a.action]
    return {"action": a.action, "data": p.data, "params": p.validation, **{key: getattr(a, key) for key in options}}


def _advised(p: Params) -> Any:
    """The section `advise`, its ceilings with what the trainings are told."""
    dense, own = p.train.dense, p.train.instance
    told = {"dense_zoom": dense.zoom, "instance_zoom": own.zoom}
    told |= {"max_objects": own.max_objects, "max_overlap": own.max_overlap}
    return p.advise.model_copy(update={"ceilings": p.advise.ceilings.assuming(**told)})


def _plan(parser: Parser) -> None:
    parser.add_argument("keys", nargs="*", metavar="KEY", help="only these, e.g. train.dense.zoom (default: all)")
    parser.add_argument("--apply", action="store_true", help="write the planned values into params.yaml")


def _curve(parser: Parser) -> None:
    from segwise.pipeline import NETWORKS

    add = parser.add_argument
    add("network", choices=NETWORKS)
    add("--fractions", nargs="+", type=float, default=[0.25, 0.5, 1.0], metavar="F",
        help="of the training images, whole groups, rising to 1 (default: 0.25 0.5 1)")  # fmt: skip
    add("--repeats", type=int, default=3, help="subsets and seeds tried per fraction (default: %(default)s)")
    add("--steps", type=int, default=0, help="of every training (default: a third of those in params.yaml)")
    add("--more", type=int, default=50, help="how many further labelled images are asked about (default: %(default)s)")
    add("--class-masks", action="store_true", help="dense: also train without instance labels (twice the time)")
    add("--max-minutes", type=float, default=60.0, help="refuse to start if more are expected (default: %(default)g)")
    add("--seed", type=int, default=0, help="of the subsets and draws (default: %(default)s)")


def _curve_arguments(a: Values, p: Params) -> dict[str, Any]:
    from segwise.stages.curve import Choices

    choices = Choices(tuple(a.fractions), a.repeats, a.steps, a.more, a.max_minutes, a.class_masks, a.seed)
    return {"network": a.network, "params": p, "choices": choices}


def _score(parser: Parser) -> None:
    add = parser.add_argument
    add("results", type=Path, help="predictions on the images of data/: COCO results, or a COCO file with `score`")
    add("--name", default="other", help="what the other model is called (default: %(default)s)")
    least = "serve predictions from this score on (default: fitted on the validation images)"
    add("--min-score", type=float, metavar="S", help=least)


def _suspects(parser: Parser) -> None:
    from segwise.spec import SPLITS

    parser.add_argument("--model", type=Path, help="a model folder (default: the champion)")
    parser.add_argument("--split", default="all", choices=("all", *SPLITS), help="default: %(default)s")
    parser.add_argument("--top", type=int, default=50, help="how many the page shows (default: %(default)s)")


def _actor(parser: Parser) -> None:
    parser.add_argument("--actor", default=os.environ.get("USER", "unknown"), help="who does it (default: $USER)")
    parser.add_argument("--reason", default="by hand", help="why; recorded in the registry")


def _promote(parser: Parser) -> None:
    _actor(parser)
    _sign_key(parser)


def _rollback(parser: Parser) -> None:
    _actor(parser)
    _verify_key(parser)


def _sign(parser: Parser) -> None:
    parser.add_argument("digest", nargs="?", default="", help="its first 8 digits or more (default: the champion)")
    _sign_key(parser)
    _actor(parser)


def _sign_key(parser: Parser) -> None:
    default = os.environ.get("SEGWISE_SIGN_KEY") or None
    does = "private key, PEM, that signs the package (default: $SEGWISE_SIGN_KEY)"
    parser.add_argument("--sign-key", type=Path, default=default, metavar="KEY.pem", help=does)


def _verify_key(parser: Parser) -> None:
    does = "public key, PEM, that must have signed the package; repeated: any of them (default: registry/keys/*.pem)"
    parser.add_argument("--verify-key", type=Path, action="append", default=[], metavar="PUB.pem", help=does)


def _criteria(parser: Parser) -> None:
    parser.add_argument("--amend", action="store_true", help="record the criteria of params.yaml as those that hold")
    parser.add_argument("--actor", default=os.environ.get("USER", "unknown"), help="who does it (default: $USER)")
    parser.add_argument("--reason", default="", help="why; needed to amend, recorded in the registry")


def _approve(parser: Parser) -> None:
    parser.add_argument("digest", help="of the package, at least its first 8 digits")
    _actor(parser)


def _history(parser: Parser) -> None:
    from segwise.registry.event import KINDS

    parser.add_argument("--kind", choices=KINDS, help="only events of this kind")


def _audit(parser: Parser) -> None:
    add = _adder(parser.add_subparsers(dest="action", required=True, metavar="ACTION"))
    does = "check every record, the chain, and the bytes of every promoted archive; the first bad record is named"
    verify = add("verify", does, "segwise audit verify")
    verify.add_argument("--head", help="hash that an earlier `audit verify` printed: finds an end that was cut off")
    _verify_key(verify)
    export = add("export", "write the events for people or programs", "segwise audit export --out audit.html")
    export.add_argument("--format", default="html", choices=("html", "json", "csv"), help="default: %(default)s")
    export.add_argument("--out", required=True, type=Path, help="the file to write")
    for action in (verify, export):
        action.add_argument("--json", action="store_true", help="print the result as JSON")


def _audit_arguments(a: Values) -> dict[str, Any]:
    if a.action == "verify":
        return {"action": a.action, "head": a.head, "verify_keys": a.verify_key}
    return {"action": a.action, "format": a.format, "out": a.out}


def _doctor(parser: Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what is wrong, change nothing")
    parser.add_argument("--kill", action="store_true", help="end orphaned processes of this project")
    parser.add_argument(
        "--locks", action="store_true", help="look at DVC's list of locks alone, which blocks `dvc repro`"
    )


def _verify_repro(parser: Parser) -> None:
    add = parser.add_argument
    add("revision", nargs="?", default="HEAD", metavar="REV", help="a git revision (default: %(default)s)")
    only = "only these, e.g. train evaluate@hybrid (default: all)"
    add("--stages", nargs="+", default=[], metavar="STAGE", help=only)
    add("--from", dest="start", metavar="STAGE", help="this one and what follows from it")
    add("--seeds", type=int, default=0, metavar="N",
        help="first measure how far figures move by chance: N trainings with other seeds (default: none)")  # fmt: skip


def _dossier(parser: Parser) -> None:
    what = "work, an event's number, or the beginning of a package's digest (default: %(default)s)"
    parser.add_argument("run", nargs="?", default="work", metavar="RUN", help=what)


def _predict(parser: Parser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, help="images")
    parser.add_argument("--model", type=Path, help="a model folder (default: the champion)")
    out = "folder of the results (default: %(default)s)"
    parser.add_argument("--out", type=Path, default=Path("predictions"), help=out)


def _serve(parser: Parser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=3000, help="port to listen on (default: %(default)s)")
    _verify_key(parser)


VERBS: dict[str, Verb] = {
    "validate": Verb("segwise validate --json", lambda a, p: {"data": p.data, "params": p.validation}, is_reading=True),
    "profile": Verb("segwise profile", lambda a, p: {"data": p.data, "params": p.profile}, is_reading=True),
    "advise": Verb(
        "segwise advise --json",
        lambda a, p: {"data": p.data, "decisions": p.decision, "params": _advised(p)},
        is_reading=True,
    ),
    "split": Verb("segwise split", lambda a, p: {"data": p.data, "params": p.split}, is_reading=True),
    "train": Verb(
        "segwise train dense",
        lambda a, p: {
            "network": a.network,
            "data": p.data,
            "params": getattr(p.train, a.network),
            "resume": not a.fresh,
        },
        _train,
    ),
    "convert": Verb("segwise convert hybrid", lambda a, p: {"approach": a.approach, "params": p.convert}),
    "calibrate": Verb(
        "segwise calibrate hybrid",
        lambda a, p: {"approach": a.approach, "data": p.data, "params": p.calibrate, "decisions": p.decision},
    ),
    "compose": Verb(
        "segwise compose --json",
        lambda a, p: {"data": p.data, "decisions": p.decision, "params": p.compose},
        is_reading=True,
    ),
    "evaluate": Verb(
        "segwise evaluate hybrid --json",
        lambda a, p: {"approach": a.approach, "data": p.data, "params": p.evaluate, "decisions": p.decision},
        is_reading=True,
    ),
    "benchmark": Verb("segwise benchmark", lambda a, p: {"data": p.data, "params": p.benchmark}, is_reading=True),
    "compare": Verb(
        "segwise compare --json",
        lambda a, p: {"data": p.data, "decisions": p.decision, "evaluate": p.evaluate, "params": p.compare},
        is_reading=True,
    ),
    "gate": Verb("segwise gate --json", lambda a, p: {"params": p.gate, "decisions": p.decision}, is_reading=True),
    "package": Verb("segwise package", lambda a, p: {"data": p.data, "params": p.package}),
    "import": Verb("segwise import ../my_export --record", _import_arguments, _import, is_reading=True),
    "export": Verb(
        "segwise export --format coco --out ../for_training --split train",
        lambda a, p: {
            "format": a.format,
            "out": a.out,
            "split": a.split,
            "data": p.data,
            "tolerance_px": a.tolerance,
            "only_rle": a.rle,
            "strict": a.strict,
        },
        _export,
        is_reading=True,
    ),
    "labels": Verb("segwise labels diff HEAD", _labels_arguments, _labels),
    "plan": Verb("segwise plan train.dense.zoom --apply", lambda a, p: {"apply": a.apply, "keys": a.keys}, _plan, True),
    "curve": Verb("segwise curve dense --fractions 0.25 0.5 1 --repeats 3", _curve_arguments, _curve, is_reading=True),
    "score": Verb(
        "segwise score runs/segment/val/predictions.json --name yolo11n-seg",
        lambda a, p: {
            "results": a.results,
            "name": a.name,
            "min_score": a.min_score,
            "data": p.data,
            "params": p.evaluate,
            "decisions": p.decision,
        },
        _score,
        is_reading=True,
    ),
    "suspects": Verb(
        "segwise suspects --split val --top 50",
        lambda a, p: {"data": p.data, "model": a.model, "split": a.split, "top": a.top},
        _suspects,
        is_reading=True,
    ),
    "integrity": Verb("segwise integrity", lambda a, p: {"data": p.data}, is_reading=True),
    "promote": Verb(
        'segwise promote --actor ada --reason "passed the gate on the March data"',
        lambda a, p: {"actor": a.actor, "reason": a.reason, "params": p, "sign_key": a.sign_key},
        _promote,
    ),
    "rollback": Verb(
        'segwise rollback --actor ada --reason "undercounts on the new microscope"',
        lambda a, p: {"actor": a.actor, "reason": a.reason, "verify_keys": a.verify_key},
        _rollback,
        needs_params=False,
    ),
    "sign": Verb(
        'segwise sign 1db6329c81 --sign-key KEY.pem --reason "promoted before we signed"',
        lambda a, p: {"digest": a.digest, "sign_key": a.sign_key, "actor": a.actor, "reason": a.reason},
        _sign,
        needs_params=False,
    ),
    "approve": Verb(
        'segwise approve 1db6329c81 --actor grace --reason "read the report and the 20 worst images"',
        lambda a, p: {"digest": a.digest, "actor": a.actor, "reason": a.reason},
        _approve,
        needs_params=False,
    ),
    "criteria": Verb(
        'segwise criteria --amend --actor ada --reason "the clinic accepts 12 percent"',
        lambda a, p: {"params": p, "amend": a.amend, "actor": a.actor, "reason": a.reason},
        _criteria,
        is_reading=True,
    ),
    "history": Verb(
        "segwise history --kind promote --json",
        lambda a, p: {"kind": a.kind},
        _history,
        is_reading=True,
        needs_params=False,
    ),
    "audit": Verb("segwise audit verify", lambda a, p: _audit_arguments(a), _audit, needs_params=False),
    "doctor": Verb(
        "segwise doctor --dry-run",
        lambda a, p: {"dry_run": a.dry_run, "kill": a.kill, "only_locks": a.locks},
        _doctor,
        is_reading=True,
        needs_params=False,
    ),
    "report": Verb("segwise report", lambda a, p: {}, needs_params=False),
    "verify-repro": Verb(
        "segwise verify-repro HEAD~3 --from convert",
        lambda a, p: {"revision": a.revision, "stages": a.stages, "start": a.start, "seeds": a.seeds},
        _verify_repro,
        is_reading=True,
        needs_params=False,
    ),
    "dossier": Verb("segwise dossier 3", lambda a, p: {"run": a.run}, _dossier, is_reading=True, needs_params=False),
    "predict": Verb(
        "segwise predict data/images/*.png --out predictions",
        lambda a, p: {"paths": a.paths, "model": a.model, "out": a.out},
        _predict,
        is_reading=True,
        needs_params=False,
    ),
    "serve": Verb(
        "segwise serve --port 3000",
        lambda a, p: {"host": a.host, "port": a.port, "verify_keys": a.verify_key},
        _serve,
        needs_params=False,
    ),
}
