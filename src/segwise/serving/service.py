"""The BentoML service: it owns the process, health, metrics and limits; the endpoints are `app`'s."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import bentoml

from segwise.serving.app import ModelHeader, make_app
from segwise.serving.engine import Engine

ROOT = Path(os.environ.get("SEGWISE_PACKAGE", Path(__file__).resolve().parents[3]))  # <Bento>/src/segwise/serving/
app = make_app()


def follow(supervisor: int, every_s: float = 1.0) -> None:
    """End BentoML's arbiter, this worker's parent, when `segwise serve` is gone: killed, it could not do so itself."""
    while True:
        try:
            os.kill(supervisor, 0)
        except ProcessLookupError:
            os.kill(os.getppid(), signal.SIGTERM)
            return
        time.sleep(every_s)


@bentoml.asgi_app(app, path="/")
@bentoml.service(name="segwise", workers=2, traffic={"timeout": 60, "max_concurrency": 64})
class Segwise:
    """Segment images with the packaged model."""

    def __init__(self) -> None:
        app.state.engine = Engine.load(ROOT)
        if supervisor := os.environ.get("SEGWISE_SUPERVISOR"):
            threading.Thread(target=follow, args=(int(supervisor),), daemon=True).start()


Segwise.add_asgi_middleware(ModelHeader, state=app.state)  # type: ignore[attr-defined]  # the decorators made it a Service
