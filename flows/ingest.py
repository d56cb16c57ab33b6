"""A new delivery → one data revision: imported, checked, recorded with DVC and pushed; then the pipeline over it.

`make ingest SOURCE=path` calls `main`; a deployment calls `ingest`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # people read our own lines; Prefect's go to its page, not to the terminal
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

from prefect import flow
from prefect.client.schemas.objects import State

from flows import ROOT
from flows.pipeline import effect, guarded, only_run_in, reproduce_all
from flows.record import read
from flows.run import STAGE_TIMEOUT_S, Run


@flow(name="ingest", persist_result=False)
def ingest(source: str, root: str = str(ROOT), options: list[str] | None = None) -> list[State[Any]]:
    """Import `source` into the repository `root` as one data revision, and push it.

    Args:
        source: what an annotation tool wrote: a folder, a label file or a .zip.
        options: more words of `segwise import`, such as `--strict`.
    """
    folder = Path(root).resolve()
    with only_run_in(folder):
        run = Run(folder, jobs=1)
        try:
            words = ("import", str(Path(source).resolve()), "--record", *(options or []))
            return effect(run, *words, timeout_s=STAGE_TIMEOUT_S)  # large deliveries take their time to copy and push
        except BaseException:
            run.processes.stop()  # cancelled or interrupted: the import may not write on after the run is gone
            raise
        finally:
            run.progress.close()


def main(arguments: list[str] | None = None) -> int:
    """`python -m flows.ingest SOURCE`: import, record, run the pipeline; returns segwise's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.ingest",
        description=__doc__,
        usage="%(prog)s [--root ROOT] [--only] SOURCE [OPTION …]",
        epilog="OPTION: those of `segwise import`, e.g. --format coco --strict",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to run in (default: this one)")
    parser.add_argument("--only", action="store_true", help="leave the pipeline out")
    parser.add_argument("source", help="a folder, a label file or a .zip, as the annotation tool wrote it")
    parser.add_argument("options", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    values = parser.parse_args(arguments)
    root = values.root.resolve()
    return guarded("ingest", lambda: _ingest(values.source, root, values.options, values.only))


def _ingest(source: str, root: Path, options: list[str], only: bool) -> int:
    print("Starting Prefect (10 to 30 s) …", flush=True)
    state = ingest(source, str(root), options, return_state=True)
    failure = read(root).get("failures", {}).get("import")
    if failure:
        print(f"\nimport failed: {failure['message']}", file=sys.stderr)
        return int(failure["exit_code"])
    if not state.is_completed():
        state.result()  # raises what went wrong outside the import
    return 0 if only else reproduce_all(root, 0)


if __name__ == "__main__":
    sys.exit(main())
