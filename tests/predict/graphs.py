"""Tiny ONNX graphs in place of trained networks: they see bright pixels. Written with onnx.helper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper, save

from segwise.spec import ModelSpec, sha256_of, write_spec
from tests.predict.synthetic import spec as make_spec

INPUT = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])


def write_model(folder: Path, approach: str, zoom: float = 1.0, point: dict[str, float] | None = None) -> ModelSpec:
    """A model folder whose graph calls pixels brighter than the mean class 1."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = instance_graph() if approach == "instance" else dense_graph(approach)
    save(graph, str(folder / "model.onnx"))
    spec = make_spec(approach, zoom=zoom, digest=sha256_of(folder / "model.onnx")).model_copy(
        update={"point": point or {}}
    )
    write_spec(folder, spec)
    return spec


def dense_graph(approach: str) -> ModelProto:
    """Logits (-m, m) of the mean channel m at stride 2; the extra heads are functions of the same map."""
    weight = np.zeros((2, 3, 1, 1), dtype=np.float32)
    weight[0], weight[1] = -4, 4
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["small", "weight"], ["logits"]),
    ]
    constants = [numpy_helper.from_array(weight, "weight")]
    outputs = {"logits": 2}
    if approach == "hybrid":
        zero = np.zeros((2, 3, 1, 1), dtype=np.float32)
        constants += [numpy_helper.from_array(weight[1:], "bright"), numpy_helper.from_array(zero, "zero")]
        nodes += [
            helper.make_node("Conv", ["small", "bright"], ["raw"]),
            helper.make_node("Sigmoid", ["raw"], ["center"]),
            helper.make_node("Sigmoid", ["raw"], ["distance"]),
            helper.make_node("Conv", ["small", "zero"], ["offset"]),
        ]
        outputs |= {"center": 1, "distance": 1, "offset": 2}
    return _model(nodes, constants, {name: (TensorProto.FLOAT, [1, c, "oh", "ow"]) for name, c in outputs.items()})


def instance_graph() -> ModelProto:
    """Two fixed detections, one of them under every sensible threshold."""
    values = {
        "boxes": np.array([[8, 8, 24, 24], [40, 8, 56, 20]], dtype=np.float32),
        "labels": np.array([1, 1], dtype=np.int64),
        "scores": np.array([0.9, 0.1], dtype=np.float32),
        "masks": np.ones((2, 28, 28), dtype=np.float32),
    }
    nodes = [helper.make_node("Identity", [f"{name}_value"], [name]) for name in values]
    constants = [numpy_helper.from_array(value, f"{name}_value") for name, value in values.items()]
    kinds = {name: (helper.np_dtype_to_tensor_dtype(v.dtype), list(v.shape)) for name, v in values.items()}
    return _model(nodes, constants, kinds)


def _model(
    nodes: list[NodeProto], constants: list[TensorProto], outputs: dict[str, tuple[int, list[int | str]]]
) -> ModelProto:
    infos = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()]
    graph = helper.make_graph(nodes, "tiny", [INPUT], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    checker.check_model(model)
    return model
