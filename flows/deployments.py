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

from flows import ROOT
from flows.process import kill_group
from segwise.errors import BusyError, SegwiseError

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
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise BusyError(f"port {port} to be free", "somebody listens there", "name another: `--port 4201`")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
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


def serve(root: Path, cron: str, timezone: str, interval_s: float | None) -> None:
    """Register the deployment `segwise/scheduled` and run what is due, one run at a time, until interrupted."""
    from prefect.schedules import Cron, Interval

    from flows.pipeline import pipeline

    schedule = Interval(timedelta(seconds=interval_s)) if interval_s else Cron(cron, timezone=timezone)
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
        with server(values.port) as url:
            when = f"every {values.interval:g} s" if values.interval else f"at `{values.cron}` {values.timezone}"
            print(f"Prefect's page: {url.removesuffix('/api')}  ·  the pipeline runs {when}  ·  Ctrl-C ends both")
            print("Run it now:     prefect deployment run segwise/scheduled", flush=True)
            serve(values.root.resolve(), values.cron, values.timezone, values.interval)
    except SegwiseError as error:
        print(f"segwise schedule: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
