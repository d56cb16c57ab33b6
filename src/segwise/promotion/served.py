"""Answers of the built Bento over HTTP, as the service's users get them, turned back into predictions."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from segwise.bundle import HEADER
from segwise.errors import SegwiseError
from segwise.predict.overlay import png
from segwise.types import ClassInfo, Image, Objects, Prediction

TIMEOUT_S = 120.0
BOUNDARY = "segwise-7d1f0c"


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One answer; `digest`: of the package, by the response header and by the body."""

    prediction: Prediction
    digest: tuple[str, str]


def ask(address: str, image: Image, classes: Sequence[ClassInfo]) -> Served:
    """Send an image, uint8 (H, W, 3) RGB, as PNG to `/predict` and `/class_map` of the service at `address`.

    Raises:
        SegwiseError: the service refuses it, or answers something else than this program understands.
    """
    data = png(image)
    body, header = _post(f"{address}/predict?masks=rle", data)
    said = json.loads(body)
    flags = np.frombuffer(_post(f"{address}/class_map", data)[0], dtype=np.uint8)
    class_map = np.asarray(cv2.imdecode(flags, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
    prediction = Prediction(class_map, objects_of(said, classes), bool(said.get("escalated")))
    return Served(prediction, (header, said["model"]))


def objects_of(said: dict[str, Any], classes: Sequence[ClassInfo]) -> Objects:
    """The objects of an answer of `/predict?masks=rle`, in its order."""
    ids = {c.name: c.id for c in classes}
    found = said["objects"]
    boxes = np.array([item["box_xyxy"] for item in found], dtype=np.int32).reshape(-1, 4)
    masks = [coco_mask.decode({**item["rle"], "counts": item["rle"]["counts"].encode()}) for item in found]
    crops = [np.array(m[y0:y1, x0:x1], dtype=bool) for m, (x0, y0, x1, y1) in zip(masks, boxes.tolist(), strict=True)]
    return Objects(
        (said["height"], said["width"]),
        np.array([ids[item["class"]] for item in found], dtype=np.int64),
        np.array([item["score"] for item in found], dtype=np.float32),
        boxes,
        tuple(crops),
        np.zeros(len(found), dtype=bool),
    )


def _post(url: str, data: bytes) -> tuple[bytes, str]:
    """The body of the answer and the digest in its header."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image.png"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    request = urllib.request.Request(url, data=body, headers=kind)  # noqa: S310 -- our own server's address
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 -- as above
            return answer.read(), str(answer.headers.get(HEADER, ""))
    except urllib.error.HTTPError as error:
        came = f"{error.code}: {error.read()[:300].decode(errors='replace')}"
        raise SegwiseError("the packaged service to answer a test image", came, "`dvc repro package`") from error
    except (urllib.error.URLError, OSError) as error:
        raise SegwiseError("the packaged service to answer", str(error), "run it again") from error
