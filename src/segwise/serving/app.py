"""The HTTP side of the service, as an ASGI application: uploads in, reasons out. Nothing here knows BentoML."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import anyio
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segwise.bundle import HEADER
from segwise.dataset.images import ImageFormatError, ImageTooLargeError
from segwise.errors import DataInvalidError
from segwise.predict.answer import MASK_FORMS, MaskForm
from segwise.serving.engine import Engine

PAGE = Path(__file__).with_name("page.html")
DRAIN_BYTES = 64_000_000  # of a body that is too large, read on so that the client can receive the reason
POLICY = (
    "default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


class RefusalError(Exception):
    """A request that cannot be served: the status, what was expected, what came, what to do."""

    def __init__(self, status: int, expected: str, came: str, remedy: str) -> None:
        super().__init__(expected)
        self.status, self.body = status, {"error": f"expected {expected}", "came": came, "remedy": remedy}


def make_app() -> Starlette:
    """The application; set `app.state.engine` before the first request."""
    routes = [
        Route("/", _page, methods=["GET"]),
        Route("/predict", _predict, methods=["POST"]),
        Route("/overlay", _overlay, methods=["POST"]),
        Route("/class_map", _class_map, methods=["POST"]),
        Route("/model", _card, methods=["GET"]),
    ]
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        RefusalError: _refuse,
        HTTPException: _http_error,
    }
    app = Starlette(routes=routes, exception_handlers=cast("Any", handlers))
    app.state.one_at_a_time = anyio.Semaphore(1)
    return app


class ModelHeader:
    """Adds the served package's digest to every response of the wrapped application."""

    def __init__(self, app: ASGIApp, state: Any) -> None:
        self.app, self.state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start" and (engine := getattr(self.state, "engine", None)):
                header = (HEADER.lower().encode(), engine.digest.encode())
                message["headers"] = [*message.get("headers", []), header]
            await send(message)

        await self.app(scope, receive, send_named if scope["type"] == "http" else send)


async def _page(_: Request) -> Response:
    return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"Content-Security-Policy": POLICY})


async def _card(request: Request) -> Response:
    return JSONResponse(_engine(request).card())


async def _predict(request: Request) -> Response:
    data, fields = await _upload(request)
    masks = request.query_params.get("masks") or fields.get("masks") or "rle"
    if masks not in MASK_FORMS:
        raise RefusalError(400, f"`masks` to be one of {', '.join(MASK_FORMS)}", repr(masks[:40]), "change or drop it")
    return JSONResponse(await _run(request, lambda engine: engine.answer(data, cast("MaskForm", masks))))


async def _overlay(request: Request) -> Response:
    data, _ = await _upload(request)
    return Response(await _run(request, lambda engine: engine.picture(data)), media_type="image/png")


async def _class_map(request: Request) -> Response:
    data, _ = await _upload(request)
    return Response(await _run(request, lambda engine: engine.class_map(data)), media_type="image/png")


async def _run(request: Request, work: Callable[[Engine], Any]) -> Any:
    """Run `work` off the event loop, one at a time, and name what is wrong with an image by its status."""
    try:
        async with request.app.state.one_at_a_time:
            return await anyio.to_thread.run_sync(work, _engine(request))
    except DataInvalidError as error:
        kinds = {ImageFormatError: 415, ImageTooLargeError: 413}
        raise RefusalError(kinds.get(type(error), 422), error.expected, error.came, error.remedy) from error


async def _upload(request: Request) -> tuple[bytes, dict[str, str]]:
    """The bytes of the file in the field `image`, and the text fields beside it."""
    how = "send a form: curl -F image=@picture.png …/predict"
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        came = request.headers.get("content-type", "no content type")
        raise RefusalError(400, "a multipart/form-data body", came, how)
    try:
        parser = MultiPartParser(request.headers, _limited(request), max_files=1, max_fields=8, max_part_size=4096)
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise RefusalError(400, "a well-formed multipart body with one file", str(error), how) from error
    try:
        image = form.get("image")
        if not isinstance(image, UploadFile):
            came = "a text, which is never fetched or opened" if isinstance(image, str) else f"fields {sorted(form)}"
            raise RefusalError(400, "a file in the field `image`", came, how)
        return await image.read(), {key: value for key, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """The body's chunks, as long as they stay under the limit, whatever Content-Length says."""
    limit, size = _engine(request).max_body_bytes, 0
    promised = request.headers.get("content-length", "")
    too_large = promised.isdigit() and int(promised) > limit
    async for chunk in request.stream():
        size += len(chunk)
        too_large = too_large or size > limit
        if too_large and size > DRAIN_BYTES:
            break
        if not too_large:
            yield chunk
    if too_large:
        came = f"{int(promised):,} bytes" if promised.isdigit() else f"more than {limit:,} bytes"
        raise RefusalError(413, f"a body of at most {limit:,} bytes", came, "send a smaller image or tiles of it")


async def _refuse(_: Request, refusal: RefusalError) -> Response:
    return JSONResponse(refusal.body, status_code=refusal.status)


async def _http_error(request: Request, error: HTTPException) -> Response:
    body = {"error": error.detail, "came": f"{request.method} {request.url.path}", "remedy": "see / for the endpoints"}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


def _engine(request: Request) -> Engine:
    return cast("Engine", request.app.state.engine)
