"""A model folder that really predicts: discs brighter or darker than their background, found without any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from segwise.spec import ClassSpec, ModelSpec, sha256_of, write_spec

CLASS = "disc"


def make_model(folder: Path, gain: float = 8.0) -> Path:
    """Write a semantic model for `tests.factory` images: object where the mean of the channels is above a half.

    Args:
        gain: steepness of the logits; another gain makes another model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = np.zeros((2, 3, 2, 2), dtype=np.float32)
    weights[0], weights[1] = -gain / 12, gain / 12
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w", "b"], ["logits"], strides=[2, 2], kernel_shape=[2, 2])],
        "threshold",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2, "h2", "w2"])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.zeros(2, dtype=np.float32), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    spec = ModelSpec(
        approach="semantic",
        classes=(ClassSpec(id=1, name=CLASS, isthing=True),),
        zoom=1.0,
        stride_px=32,
        mean=(0.4, 0.4, 0.4),
        std=(0.25, 0.25, 0.25),
        onnx_sha256=sha256_of(folder / "model.onnx"),
    )
    write_spec(folder, spec)
    return folder
