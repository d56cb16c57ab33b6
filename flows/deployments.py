"""The pipeline on its schedule: a local Prefect server, and a process that runs what is due (`make schedule`)."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from flows import ROOT
from flows.process import end_remembered, kill_group, remember
from segwise.errors import BusyError, SegwiseError, UsageError

if TYPE_CHECKING:
    from prefect.schedules import Schedule

CRON = "0 3 * * *"  # every night at three, in the zone of --timezone
START_S = 120.0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310  # our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def server(port: int) -> Iterator[str]:
    """The address of the Prefect server: the one in PREFECT_API_URL, else one of our own until the block ends.

    Raises:
        BusyError: somebody else listens on `port`, or the server does not come up.
    """
    if given := os.environ.get("PREFECT_API_URL"):
        yield given
        return
    url = f"http://127.0.0.1:{port}/api"
    with _only_schedule() as running:
        yield from _own_server(port, url, running)


@contextmanager
def _only_schedule() -> Iterator[Path]:
    """Where this schedule remembers its server; one that a killed schedule left behind is ended."""
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "schedule.lock", timeout=0):
            end_remembered(home / "server.json")
            yield home / "server.json"
    except Timeout:
        raise BusyError("no other schedule", f"one is going on in {home}", "stop it, or let it run") from None


def _own_server(port: int, url: str, running: Path) -> Iterator[str]:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise BusyError(f"port {port} to be free", "somebody listens there", "name another: `--port 4201`")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    remember(running, {process.pid: psutil.Process(process.pid).create_time()})
    try:
        deadline = time.monotonic() + START_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BusyError("the Prefect server to start", "it did not", f"see why: {' '.join(command)}")
            time.sleep(0.3)
        os.environ["PREFECT_API_URL"] = url
        yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        kill_group(process.pid)
        process.wait()
        running.unlink(missing_ok=True)


def schedule_of(cron: str, timezone: str, interval_s: float | None) -> Schedule:
    """Every `interval_s` seconds, else what the cron line says.

    Raises:
        UsageError: the cron line or the time zone is none.
    """
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.schedules import Cron, Interval

    if interval_s:
        return Interval(timedelta(seconds=interval_s))
    try:
        CronSchedule(cron=cron, timezone=timezone)
    except ValueError as error:
        came = f"`{cron}` in zone `{timezone}`"
        raise UsageError("five cron fields and a time zone", came, f'e.g. `--cron "{CRON}" --timezone UTC`') from error
    return Cron(cron, timezone=timezone)


def serve(root: Path, schedule: Schedule) -> None:
    """Register the deployment `segwise/scheduled` and run what is due, one run at a time, until interrupted."""
    from flows.pipeline import pipeline

    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    pipeline.serve(
        name="scheduled",
        parameters={"root": str(root)},
        schedule=schedule,
        limit=1,
        description="Bring the pipeline up to date, promote what passed, report.",
        print_starting_message=False,
    )


def main(arguments: list[str] | None = None) -> int:
    """`python -m flows.deployments`: server and schedule until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m flows.deployments", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to run in (default: this one)")
    parser.add_argument("--cron", default=CRON, help="when to run (default: %(default)s, every night at three)")
    parser.add_argument("--timezone", default="UTC", help="of the cron line (default: %(default)s)")
    parser.add_argument("--interval", type=float, help="run every so many seconds instead")
    parser.add_argument("--port", type=int, default=4200, help="of the local server (default: %(default)s)")
    values = parser.parse_args(arguments)
    try:
        schedule = schedule_of(values.cron, values.timezone, values.interval)
        with server(values.port) as url:
            when = f"every {values.interval:g} s" if values.interval else f"at `{values.cron}` {values.timezone}"
            print(f"Prefect's page: {url.removesuffix('/api')}  ·  the pipeline runs {when}  ·  Ctrl-C ends both")
            print("Run it now:     prefect deployment run segwise/scheduled", flush=True)
            serve(values.root.resolve(), schedule)
    except SegwiseError as error:
        print(f"segwise schedule: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
