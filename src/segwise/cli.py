"""The command line: parse, load the parameters, call the stage's `run`, print what it answers."""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwise.errors import EXIT_CODES, BusyError, SegwiseError
from segwise.pipeline import EFFECTS, STAGES, Row

if TYPE_CHECKING:
    from segwise.params import Params

TRACEBACK = "SEGWISE_TRACEBACK"
DISK_FULL = ("No space left on device", "PytorchStreamWriter failed writing")  # torch tells no errno
LAST_ERROR = Path(".segwise/last_error.json")
READING = ("profile", "split", "evaluate", "benchmark", "gate", "history", "predict", "integrity", "validate")

Values = argparse.Namespace
Arguments = Callable[[Values, "Params"], dict[str, Any]]

EXAMPLES: dict[str, str] = {
    "validate": "segwise validate --json",
    "profile": "segwise profile",
    "split": "segwise split",
    "train": "segwise train dense",
    "convert": "segwise convert hybrid",
    "calibrate": "segwise calibrate hybrid",
    "evaluate": "segwise evaluate hybrid --json",
    "benchmark": "segwise benchmark",
    "gate": "segwise gate --json",
    "package": "segwise package",
    "import": "segwise import ../my_coco_folder",
    "integrity": "segwise integrity",
    "promote": 'segwise promote --actor ada --reason "passed the gate on the March data"',
    "rollback": 'segwise rollback --actor ada --reason "undercounts on the new microscope"',
    "history": "segwise history --json",
    "report": "segwise report",
    "predict": "segwise predict data/images/*.png --out predictions",
    "serve": "segwise serve --port 3000",
}

ARGUMENTS: dict[str, Arguments] = {
    "validate": lambda a, p: {"data": p.data, "params": p.validation},
    "profile": lambda a, p: {"data": p.data, "params": p.profile},
    "split": lambda a, p: {"data": p.data, "params": p.split},
    "train": lambda a, p: {
        "network": a.network,
        "data": p.data,
        "params": getattr(p.train, a.network),
        "resume": not a.fresh,
    },
    "convert": lambda a, p: {"approach": a.approach, "params": p.convert},
    "calibrate": lambda a, p: {"approach": a.approach, "data": p.data, "params": p.calibrate},
    "evaluate": lambda a, p: {"approach": a.approach, "data": p.data, "params": p.evaluate},
    "benchmark": lambda a, p: {"data": p.data, "params": p.benchmark},
    "gate": lambda a, p: {"params": p.gate},
    "package": lambda a, p: {"params": p.package},
    "import": lambda a, p: {"source": a.source, "data": p.data},
    "integrity": lambda a, p: {"data": p.data},
    "promote": lambda a, p: {"actor": a.actor, "reason": a.reason},
    "rollback": lambda a, p: {"actor": a.actor, "reason": a.reason},
    "history": lambda a, p: {},
    "report": lambda a, p: {},
    "predict": lambda a, p: {"paths": a.paths, "model": a.model, "out": a.out},
    "serve": lambda a, p: {"host": a.host, "port": a.port},
}
NEEDS_NO_PARAMS = ("promote", "rollback", "history", "report", "predict", "serve")


