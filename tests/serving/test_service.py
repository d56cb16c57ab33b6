"""The service: right answers for images, reasons for everything else."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from starlette.testclient import TestClient

from segwise import bundle, hosting
from segwise.dataset.images import decode_image
from segwise.dataset.rle import run_lengths
from segwise.errors import BusyError, IntegrityError, SegwiseError
from segwise.predict.answer import outlines
from segwise.predict.predictor import Predictor
from segwise.serving.app import ModelHeader, make_app
from segwise.serving.engine import Engine
from segwise.stages import serve
from tests.factory import draw_discs, paint_pixels
from tests.model_folder import CLASS, make_model

LIMITS = {"max_body_mb": 0.5, "max_megapixels": 0.1}


@pytest.fixture(scope="session")
def package_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("package")
    make_model(root / bundle.MODEL)
    bundle.write_manifest(root, {"winner": "semantic", "why": "it passes", "data_md5": None, "limits": LIMITS})
    return root


@pytest.fixture(scope="session")
def client(package_root: Path) -> Iterator[TestClient]:
    """The application without BentoML, which adds nothing to what is tested here."""
    app = make_app()
    app.state.engine = Engine.load(package_root)
    with TestClient(ModelHeader(app, app.state), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def pixels() -> Any:
    rng = np.random.default_rng(3)
    return paint_pixels(draw_discs(rng), "fluorescence", rng)


def decoded(rle: dict[str, Any]) -> Any:
    """The mask of a compressed RLE, by our own reader (pycocotools' warns with this NumPy)."""
    runs = run_lengths(rle["counts"])
    assert runs is not None
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(rle["size"], order="F")


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def post(client: Any, image: bytes, path: str = "/predict", name: str = "image", **more: Any) -> Any:
    return client.post(path, files={name: ("a.png", image)}, **more)


def test_the_answer_is_the_predictors(client: TestClient, package_root: Path, pixels: Any) -> None:
    answer = post(client, encoded(pixels)).json()
    expected = Predictor.load(package_root / bundle.MODEL).predict(pixels)
    assert answer["counts"] == {CLASS: len(expected.objects)}
    assert len(expected.objects) > 2
    assert (answer["height"], answer["width"]) == pixels.shape[:2]
    assert answer["coverage"][CLASS] == pytest.approx((expected.class_map == 1).mean(), abs=1e-6)
    for index, found in enumerate(answer["objects"]):
        assert found["box_xyxy"] == expected.objects.boxes_xyxy[index].tolist()
        assert found["area_px"] == expected.objects.areas_px[index]
        assert np.array_equal(decoded(found["rle"]), expected.objects.masks()[index])


@pytest.mark.parametrize("way", ["query", "form"])
def test_polygons_cover_the_masks(client: TestClient, pixels: Any, way: str) -> None:
    more: dict[str, Any] = {"params": {"masks": "polygon"}} if way == "query" else {"data": {"masks": "polygon"}}
    answer = post(client, encoded(pixels), **more).json()
    exact = post(client, encoded(pixels)).json()
    for found, truth in zip(answer["objects"], exact["objects"], strict=True):
        rles = coco_mask.frPyObjects(found["polygon"], answer["height"], answer["width"])
        drawn = decoded({**coco_mask.merge(rles), "counts": coco_mask.merge(rles)["counts"].decode()})
        mask = decoded(truth["rle"])
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.85


def test_a_single_pixel_has_a_polygon_too() -> None:
    ((*polygon,),) = outlines(np.ones((1, 1), dtype=bool), 5, 7)
    assert len(polygon) >= 6
    assert all(5 <= x <= 6 and 7 <= y <= 8 for x, y in zip(polygon[::2], polygon[1::2], strict=True))


def test_masks_can_be_left_out(client: TestClient, pixels: Any) -> None:
    answer = post(client, encoded(pixels), params={"masks": "none"}).json()
    assert answer["objects"][0].keys() == {"class", "score", "area_px", "box_xyxy"}


def test_the_overlay_is_a_png_of_the_same_size_that_differs_from_the_image(client: TestClient, pixels: Any) -> None:
    answer = post(client, encoded(pixels), "/overlay")
    drawn = decode_image(answer.content, 10**6)
    assert answer.headers["content-type"] == "image/png"
    assert drawn.shape == pixels.shape
    assert (drawn != pixels).any()


def test_every_answer_names_the_model_by_its_digest(client: TestClient, package_root: Path, pixels: Any) -> None:
    digest = bundle.verify(package_root)[0]
    answers = [client.get("/"), client.get("/model"), post(client, encoded(pixels)), post(client, b"no image")]
    assert [a.headers[bundle.HEADER] for a in answers] == [digest] * 4
    assert answers[1].json()["digest"] == answers[2].json()["model"] == digest


def test_an_image_without_objects_is_answered_with_none(client: TestClient) -> None:
    answer = post(client, encoded(np.zeros((33, 47, 3), dtype=np.uint8))).json()
    assert answer["objects"] == []
    assert answer["counts"] == {CLASS: 0}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_the_named_formats_are_read(client: TestClient, pixels: Any, kind: str) -> None:
    assert post(client, encoded(pixels, kind)).status_code == 200


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA"])
def test_grey_palette_and_alpha_images_are_read(client: TestClient, pixels: Any, mode: str) -> None:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    assert post(client, file.getvalue()).status_code == 200


def bad_uploads() -> dict[str, tuple[bytes, int]]:
    good = encoded(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    return {
        "empty": (b"", 415),
        "text": (b"hello", 415),
        "eps": (eps, 415),
        "gif": (encoded(np.zeros((8, 8), dtype=np.uint8), "GIF"), 415),
        "truncated": (good[: len(good) // 2], 422),
        "flipped": (good[:100] + bytes(64) + good[164:], 422),
        "bomb": (encoded(np.zeros((4000, 4000), dtype=np.uint8)), 413),
        "large": (good + bytes(600_000), 413),
    }


@pytest.mark.parametrize("kind", list(bad_uploads()))
@pytest.mark.parametrize("path", ["/predict", "/overlay"])
def test_a_bad_image_is_refused_with_a_reason(client: TestClient, kind: str, path: str) -> None:
    data, status = bad_uploads()[kind]
    answer = post(client, data, path)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "came", "remedy"}
    if kind in ("bomb", "large"):
        assert f"at most {'100,000 pixels' if kind == 'bomb' else '500,000 bytes'}" in answer.json()["error"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"content": b"x", "headers": {"content-type": "image/png"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400),
        ({}, 400),
        ({"files": {"picture": ("a.png", b"x")}}, 400),
        ({"data": {"image": "http://127.0.0.1:9/x.png"}, "files": {"other": ("a", b"x")}}, 400),
        ({"files": [("image", ("a", b"x")), ("image", ("b", b"x"))]}, 400),
        ({"files": {"image": ("a", b"x")}, "params": {"masks": "svg"}}, 400),
    ],
)
def test_a_request_without_a_file_named_image_is_refused(client: TestClient, more: dict[str, Any], status: int) -> None:
    answer = client.post("/predict", **more)
    assert answer.status_code == status
    assert answer.json()["remedy"]


def test_an_address_in_place_of_an_image_is_never_fetched(client: TestClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        body = f'--y\r\nContent-Disposition: form-data; name="image"\r\n\r\n{address}\r\n--y--\r\n'
        answer = client.post("/predict", content=body, headers={"content-type": "multipart/form-data; boundary=y"})
        assert answer.status_code == 400
        assert "never fetched" in answer.json()["came"]
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_body_without_a_length_is_cut_off_at_the_limit(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--y\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(30):
            yield bytes(50_000)

    answer = client.post("/predict", content=chunks(), headers={"content-type": "multipart/form-data; boundary=y"})
    assert answer.status_code == 413


def test_a_wrong_path_or_method_is_answered_in_json(client: TestClient) -> None:
    assert client.get("/predict").status_code == 405
    assert "remedy" in client.get("/nothing").json()


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/")
    outside = answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in outside
    assert "https://" not in outside
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["model.onnx", "model.json"])
def test_a_changed_model_is_not_loaded(tmp_path: Path, name: str) -> None:
    make_model(tmp_path / bundle.MODEL)
    bundle.write_manifest(tmp_path, {"limits": LIMITS})
    file = tmp_path / bundle.MODEL / name
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(IntegrityError, match=name):
        Engine.load(tmp_path)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_bentoml_serves_it_with_health_metrics_and_the_models_digest(package_root: Path, pixels: Any) -> None:
    port = free_port()
    env = {
        **hosting.environment(),
        "SEGWISE_PACKAGE": str(package_root),
        "BENTOML_HOME": str(package_root.parent / "home"),
    }
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    target = "segwise.serving.service:Segwise"
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            wait_until_ready(http)
            answer = post(http, encoded(pixels))
            assert answer.status_code == 200
            assert answer.headers[bundle.HEADER] == answer.json()["model"]
            assert post(http, b"nothing").status_code == 415
            for path in ("/healthz", "/readyz", "/livez", "/", "/model"):
                assert http.get(path).status_code == 200, path
            assert 'endpoint="/predict",http_response_code="415"' in http.get("/metrics").text
            with pytest.raises(BusyError, match=str(port)):
                serve.require_free("127.0.0.1", port)
    finally:
        hosting.stop(server)
    assert server.returncode is not None


def wait_until_ready(http: httpx.Client, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if http.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the server did not become ready")


def test_serving_without_a_champion_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SegwiseError, match="make run"):
        serve.run(port=free_port())


def test_the_class_map_is_the_predictors_pixel_by_pixel(client: TestClient, package_root: Path, pixels: Any) -> None:
    answer = post(client, encoded(pixels), "/class_map")
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as picture:
        found = np.array(picture)
    assert np.array_equal(found, Predictor.load(package_root / bundle.MODEL).predict(pixels).class_map)
    assert set(np.unique(found)) == {0, 1}


def test_the_model_card_is_plain_json(client: TestClient) -> None:
    card = client.get("/model").json()
    assert json.loads(json.dumps(card)) == card
    assert card["winner"] == "semantic"
    assert card["spec"]["classes"][0]["name"] == CLASS
