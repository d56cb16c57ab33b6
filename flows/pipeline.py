"""The main job: bring every stage up to date, promote what passed, write the report.

`make run` calls `main`; a deployment calls `pipeline`. DVC decides what has to run, Prefect when.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # people read our own lines; Prefect's go to its page, not to the terminal
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")

from filelock import FileLock, Timeout
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import ROOT
from flows.dag import Stage, changed_stages, read_dag
from flows.lockfile import settle, stage_order
from flows.process import StageFailedError, end_children
from flows.record import VERDICTS, lock_sha256, read
from flows.run import EFFECT_TIMEOUT_S, STAGE_TIMEOUT_S, Run
from flows.summary import markdown, print_summary, refusal_of, winner_of
from segwise import registry
from segwise.cli import TRACEBACK, unexpected
from segwise.errors import VERDICT_CODES, BusyError, SegwiseError
from segwise.spec import sha256_of

PACKAGE = Path("work/package/segwise.bento")


def _is_busy(_task: Any, _run: Any, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), BusyError)


def _name() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")


@flow(
    name="segwise",
    flow_run_name=_name,
    task_runner=ThreadPoolTaskRunner(max_workers=64),  # type: ignore[arg-type]  # Prefect types it for Any results
    persist_result=False,
)
def pipeline(root: str = str(ROOT), jobs: int = 0) -> list[State[Any]]:
    """Reproduce every stage, promote the winner if it is new, report.

    Args:
        root: the repository to run in.
        jobs: how many stages may run side by side; 0 = half the processors, at least 2.
    """
    folder = Path(root).resolve()
    with only_run_in(folder):
        run = Run(folder, jobs or max(2, (os.cpu_count() or 2) // 2))
        try:
            return _states(run)
        except BaseException:
            run.processes.stop()  # cancelled or interrupted: no stage may write on after the run is gone
            raise
        finally:
            run.progress.close()


@contextmanager
def only_run_in(root: Path) -> Iterator[None]:
    """No other run in this repository until the block ends; BusyError if there is one."""
    lock = FileLock(root / ".segwise" / "run.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError("no other run", f"one is going on in {root}", "wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()


def _states(run: Run) -> list[State[Any]]:
    """Every state of the run, so that one failed step fails it."""
    integrity = effect(run, "integrity") if (run.root / "data.dvc").exists() else []
    if any(state.is_failed() for state in integrity):
        return integrity
    order = stage_order(run.root)
    futures = _submit(run)
    wait(list(futures.values()))
    settle(run.root, order)
    states = integrity + [future.state for future in futures.values()]
    if run.record.ended_well("gate"):  # else what lies in work/ is another run's
        complete = all(state.is_completed() for state in states)
        states += _promote(run) if complete else []
        states += effect(run, "report")
        _show_on_page(run)
    run.record.keep_lock()
    return states


def _show_on_page(run: Run) -> None:
    try:
        create_markdown_artifact(markdown(run.root), key="verdict", description="what every approach reached")
    except Exception as error:  # the page is a convenience: whatever Prefect says, the run ended well
        run.progress.say(f"        page │ Prefect's page lacks the table: {error}")


def _submit(run: Run) -> dict[str, PrefectFuture[Any]]:
    """One Prefect task per stage; each waits for the stages it depends on."""

    @task(persist_result=False, retries=2, retry_delay_seconds=3, retry_condition_fn=_is_busy)
    def reproduce_stage(name: str) -> str:
        return run.stage(name)

    futures: dict[str, PrefectFuture[Any]] = {}
    for stage in run.stages:
        named = reproduce_stage.with_options(name=stage.name, task_run_name=stage.name)
        futures[stage.name] = named.submit(
            stage.name, wait_for=[futures[name] for name in stage.after], return_state=False
        )
    return futures


def effect(run: Run, *arguments: str, timeout_s: float = EFFECT_TIMEOUT_S) -> list[State[Any]]:
    """The state of a Prefect task that runs `segwise ARGUMENTS`."""

    @task(name=arguments[0], task_run_name=arguments[0], persist_result=False)
    def run_it() -> str:
        return run.effect(*arguments, timeout_s=timeout_s)

    return [run_it(return_state=True)]


def _promote(run: Run) -> list[State[Any]]:
    """Hold and inconclusive are verdicts of a finished task, not failures: its state bears their name."""
    winner, _ = winner_of(run.root)
    if winner and was_rolled_back(run.root):
        run.progress.say("        promote │ not promoted: somebody rolled this package back; `segwise promote` does it")
        return []
    words = ("promote", "--actor", "pipeline", "--reason", f"passed the gate: {winner}")

    @task(name="promote", task_run_name="promote", persist_result=False)
    def judge() -> State[Any] | str:
        if not winner:
            refusal = refusal_of(run.root)
            run.record.failed("promote", refusal)
            return _ended(refusal)
        try:
            return run.effect(*words, timeout_s=STAGE_TIMEOUT_S)
        except StageFailedError as error:
            if error.exit_code not in VERDICT_CODES:
                raise
            return _ended(error)

    return [judge(return_state=True)]


def _ended(verdict: SegwiseError) -> State[Any]:
    return Completed(name=VERDICTS[verdict.exit_code].capitalize(), message=verdict.came)


def was_rolled_back(root: Path) -> bool:
    """Whether somebody rolled the packaged Bento back since the last promotion: only a person promotes it again."""
    package = root / PACKAGE
    left = registry.rolled_back(registry.read(root / registry.EVENTS))
    return bool(left) and package.is_file() and sha256_of(package) in left


def _is_settled(root: Path) -> bool:
    """Whether promoting would change nothing: the package is the champion, was rolled back, or there is none."""
    if winner_of(root)[0] is None:
        return True
    champion, package = registry.champion(registry.read(root / registry.EVENTS)), root / PACKAGE
    is_champion = champion is not None and package.is_file() and champion.bento_sha256 == sha256_of(package)
    return is_champion or was_rolled_back(root) or was_judged(root)


def was_judged(root: Path) -> bool:
    """Whether the packaged Bento was held, or could not be told from the champion, since the last promotion."""
    package, events = root / PACKAGE, registry.read(root / registry.EVENTS)
    last = next(
        (e for e in reversed(events) if e.kind in ("promote", "rollback", "hold", "inconclusive", "amend")), None
    )
    is_verdict = last is not None and last.kind in ("hold", "inconclusive")
    return bool(is_verdict and last and package.is_file() and last.bento_sha256 == sha256_of(package))


def _is_up_to_date(root: Path, stages: tuple[Stage, ...]) -> bool:
    """Whether a run would change nothing: no stage, no promotion, no report."""
    last = read(root)
    finished = last.get("exit_code") in (0, *VERDICT_CODES) and "report" in last.get("outcomes", {})
    finished = finished and last.get("lock_sha256") == lock_sha256(root)  # else `dvc repro` made what lies in work/
    report = root / "work" / "report" / "index.html"
    if not finished or not report.is_file() or not _is_settled(root) or changed_stages(root, stages):
        return False
    rehash = [sys.executable, "-m", "segwise.cli", "integrity"]  # DVC trusts the clock of a file, this its bytes
    return not (root / "data.dvc").exists() or subprocess.run(rehash, cwd=root, capture_output=True).returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """`python -m flows.pipeline`: run, show progress and the table; returns segwise's exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to run in (default: this one)")
    parser.add_argument("--jobs", type=int, default=0, help="stages side by side (default: half the processors)")
    values = parser.parse_args(arguments)
    return guarded("run", lambda: reproduce_all(values.root.resolve(), values.jobs))


