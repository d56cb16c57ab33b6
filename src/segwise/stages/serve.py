"""serve: start BentoML on exactly the champion's verified bytes."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segwise import hosting, store, trust
from segwise.errors import BusyError, SegwiseError, UsageError


def run(host: str = "127.0.0.1", port: int = 3000, verify_keys: Sequence[Path] = ()) -> dict[str, Any]:
    """Serve until interrupted.

    Args:
        verify_keys: public keys, one of which must have signed the champion (see `trust`).

    Raises:
        SegwiseError: there is no champion, or the server ended by itself.
        BusyError: the port is taken.
        IntegrityError: the champion's bytes are not those that were promoted, or not signed as asked.
    """
    folder, event = store.champion(verify_keys)
    require_free(host, port)
    name = event.details.get("approach", "the champion")
    signed = ", signature verified," if trust.keys(verify_keys) else ""
    print(f"serving {name} {event.digest[:12]}{signed} on http://{host}:{port}  (Ctrl-C stops)", flush=True)
    server = hosting.start(folder, host, port)
    previous = signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        hosting.stop(server)
    if code:
        raise SegwiseError("the server to run until it is interrupted", f"exit code {code}", "its last lines say why")
    return {"digest": event.digest, "summary": "stopped"}


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


def _interrupt() -> None:
    raise KeyboardInterrupt
