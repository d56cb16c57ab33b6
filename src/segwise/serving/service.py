"""The BentoML service: it owns the process, health, metrics and limits; the endpoints are `app`'s."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml

from segwise.serving.app import ModelHeader, make_app
from segwise.serving.engine import Engine

ROOT = Path(os.environ.get("SEGWISE_PACKAGE", Path(__file__).resolve().parents[3]))  # <Bento>/src/segwise/serving/
app = make_app()


@bentoml.asgi_app(app, path="/")
@bentoml.service(name="segwise", workers=2, traffic={"timeout": 60, "max_concurrency": 64})
class Segwise:
    """Segment images with the packaged model."""

    def __init__(self) -> None:
        app.state.engine = Engine.load(ROOT)


Segwise.add_asgi_middleware(ModelHeader, state=app.state)  # type: ignore[attr-defined]  # the decorators made it a Service