def _add_options(verb: argparse.ArgumentParser, row: Row) -> None:
    name = row.name
    if row.over:
        verb.add_argument("network" if name == "train" else "approach", choices=row.over)
    if name == "train":
        verb.add_argument("--fresh", action="store_true", help="ignore the checkpoint of an interrupted training")
    if name == "import":
        verb.add_argument("source", type=Path, help="a folder with a COCO JSON file and its images")
    if name in ("promote", "rollback"):
        verb.add_argument("--actor", default=os.environ.get("USER", "unknown"), help="who does it (default: $USER)")
        verb.add_argument("--reason", default="by hand", help="why; recorded in the registry")
    if name == "predict":
        verb.add_argument("paths", nargs="+", type=Path, help="images")
        verb.add_argument("--model", type=Path, help="a model folder (default: the champion)")
        verb.add_argument(
            "--out", type=Path, default=Path("predictions"), help="folder of the results (default: %(default)s)"
        )
    if name == "serve":
        verb.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        verb.add_argument("--port", type=int, default=3000, help="port to listen on (default: %(default)s)")
    if name in READING:
        verb.add_argument("--json", action="store_true", help="print the result as JSON")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    root = argparse.ArgumentParser(
        prog="segwise",
        description="State the decision the pixels must support; segwise measures every approach in its units.",
        epilog=f"exit codes:\n{codes}\n\nexample:\n  segwise validate && segwise gate --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    for row in (*STAGES, *EFFECTS):
        verb = verbs.add_parser(
            row.name,
            help=row.does,
            description=row.does[0].upper() + row.does[1:] + ".",
            epilog=f"example:\n  {EXAMPLES[row.name]}\n\nexit codes:\n{codes}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_options(verb, row)
    return root


def call(values: Values) -> Any:
    """Run the verb that was asked for and return what its `run` returns."""
    from segwise.params import load

    # Effects on what is already built work without params.yaml; they get none.
    params: Any = None if values.verb in NEEDS_NO_PARAMS else load()
    module = importlib.import_module(f"segwise.stages.{values.verb + '_' * (values.verb == 'import')}")
    return module.run(**ARGUMENTS[values.verb](values, params))


def show(result: Any, as_json: bool) -> None:
    """Print a result: JSON, or its summary line, or one line per item."""
    if as_json:
        print(json.dumps(result, indent=2, sort_keys=True, default=str))
    elif isinstance(result, dict) and "summary" in result:
        print(result["summary"])
    elif isinstance(result, list):
        for item in result:
            print("  ".join(f"{key}={value}" for key, value in item.items()) if isinstance(item, dict) else item)
    elif result is not None:
        print(result)


def _fail(verb: str, code: int, message: str) -> int:
    print(f"segwise {verb}: {message}", file=sys.stderr)
    try:
        LAST_ERROR.parent.mkdir(exist_ok=True)
        LAST_ERROR.write_text(json.dumps({"verb": verb, "exit_code": code, "message": message}), encoding="utf-8")
    except OSError:
        pass  # a full disk or a read-only folder is often the very error being told
    return code


def _os_error_message(error: OSError) -> str:
    remedies = {
        errno.ENOSPC: "free some disk space; the next run goes on from here",
        errno.EDQUOT: "your disk quota is used up: free some space; the next run goes on from here",
        errno.EROFS: "the folder is read-only: work in a copy you may write to",
        errno.EACCES: "check who owns the file and whether you may write there",
        errno.EPERM: "check who owns the file and whether you may write there",
        errno.ENOENT: "run the stage that makes it: `dvc repro`, or fetch the data: `dvc pull data`",
    }
    where = f": {error.filename}" if error.filename else ""
    remedy = remedies.get(error.errno or 0, "see the message above")
    return f"{error.strerror or error}{where}\n  → {remedy}"


def unexpected(error: Exception) -> str:
    """One line on an error that nobody foresaw, and what to do about it."""
    if any(text in str(error) for text in DISK_FULL):
        return _os_error_message(OSError(errno.ENOSPC, "No space left on device"))
    said = " ".join(str(error).split())[:300]
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"unexpected error: {words}, please report, rerun with {TRACEBACK}=1 for the traceback"


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit code (see `segwise --help`)."""
    values = parser().parse_args(arguments)
    try:
        show(call(values), getattr(values, "json", False))
    except SegwiseError as error:
        return _fail(values.verb, error.exit_code, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say
    except OSError as error:
        busy = error.errno == 98 or "already in use" in str(error)
        return _fail(values.verb, BusyError.exit_code if busy else 1, _os_error_message(error))
    except KeyboardInterrupt:
        print(f"segwise {values.verb}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return _fail(values.verb, 1, unexpected(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
