"""serve: start BentoML on exactly the champion's verified bytes."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from segwise import store
from segwise.errors import BusyError, SegwiseError, UsageError


def run(host: str = "127.0.0.1", port: int = 3000) -> dict[str, Any]:
    """Serve until interrupted.

    Raises:
        SegwiseError: there is no champion, or the server ended by itself.
        BusyError: the port is taken.
        IntegrityError: the champion's bytes are not those that were promoted.
    """
    folder, event = store.champion()
    require_free(host, port)
    folder = folder.resolve()
    name = event.details.get("approach", "the champion")
    print(f"serving {name} {event.digest[:12]} on http://{host}:{port}  (Ctrl-C stops)", flush=True)
    command = [sys.executable, "-m", "bentoml", "serve", str(folder), "--host", host, "--port", str(port)]
    env = {**environment(), "SEGWISE_SUPERVISOR": str(os.getpid())}  # so that the server ends if this process is killed
    server = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True)
    previous = signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        stop(server)
    if code:
        raise SegwiseError("the server to run until it is interrupted", f"exit code {code}", "its last lines say why")
    return {"digest": event.digest, "summary": "stopped"}


def environment() -> dict[str, str]:
    """The server's environment: its own BentoML home, no telemetry, no files written beside the verified ones."""
    own = {"BENTOML_HOME": str(Path(".segwise/bentoml").resolve()), "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SEGWISE_PACKAGE")}
    return {**kept, **own, "PYTHONDONTWRITEBYTECODE": "1", "OMP_WAIT_POLICY": "passive"}


def require_free(host: str, port: int) -> None:
    """Raises BusyError if somebody listens on `host:port`, UsageError if it cannot be listened on at all."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            remedy = "choose another: `segwise serve --port 3001`"
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                raise BusyError(f"port {port} on {host} to be free", "another program on it", remedy) from error
            raise UsageError("an address and port of this machine", f"{host}:{port} ({error})", remedy) from error


def stop(server: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """End the server and its workers: politely, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(patience_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _interrupt() -> None:
    raise KeyboardInterrupt
