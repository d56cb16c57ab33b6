"""The command line: parse, load the parameters, call the stage's `run`, print what it answers."""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segwise.errors import EXIT_CODES, BusyError, SegwiseError
from segwise.pipeline import EFFECTS, STAGES
from segwise.verbs import VERBS

TRACEBACK = "SEGWISE_TRACEBACK"
DISK_FULL = ("No space left on device", "PytorchStreamWriter failed writing")  # torch tells no errno
LAST_ERROR = Path(".segwise/last_error.json")


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
            epilog=f"example:\n  {VERBS[row.name].example}\n\nexit codes:\n{codes}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if row.over:
            verb.add_argument("network" if row.name == "train" else "approach", choices=row.over)
        VERBS[row.name].options(verb)
        if VERBS[row.name].is_reading:
            verb.add_argument("--json", action="store_true", help="print the result as JSON")
    return root


def call(values: argparse.Namespace) -> Any:
    """Run the verb that was asked for and return what its `run` returns."""
    from segwise.params import load

    verb = VERBS[values.verb]
    params: Any = load() if verb.needs_params else None
    module = importlib.import_module(
        f"segwise.stages.{values.verb.replace('-', '_') + '_' * (values.verb == 'import')}"
    )
    with _recorded(values, params):
        return module.run(**verb.arguments(values, params))


@contextmanager
def _recorded(values: argparse.Namespace, params: Any) -> Iterator[None]:
    """Trainings, openings of the test split and verdicts are written into the registry, here and not in the stages."""
    if values.verb not in ("train", "evaluate", "score", "gate"):
        yield
        return
    from segwise.registry import record

    if values.verb == "score":
        record.before(values.verb, values.name, params, values.results)
    elif values.verb != "gate":
        record.before(values.verb, values.network if values.verb == "train" else values.approach, params)
    yield
    if values.verb == "gate":
        record.after(values.verb)


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
        result = call(values)
        show(result, getattr(values, "json", False))
        return int(result.get("exit_code", 0)) if isinstance(result, dict) else 0
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