def guarded(name: str, call: Callable[[], int]) -> int:
    """What `call` returns; a failure is told in a line, and its exit code returned."""
    try:
        with _ends_at_once(name):
            return call()
    except SegwiseError as error:
        print(f"segwise {name}: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        print(f"segwise {name}: {unexpected(error)}", file=sys.stderr)
        return 1


@contextmanager
def _ends_at_once(name: str) -> Iterator[None]:
    """Ctrl-C ends the block, what it has started and this process, without Prefect's say: the terminal interrupts its
    server too, and it would go on asking that for minutes. A run survives being killed, so nothing is lost."""

    def end(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(f"\nsegwise {name}: interrupted; the next run goes on from here", file=sys.stderr, flush=True)
        end_children()
        os._exit(130)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def reproduce_all(root: Path, jobs: int) -> int:
    """Bring the pipeline of `root` up to date and show how it ended; returns segwise's exit code."""
    if _is_up_to_date(root, read_dag(root)):
        print("Nothing changed since the last run: every stage is up to date, nothing was trained.")
        completed = True
    else:
        print("Starting Prefect (10 to 30 s) …", flush=True)
        state = pipeline(root=str(root), jobs=jobs, return_state=True)
        completed = state.is_completed()
        error = None if completed else state.result(raise_on_failure=False)
        if isinstance(error, Exception):  # of the run itself; those of its steps are in the record
            raise error
    last = read(root)
    for step, failure in last.get("failures", {}).items():
        if failure["exit_code"] not in VERDICT_CODES:  # the verdict below says that at length
            print(f"\n{step} failed: {failure['message']}", file=sys.stderr)
    if last.get("outcomes", {}).get("gate", "failed") != "failed":  # else the figures are another run's
        held = last.get("failures", {}).get("promote", {})
        verdict = last.get("outcomes", {}).get("promote", "") if held.get("exit_code") in VERDICT_CODES else ""
        failed = last.get("exit_code") not in (0, *VERDICT_CODES)
        print_summary(root, failed, verdict, why=str(held.get("message", "")))
    return int(last.get("exit_code") or (0 if completed else 1))


if __name__ == "__main__":
    sys.exit(main())
