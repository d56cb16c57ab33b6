"""A trained network as an ONNX graph, checked against the network it came from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segwise.errors import IntegrityError

SIZES = ((256, 256), (320, 192))  # the graph is traced at the first and compared at both


def write(graph: nn.Module, path: Path, outputs: Sequence[str], axes: dict[str, dict[int, str]], opset: int) -> None:
    """Write `graph`, a module of one image (1, 3, h, w), with dynamic sizes. The same weights give the same bytes."""
    image = sample(SIZES[0])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of sizes that torchvision handles
        torch.onnx.export(
            graph.eval(), (image,), path, dynamo=False, opset_version=opset, input_names=["image"],
            output_names=list(outputs), dynamic_axes=axes, do_constant_folding=True,
        )  # fmt: skip


def difference(graph: nn.Module, path: Path) -> float:
    """Largest absolute difference between the network and its ONNX graph over `SIZES`, per output in units of its
    largest value where that is above 1.

    Raises:
        IntegrityError: the two answer different numbers of objects, or objects of different classes.
    """
    import onnxruntime as ort

    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for size in SIZES:
        image = sample(size)
        with torch.inference_mode():
            ours = [value.numpy() for value in graph.eval()(image)]
        theirs = session.run(None, {"image": image.numpy()})
        worst = max(worst, *(_gap(a, b) for a, b in zip(ours, in_order_of(ours, theirs), strict=True)))
    return worst


def in_order_of(ours: Sequence[Any], theirs: Sequence[Any]) -> Sequence[Any]:
    """`theirs` with its objects in the order of `ours`, by box and class: two whose scores differ in the last bits may
    come in either order. Other outputs, and objects that are not the same ones, are returned as they are.

    Args:
        ours, theirs: the outputs in the order of the graph; those of objects begin with boxes (N, 4) and labels (N,).
    """
    if ours[0].ndim != 2 or ours[0].shape != theirs[0].shape or not len(ours[0]):
        return theirs
    a, b = (np.concatenate((boxes, 1e6 * labels[:, None]), axis=1) for boxes, labels, *_ in (ours, theirs))
    nearest = np.abs(a[:, None] - b).max(axis=-1).argmin(axis=1)
    return [value[nearest] for value in theirs] if len(set(nearest.tolist())) == len(nearest) else theirs


def sample(size: tuple[int, int]) -> Tensor:
    """A smooth, structured test image, float (1, 3, h, w) of about unit variance, always the same."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.standard_normal((1, 3, size[0] // 16, size[1] // 16)).astype(np.float32))
    return torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")


def _gap(a: Any, b: Any) -> float:
    if a.shape != b.shape:
        remedy = "convert again with another `convert.opset`"
        raise IntegrityError(f"the graph to answer shape {a.shape}", str(b.shape), remedy)
    return float(np.abs(a - b).max() / max(1.0, float(np.abs(a).max()))) if a.size else 0.0
